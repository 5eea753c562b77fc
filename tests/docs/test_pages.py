"""What the pages of the documentation print is what their code prints."""

import doctest
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
# One has commands between its code, the other needs libraries that may be missing: they have tests of their own.
OTHERS = {"tutorial_photographs", "libraries"}
PAGES = sorted(page for page in [*DOCS.glob("*.rst"), *DOCS.glob("guide/*.rst")] if page.stem not in OTHERS)
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@pytest.mark.parametrize("page", [page for page in PAGES if ">>>" in page.read_text()], ids=lambda page: page.stem)
def test_the_page_prints_what_it_says(page, tmp_path, monkeypatch):
    if "matplotlib" in page.read_text():
        pytest.importorskip("matplotlib").use("Agg")
    monkeypatch.chdir(tmp_path)
    failed, tried = doctest.testfile(str(page), module_relative=False, optionflags=FLAGS)
    assert tried > 0
    assert failed == 0  # what differs was printed


EXAMPLES = DOCS.parent / "examples"
FIGURES = {
    file.stem: widths
    for file in [*DOCS.glob("*.rst"), *DOCS.glob("guide/*.rst"), *EXAMPLES.glob("*.py")]
    if (widths := re.findall(r"(?:figsize=|\bsize = )\((\d+(?:\.\d+)?), ", file.read_text("utf-8")))
}


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_words_in_figures_can_be_read_on_a_phone(name):
    """There a figure is 360 pixels wide, and letters are as much smaller as it is wider."""
    assert max(map(float, FIGURES[name])) <= 8
