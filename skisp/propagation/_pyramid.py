"""Image sizes from coarse to fine, and resizing between them."""

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["RATIO", "resize", "size_with_short_side", "short_sides"]

# Neighbouring scales differ by a factor of the square root of 2, so pixels double every scale.
RATIO = 2**0.5


def short_sides(finest: int, coarsest: int) -> list[int]:
    """Short sides in pixels of a pyramid, from about ``coarsest`` up to exactly ``finest``.

    Examples
    --------
    >>> short_sides(256, 48)
    [64, 91, 128, 181, 256]
    >>> short_sides(40, 48)
    [40]
    """
    sides = [float(finest)]
    while sides[-1] / RATIO >= coarsest:
        sides.append(sides[-1] / RATIO)
    return [round(side) for side in reversed(sides)]


def size_with_short_side(shape: tuple[int, int], short_side: int) -> tuple[int, int]:
    """Height and width of ``shape`` scaled so that the shorter becomes ``short_side`` pixels."""
    factor = short_side / min(shape)
    return round(shape[0] * factor), round(shape[1] * factor)


def resize(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize an image (C, H, W) to ``size`` (height, width), antialiased where it shrinks."""
    if tuple(image.shape[1:]) == size:
        return image
    resized = functional.interpolate(image[None], size=size, mode="bicubic", antialias=True, align_corners=False)
    return torch.clamp(resized[0], 0.0, 1.0)
