"""The exemplar: the style's patches at one size, and at a pyramid level each with its code."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from ..._tensors import resize
from ._patches import map_patches, patches_at
from ._pyramid import size_with_short_side
from ._raster import unpacked
from ._scaling import side_by_side

__all__ = ["Exemplar", "PatchCoder", "StyleCanvas", "build_canvas", "build_exemplar"]

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
class StyleCanvas:
    """The style images at one size, side by side, and the positions of their patches.

    Attributes
    ----------
    canvas : Tensor (C, H, W)
        With an empty column between the images; packed in 16 bits where it is large.
    sizes : tuple of (int, int)
        Height and width of each image.
    stride : int
        Pixels between neighbouring patches.
    patch_size : int
    """

    canvas: Tensor
    sizes: tuple[tuple[int, int], ...]
    stride: int
    patch_size: int

    @property
    def shape(self) -> tuple[int, int]:
        """Patches down and across."""
        height, width = ((side - self.patch_size) // self.stride + 1 for side in self.canvas.shape[1:])
        return height, width

    def __len__(self) -> int:
        return self.shape[0] * self.shape[1]

    def patches(self, indices: Tensor) -> Tensor:
        """The patches (n, C * p * p) with the given indices (n,)."""
        rows, columns = indices // self.shape[1], indices % self.shape[1]
        return unpacked(patches_at(self.canvas, rows * self.stride, columns * self.stride, self.patch_size))

    def nearest_inside(self, rows: Tensor, columns: Tensor) -> Tensor:
        """Indices of the patches nearest to corners in pixels (floats), each inside the image that its centre is in."""
        heights, widths = (torch.tensor(sides, device=rows.device) for sides in zip(*self.sizes, strict=True))
        ends = (widths + 1).cumsum(0)
        image = torch.bucketize(columns + (self.patch_size - 1) / 2, ends - 0.5).clamp_max_(len(ends) - 1)
        left = (ends - widths - 1)[image]
        first, last = -(-left // self.stride), (left + widths[image] - self.patch_size) // self.stride
        rows = (
            torch.round(rows / self.stride)
            .long()
            .clamp(min=0)
            .minimum((heights[image] - self.patch_size) // self.stride)
        )
        return rows * self.shape[1] + torch.round(columns / self.stride).long().maximum(first).minimum(last)


@dataclass(frozen=True, eq=False)
class Exemplar(StyleCanvas):
    """Patches of the style images at one pyramid level, with their codes.

    Attributes
    ----------
    codes : Tensor (h * w, d)
    share : Tensor (h * w,)
        The share of each patch in a picture, of sum 1; 0 if a patch is not inside one image.
    origin : Tensor (h * w,) of int64
        Index of the style from which each patch comes, -1 if it is not inside one image.
    variance : float
        Of the codes, summed over their components: the unit of coherence and balance.
    """

    codes: Tensor
    share: Tensor
    origin: Tensor
    variance: float

    @property
    def is_valid(self) -> Tensor:
        """Whether each patch is inside one image, (h * w,) of bool."""
        return self.share > 0

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
    resized = _resized(images, short_side)
    owners = [i for i, style in enumerate(images) for _ in style]
    n_positions = sum(image.shape[1] * image.shape[2] for image in resized)
    canvas = _canvas(resized, 1 if n_positions <= _MOST_DENSE_POSITIONS else stride, patch_size)
    origin = _origins(resized, owners, canvas.shape, canvas.stride, patch_size).flatten().to(canvas.canvas.device)
    counts = [int((origin == i).sum()) for i in range(len(images))]
    share = torch.zeros(len(origin), device=origin.device, dtype=torch.float32)
    for i, weight in enumerate(weights):
        share[origin == i] = weight / max(1, counts[i])
    codes = map_patches(coder.encode, canvas.canvas, patch_size, canvas.stride)
    variance = float(codes[share > 0].var(dim=0, correction=0).sum())
    return Exemplar(canvas.canvas, canvas.sizes, canvas.stride, patch_size, codes, share, origin, variance)


def build_canvas(images: Sequence[Sequence[Tensor]], short_side: int, patch_size: int) -> StyleCanvas:
    """Resize the images (C, H, W) of each style to ``short_side``; a patch at every pixel, without codes."""
    every = [image for style in images for image in style]
    sizes = tuple(size_with_short_side(image.shape[1:], short_side) for image in every)
    return StyleCanvas(side_by_side(every, sizes).values, sizes, 1, patch_size)


def _resized(images: Sequence[Sequence[Tensor]], short_side: int) -> list[Tensor]:
    return [resize(image, size_with_short_side(image.shape[1:], short_side)) for style in images for image in style]


def _canvas(images: Sequence[Tensor], stride: int, patch_size: int) -> StyleCanvas:
    sizes = tuple((image.shape[1], image.shape[2]) for image in images)
    return StyleCanvas(_side_by_side(images), sizes, stride, patch_size)


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
    origins = torch.full(shape, -1, dtype=torch.int64)
    left = 0
    for image, owner in zip(images, owners, strict=True):
        height, width = image.shape[1:]
        first, last = -(-left // stride), (left + width - patch_size) // stride
        origins[: (height - patch_size) // stride + 1, first : last + 1] = owner
        left += width + 1
    return origins
