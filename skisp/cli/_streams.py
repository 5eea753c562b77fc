"""What the command prints, and streams that nobody reads any more.

The pictures are what the command is for: if the list of their paths goes nowhere, they are drawn all the same.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

__all__ = ["complain", "lasting_streams", "note", "print_line"]


def print_line(text: str | os.PathLike[str]) -> None:
    """Print a path, or text with one, on stdout: as the bytes of the file system, whatever the encoding of stdout."""
    binary = getattr(sys.stdout, "buffer", None)
    if binary is None:
        print(os.fspath(text), flush=True)
        return
    sys.stdout.flush()
    binary.write(os.fsencode(text) + os.linesep.encode())
    binary.flush()


def note(text: str) -> None:
    """Tell on stderr what is not as one may expect."""
    print(f"skisp: note: {text}", file=sys.stderr)


def complain(text: str) -> None:
    """Tell on stderr what went wrong."""
    print(f"skisp: error: {text}", file=sys.stderr)


@contextmanager
def lasting_streams() -> Iterator[list[OSError]]:
    """Inside, printing never fails: a stream falls silent when it cannot be written to.

    Yields
    ------
    errors : list of OSError
        Why; not of pipes that are closed at the other end, which is how ``head`` takes what it wants.
    """
    _open_what_is_closed()
    errors: list[OSError] = []
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (_Lasting(stream, errors) for stream in streams)
    try:
        yield errors
        sys.stdout.flush()
    finally:
        sys.stdout.flush()
        sys.stdout, sys.stderr = streams


def _open_what_is_closed() -> None:
    """Lead closed streams nowhere; else the next file that is opened would get their numbers, and what is printed."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 (as long as the process)


class _Lasting:
    """A stream, or the buffer of one."""

    def __init__(self, stream: Any, errors: list[OSError]) -> None:
        self._stream = stream
        self._errors = errors

    @property
    def buffer(self) -> "_Lasting":
        return _Lasting(self._stream.buffer, self._errors)

    def write(self, data: Any) -> int:
        self._attempt(lambda: self._stream.write(data))
        return len(data)

    def flush(self) -> None:
        self._attempt(self._stream.flush)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _attempt(self, call: Callable[[], Any]) -> None:
        try:
            call()
        except OSError as error:
            if not isinstance(error, BrokenPipeError):
                self._errors.append(error)
            with suppress(OSError):  # what is left in the buffer goes there too
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stream.fileno())
                os.close(nowhere)
