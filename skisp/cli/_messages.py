"""Messages of other libraries, shown in the command's own form or not at all."""

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ._streams import note

__all__ = ["decoders_silent", "warnings_in_a_line"]

_STDERR = 2


@contextmanager
def decoders_silent() -> Iterator[None]:
    """Hide what libraries in C print on the terminal about damaged files; the error that follows reports the same."""
    try:
        saved = os.dup(_STDERR)
    except OSError:  # stderr is closed
        yield
        return
    try:
        sys.stderr.flush()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, _STDERR)
        os.close(nowhere)
        yield
    finally:
        os.dup2(saved, _STDERR)
        os.close(saved)


@contextmanager
def warnings_in_a_line() -> Iterator[None]:
    """Print warnings as notes, but not those of Pillow about files that it can read."""

    def show(message: Any, *_: Any) -> None:
        note(" ".join(str(message).split()))

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
