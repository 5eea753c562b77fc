"""The benchmarks as one command: it lists them, runs them, and keeps their figures. Not what they measure."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAMES = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py") if not path.name.startswith("_"))


@pytest.fixture
def report(monkeypatch, tmp_path):
    """The module of tables, which records into ``records`` of the folder."""
    specification = importlib.util.spec_from_file_location("_report", ROOT / "benchmarks" / "_report.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    monkeypatch.setenv(module.RECORDS, str(tmp_path / "records"))
    return module


def run(*arguments):
    command = [sys.executable, "-m", "benchmarks", *map(str, arguments)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_a_table_is_markdown_and_its_figures_are_recorded(report, tmp_path, capsys):
    table = report.Table("Times", ("method", "s", "peak MB", "note"))
    table.add("ours", [3.0, 1.0, 2.0], 1234.5, "fast")
    table.add("theirs", [1.0], float("nan"), "")
    assert capsys.readouterr().out.splitlines() == [
        "",
        "Times",
        "",
        "| method | s | peak MB | note |",
        "| --- | --- | --- | --- |",
        "| ours | 2 (3, 1, 2) | 1234 | fast |",
        "| theirs | 1 | - |  |",
    ]
    assert [json.loads(line) for line in (tmp_path / "records").read_text().splitlines()] == [
        {"table": "Times", "name": "ours, fast: s", "value": 2.0, "spread": [1.0, 3.0], "values": [3.0, 1.0, 2.0]},
        {"table": "Times", "name": "ours, fast: peak MB", "value": 1234.5},
        {"table": "Times", "name": "theirs: s", "value": 1.0, "spread": [1.0, 1.0], "values": [1.0]},
        {"table": "Times", "name": "theirs: peak MB", "value": None},
    ]


def test_every_benchmark_is_listed_with_what_it_measures():
    done = run()
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert [line.split()[0] for line in lines] == NAMES
    assert all(len(line) > 40 and line.endswith((".", "?")) for line in lines)


def test_a_name_that_is_none_is_refused():
    done = run("propagation", "speed")
    assert done.returncode == 2
    assert "there is no benchmark speed" in done.stderr


def test_a_run_keeps_figures_with_the_machine_and_the_versions(tmp_path):
    done = run("cvae_or_pca", "--quick", "-o", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    kept = json.loads((tmp_path / "figures.json").read_text())
    assert kept["quick"]
    assert kept["machine"]["cores"] == os.cpu_count()
    assert {"skisp", "torch", "python"} <= set(kept["versions"])
    [benchmark] = kept["benchmarks"]
    assert (benchmark["name"], benchmark["status"]) == ("cvae_or_pca", 0)
    errors = [figure for figure in benchmark["figures"] if figure["name"].endswith("error / PCA's")]
    assert [figure["name"].split(",")[0] for figure in errors] == ["wine", "diabetes"]
    assert all(figure["spread"][0] <= figure["value"] <= figure["spread"][1] for figure in errors)
    text = (tmp_path / "figures.md").read_text()
    assert "## cvae_or_pca\n" in text
    assert "| wine | 133, 13 | 5 |" in text
