"""Masks from files: which one belongs to a photograph, and how it is fitted to it."""

import os
from pathlib import Path

import numpy as np
import PIL.Image

from .._images import Image
from .._names import shown
from ..io import read_image
from ..io._image_file import MOST_PIXELS, ImageFile, is_readable
from ._errors import FAILURES, UserError, in_one_line
from ._messages import decoders_silent
from ._streams import note

__all__ = ["Masks", "check_mask", "given_masks"]


def given_masks(path: str | None) -> list[str]:
    """The paths that were given for masks: one or none. A mask that all photographs share is looked at.

    Raises
    ------
    UserError
        If it cannot be read.
    """
    if path is None:
        return []
    try:
        if not os.path.isdir(path):
            check_mask(path, "")
    except FAILURES as error:
        raise UserError(in_one_line(error, str(Path(path)), "read", "the mask")) from error
    return [path]


def check_mask(path: str | None, content: str) -> None:
    """Check, by a look at its first bytes, that there is a mask for a photograph, if there are any.

    Raises
    ------
    OSError, ValueError
        If there is none, or it is no picture.
    """
    if path is not None:
        with decoders_silent(), ImageFile(_file(path, content)):
            pass


class Masks:
    """The masks of photographs or frames: one that all share, or one of the name of each in a folder.

    Parameters
    ----------
    path : str or None
        None where there are no masks.
    max_pixels : float
        A mask of more is refused.
    """

    def __init__(self, path: str | None, max_pixels: float = MOST_PIXELS) -> None:
        self._path = path
        self._max_pixels = max_pixels
        self._last: tuple[tuple[Path, tuple[int, ...]], Image] | None = None

    def of(self, content: str, shape: tuple[int, ...]) -> Image | None:
        """The mask of a photograph, resized to it; one that the last had too, at the same size, is not read again.

        Parameters
        ----------
        content : str
            The photograph's path.
        shape : tuple (H, W) or (H, W, C)

        Raises
        ------
        ValueError
            If the folder holds no mask of that name, or several.
        """
        if self._path is None:
            return None
        key = _file(self._path, content), shape[:2]
        if self._last is None or self._last[0] != key:
            self._last = key, _fitted(*key, content, self._max_pixels)
        return self._last[1]


def _fitted(file: Path, shape: tuple[int, ...], content: str, max_pixels: float) -> Image:
    """A mask, resized; it is said if that stretches it."""
    from ..propagation._masks import shares_of

    with decoders_silent():
        grey = shares_of(read_image(file, max_pixels=max_pixels), f"the mask {shown(file)}")[..., 0]
    (height, width), (own_height, own_width) = shape, grey.shape
    if abs(height * own_width - width * own_height) > max(height, width, own_height, own_width):  # more than rounding
        note(
            f"the mask {shown(file)} of {own_width} x {own_height} pixels is stretched to {width} x {height} of "
            f"{shown(content)}"
        )
    fitted = PIL.Image.fromarray(grey, mode="F").resize((width, height), PIL.Image.Resampling.BILINEAR)
    return np.asarray(fitted).clip(0.0, 1.0)


def _file(path: str, content: str) -> Path:
    return _of_the_same_name(Path(path), content) if os.path.isdir(path) else Path(path)


def _of_the_same_name(folder: Path, content: str) -> Path:
    stem = Path(content).stem
    found = sorted(file for file in folder.iterdir() if file.stem == stem and is_readable(file))
    if not found:
        raise ValueError(f"cannot redraw {shown(content)}: there is no mask of the same name in {shown(folder)}.")
    if len(found) > 1:
        names = " and ".join(shown(file.name) for file in found)
        raise ValueError(f"cannot redraw {shown(content)}: {names} in {shown(folder)} have its name; keep one mask.")
    return found[0]
