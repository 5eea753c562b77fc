"""The command that measures how good pictures are."""

import json
from argparse import Namespace

from .._names import shown
from ..io import read_image
from ._errors import FAILURES, in_one_line
from ._messages import decoders_silent
from ._parser import UserError
from ._streams import STOPPED_READING, complain, is_read, print_line

__all__ = ["score"]


def score(arguments: Namespace) -> int:
    """Print the propagation score of results and its factors, one line each or as JSON, as long as it is read."""
    from ..metrics import propagation_report

    try:
        with decoders_silent():
            content, style = (read_image(path) for path in (arguments.content, arguments.style))
    except FAILURES as error:
        raise UserError(in_one_line(error)) from error
    reports = []
    for path in arguments.results:
        try:
            with decoders_silent():
                result = read_image(path)
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
    n_failed = len(arguments.results) - len(reports)
    return 0 if not n_failed else 1 if reports else 2


def _line(path: str, report: dict[str, float]) -> str:
    parts = (f"{name.replace('_', ' ')} {value:.2f}" for name, value in report.items() if name != "score")
    return "  ".join([f"{report['score']:.3f}", *parts, shown(path)])
