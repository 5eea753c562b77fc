"""Rows and images of any kind as pictures that can be shown."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._batches import to_array

__all__ = ["as_pictures", "aspect_of", "is_picture", "printable", "value_range"]

# How far beyond [0, 1] values may lie, as decoded ones do, and still be those of pictures in [0, 1].
_OVERSHOOT = 0.5


def is_picture(item: Any) -> bool:
    """Whether an array is an image (H, W) or (H, W, C) rather than a row (D,)."""
    return np.ndim(item) in (2, 3)


def as_pictures(rows: Any, image_shape: Sequence[int] | None) -> list[NDArray[Any]]:
    """Rows (n, D) as images of a shape, where there is one; anything else as the list of its items.

    Raises
    ------
    ValueError
        If the shape does not hold the values of a row.
    """
    items = [to_array(item) for item in rows]
    if image_shape is None or is_picture(items[0]):
        return items
    shape = tuple(int(side) for side in image_shape)
    if len(shape) not in (2, 3) or math.prod(shape) != items[0].size:
        raise ValueError(
            f"image_shape={shape} does not hold rows of {items[0].size} values; "
            "give (H, W) or (H, W, C) with a product of as many, or None to draw lines."
        )
    return [item.reshape(shape) for item in items]


def value_range(images: Sequence[NDArray[Any]], outliers: float = 0.0) -> tuple[float, float]:
    """Values that are shown as black and white: of the dtype for integers, [0, 1], or the least and greatest.

    The least and greatest but for a share of ``outliers`` at either end.
    """
    first = np.asarray(images[0])
    if first.dtype == bool:
        return 0.0, 1.0
    if first.dtype in (np.uint8, np.uint16):
        return 0.0, float(np.iinfo(first.dtype).max)
    low = min(float(np.quantile(image, outliers)) for image in images)
    high = max(float(np.quantile(image, 1 - outliers)) for image in images)
    if low >= -_OVERSHOOT and _OVERSHOOT / 2 < high <= 1 + _OVERSHOOT:
        return 0.0, 1.0
    return (low, high) if high > low else (low, low + 1.0)


def printable(image: NDArray[Any], limits: tuple[float, float]) -> NDArray[np.float64]:
    """An image (H, W[, C]) with ``limits`` at 0 and 1: (H, W) where it is grey, (H, W, 3 or 4) else."""
    low, high = limits
    values = np.clip((np.asarray(image, dtype=np.float64) - low) / (high - low), 0.0, 1.0)
    if values.ndim == 3 and values.shape[2] == 1:
        return values[..., 0]
    if values.ndim == 3 and values.shape[2] == 2:
        return np.concatenate([np.repeat(values[..., :1], 3, axis=2), values[..., 1:]], axis=2)
    return values


def aspect_of(images: Sequence[Any]) -> float:
    """The greatest width, at a height of 1, among images (H, W, ...)."""
    return max(image.shape[1] / image.shape[0] for image in images)
