"""What the command ``skisp`` starts, and ``python -m skisp``."""

import atexit
import os
import sys
from contextlib import suppress

from .cli import main


def run() -> None:
    """Run the command, and end its process without freeing memory piece by piece, which takes a fifth of a second.

    What is registered with ``atexit`` meanwhile is called before, and threads are waited for.
    """
    status: list[int] = []
    atexit.register(_end, status)  # the first that is registered is called last
    status.append(main())
    sys.exit(status[0])


def _end(status: list[int]) -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    if status:  # else the command failed otherwise than it may, which Python tells
        os._exit(status[0])


if __name__ == "__main__":
    run()
