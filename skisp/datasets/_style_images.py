"""Style pictures made by computation: painted, printed, leaded and laid in stone, at any size."""

from collections.abc import Callable
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from .._images import Image
from ._canvas import Canvas, Floats
from ._glass import stained_glass
from ._halftone import halftone
from ._mosaic import mosaic
from ._painting import brush_strokes, pointillism
from ._waves import waves
from ._woodcut import woodcut

__all__ = ["STYLE_KINDS", "make_style_image"]

# The painters, and which of them soften edges themselves.
_PAINTERS: dict[str, tuple[Callable[[Canvas], Floats], bool]] = {
    "stained_glass": (stained_glass, True),
    "brush_strokes": (brush_strokes, False),
    "woodcut": (woodcut, True),
    "waves": (waves, True),
    "halftone": (halftone, True),
    "mosaic": (mosaic, True),
    "pointillism": (pointillism, False),
}

STYLE_KINDS: tuple[str, ...] = tuple(_PAINTERS)
"""The kinds of picture that :func:`make_style_image` makes."""

_LEAST_SIZE = 8


def make_style_image(kind: str = "stained_glass", size: int | tuple[int, int] = 256, random_state: Any = None) -> Image:
    """Make a picture with the look of an artistic technique.

    Strokes, dots, stones and panes grow with the picture: the same ``random_state`` gives the same
    picture at any size, finer or coarser.

    Parameters
    ----------
    kind : str
        One of :data:`STYLE_KINDS`:

        - "stained_glass": a sun over hills, in panes of coloured glass in lead;
        - "brush_strokes": a landscape in oil, in thick curved strokes;
        - "woodcut": a landscape in black hatching on paper;
        - "waves": a sea as in a Japanese colour print, in banded blues;
        - "halftone": an explosion in pop-art dots and flat colours;
        - "mosaic": fish in the sea, in small stones;
        - "pointillism": a lake in dots of pure colour.
    size : int or (int, int)
        Height and width in pixels, at least 8 each; an int makes a square.
    random_state : None, int or numpy.random.RandomState
        Determines composition and palette. Pass an int to get the same picture every time.

    Returns
    -------
    image : float32 array (H, W, 3)
        RGB in [0, 1].

    Raises
    ------
    ValueError
        If ``kind`` is unknown, or ``size`` is not one or two whole numbers of at least 8.

    Examples
    --------
    >>> from skisp.datasets import make_style_image
    >>> image = make_style_image("woodcut", size=(48, 64), random_state=0)
    >>> image.shape, image.dtype
    ((48, 64, 3), dtype('float32'))
    """
    if kind not in _PAINTERS:
        raise ValueError(f"Unknown kind of style image {kind!r}; known are {', '.join(map(repr, STYLE_KINDS))}.")
    height, width = _height_and_width(size)
    paint, smooth = _PAINTERS[kind]
    canvas, finer = Canvas.of_size(height, width, check_random_state(random_state), smooth=smooth)
    return _averaged(paint(canvas), finer)


def _height_and_width(size: Any) -> tuple[int, int]:
    pair = tuple(size) if isinstance(size, (tuple, list, np.ndarray)) else (size, size)
    whole = len(pair) == 2 and all(isinstance(length, Integral) for length in pair)
    if not whole or min(pair) < _LEAST_SIZE:
        raise ValueError(f"size must be whole pixels or (height, width), at least {_LEAST_SIZE} each, got {size!r}.")
    return int(pair[0]), int(pair[1])


def _averaged(picture: Floats, finer: int) -> Image:
    """The mean of each block of ``finer`` x ``finer`` pixels."""
    height, width = picture.shape[0] // finer, picture.shape[1] // finer
    blocks = picture.astype(np.float32).reshape(height, finer, width, finer, 3)
    return np.ascontiguousarray(blocks.mean(axis=(1, 3), dtype=np.float32).clip(0.0, 1.0))
