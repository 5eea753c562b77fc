"""How the process of the command begins and ends."""

import subprocess
import sys

import pytest

from .._processes import ENVIRONMENT


def run(code):
    return subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=False)


def test_a_command_ends_with_its_status_and_all_it_printed_when_threads_and_handlers_are_done():
    code = """
import atexit, sys, threading, time
import skisp.__main__

def later():
    time.sleep(0.2)
    print("the thread is done")

def main():
    atexit.register(print, "the handler is done", file=sys.stderr)
    threading.Thread(target=later).start()
    print("the command is done")
    return 3

skisp.__main__.main = main
skisp.__main__.run()
"""
    done = run(code)
    assert done.stdout == "the command is done\nthe thread is done\n"
    assert (done.stderr, done.returncode) == ("the handler is done\n", 3)


@pytest.mark.parametrize(
    ("raised", "status", "said"), [("SystemExit(5)", 5, ""), ("ValueError('a fault')", 1, "ValueError: a fault")]
)
def test_what_a_command_raises_ends_it_as_python_does(raised, status, said):
    code = f"""
import skisp.__main__

def main():
    raise {raised}

skisp.__main__.main = main
skisp.__main__.run()
"""
    done = run(code)
    assert done.returncode == status
    assert done.stderr.strip().endswith(said)


def test_what_no_command_needs_is_imported_but_not_executed():
    code = """
import sys
from skisp.cli._imports import import_estimators
import_estimators()
assert "scipy.stats._stats_py" not in sys.modules and "scipy.optimize" not in sys.modules
import scipy
print(scipy.stats.norm.cdf(0.0), scipy.stats.kurtosis([1.0, 2.0, 3.0]).round(6))
from scipy.stats import rankdata
print(rankdata([3, 1, 2]))
"""
    done = run(code)
    assert (done.stdout, done.stderr) == ("0.5 -1.5\n[3. 1. 2.]\n", "")
