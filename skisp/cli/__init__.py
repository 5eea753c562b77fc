"""The command ``skisp``.

torch and scikit-learn, which take seconds, are imported where they are needed: ``--help`` answers at once, and what is
wrong with paths and outputs is said before.
"""

import sys
from collections.abc import Sequence

from ._errors import UserError
from ._messages import warnings_in_a_line
from ._parser import build_parser
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
        from . import _commands, _patterns

        _patterns.expand(arguments)
        with warnings_in_a_line():
            return int(getattr(_commands, arguments.command)(arguments))
    except UserError as error:
        complain(str(error))
        return 2
    except KeyboardInterrupt as interrupt:
        print(f"skisp: interrupted; {interrupt.args[0] if interrupt.args else 'nothing was written'}", file=sys.stderr)
        return 130
