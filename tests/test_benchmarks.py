"""The benchmarks as one command: it lists them, runs them, and keeps their figures. Not what they measure."""

import importlib
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
    records = [json.loads(line) for line in (tmp_path / "records").read_text().splitlines()]
    assert {record.pop("table") for record in records} == {"Times"}
    assert records == [
        {"row": ["ours", "fast"], "column": "s", "value": 2.0, "spread": [1.0, 3.0], "values": [3.0, 1.0, 2.0]},
        {"row": ["ours", "fast"], "column": "peak MB", "value": 1234.5},
        {"row": ["theirs"], "column": "s", "value": 1.0, "spread": [1.0, 1.0], "values": [1.0]},
        {"row": ["theirs"], "column": "peak MB", "value": None},
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
    [benchmark] = kept["benchmarks"]
    assert benchmark["machine"]["cores"] == os.cpu_count()
    assert {"skisp", "torch", "python"} <= set(benchmark["versions"])
    assert (benchmark["name"], benchmark["status"]) == ("cvae_or_pca", 0)
    errors = [figure for figure in benchmark["figures"] if figure["column"] == "error / PCA's"]
    assert [figure["row"][0] for figure in errors] == ["wine", "diabetes"]
    assert all(figure["spread"][0] <= figure["value"] <= figure["spread"][1] for figure in errors)
    text = (tmp_path / "figures.md").read_text()
    assert "## cvae_or_pca\n" in text
    assert "| wine | 133, 13 | 5 |" in text


def test_figures_of_quick_runs_are_not_for_the_pages():
    done = run("propagation", "--quick", "--page")
    assert done.returncode == 2
    assert "figures of --quick mean nothing" in done.stderr


def test_a_run_for_the_pages_replaces_its_own_figures_and_no_others(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(ROOT)
    runner = importlib.import_module("benchmarks.__main__")
    page = tmp_path / "figures.json"
    monkeypatch.setattr(runner, "PAGE", page)
    first = [{"name": name, "status": 0, "figures": [1], "printed": "."} for name in ("b", "a")]
    runner.put_on_pages(first)
    runner.put_on_pages([{"name": "a", "status": 0, "figures": [2], "printed": "."}, {"name": "b", "status": 1}])
    shown = json.loads(page.read_text())
    assert list(shown) == ["a", "b"]
    assert [run["figures"] for run in shown.values()] == [[2], [1]]
