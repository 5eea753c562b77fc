"""List the benchmarks, or run some of them, and write their figures as JSON and as Markdown tables.

    python -m benchmarks                            what there is
    python -m benchmarks propagation cvae_speed     run two of them, as they come
    python -m benchmarks all                        run all: hours, on an idle machine
    python -m benchmarks propagation --page         and put its figures on the pages, in the place of its last ones
    python -m benchmarks --quick [NAME ...]         does each still run? The figures mean nothing

Options of a single benchmark: python benchmarks/NAME.py --help
"""

import argparse
import ast
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ._report import LEFT_OUT, RECORDS

FOLDER = Path(__file__).resolve().parent
# What the pages show, by benchmark: the last run that was meant for them.
PAGE = FOLDER.parent / "docs" / "guide" / "figures.json"
PACKAGES = ("skisp", "numpy", "scipy", "scikit-learn", "torch", "pillow")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="of the list, or all")
    parser.add_argument("--quick", action="store_true", help="each as short as it can be; all of them if none is named")
    parser.add_argument("-o", "--output", type=Path, default=FOLDER / "out", help="folder of figures.json and .md")
    parser.add_argument("--page", action="store_true", help="put the figures on the pages, too")
    arguments = parser.parse_args()
    if arguments.quick and arguments.page:
        parser.error("figures of --quick mean nothing, and so are none for a page")
    there = {path.stem: path for path in sorted(FOLDER.glob("*.py")) if not path.name.startswith("_")}
    if unknown := set(arguments.names) - there.keys() - {"all"}:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; python -m benchmarks lists them")
    if not arguments.names and not arguments.quick:
        for name, path in there.items():
            print(f"{name:20}{first_line(path)}")
        return 0
    names = list(there) if "all" in arguments.names or not arguments.names else arguments.names
    # Quick ones measure nothing, and may disturb each other.
    with ThreadPoolExecutor(os.cpu_count() if arguments.quick else 1) as threads:
        done = list(threads.map(lambda name: run(there[name], quick=arguments.quick), names))
    write(done, arguments.output, quick=arguments.quick)
    if arguments.page:
        put_on_pages(done)
    failed = [one["name"] for one in done if one["status"] not in (0, LEFT_OUT)]
    print(f"\n{len(done) - len(failed)} of {len(done)} ran; the figures are in {arguments.output}")
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


def first_line(path: Path) -> str:
    """What a benchmark measures."""
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]


def run(path: Path, *, quick: bool) -> dict[str, Any]:
    """Run one benchmark in a process of its own: what it prints, and the figures of its tables."""
    with tempfile.TemporaryDirectory() as folder:
        records = Path(folder) / "records"
        records.touch()
        command = [sys.executable, str(path), *(["--quick"] if quick else [])]
        # The package beside the benchmarks, whatever is installed.
        paths = os.pathsep.join(filter(None, [str(FOLDER.parent), os.environ.get("PYTHONPATH")]))
        environment = os.environ | {RECORDS: str(records), "PYTHONPATH": paths}
        before, start = conditions(), time.monotonic()
        printed = [f"\n## {path.stem}\n"]
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            for line in process.stdout or ():
                printed.append(line)
                if not quick:  # several quick ones run at once
                    print(line, end="", flush=True)
        figures = [json.loads(line) for line in records.read_text(encoding="utf-8").splitlines()]
    seconds = round(time.monotonic() - start, 1)
    said = "" if process.returncode == 0 else f", exit status {process.returncode}"
    print("".join(printed) if quick else "", f"\n{path.stem}: {seconds} s{said}", flush=True)
    return {
        "name": path.stem,
        "status": process.returncode,
        **before,
        "seconds": seconds,
        "figures": figures,
        "printed": "".join(printed),
    }


def conditions() -> dict[str, Any]:
    """When, where and with what a benchmark runs, and beside how much other work: programs that wait for a core."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "machine": {"processor": processor(), "cores": os.cpu_count(), "system": platform.platform()},
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
    }


def processor() -> str:
    """The processor's name, which Python itself does not know on Linux."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.is_file() else []
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "from its sources"


def write(done: list[dict[str, Any]], folder: Path, *, quick: bool) -> None:
    """Write figures.json and figures.md."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = {"quick": quick, "benchmarks": [without_text(one) for one in done]}
    (folder / "figures.json").write_text(as_json(kept), encoding="utf-8")
    machine, versions = done[0]["machine"], done[0]["versions"]
    head = [
        f"# Benchmarks, {done[0]['date']}{', quick: the figures mean nothing' if quick else ''}",
        f"{machine['processor']}, {machine['cores']} cores, {machine['system']}",
        ", ".join(f"{name} {number}" for name, number in versions.items()),
    ]
    parts = [one["printed"].strip() for one in done]
    (folder / "figures.md").write_text("\n\n".join(head + parts) + "\n", encoding="utf-8")


def put_on_pages(done: list[dict[str, Any]]) -> None:
    """Replace the figures of the benchmarks that ran, and no others, in what the pages show."""
    shown = json.loads(PAGE.read_text(encoding="utf-8")) if PAGE.exists() else {}
    shown |= {one["name"]: without_text(one) for one in done if one["status"] == 0}
    PAGE.write_text(as_json(dict(sorted(shown.items()))), encoding="utf-8")


def without_text(one: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a benchmark that ran."""
    return {key: value for key, value in one.items() if key != "printed"}


def as_json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())
