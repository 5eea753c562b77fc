"""Patterns such as ``*.jpg``, for shells that leave them to the command, and folders of pictures."""

import glob
import os
from argparse import Namespace
from collections.abc import Sequence

from ..io._frames import pictures_in

__all__ = ["expand"]


def expand(arguments: Namespace) -> None:
    """Replace patterns, and folders where pictures are expected, by the paths that they stand for.

    What exists under the very name of a pattern, or matches nothing, is left as it is. The folders are noted as
    ``folders``.
    """
    arguments.folders = []
    for name in ("contents", "styles", "results", "style"):
        paths = getattr(arguments, name, None)
        if isinstance(paths, list):
            found = [match for path in paths for match in _matches(path)]
            if name != "style":  # each of those is a style of its own
                arguments.folders += [path for path in found if os.path.isdir(path)]
                found = [picture for path in found for picture in _pictures(path)]
            setattr(arguments, name, found)


def _matches(path: str) -> Sequence[str]:
    if os.path.lexists(path) or not glob.has_magic(path):
        return [path]
    return sorted(glob.glob(path)) or [path]


def _pictures(path: str) -> Sequence[str]:
    """The pictures in a folder; the path itself if it is none, or empty, which is found when it is read."""
    if not os.path.isdir(path):
        return [path]
    try:
        return [os.fspath(picture) for picture in pictures_in(path)]
    except (OSError, ValueError):
        return [path]
