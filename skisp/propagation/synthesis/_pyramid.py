"""Pyramids: image sizes from coarse to fine, and the Laplacian bands between halvings."""

from collections.abc import Iterator, Sequence
from itertools import chain

from torch import Tensor
from torch.nn import functional

from ..._math.bands import laplacian_bands
from ._raster import Raster, RowStore
from ._scaling import halved

__all__ = ["collapse", "halvings", "laplacian_pyramid", "short_sides", "size_with_short_side"]

# Neighbouring levels differ by a factor of the square root of 2, so the number of pixels doubles at every level.
_RATIO = 2**0.5
_N_BANDS = 5
# A halving below that has too few pixels to measure a contrast.
_LEAST_SIDE = 16


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
    while sides[-1] / _RATIO >= coarsest:
        sides.append(sides[-1] / _RATIO)
    return [round(side) for side in reversed(sides)]


def size_with_short_side(shape: Sequence[int], short_side: float) -> tuple[int, int]:
    """Height and width of ``shape`` scaled so that the shorter becomes ``short_side`` pixels."""
    height, width = shape
    factor = short_side / min(height, width)
    return round(height * factor), round(width * factor)


def laplacian_pyramid(image: Tensor) -> tuple[list[Tensor], Tensor]:
    """Split an image (C, H, W) into bands of detail, finest first, and what remains below them.

    There are up to five bands, fewer if a halving would be of an image of less than 16 pixels.
    """
    return laplacian_bands(chain([image], (level.whole() for level in halvings(Raster.of(image)))), expand)


def halvings(picture: Raster) -> Iterator[RowStore]:
    """The picture (C, h, w) at a half of its size, at a quarter, and so on: one a band, without the picture itself."""
    for _ in range(_N_BANDS):
        if min(picture.size) < _LEAST_SIDE:
            return
        smaller = halved(picture)
        yield smaller
        picture = smaller


def collapse(bands: Sequence[Tensor], remainder: Tensor) -> Tensor:
    """The image (C, H, W) of bands, finest first, and what is below them, in new memory if there are bands."""
    for band in reversed(bands):
        remainder = expand(remainder, band).add_(band)
    return remainder


def expand(coarse: Tensor, fine: Tensor) -> Tensor:
    """A level of a pyramid at the size of the next finer one, in new memory."""
    return functional.interpolate(coarse[None], size=list(fine.shape[1:]), mode="bilinear", align_corners=False)[0]
