"""What the pages for people with photographs say: the commands are ones, and the Python runs."""

import re
import shlex
import textwrap
from pathlib import Path

import pytest
from sklearn.decomposition import PCA

from skisp import PatchTransformer
from skisp.cli._parser import build_parser
from skisp.datasets import load_photographs, make_style_image
from skisp.io import read_film, read_image, resize_longest, write_film, write_image

ROOT = Path(__file__).parents[2]
TASKS, FILMS = ((ROOT / "docs" / f"{name}.rst").read_text() for name in ("tasks", "films"))
PAGES = [ROOT / "README.md", *(ROOT / "docs").glob("*.rst"), *(ROOT / "docs" / "guide").glob("*.rst")]
# In blocks of code, in the README's table, and those in a line that say where the picture goes.
SHOWN = re.compile(r"^ {4}(skisp [a-z].*)$|^\|.*`(skisp .*)`|``(skisp [^`]* -o [^`]*)``", re.MULTILINE)
COMMANDS = {next(filter(None, found)).partition("#")[0] for page in PAGES for found in SHOWN.findall(page.read_text())}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The files that stand for one's own."""
    monkeypatch.chdir(tmp_path)
    photographs = [resize_longest(photograph, 32) for photograph in load_photographs()]
    Path("photos").mkdir()
    write_image("photo.jpg", photographs[0])
    for name, photograph in zip("ab", photographs, strict=True):
        write_image(f"photos/{name}.jpg", photograph)
    for name, kind in {"painting": "waves", "other": "woodcut"}.items():
        write_image(f"{name}.jpg", make_style_image(kind, size=32, random_state=0))
    return tmp_path


@pytest.fixture
def quick_training(monkeypatch):
    monkeypatch.setattr(PatchTransformer, "_unfitted_transformer", lambda _: PCA(4))


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_a_command_on_a_page_is_one(command):
    build_parser().parse_args(shlex.split(command)[1:])


@pytest.mark.parametrize("title", re.findall(r"^\.\. _task-(\w+):", TASKS, re.MULTILINE))
def test_a_task_has_a_picture_a_command_and_python_that_runs(title, folder, quick_training):
    section = re.split(rf"^\.\. _task-{title}:$", TASKS, flags=re.MULTILINE)[1].split("\n.. _task-")[0]
    assert section.count(".. plot::") == 1
    assert "    skisp " in section
    (code,) = re.findall(r"^\.\. code-block:: python\n\n((?: {4}.*\n|\n)+)", section, re.MULTILINE)
    if title == "film":
        pytest.importorskip("av")
        write_film("film.mp4", [read_image("photo.jpg")] * 3)
    names = {}
    exec(textwrap.dedent(code), names)
    made = {"photograph": "picture", "folder": "pictures", "keep": "style", "film": "propagator"}.get(title)
    assert made is None or made in names
    if title == "film":
        assert len(list(read_film("out.mp4"))) == 3


def test_there_are_eight_tasks_and_the_front_page_leads_to_each():
    tasks = re.findall(r"^\.\. _(task-\w+):", TASKS, re.MULTILINE)
    assert len(tasks) == 8
    assert re.findall(r"<(task-\w+)>`", (ROOT / "docs" / "index.rst").read_text()) == tasks


def test_the_page_of_films_says_the_python_of_the_task():
    def code(page):
        return {line.strip() for line in re.findall(r"^    .*film.*$", page, re.MULTILINE) if "import" in line}

    assert code(FILMS) == code(TASKS) != set()
