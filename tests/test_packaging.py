"""What the repository promises around the package."""

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import PCA

import skisp
from skisp import PatchTransformer
from skisp.datasets import load_photographs, make_style_image
from skisp.io import resize_longest, write_image

from ._processes import ENVIRONMENT

ROOT = Path(__file__).parent.parent
COMMANDS = [
    'pip install -c constraints.txt ".[cli]" && skisp demo',
    'pip install -c constraints.txt ".[test]" && pytest',
]


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_the_readme_has_the_two_commands():
    lines = (ROOT / "README.md").read_text().splitlines()
    assert [line for line in lines if line.startswith("pip install")] == COMMANDS


@pytest.mark.slow
def test_the_readme_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(PatchTransformer, "_unfitted_transformer", lambda _: PCA(8))  # in no time
    (tmp_path / "photos").mkdir()
    for i, photograph in enumerate(load_photographs()):
        write_image(f"photos/{i}.jpg", resize_longest(photograph, 80))
    (tmp_path / "photo.jpg").write_bytes((tmp_path / "photos" / "0.jpg").read_bytes())
    write_image("painting.jpg", make_style_image("waves", size=80, random_state=0))
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    names = {}
    for block in blocks:
        exec(block, names)
    assert len(blocks) == 5
    assert names["picture"].size == (80, 53)
    assert [picture.shape for picture in names["pictures"]] == [(53, 80, 3)] * 2
    assert 0 < names["search"].best_score_ < 1
    assert names["samples"].shape == (100, 8, 8)
    assert names["path"].shape == (10, 8, 8)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_newcomers_run_uses_the_commands_of_the_readme(command):
    assert f"newcomer '{command}'" in (ROOT / ".ci" / "run").read_text()


@pytest.mark.parametrize("person", ["photographs.sh", "notebook.py"])
def test_the_newcomers_run_has_the_first_ten_minutes_of_both_persons(person):
    assert (ROOT / ".ci" / f"first_minutes_{person}").exists()
    assert f".ci/first_minutes_{person}\n" in (ROOT / ".ci" / "run").read_text()


@pytest.mark.slow
def test_its_cells_run_in_a_notebook_and_show_the_style(monkeypatch):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    cells = (ROOT / ".ci" / "first_minutes_notebook.py").read_text().split("# %%")[1:]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("#" + cell) for cell in cells])
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    shown = [output["data"]["text/html"] for cell in notebook.cells for output in cell.outputs if "data" in output]
    assert ["data:image/png;base64," in html for html in shown] == [False, True]


def test_versions_agree():
    try:
        assert importlib.metadata.version("skisp") == skisp.__version__
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("skisp runs from its sources")


def test_the_citation_has_the_version():
    assert f"\nversion: {skisp.__version__}\n" in (ROOT / "CITATION.cff").read_text()


def test_type_annotations_are_shipped():
    assert Path(skisp.__file__).with_name("py.typed").exists()


def test_every_dependency_has_a_tested_version(project):
    pinned = re.findall(r"^([a-z0-9.-]+)==", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    for requirement in chain(project["dependencies"], *project["optional-dependencies"].values()):
        assert re.match(r"[A-Za-z0-9.-]+", requirement)[0].lower() in pinned, requirement


@pytest.mark.parametrize("name", skisp.__all__)
def test_public_names_are_found(name):
    assert name in dir(skisp)
    assert hasattr(skisp, name)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'skisp' has no attribute 'nothing'"):
        _ = skisp.nothing


def test_the_versions_of_all_that_is_used_are_shown(capsys, project):
    skisp.show_versions()
    shown = dict(re.findall(r"^ +(\S+): (.*)$", capsys.readouterr().out, re.MULTILINE))
    assert {"python", "skisp", "accelerator"} <= set(shown)
    assert shown["numpy"] == np.__version__
    for requirement in project["dependencies"]:
        assert re.match(r"[\w.-]+", requirement)[0] in shown
    assert not {"pytest", "sphinx", "ruff"} & set(shown)


# What is done one after the other in one process, and what must not be imported until then.
SECONDS = {"torch", "sklearn", "scipy"}
LIGHT_STEPS = {
    "import skisp": {*SECONDS, "numpy"},
    "from skisp.cli import main; main(['--version'])": SECONDS,
    "main(['--help'])": SECONDS,
    "main(['propagate', '--help'])": SECONDS,
    "import skisp.io": SECONDS,
    **{
        f"main([{command}, '-o', 'out'])": SECONDS
        for command in (
            "'propagate', 'gone.jpg', '--style', 'gone.jpg'",
            "'propagate', 'gone.jpg', '--style', 'here.png'",
            "'apply', 'here.png', '--model', 'gone.skisp'",
            "'fit', 'gone.jpg'",
            "'sequence', 'gone.jpg', '--style', 'here.png'",
            "'compare', 'gone.jpg', '--style', 'here.png'",
        )
    },
    "main(['score', 'here.png', 'here.png', 'gone.png'])": SECONDS,
    "import skisp.datasets": {"torch"},
    "import skisp.inspection": {"matplotlib"},
}


@pytest.fixture(scope="module")
def imported_too_early(tmp_path_factory):
    """What each of LIGHT_STEPS must not import but has; --help and --version end by SystemExit."""
    script = f"""
import sys
from contextlib import suppress
for code, heavy in {LIGHT_STEPS!r}.items():
    with suppress(SystemExit):
        exec(code)
    print("imported:", [code, sorted(heavy & sys.modules.keys())])
"""
    folder = tmp_path_factory.mktemp("light")
    write_image(folder / "here.png", make_style_image("waves", size=32, random_state=0))
    process = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        check=True,
        timeout=120,
    )
    return dict(ast.literal_eval(line) for line in re.findall("^imported: (.*)", process.stdout, re.MULTILINE))


@pytest.mark.parametrize("code", LIGHT_STEPS)
def test_heavy_packages_are_not_imported_before_they_are_needed(code, imported_too_early):
    assert imported_too_early[code] == []
