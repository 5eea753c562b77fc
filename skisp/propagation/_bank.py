"""The style's patches at one scale, each with its code: where the propagation takes patches from."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ._codec import PatchCodec
from ._patches import map_patches, patches_at
from ._pyramid import resize, size_with_short_side

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
    is_valid : Tensor (h * w,) of bool
        False where a patch is not inside one image.
    """

    canvas: Tensor
    shape: tuple[int, int]
    stride: int
    patch_size: int
    codes: Tensor
    is_valid: Tensor

    def __len__(self) -> int:
        return self.shape[0] * self.shape[1]

    def patches(self, indices: Tensor) -> Tensor:
        """The patches (n, C * p * p) with the given indices (n,)."""
        rows, columns = indices // self.shape[1], indices % self.shape[1]
        return patches_at(self.canvas, rows * self.stride, columns * self.stride, self.patch_size)

    def draw(self, n_samples: int, generator: torch.Generator) -> Tensor:
        """Indices of up to ``n_samples`` different valid patches, drawn uniformly."""
        valid = torch.nonzero(self.is_valid.cpu())[:, 0]
        chosen = torch.randperm(len(valid), generator=generator)[:n_samples]
        return valid[chosen].to(self.codes.device)


def build_bank(images: Sequence[Tensor], short_side: int, codec: PatchCodec, patch_size: int, stride: int) -> PatchBank:
    """Resize the style images (C, H, W) to ``short_side`` and code their patches.

    Small scales take every position; large ones every ``stride``-th.
    """
    resized = [resize(image, size_with_short_side(image.shape[1:], short_side)) for image in images]
    n_positions = sum(image.shape[1] * image.shape[2] for image in resized)
    bank_stride = 1 if n_positions <= _MOST_DENSE_POSITIONS else stride
    canvas, inside = _side_by_side(resized)
    shape = tuple((side - patch_size) // bank_stride + 1 for side in canvas.shape[1:])
    whole = -functional.max_pool2d(-inside[None], patch_size, bank_stride)[0, 0]
    codes = map_patches(codec.encode, canvas, patch_size, bank_stride)
    return PatchBank(canvas, (shape[0], shape[1]), bank_stride, patch_size, codes, whole.flatten() > 0)


def _side_by_side(images: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """One canvas with a column of nothing between the images, and where it holds an image."""
    height = max(image.shape[1] for image in images)
    columns, inside = [], []
    for image in images:
        padding = (0, 1, 0, height - image.shape[1])
        columns.append(functional.pad(image, padding))
        inside.append(functional.pad(torch.ones_like(image[:1]), padding))
    return torch.cat(columns, dim=2)[..., :-1], torch.cat(inside, dim=2)[..., :-1]
