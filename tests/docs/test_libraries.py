"""The page on other libraries: each section is run, where its library is installed."""

import ast
import doctest
import re
import warnings
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "libraries.rst").read_text()
FIRST, *REST = re.split(r"^(\S.*)\n-+\n", PAGE, flags=re.MULTILINE)
SECTIONS = dict(zip(REST[::2], REST[1::2], strict=True))


def modules(examples):
    """What code imports."""
    for node in ast.walk(ast.parse("".join(example.source for example in examples))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


@pytest.mark.parametrize("library", SECTIONS)
def test_what_the_page_says_of_a_library_is_so(library):
    test = doctest.DocTestParser().get_doctest(FIRST + SECTIONS[library], {}, library, "libraries.rst", 0)
    assert len(test.examples) > 6  # those that all sections begin with
    for name in modules(test.examples):
        pytest.importorskip(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what those libraries say of themselves
        failed, _ = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test)
    assert failed == 0  # what differs was printed


def test_every_library_of_the_table_has_its_section():
    named = re.findall(r"^    \* - (.*)$", FIRST, re.MULTILINE)[1:]
    described = [*SECTIONS, "pandas, polars", "Dask"]
    assert set(named) - set(described) == set()
    assert set(SECTIONS) - set(named) == {"polars"}
