"""Luminance by ITU-R BT.601, the curve of sRGB, and CIELAB."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["encode_srgb", "lab_to_rgb", "luminance", "plane_luminance", "rgb_to_lab"]

# The weights Pillow's convert("L") uses.
_LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_RGB_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE = _RGB_TO_XYZ.sum(axis=1)
_LAB = np.array([[0.0, 116.0, 0.0], [500.0, -500.0, 0.0], [0.0, 200.0, -200.0]])
_LAB_OFFSET = np.array([-16.0, 0.0, 0.0])
_LAB_EDGE = 6 / 29


def luminance(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Luminance (H, W, 1) of an RGB or grey image (H, W, C), by the weights of ITU-R BT.601."""
    if image.shape[2] == 1:
        return image
    return np.asarray(image @ _LUMINANCE, dtype=np.float32)[..., None]


def plane_luminance(image: "Tensor") -> "Tensor":
    """The same (H, W) of an image whose channels are planes (C, H, W)."""
    if image.shape[0] == 1:
        return image[0]
    return (image.new_tensor(_LUMINANCE)[None] @ image.flatten(1)).reshape(image.shape[1:])


def encode_srgb(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """Encode linear light, cut to [0, 1]: 12.92 l up to l = 0.0031308, then 1.055 l^(1/2.4) - 0.055.

    References
    ----------
    IEC 61966-2-1:1999 (sRGB).
    """
    linear = linear.clip(0.0, 1.0)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1.0 / 2.4) - 0.055)


def rgb_to_lab(image: NDArray[Any]) -> NDArray[np.float64]:
    """Convert sRGB (..., 3) in [0, 1] to CIELAB (..., 3): lightness in [0, 100], a and b; white D65.

    References
    ----------
    CIE 15:2004, "Colorimetry"; IEC 61966-2-1:1999 (sRGB).
    """
    rgb = image.astype(np.float64)
    linear = np.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    xyz = linear @ _RGB_TO_XYZ.T / _WHITE
    scaled = np.where(xyz > _LAB_EDGE**3, np.cbrt(xyz), xyz / (3 * _LAB_EDGE**2) + 4 / 29)
    return np.asarray(scaled @ _LAB.T + _LAB_OFFSET)


def lab_to_rgb(lab: NDArray[Any]) -> NDArray[np.float64]:
    """Convert CIELAB (..., 3) to sRGB (..., 3), what a screen cannot show cut to [0, 1].

    Examples
    --------
    >>> lab_to_rgb(np.array([[0.0, 0.0, 0.0], [100.0, 0.0, 0.0]])).round(3) + 0.0
    array([[0., 0., 0.],
           [1., 1., 1.]])
    """
    scaled = (lab - _LAB_OFFSET) @ np.linalg.inv(_LAB).T
    xyz = np.where(scaled > _LAB_EDGE, scaled**3, 3 * _LAB_EDGE**2 * (scaled - 4 / 29)) * _WHITE
    return np.asarray(encode_srgb(xyz @ np.linalg.inv(_RGB_TO_XYZ).T).clip(0.0, 1.0))
