"""The command ``skisp``.

torch and scikit-learn are imported by the commands that need them, so that ``--help`` answers at once.
"""

import sys
from collections.abc import Sequence

from ._messages import warnings_in_a_line
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

        with warnings_in_a_line():
            return int(getattr(_commands, arguments.command)(arguments))
    except UserError as error:
        print(f"skisp: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as interrupt:
        print(f"skisp: interrupted; {interrupt.args[0] if interrupt.args else 'nothing was written'}", file=sys.stderr)
        return 130
