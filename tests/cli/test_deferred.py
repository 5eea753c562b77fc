"""Modules that are executed when something of them is first asked for."""

import importlib
import sys
import threading

import pytest

from skisp.cli._deferred import deferred

PACKAGE = {
    "__init__.py": "import executed; executed.append('package'); from . import inner; answer = inner.half * 2\n"
    "def __getattr__(name):\n    if name == 'late': return 'made'\n    raise AttributeError(name)\n",
    "inner.py": "import executed; executed.append('inner'); half = 21\n",
    "outer.py": "import executed; executed.append('outer')\n",
}


@pytest.fixture
def executed(tmp_path, monkeypatch):
    """A package ``slow_package``; what of it is executed is told here."""
    (tmp_path / "slow_package").mkdir()
    for name, text in PACKAGE.items():
        (tmp_path / "slow_package" / name).write_text(text)
    (tmp_path / "executed.py").write_text("from builtins import list\nparts = []\nappend = parts.append\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    before = set(sys.modules)
    yield importlib.import_module("executed").parts
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.fixture
def package(executed):
    with deferred("slow_package"):
        return importlib.import_module("slow_package")


def test_a_module_is_executed_once_and_only_when_something_of_it_is_asked_for(package, executed):
    assert importlib.import_module("slow_package") is package
    assert (package.__name__, package.__file__[-11:], executed) == ("slow_package", "__init__.py", [])
    assert package.answer == 42
    assert package.late == "made"
    assert executed == ["package", "inner"]
    assert type(package) is type(sys)


def test_what_it_lacks_is_missed_as_in_any_module(package, executed):
    with pytest.raises(AttributeError, match="nothing"):
        package.nothing  # noqa: B018
    with pytest.raises(ImportError, match="nothing"):
        exec("from slow_package import nothing", {})
    assert executed == ["package", "inner"]


def test_a_submodule_is_imported_after_its_package(package, executed):
    importlib.import_module("slow_package.outer")
    assert executed == ["package", "inner", "outer"]


def test_threads_that_ask_at_the_same_time_have_it_executed_once(package, executed):
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(package.answer)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (answers, executed) == ([42] * 8, ["package", "inner"])


def test_a_module_that_fails_when_executed_fails_for_whoever_asks(package, executed, tmp_path):
    (tmp_path / "slow_package" / "inner.py").write_text("raise RuntimeError('damaged')")
    for _ in range(2):
        with pytest.raises(RuntimeError, match="damaged"):
            package.answer  # noqa: B018


def test_nothing_is_deferred_afterwards_nor_what_is_not_named(executed):
    finders = list(sys.meta_path)
    with deferred("other", "slow_package.no_such"):
        importlib.import_module("slow_package")
        with pytest.raises(ImportError):
            importlib.import_module("slow_package.no_such")
    assert (executed, sys.meta_path) == (["package", "inner"], finders)
