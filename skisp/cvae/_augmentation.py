"""More data from the data: random shifts and flips of images, drawn anew at every step."""

from collections.abc import Collection, Sequence

import torch
from torch import Tensor

__all__ = ["AUGMENTATIONS", "augment", "flip", "shift"]

AUGMENTATIONS = frozenset({"shift", "flip"})

# Two pixels of 28: handwriting keeps its meaning.
_LARGEST_SHIFT = 0.08


def shift(images: Tensor, generator: torch.Generator) -> Tensor:
    """Move each image (n, H, W, C) by up to 8 per cent of its sides, at least a pixel; edges are repeated."""
    n_images, height, width = images.shape[:3]
    rows = _shifted(n_images, height, generator)[:, :, None].to(images.device)
    columns = _shifted(n_images, width, generator)[:, None, :].to(images.device)
    return images[torch.arange(n_images, device=images.device)[:, None, None], rows, columns]


def _shifted(n_images: int, side: int, generator: torch.Generator) -> Tensor:
    """Indices (n, side) along one side, each image's shifted by one random number of pixels."""
    largest = max(1, int(_LARGEST_SHIFT * side))
    offset = torch.randint(-largest, largest + 1, (n_images, 1), generator=generator)
    return (torch.arange(side) + offset).clamp(0, side - 1)


def flip(images: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror each image (n, H, W, C) left to right with probability one half."""
    mirrored = torch.rand(len(images), generator=generator, dtype=torch.float32) < 0.5
    return torch.where(mirrored.to(images.device)[:, None, None, None], images.flip(2), images)


def augment(rows: Tensor, image_shape: Sequence[int], names: Collection[str], generator: torch.Generator) -> Tensor:
    """Apply the augmentations called ``names`` to images stored as rows (n, H * W * C)."""
    images = rows.unflatten(1, tuple(image_shape))
    if "shift" in names:
        images = shift(images, generator)
    if "flip" in names:
        images = flip(images, generator)
    return images.flatten(1)
