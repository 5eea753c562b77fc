"""Tables of figures: Markdown that is printed as it comes, and JSON for who runs several benchmarks."""

import argparse
import json
import math
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

__all__ = ["LEFT_OUT", "RECORDS", "Table", "leave_out", "parsed_with_quick"]

# Names the file that gets a line of JSON for each figure; ``python -m benchmarks`` sets it.
RECORDS = "SKISP_BENCHMARK_RECORDS"
# The exit status of a benchmark that lacks what it needs.
LEFT_OUT = 77
# Values of a repeated figure that are all shown.
_FEW = 5

Cell = str | float | Sequence[float]


class Table:
    """A table whose rows are printed at once, so that a run cut short still shows what it has.

    Parameters
    ----------
    title : str
    columns : sequence of str
    """

    def __init__(self, title: str, columns: Sequence[str]) -> None:
        self._title, self._columns = title, columns
        print(f"\n{title}\n")
        _print_row(columns)
        _print_row(["---"] * len(columns))

    def add(self, *cells: Cell) -> None:
        """Print a row: words, numbers, and sequences of a number that was measured several times."""
        _print_row([_shown(cell) for cell in cells])
        words = [cell for cell in cells if isinstance(cell, str) and cell]
        for column, cell in zip(self._columns, cells, strict=True):
            if not isinstance(cell, str):
                _record({"table": self._title, "row": words, "column": column, **_figure(cell)})


def parsed_with_quick(parser: argparse.ArgumentParser, **quick: Any) -> argparse.Namespace:
    """The arguments of the command line; ``--quick`` gives some of them values with which the run is short."""
    parser.add_argument("--quick", action="store_true", help="no more than shows that it runs")
    arguments = parser.parse_args()
    if arguments.quick:
        vars(arguments).update(quick)
    return arguments


def leave_out(reason: str) -> NoReturn:
    """End a benchmark that lacks what it needs."""
    print(f"left out: {reason}", flush=True)
    sys.exit(LEFT_OUT)


def _figure(cell: float | Sequence[float]) -> dict[str, Any]:
    """The value of a figure, the median of several; JSON has no numbers that are not finite."""
    if np.ndim(cell) == 0:
        return {"value": _finite(cell)}
    values = [_finite(value) for value in cell]
    finite = [value for value in values if value is not None]
    spread = [min(finite), max(finite)] if finite else None
    return {"value": _finite(np.median(cell)), "spread": spread, "values": values}


def _finite(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None


def _shown(cell: Cell) -> str:
    if isinstance(cell, str):
        return cell
    if np.ndim(cell) == 0:
        return _number(float(cell))
    median, values = _number(float(np.median(cell))), [_number(float(value)) for value in cell]
    if len(values) < 2:
        return median
    every = ", ".join(values) if len(values) <= _FEW else f"{_number(min(cell))} to {_number(max(cell))}"
    return f"{median} ({every})"


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "-"
    return (
        f"{value:.0f}"
        if value == int(value) or abs(value) >= 1000
        else f"{value:.1f}"
        if abs(value) >= 100
        else f"{value:.3f}"
    )


def _print_row(cells: Sequence[str]) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


def _record(figure: dict[str, Any]) -> None:
    if path := os.environ.get(RECORDS):
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(figure, ensure_ascii=False) + "\n")
