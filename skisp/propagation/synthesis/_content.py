"""The content of a picture: recoloured in the style's colours, its statistics, and its pyramid levels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import torch
from torch import Tensor
from torch.nn import functional

from ..._math.affine import AffineMap
from ..._math.gaussian import Moments, gaussian_transport
from ..._math.gradients import central_differences
from ..._tensors import resize
from ._level import Level
from ._patches import PatchGrid
from ._pyramid import size_with_short_side
from ._settings import SynthesisSettings
from ._style_model import StyleModel

__all__ = [
    "Content",
    "ContentStatistics",
    "color_map",
    "color_moments",
    "recolor",
    "structure_map",
]

# Short side in pixels up to which the content has its full weight.
_FULL_WEIGHT_SIDE = 256
_STRUCTURE_WINDOW = 7


class ContentStatistics(NamedTuple):
    """Statistics of a content, measured once: on each image, or on the first frame of a sequence.

    Attributes
    ----------
    colors : AffineMap
        From its colours to the style's.
    structure : float
        The :func:`structure_reference` of the recoloured content.
    """

    colors: AffineMap
    structure: float


@dataclass(frozen=True)
class Content:
    """What is to be redrawn.

    Attributes
    ----------
    recolored : Tensor (C, H, W)
        In the style's colours.
    original : Tensor (C, H, W) or None
        In its own colours, if a coder of its own needs them.
    statistics : ContentStatistics
    """

    recolored: Tensor
    original: Tensor | None
    statistics: ContentStatistics

    @classmethod
    def of(cls, image: Tensor, style: StyleModel, statistics: ContentStatistics | None = None) -> Self:
        """Recolour an image (C, H, W), by its own statistics or by those of another frame of its sequence."""
        original = None if style.encode_content is None else image
        if statistics is not None:
            return cls(recolor(image, statistics.colors), original, statistics)
        colors = color_map(image, [one for images in style.images for one in images])
        recolored = recolor(image, colors)
        return cls(recolored, original, ContentStatistics(colors, structure_reference(recolored)))

    @property
    def short_side(self) -> int:
        """Pixels."""
        return min(self.recolored.shape[1:])

    def level(
        self, short_side: int, style: StyleModel, settings: SynthesisSettings, structure: float | None = None
    ) -> Level:
        """The pyramid level of a short side.

        Parameters
        ----------
        short_side : int
            Pixels, at most the content's.
        style : StyleModel
        settings : SynthesisSettings
        structure : float or None
            A :func:`structure_reference` to use instead of the level's own.
        """
        grid = PatchGrid(size_with_short_side(self.recolored.shape[1:], short_side), style.patch_size, style.stride)
        exemplar = style.exemplar(style.side(short_side, settings.style_scale))
        recolored = resize(self.recolored, grid.size)
        target = style.alignment(self._codes(recolored, grid, style))
        return Level(grid, exemplar, recolored, target, _content_weight(recolored, grid, settings, structure))

    def _codes(self, recolored: Tensor, grid: PatchGrid, style: StyleModel) -> Tensor:
        """Codes of the grid's patches, by the content's own coder or by the styles'."""
        if style.encode_content is None or self.original is None:
            return grid.map(style.coder.encode, recolored)
        return grid.map(style.encode_content, resize(self.original, grid.size))


def _content_weight(recolored: Tensor, grid: PatchGrid, settings: SynthesisSettings, reference: float | None) -> Tensor:
    """Share (h * w, 1) of the target in a query: little in flat places, much on edges."""
    structure = grid.pad(structure_map(recolored, reference))
    pooled = functional.avg_pool2d(structure[None], grid.patch_size, grid.stride)[0, 0]
    # Detail that a small picture would not show is left to the style, so that large pictures show as much style.
    fineness = min(1.0, _FULL_WEIGHT_SIDE / min(grid.size))
    weight = settings.content_weight * (0.2 + 2.0 * pooled) * fineness
    return torch.lerp(torch.ones_like(weight), weight.clamp_max(1.0), settings.strength).flatten()[:, None]


def color_map(content: Tensor, style_images: Sequence[Tensor]) -> AffineMap:
    """The linear map that gives the content (C, H, W) the style's mean colour and covariance."""
    return gaussian_transport(color_moments([content]), color_moments(style_images))


def color_moments(images: Sequence[Tensor]) -> Moments:
    """Moments of the colours of all pixels of images (C, H, W)."""
    return Moments.of(torch.cat([image.flatten(1).T for image in images]))


def recolor(image: Tensor, colors: AffineMap | None) -> Tensor:
    """Apply a map of colours to every pixel of an image (C, H, W); None changes nothing."""
    if colors is None:
        return image
    matrix, offset = (torch.as_tensor(part).to(image) for part in colors)
    recolored = matrix.T @ image.flatten(1)
    return recolored.add_(offset[:, None]).clamp_(0.0, 1.0).reshape(image.shape)


def structure_map(image: Tensor, reference: float | None = None) -> Tensor:
    """Where the content has structure: local RMS of its gradient, (1, H, W) in [0, 1].

    It is divided by its :func:`structure_reference`, or a given one, and clipped at 1.
    """
    smooth = _gradient_rms(image)
    reference = _reference(smooth) if reference is None else reference
    return smooth.div_(max(reference, 1e-6)).clamp_max_(1.0)


def structure_reference(image: Tensor) -> float:
    """The 90th percentile of the local RMS of an image's gradient."""
    return _reference(_gradient_rms(image))


def _gradient_rms(image: Tensor) -> Tensor:
    down, across = central_differences(image.mean(dim=0))
    energy = (down.square_() + across.square_())[None, None]
    pooled = functional.avg_pool2d(energy, _STRUCTURE_WINDOW, 1, _STRUCTURE_WINDOW // 2, count_include_pad=False)
    return pooled[0].sqrt_()


def _reference(smooth: Tensor) -> float:
    return float(torch.quantile(smooth.flatten()[:: max(1, smooth.numel() // 10_000)], 0.9))
