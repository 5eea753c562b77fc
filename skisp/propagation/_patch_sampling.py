"""Patches of images, sampled from the levels of a pyramid: what a coder of patches is fitted on."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .._images import Image
from .._tensors import to_tensor
from .._threads import concatenate_on_threads, one_thread
from .synthesis._patches import patches_at
from .synthesis._pyramid import short_sides, size_with_short_side
from .synthesis._raster import Raster
from .synthesis._scaling import resized
from .synthesis._settings import COARSEST_SIDE

__all__ = ["sample_from_images", "sample_patches"]


def sample_from_images(
    image: Callable[[int], Image], n_images: int, patch_size: int, n_patches: int, max_size: int, seed: int
) -> NDArray[np.float32]:
    """Sample patches (n_patches, C * p * p) in equal shares from images that are asked for one at a time, on threads.

    Each image has random numbers of its own, so that the patches are the same however many threads there are. Of more
    images than patches some, evenly spaced, are not asked for.
    """
    before = np.arange(n_images + 1) * n_patches // n_images  # patches of the images before each
    shares = np.diff(before)
    chosen = np.flatnonzero(shares)

    def sample(number: int) -> Tensor:
        i = chosen[number]
        generator = torch.Generator().manual_seed(seed + number)
        return sample_patches(to_tensor(image(i)), patch_size, int(shares[i]), max_size, generator, int(before[i]))

    with one_thread():
        return concatenate_on_threads(sample, range(len(chosen)), shares[chosen].tolist()).numpy()


def sample_patches(
    image: Tensor | Raster,
    patch_size: int,
    n_patches: int,
    max_size: int,
    generator: torch.Generator,
    first_level: int = 0,
) -> Tensor:
    """Sample patches (n_patches, C * p * p) of an image (C, H, W), in equal shares from the levels of a pyramid.

    Of few patches, levels from ``first_level`` on, counted in circles, have them: let it go on from image to image.
    """
    raster = Raster.of(image)
    sides = short_sides(min(*raster.size, max_size), max(COARSEST_SIDE, patch_size))
    per_level = -(-n_patches // len(sides))
    patches = []
    for i in range(-(-n_patches // per_level)):
        level = resized(raster, size_with_short_side(raster.size, sides[(first_level + i) % len(sides)]))
        rows, columns = (
            torch.randint(0, length - patch_size + 1, (per_level,), generator=generator) for length in level.shape[1:]
        )
        patches.append(patches_at(level, rows, columns, patch_size))
    return torch.cat(patches)[:n_patches]
