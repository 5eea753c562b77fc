"""The front page of the documentation says what the README says, and its code runs."""

import re
import textwrap
from pathlib import Path

import pytest
from sklearn.decomposition import PCA

from skisp import PatchTransformer

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "index.rst").read_text()
README = (ROOT / "README.md").read_text()


def test_it_has_the_commands_of_the_readme():
    readme = re.findall(r"^(pip install -c constraints\.txt .* && .*)$", README, re.MULTILINE)
    assert len(readme) == 2
    assert re.findall(r"^ +(pip install .*)$", PAGE, re.MULTILINE) == readme


@pytest.mark.parametrize(("page", "picture"), [(README, "!["), (PAGE, ".. plot::")], ids=["README", "index"])
def test_it_opens_with_a_picture_then_a_command_then_python_and_the_tests_come_last(page, picture):
    order = [page.index(part) for part in (picture, "&& skisp demo", 'propagate_style("photo.jpg"', "&& pytest")]
    assert order == sorted(order)
    assert page[: order[0]].count("\n") < 5


@pytest.mark.slow
def test_its_code_draws_two_rows_of_three_pictures(monkeypatch):
    monkeypatch.setattr(PatchTransformer, "_unfitted_transformer", lambda _: PCA(8))  # in no time
    pytest.importorskip("matplotlib").use("Agg")
    import matplotlib.pyplot as plt

    plots = re.findall(r"^\.\. plot::\n(?: {4}:.*\n)*((?:\n| {4}.*\n)+)", PAGE, re.MULTILINE)
    assert len(plots) == 1
    names = {}
    exec(textwrap.dedent(plots[0]), names)
    try:
        shapes = [[axis.images[0].get_array().shape for axis in row] for row in names["axes"]]
        assert shapes == [[names["photograph"].shape] * 3] * 2
    finally:
        plt.close(names["figure"])


def test_every_page_is_reached_from_it():
    toctree = re.findall(r"^    (?:.*<)?([\w/]+)>?$", PAGE[PAGE.index(".. toctree::") :], re.MULTILINE)
    pages = {page.stem for page in (ROOT / "docs").glob("*.rst")} - {"index", "sg_execution_times"}
    assert pages - set(toctree) == set()
