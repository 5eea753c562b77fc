"""Warnings of Pillow that say what this package checks itself."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import PIL.Image

from .._fork import in_forked_children

__all__ = ["bombs_unmentioned"]

# Filters belong to the process: of two threads that change them at once, the last to leave would put back those of
# the other.
_filters = threading.Lock()


def _free_filters() -> None:
    global _filters
    _filters = threading.Lock()


in_forked_children(_free_filters)


@contextmanager
def bombs_unmentioned() -> Iterator[None]:
    """Leave out Pillow's warning of very many pixels: the caller checks them itself, and says what to do."""
    with _filters, warnings.catch_warnings():
        warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)
        yield
