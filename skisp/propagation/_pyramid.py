"""Image sizes from coarse to fine, and resizing between them."""

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional

__all__ = ["RATIO", "resize", "short_sides", "size_with_short_side"]

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


def size_with_short_side(shape: Sequence[int], short_side: int) -> tuple[int, int]:
    """Height and width of ``shape`` scaled so that the shorter becomes ``short_side`` pixels."""
    height, width = shape
    factor = short_side / min(height, width)
    return round(height * factor), round(width * factor)


def resize(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize an image (C, H, W) to ``size`` (height, width), antialiased where it shrinks."""
    if tuple(image.shape[1:]) == size:
        return image
    resized = functional.interpolate(image[None], size=size, mode="bicubic", antialias=True, align_corners=False)
    return resized[0].clamp_(0.0, 1.0)
