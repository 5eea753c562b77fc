"""The command ``skisp``.

torch and scikit-learn are imported by the commands that need them, so that ``--help`` answers at once.
"""

import logging
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ._parser import UserError, build_parser

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command ``skisp``.

    Parameters
    ----------
    argv : sequence of str or None
        The arguments after the command's name; None takes those of the process.

    Returns
    -------
    status : int
        0 if all went well, 1 if some pictures failed, 2 if all did or the arguments are wrong, 130 if interrupted.
    """
    try:
        arguments = build_parser().parse_args(argv)
        from . import _commands

        with _warnings_in_a_line():
            return int(getattr(_commands, arguments.command)(arguments))
    except UserError as error:
        print(f"skisp: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as interrupt:
        print(f"skisp: interrupted; {interrupt.args[0] if interrupt.args else 'nothing was written'}", file=sys.stderr)
        return 130


@contextmanager
def _warnings_in_a_line() -> Iterator[None]:
    """Print warnings as notes; leave out what Pillow says of files that it can read all the same."""

    def show(message: Any, *_: Any) -> None:
        print(f"skisp: note: {' '.join(str(message).split())}", file=sys.stderr)

    silent = logging.NullHandler()
    pillow = logging.getLogger("PIL")
    pillow.addHandler(silent)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"PIL(\.|$)")
            warnings.showwarning = show  # type: ignore[assignment]
            yield
    finally:
        pillow.removeHandler(silent)
