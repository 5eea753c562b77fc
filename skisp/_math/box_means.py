"""Means over square windows, by sums of shifted images: each output's bits depend on its window alone."""

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

__all__ = ["box_mean", "window_sums"]


def window_sums(values: Tensor, window: int, axis: int) -> Tensor:
    r"""Sums of ``window`` neighbours along an axis, of which there are ``window - 1`` fewer than values.

    Sums of :math:`2^k` neighbours are two sums of :math:`2^{k-1}`, and those that the binary digits of ``window`` name
    are added up: about :math:`2 \log_2` ``window`` additions of whole images, far faster than a pooling that visits
    each window, and as exact for any of them, other than differences of running sums.
    """
    n_sums = values.shape[axis] - window + 1
    total, start, size = values.new_zeros(()), 0, 1
    while True:
        if window & size:
            total = total + values.narrow(axis, start, n_sums)
            start += size
        if 2 * size > window:
            return total
        n = values.shape[axis] - size
        values = values.narrow(axis, 0, n) + values.narrow(axis, size, n)
        size *= 2


def box_mean(image: Tensor, window: int) -> Tensor:
    """Mean over the pixels of the image (..., H, W) in a window of an odd size about each."""
    half = window // 2
    for axis in (-2, -1):
        padded = functional.pad(image, (half, half) if axis == -1 else (0, 0, half, half))
        counts = torch.from_numpy(_n_inside(image.shape[axis], half)).to(image)
        image = window_sums(padded, window, axis).div_(counts if axis == -1 else counts[:, None])
    return image


@lru_cache(maxsize=256)
def _n_inside(n: int, half: int) -> NDArray[Any]:
    """How many of ``n`` places (n,) are at most ``half`` from each: as dear to count as a mean over a small image."""
    place = np.arange(n, dtype=np.float32)
    return np.minimum(place, half) + np.minimum(place[::-1], half) + 1
