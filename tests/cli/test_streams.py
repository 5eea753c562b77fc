"""What is printed where nobody reads it, or where it cannot be written."""

import os
import subprocess
import sys

import pytest

from skisp.cli import main
from skisp.datasets import STYLE_KINDS

from .._processes import ENVIRONMENT

pytestmark = pytest.mark.skipif(os.name != "posix", reason="streams as POSIX has them")
ALL = sorted(f"{kind}.png" for kind in STYLE_KINDS)


def styles(folder, redirection, size=8):
    command = f"{sys.executable} -m skisp styles -o out --size {size} {redirection}"
    return subprocess.run(
        ["bash", "-c", f"{command}; echo ${{PIPESTATUS[0]}} >status"],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )


@pytest.mark.parametrize(
    ("redirection", "status", "said"),
    [
        ("| head -1", 0, ""),
        # The next file that is opened has the number of the closed stream; notes must not be written there.
        ("<&- >&- 2>&-", 0, ""),
        (">/dev/full", 1, "skisp: error: cannot print: No space left on device; what was to be written to files is\n"),
    ],
)
def test_pictures_are_written_whoever_reads_their_names(tmp_path, redirection, status, said):
    done = styles(tmp_path, redirection)
    assert (done.stderr, done.stdout) == (said, f"out/{STYLE_KINDS[0]}.png\n" if "head" in redirection else "")
    assert sorted(os.listdir(tmp_path / "out")) == ALL
    for name in ALL:
        assert (tmp_path / "out" / name).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert (tmp_path / "status").read_text() == f"{status}\n"


def test_the_streams_of_the_process_are_as_they_were(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = sys.stdout, sys.stderr
    assert main(["styles", "--size", "0"]) == 2
    assert (sys.stdout, sys.stderr) == before
