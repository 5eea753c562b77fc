"""What the command prints, and streams that nobody reads any more.

The pictures are what the command is for: if the list of their paths goes nowhere, they are drawn all the same. Where
the lines are what it is for, it stops as Unix tools do.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

__all__ = ["STOPPED_READING", "complain", "is_read", "lasting_streams", "note", "print_line"]

# The status of a program that SIGPIPE ends.
STOPPED_READING = 128 + 13


def print_line(text: str | os.PathLike[str]) -> None:
    """Print a path, or text with one, on stdout: as the bytes of the file system, whatever the encoding of stdout."""
    binary = getattr(sys.stdout, "buffer", None)
    if binary is None:
        print(os.fspath(text), flush=True)
        return
    sys.stdout.flush()
    binary.write(os.fsencode(text) + os.linesep.encode())
    binary.flush()


def is_read() -> bool:
    """Whether stdout is not a pipe that was found to be closed at the other end."""
    return not any(isinstance(error, BrokenPipeError) for error in getattr(sys.stdout, "failures", ()))


def note(text: str) -> None:
    """Tell on stderr what is not as one may expect."""
    print(f"skisp: note: {text}", file=sys.stderr)


def complain(text: str) -> None:
    """Tell on stderr what went wrong."""
    print(f"skisp: error: {text}", file=sys.stderr)


@contextmanager
def lasting_streams() -> Iterator[Callable[[], list[OSError]]]:
    """Inside, printing never fails: a stream falls silent when it cannot be written to.

    Yields
    ------
    errors : callable
        Lists why; not of pipes that are closed at the other end, which is how ``head`` takes what it wants.
    """
    _open_what_is_closed()
    streams = sys.stdout, sys.stderr
    lasting = [_Lasting(stream, []) for stream in streams]
    sys.stdout, sys.stderr = lasting
    try:
        yield lambda: [
            error for stream in lasting for error in stream.failures if not isinstance(error, BrokenPipeError)
        ]
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
    """A stream, or the buffer of one, and why it fell silent."""

    def __init__(self, stream: Any, failures: list[OSError]) -> None:
        self._stream = stream
        self.failures = failures

    @property
    def buffer(self) -> "_Lasting":
        return _Lasting(self._stream.buffer, self.failures)

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
            self.failures.append(error)
            with suppress(OSError):  # what is left in the buffer goes there too
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stream.fileno())
                os.close(nowhere)
