"""Bring images to the one working size at which every figure is measured."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from .._images import Image, as_images, to_channels
from .._math.bands import laplacian_bands
from .._torch_state import own_torch_state

__all__ = [
    "MIN_SIDE",
    "WORKING_SIDE",
    "aligned",
    "as_rgb",
    "as_tensor",
    "bands_between",
    "box_mean",
    "pyramid",
    "resize",
    "resize_short_side",
    "shape_of",
    "working_images",
]

# Figures of a 512 px and a 2000 px version of one picture should agree, so both are reduced to
# this short side first; 256 keeps brush strokes visible and a figure well below a second.
WORKING_SIDE = 256
# The coarsest statistics use 9x9 patches on luminance pooled by 2: below this none are left.
MIN_SIDE = 16


def as_rgb(image: NDArray[Any], name: str) -> Image:
    """One image in any layout as RGB float32 (H, W, 3); refuse what is too small to measure."""
    rgb = to_channels(as_images([image], name=name)[0][0], 3)
    if min(rgb.shape[:2]) < MIN_SIDE:
        raise ValueError(
            f"{name} is {rgb.shape[0]}x{rgb.shape[1]} px; the metrics need at least {MIN_SIDE} px on the short side. "
            "Enlarge the image, or crop less of it away."
        )
    return rgb


def working_images(**images: NDArray[Any]) -> list[Image]:
    """RGB versions of the images, named by keyword, reduced to one common short side.

    The side is the smallest of theirs and ``WORKING_SIDE``. A common side makes a patch cover the
    same share of every picture, so neither argument's resolution moves the figure.
    """
    rgb = [as_rgb(image, name) for name, image in images.items()]
    side = min(WORKING_SIDE, *(min(image.shape[:2]) for image in rgb))
    return [resize_short_side(image, side) for image in rgb]


def aligned(content: NDArray[Any], result: NDArray[Any]) -> tuple[Image, Image]:
    """Both of one working shape, the content's."""
    content, result = working_images(content=content, result=result)
    return content, resize(result, shape_of(content))


def shape_of(image: Image) -> tuple[int, int]:
    """Height and width."""
    return image.shape[0], image.shape[1]


@own_torch_state()
def resize(image: Image, shape: Sequence[int]) -> Image:
    """Antialiased bilinear resize to ``shape`` (H, W); the image itself where it has that shape."""
    height, width = shape
    if (height, width) == image.shape[:2]:
        return image
    tensor = torch.from_numpy(image).permute(2, 0, 1)[None]
    resized = F.interpolate(tensor, size=(height, width), mode="bilinear", antialias=True)
    return np.ascontiguousarray(resized[0].permute(1, 2, 0).numpy()).clip(0.0, 1.0)


def resize_short_side(image: Image, side: int) -> Image:
    """Antialiased resize to ``side`` pixels on the short side."""
    height, width = shape_of(image)
    scale = side / min(height, width)
    return resize(image, (max(side, round(height * scale)), max(side, round(width * scale))))


def as_tensor(image: Image) -> torch.Tensor:
    """An image (H, W, C) as torch's operations take it, (1, C, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]


@own_torch_state()
def box_mean(image: Image, size: int) -> Image:
    """Mean of the size x size window around each pixel, mirrored at the border."""
    before, after = (size - 1) // 2, size // 2
    padded = F.pad(as_tensor(image), (before, after, before, after), mode="reflect")
    return np.asarray(F.avg_pool2d(padded, size, stride=1)[0].permute(1, 2, 0).numpy())


def pyramid(image: Image, n_levels: int, min_side: int) -> Iterator[Image]:
    """The image and its halvings: at most ``n_levels``, none but the first below ``min_side`` px."""
    yield image
    for _ in range(n_levels - 1):
        image = resize(image, (image.shape[0] // 2, image.shape[1] // 2))
        if min(image.shape[:2]) < min_side:
            return
        yield image


def bands_between(levels: Iterable[Image]) -> tuple[list[Image], Image]:
    """Laplacian bands of a :func:`pyramid`, by the same resizing, finest first, and its last level."""
    return laplacian_bands(levels, lambda coarse, fine: resize(coarse, shape_of(fine)))
