"""The style's patches at one scale, each with its code: where the propagation takes patches from."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from .._tensors import resize
from ._codec import JointCodec
from ._patches import map_patches, patches_at
from ._pyramid import size_with_short_side

__all__ = ["PatchBank", "build_bank"]

# Style positions above which only every stride-th is a candidate: enough patches, bounded time.
_MOST_DENSE_POSITIONS = 40_000


@dataclass(frozen=True)
class PatchBank:
    """Patches of the style images at one scale.

    Attributes
    ----------
    canvas : Tensor (C, H, W)
        The style images side by side.
    shape : (int, int)
        Patches down and across.
    stride : int
        Pixels between neighbouring patches.
    patch_size : int
    codes : Tensor (h * w, d)
    share : Tensor (h * w,)
        Of all use, how much falls to each patch when all are used as they should be, of sum 1; 0
        where a patch is not inside one image.
    origin : Tensor (h * w,) of int64
        Index of the style each patch comes from.
    """

    canvas: Tensor
    shape: tuple[int, int]
    stride: int
    patch_size: int
    codes: Tensor
    share: Tensor
    origin: Tensor

    def __len__(self) -> int:
        return self.shape[0] * self.shape[1]

    @property
    def is_valid(self) -> Tensor:
        """Whether each patch is inside one image, (h * w,) of bool."""
        return self.share > 0

    def patches(self, indices: Tensor) -> Tensor:
        """The patches (n, C * p * p) with the given indices (n,)."""
        rows, columns = indices // self.shape[1], indices % self.shape[1]
        return patches_at(self.canvas, rows * self.stride, columns * self.stride, self.patch_size)

    def draw(self, n_samples: int, generator: torch.Generator) -> Tensor:
        """Indices of up to ``n_samples`` different valid patches, of each style as many as its share."""
        drawn = []
        for style in range(int(self.origin.max()) + 1):
            share = torch.where(self.origin == style, self.share, 0.0).cpu()
            valid = torch.nonzero(share)[:, 0]
            chosen = torch.randperm(len(valid), generator=generator)[: round(n_samples * float(share.sum()))]
            drawn.append(valid[chosen])
        return torch.cat(drawn).to(self.codes.device)


def build_bank(
    images: Sequence[Sequence[Tensor]],
    weights: Sequence[float],
    short_side: int,
    codec: JointCodec,
    patch_size: int,
    stride: int,
) -> PatchBank:
    """Resize the images (C, H, W) of each style to ``short_side`` and code their patches.

    Small scales take every position; large ones every ``stride``-th. The weights of the styles,
    of sum 1, are the shares of their patches in the use of all.
    """
    resized = [resize(image, size_with_short_side(image.shape[1:], short_side)) for style in images for image in style]
    owners = [i for i, style in enumerate(images) for _ in style]
    n_positions = sum(image.shape[1] * image.shape[2] for image in resized)
    bank_stride = 1 if n_positions <= _MOST_DENSE_POSITIONS else stride
    canvas = _side_by_side(resized)
    shape = tuple((side - patch_size) // bank_stride + 1 for side in canvas.shape[1:])
    origin = _origins(resized, owners, (shape[0], shape[1]), bank_stride, patch_size).flatten().to(canvas.device)
    counts = [int((origin == i).sum()) for i in range(len(images))]
    share = torch.zeros(len(origin), device=canvas.device)
    for i, weight in enumerate(weights):
        share[origin == i] = weight / max(1, counts[i])
    codes = map_patches(codec.encode, canvas, patch_size, bank_stride)
    return PatchBank(canvas, (shape[0], shape[1]), bank_stride, patch_size, codes, share, origin)


def _side_by_side(images: Sequence[Tensor]) -> Tensor:
    """One canvas with a column of nothing between the images."""
    if len(images) == 1:
        return images[0]
    height = max(image.shape[1] for image in images)
    padded = [functional.pad(image, (0, 1, 0, height - image.shape[1])) for image in images]
    return torch.cat(padded, dim=2)[..., :-1]


def _origins(
    images: Sequence[Tensor], owners: Sequence[int], shape: tuple[int, int], stride: int, patch_size: int
) -> Tensor:
    """Index of the style whose image holds the whole patch at each position (h, w), -1 where none does."""
    origins = torch.full(shape, -1)
    left = 0
    for image, owner in zip(images, owners, strict=True):
        height, width = image.shape[1:]
        first, last = -(-left // stride), (left + width - patch_size) // stride
        origins[: (height - patch_size) // stride + 1, first : last + 1] = owner
        left += width + 1
    return origins
