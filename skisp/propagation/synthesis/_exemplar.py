"""The exemplar: the style's patches at one pyramid level, each with its code."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from ..._tensors import resize
from ._patches import map_patches, patches_at
from ._pyramid import size_with_short_side

__all__ = ["Exemplar", "PatchCoder", "build_exemplar"]

# Style positions above which only every stride-th is a candidate: enough patches, bounded time.
_MOST_DENSE_POSITIONS = 40_000


class PatchCoder(Protocol):
    """A coder of the patches of one style or several, such as :class:`JointCodec`."""

    def encode(self, patches: Tensor) -> Tensor:
        """Codes (n, d) of patches (n, D)."""
        ...

    def generate(
        self,
        patches: Tensor,
        codes: Tensor,
        step: Tensor | None,
        noise: Tensor | None,
        detail: float,
        origin: Tensor,
    ) -> Tensor:
        """New patches (n, D) about those given, each by the coder of its style."""
        ...


@dataclass(frozen=True)
class Exemplar:
    """Patches of the style images at one pyramid level.

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
        The share of each patch in a picture, of sum 1; 0 if a patch is not inside one image.
    origin : Tensor (h * w,) of int64
        Index of the style from which each patch comes, -1 if it is not inside one image.
    variance : float
        Of the codes, summed over their components: the unit of coherence and balance.
    """

    canvas: Tensor
    shape: tuple[int, int]
    stride: int
    patch_size: int
    codes: Tensor
    share: Tensor
    origin: Tensor
    variance: float

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

    def sample(self, n_samples: int, generator: torch.Generator) -> Tensor:
        """Indices of up to ``n_samples`` different valid patches, of each style in proportion to its share."""
        chosen = []
        for style in range(int(self.origin.max()) + 1):
            share = torch.where(self.origin == style, self.share, 0.0).cpu()
            valid = torch.nonzero(share)[:, 0]
            order = torch.randperm(len(valid), generator=generator)
            chosen.append(valid[order[: round(n_samples * float(share.sum()))]])
        return torch.cat(chosen).to(self.codes.device)


def build_exemplar(
    images: Sequence[Sequence[Tensor]],
    weights: Sequence[float],
    short_side: int,
    coder: PatchCoder,
    patch_size: int,
    stride: int,
) -> Exemplar:
    """Resize the images (C, H, W) of each style to ``short_side`` and code their patches.

    Small exemplars have a patch at every pixel, large ones at every ``stride``-th. The weights of the styles,
    of sum 1, are the shares of their patches in a picture.
    """
    resized = [resize(image, size_with_short_side(image.shape[1:], short_side)) for style in images for image in style]
    owners = [i for i, style in enumerate(images) for _ in style]
    n_positions = sum(image.shape[1] * image.shape[2] for image in resized)
    own_stride = 1 if n_positions <= _MOST_DENSE_POSITIONS else stride
    canvas = _side_by_side(resized)
    shape = tuple((side - patch_size) // own_stride + 1 for side in canvas.shape[1:])
    origin = _origins(resized, owners, (shape[0], shape[1]), own_stride, patch_size).flatten().to(canvas.device)
    counts = [int((origin == i).sum()) for i in range(len(images))]
    share = torch.zeros(len(origin), device=canvas.device)
    for i, weight in enumerate(weights):
        share[origin == i] = weight / max(1, counts[i])
    codes = map_patches(coder.encode, canvas, patch_size, own_stride)
    variance = float(codes[share > 0].var(dim=0, correction=0).sum())
    return Exemplar(canvas, (shape[0], shape[1]), own_stride, patch_size, codes, share, origin, variance)


def _side_by_side(images: Sequence[Tensor]) -> Tensor:
    """One canvas with an empty column between the images."""
    if len(images) == 1:
        return images[0]
    height = max(image.shape[1] for image in images)
    padded = [functional.pad(image, (0, 1, 0, height - image.shape[1])) for image in images]
    return torch.cat(padded, dim=2)[..., :-1]


def _origins(
    images: Sequence[Tensor], owners: Sequence[int], shape: tuple[int, int], stride: int, patch_size: int
) -> Tensor:
    """Index of the style whose image holds the whole patch at each position (h, w), -1 if none does."""
    origins = torch.full(shape, -1)
    left = 0
    for image, owner in zip(images, owners, strict=True):
        height, width = image.shape[1:]
        first, last = -(-left // stride), (left + width - patch_size) // stride
        origins[: (height - patch_size) // stride + 1, first : last + 1] = owner
        left += width + 1
    return origins
