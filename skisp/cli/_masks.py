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

__all__ = ["check_mask", "given_masks", "read_mask"]


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
        raise UserError(in_one_line(error, path, "read", "the mask")) from error
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


def read_mask(path: str | None, content: str, shape: tuple[int, ...], max_pixels: float = MOST_PIXELS) -> Image | None:
    """The mask of a photograph, resized to it: the given file, or the one of the photograph's name in a folder.

    Parameters
    ----------
    path : str or None
    content : str
        The photograph's path.
    shape : tuple (H, W) or (H, W, C)
    max_pixels : float
        A mask of more is refused.

    Raises
    ------
    ValueError
        If the folder holds no mask of that name, or several.
    """
    if path is None:
        return None
    from ..propagation._masks import shares_of

    file = _file(path, content)
    with decoders_silent():
        grey = shares_of(read_image(file, max_pixels=max_pixels), f"the mask {shown(file)}")[..., 0]
    (height, width), (own_height, own_width) = shape[:2], grey.shape
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
