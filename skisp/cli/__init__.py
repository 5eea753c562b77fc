"""The command ``skisp``.

torch and scikit-learn are imported by the commands that need them, so that ``--help`` answers at once.
"""

import sys
from argparse import Namespace
from collections.abc import Sequence

from ._messages import warnings_in_a_line
from ._parser import UserError, build_parser
from ._patterns import expanded
from ._streams import complain, lasting_streams

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
    with lasting_streams() as errors:
        status = _run(argv)
        sys.stdout.flush()
        if errors():
            complain(f"cannot print: {errors()[0].strerror}; what was to be written to files is")
        return max(status, 1) if errors() else status


def _run(argv: Sequence[str] | None) -> int:
    try:
        arguments = build_parser().parse_args(argv)
        _expand_patterns(arguments)
        from . import _commands

        with warnings_in_a_line():
            return int(getattr(_commands, arguments.command)(arguments))
    except UserError as error:
        complain(str(error))
        return 2
    except KeyboardInterrupt as interrupt:
        print(f"skisp: interrupted; {interrupt.args[0] if interrupt.args else 'nothing was written'}", file=sys.stderr)
        return 130


def _expand_patterns(arguments: Namespace) -> None:
    """Replace patterns by the paths that they stand for, wherever several paths may be given."""
    for name in ("contents", "styles", "results", "style"):
        if isinstance(getattr(arguments, name, None), list):
            setattr(arguments, name, expanded(getattr(arguments, name)))
