"""Masks from files: which one belongs to a photograph, and how it is fitted to it."""

from pathlib import Path

import numpy as np
import PIL.Image

from .._images import Image
from .._names import shown
from ..io import read_image
from ..io._image_file import is_readable
from ._messages import decoders_silent
from ._streams import note

__all__ = ["read_mask"]


def read_mask(path: str | None, content: str, shape: tuple[int, ...]) -> Image | None:
    """The mask of a photograph, resized to it: the given file, or the one of the photograph's name in a folder.

    Parameters
    ----------
    path : str or None
    content : str
        The photograph's path.
    shape : tuple (H, W) or (H, W, C)

    Raises
    ------
    ValueError
        If the folder holds no mask of that name, or several.
    """
    if path is None:
        return None
    from ..propagation._masks import shares_of

    file = _of_the_same_name(Path(path), content) if Path(path).is_dir() else Path(path)
    with decoders_silent():
        grey = shares_of(read_image(file), f"the mask {shown(file)}")[..., 0]
    (height, width), (own_height, own_width) = shape[:2], grey.shape
    if abs(height * own_width - width * own_height) > max(height, width, own_height, own_width):  # more than rounding
        note(
            f"the mask {shown(file)} of {own_width} x {own_height} pixels is stretched to {width} x {height} of "
            f"{shown(content)}"
        )
    fitted = PIL.Image.fromarray(grey, mode="F").resize((width, height), PIL.Image.Resampling.BILINEAR)
    return np.asarray(fitted).clip(0.0, 1.0)


def _of_the_same_name(folder: Path, content: str) -> Path:
    stem = Path(content).stem
    found = sorted(file for file in folder.iterdir() if file.stem == stem and is_readable(file))
    if not found:
        raise ValueError(f"cannot redraw {shown(content)}: there is no mask of the same name in {shown(folder)}.")
    if len(found) > 1:
        names = " and ".join(shown(file.name) for file in found)
        raise ValueError(f"cannot redraw {shown(content)}: {names} in {shown(folder)} have its name; keep one mask.")
    return found[0]
