"""The tutorial of the command is followed literally, in an environment of its own, into which it installs first.

It sees the packages that these tests run with, which pip then need not unpack again (a minute); that the commands
install all that is needed is seen where the README's are run in an empty environment.
"""

import importlib.util
import os
import re
import shutil
import site
import subprocess
import sys
import venv
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ["skisp", "pyproject.toml", "constraints.txt", "README.md", "LICENSE"]
INSTALL = 'pip install -c constraints.txt ".[cli,plot]"'

# Runs what is given on its input as a session of Python; differences are printed, and end it with 1.
SESSION = """
import doctest, sys
test = doctest.DocTestParser().get_doctest(sys.stdin.read(), {"__name__": "__main__"}, "tutorial", None, 0)
runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
runner.run(test)
sys.exit(runner.failures > 0)
"""

# At the end of a module of the installed package: styles are learnt in no time, as in the tests of the other pages.
QUICK_TRAINING = """
from sklearn.decomposition import PCA
PatchTransformer._unfitted_transformer = lambda _: PCA(8)
"""

pytestmark = pytest.mark.slow


@dataclass
class Reader:
    """Somebody who types what a page says: commands in a shell, and code in a Python that they start for it."""

    environment: dict[str, str]
    folder: Path
    printed: list[str] = field(default_factory=list)

    def follow(self, page):
        """All steps but the first command, by which the environment was made."""
        first, *rest = steps((ROOT / "docs" / page).read_text())[1:]
        assert first == (True, INSTALL)
        for is_command, text in rest:
            if is_command:
                self.command(text)
            elif ">>>" in text:
                self.run([shutil.which("python", path=self.environment["PATH"]), "-c", SESSION], input=text)
        return self

    def command(self, text):
        # The next command starts in the folder in which this one has ended.
        end = 'echo; pwd >&3; exit "$status"'
        place = self.folder.parent / "place"
        script = f"exec 3>{place}\nset -e\n{text}\nstatus=$?\n{end}"
        self.run(["bash", "-c", script])
        self.folder = Path(place.read_text().strip())

    def run(self, command, **options):
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=600, **options
        )
        self.printed.append(done.stdout)
        assert done.returncode == 0, f"{options.get('input', command[-1])}\n{done.stdout}\n{done.stderr}"


def steps(page):
    """The page in order, cut into (True, commands of a bash block) and (False, the text between)."""
    parts = re.split(r"^\.\. code-block:: bash\n\n((?: {4}.*\n|\n)+)", page, flags=re.MULTILINE)
    commands = [re.sub(r"^ {4}", "", part, flags=re.MULTILINE).strip() for part in parts[1::2]]
    texts = [(False, text) for text in parts[0::2]]
    both = [step for pair in zip(texts, [(True, text) for text in commands], strict=False) for step in pair]
    return [*both, texts[-1]]


@pytest.fixture
def project(tmp_path):
    """A copy of what a wheel is built from, since commands write into the folder that they are typed in."""
    copy = tmp_path / "project"
    copy.mkdir()
    for name in SOURCES:
        place = ROOT / name
        ignore = shutil.ignore_patterns("__pycache__")
        _ = shutil.copytree(place, copy / name, ignore=ignore) if place.is_dir() else shutil.copy(place, copy / name)
    return copy


@pytest.fixture
def environment(project):
    """What a fresh environment's shell has, once the tutorial's first command has installed skisp there."""
    folder = project.parent
    venv.create(folder / "venv", with_pip=importlib.util.find_spec("pip") is None)
    ours = next((folder / "venv").rglob("site-packages"))
    (ours / "packages_of_the_tests.pth").write_text("\n".join(site.getsitepackages()))
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    environment = {
        **outside,
        "PATH": f"{folder / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "MPLBACKEND": "Agg",  # plots need no screen
    }
    pip = folder / "venv" / "bin" / "pip"
    if not pip.exists():
        pip.write_text('#!/bin/sh\nexec "$(dirname "$0")/python" -m pip "$@"\n')
        pip.chmod(0o755)
    done = subprocess.run(["bash", "-c", f"{INSTALL} -q"], cwd=project, env=environment, capture_output=True, text=True)
    if done.returncode and "No matching distribution" in done.stderr:
        pytest.skip(f"pip cannot reach packages: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    with open(ours / "skisp" / "propagation" / "_patch_transformer.py", "a", encoding="utf-8") as file:
        file.write(QUICK_TRAINING)
    return environment


@pytest.fixture
def reader(environment, project):
    return Reader(environment, project)


@pytest.mark.skipif(sys.platform == "win32", reason="the tutorial's commands are bash's")
def test_photographs(reader):
    assert (True, INSTALL) in steps((ROOT / "docs" / "tutorial_rows.rst").read_text())  # its only command
    reader.follow("tutorial_photographs.rst")
    folder = reader.folder
    assert folder.name == "photographs-tutorial"
    for name in ("out", "woodcut"):
        assert sorted(path.name for path in (folder / name).glob("[!.]*")) == ["china.jpg", "flower.jpg"]
    assert (folder / "sheet.png").stat().st_size > 20000
    assert all((folder / name).stat().st_size > 5000 for name in ("china-soft.jpg", "flower-woodcut.png"))
    # The figures that the page speaks of.
    (scores,) = [text for text in reader.printed if "style gained" in text]
    woodcut, photograph = (float(line.split()[0]) for line in scores.strip().splitlines())
    assert woodcut > 0.1
    assert photograph == 0
