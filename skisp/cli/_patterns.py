"""Patterns such as ``*.jpg``, for shells that leave them to the command."""

import glob
import os
from collections.abc import Sequence

__all__ = ["expanded"]


def expanded(paths: Sequence[str]) -> list[str]:
    """Paths, with each that holds ``*``, ``?`` or ``[]`` replaced by those it stands for, in order.

    What exists under that very name, or matches nothing, is left as it is.
    """
    return [match for path in paths for match in _matches(path)]


def _matches(path: str) -> list[str]:
    if os.path.lexists(path) or not glob.has_magic(path):
        return [path]
    return sorted(glob.glob(path)) or [path]
