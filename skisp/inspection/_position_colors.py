"""A colour for every place of a picture: a key by which places in another picture can be named."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._math.color import lab_to_rgb

__all__ = ["position_colors"]

# Chroma at the middle of each side, and the lightness of black and of white.
_CHROMA = 62.0
_DARKEST, _BRIGHTEST = 34.0, 88.0


def position_colors(rows: NDArray[Any], columns: NDArray[Any], lightness: NDArray[Any]) -> NDArray[np.float64]:
    """Colours of places: from green at the left to red at the right, from yellow at the top to blue at the bottom.

    The place decides the chroma, in CIELAB, so that the lightness is free to show a picture.

    Parameters
    ----------
    rows, columns : ndarray (...)
        Places in [0, 1], from the top and from the left.
    lightness : ndarray (...)
        In [0, 1].

    Returns
    -------
    colors : ndarray (..., 3)
        sRGB in [0, 1].
    """
    a = _CHROMA * (2 * np.asarray(columns, dtype=float) - 1)
    b = _CHROMA * (1 - 2 * np.asarray(rows, dtype=float))
    lightness = _DARKEST + (_BRIGHTEST - _DARKEST) * np.asarray(lightness, dtype=float)
    return lab_to_rgb(np.stack(np.broadcast_arrays(lightness, a, b), axis=-1))
