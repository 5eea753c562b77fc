"""The command that measures how good pictures are."""

import json
from argparse import Namespace
from typing import Any

from numpy.typing import NDArray

from .._names import shown
from ..io import read_image
from ._errors import FAILURES, UserError, in_one_line
from ._messages import decoders_silent
from ._streams import STOPPED_READING, complain, is_read, note, print_line

__all__ = ["score"]

_MEANING = (
    "the score is style gained (more than by recolouring the photograph) x redrawn (in new strokes, not retouched) x "
    "content kept (the photograph's structure, to the power 5/4); 0.1 is a picture in the style, 0.2 a good one"
)
# Why a share may be nothing.
_WHY_NOTHING = {
    "style_gained": "the photograph recoloured is as near to the style; colours count, so a picture that keeps the "
    "photograph's (--color content) gains nothing",
    "redrawn": "it is the photograph, recoloured or retouched",
    "content_kept": "nothing of the photograph's structure is where it was",
}


def score(arguments: Namespace) -> int:
    """Print the propagation score of results and its factors, one line each or as JSON, as long as it is read."""
    content = _read(arguments.content, "the photograph")
    style = _read(arguments.style, "the style")
    reports = []
    for path in arguments.results:
        try:
            with decoders_silent():
                result = read_image(path)
            from ..metrics import propagation_report

            report = propagation_report(content, style, result)
        except FAILURES as error:
            complain(in_one_line(error, path, "score"))
            continue
        reports.append({"path": path, **report})
        if not arguments.json:
            print_line(_line(path, report))
        if not is_read():
            return STOPPED_READING
    if arguments.json:
        print(json.dumps(reports, indent=2))
    elif reports and not arguments.quiet:
        _explain(reports)
    n_failed = len(arguments.results) - len(reports)
    return 0 if not n_failed else 1 if reports else 2


def _read(path: str, role: str) -> NDArray[Any]:
    try:
        with decoders_silent():
            return read_image(path)
    except FAILURES as error:
        raise UserError(in_one_line(error, path, "read", role)) from error


def _line(path: str, report: dict[str, float]) -> str:
    parts = (f"{name.replace('_', ' ')} {value:.2f}" for name, value in report.items() if name != "score")
    return "  ".join([f"{report['score']:.3f}", *parts, shown(path)])


def _explain(reports: list[dict[str, float]]) -> None:
    """Say what the figures mean, and why one is 0."""
    note(_MEANING)
    for name, why in _WHY_NOTHING.items():
        nothing = [shown(str(report["path"])) for report in reports if report[name] < 0.005]
        if nothing:
            note(f"{name.replace('_', ' ')} is 0 for {', '.join(nothing)}: {why}")
