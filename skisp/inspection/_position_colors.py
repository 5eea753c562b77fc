"""A colour for every place of a picture: a key by which places in another picture can be named."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["lab_to_rgb", "position_colors"]

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
    return lab_to_rgb(_DARKEST + (_BRIGHTEST - _DARKEST) * np.asarray(lightness, dtype=float), a, b)


def lab_to_rgb(lightness: NDArray[Any], a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.float64]:
    """CIELAB (lightness in [0, 100], white D65) to sRGB (..., 3); what a screen cannot show is cut to [0, 1].

    References
    ----------
    CIE 15:2004, "Colorimetry"; IEC 61966-2-1:1999 (sRGB).

    Examples
    --------
    >>> lab_to_rgb(np.array([0.0, 100.0]), np.zeros(2), np.zeros(2)).round(3) + 0.0
    array([[0., 0., 0.],
           [1., 1., 1.]])
    """
    y = (np.asarray(lightness, dtype=float) + 16) / 116
    cone = np.stack([y + np.asarray(a) / 500, y, y - np.asarray(b) / 200], axis=-1)
    ratio = np.where(cone > 6 / 29, cone**3, 3 * (6 / 29) ** 2 * (cone - 4 / 29))
    xyz = ratio * np.array([0.95047, 1.0, 1.08883])
    matrix = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
    linear = np.clip(xyz @ matrix.T, 0.0, 1.0)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
