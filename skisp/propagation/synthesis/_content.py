"""The content of a picture: recoloured in the style's colours, its statistics, and its pyramid levels."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ..._math.affine import AffineMap
from ..._math.box_means import box_mean
from ..._math.gaussian import Moments, gaussian_transport
from ..._math.gradients import gradient_rms
from ._level import Level
from ._patches import PatchGrid
from ._pyramid import size_with_short_side
from ._raster import Raster, moments_of, sampled
from ._scaling import resized
from ._settings import SynthesisSettings
from ._style_model import StyleModel

__all__ = [
    "Content",
    "ContentStatistics",
    "color_map",
    "color_moments",
    "even_contrast",
    "recolor",
    "structure_map",
]

# Short side in pixels up to which the content has its full weight.
_FULL_WEIGHT_SIDE = 256
_STRUCTURE_WINDOW = 7
# Rows on each side that the structure of a row depends on: half a window of differences between neighbours.
_STRUCTURE_HALO = _STRUCTURE_WINDOW // 2 + 1
# Of contrast that is evened: half a level of 8 bits is rounding, and noise must not become structure.
_LEAST_DEVIATION = 0.5 / 255
_GREATEST_FACTOR = 3.0
# Of the pixels whose gradient is less than what counts as all of the structure.
_REFERENCE_SHARE = 0.9


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
    recolored : Raster (C, H, W)
        In the style's colours.
    original : Raster (C, H, W) or None
        In its own colours, if a coder of its own needs them.
    statistics : ContentStatistics
    """

    recolored: Raster
    original: Raster | None
    statistics: ContentStatistics

    @classmethod
    def of(cls, image: Tensor | Raster, style: StyleModel, statistics: ContentStatistics | None = None) -> Self:
        """Recolour an image (C, H, W), by its own statistics or by those of another frame of its sequence."""
        raster = Raster.of(image)
        original = None if style.encode_content is None else raster
        if statistics is not None:
            return cls(recolored_raster(raster, statistics.colors), original, statistics)
        colors = color_map(raster, [one for images in style.images for one in images])
        recolored = recolored_raster(raster, colors)
        return cls(recolored, original, ContentStatistics(colors, structure_reference(recolored)))

    @property
    def structure(self) -> Raster:
        """The :func:`structure_map` (1, H, W)."""

        def rows(start: int, stop: int) -> Tensor:
            window, own = self.recolored.window(start, stop, _STRUCTURE_HALO)
            return structure_map(window, self.statistics.structure)[:, own]

        return Raster((1, *self.size), rows)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.recolored.size

    @property
    def short_side(self) -> int:
        """Pixels."""
        return min(self.size)

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
        grid = PatchGrid(size_with_short_side(self.size, short_side), style.patch_size, style.stride)
        exemplar = style.exemplar(style.side(short_side, settings.style_scale))
        recolored = resized(self.recolored, grid.size)
        target = style.alignment(self._codes(recolored, grid, style, settings.evening))
        pooled = functional.avg_pool2d(
            grid.pad(structure_map(recolored, structure))[None], grid.patch_size, grid.stride
        )
        at_positions = pooled.flatten()[:, None]
        weight = _content_weight(at_positions, grid, settings)
        return Level(grid, exemplar, style.one_offs(exemplar), recolored, target, at_positions, weight)

    def _codes(self, recolored: Tensor, grid: PatchGrid, style: StyleModel, evening: float) -> Tensor:
        """Codes of the grid's patches, by the content's own coder or by the styles', with contrast evened."""
        encode: Callable[[Tensor], Tensor] = style.coder.encode
        image = recolored
        if style.encode_content is not None and self.original is not None:
            encode, image = style.encode_content, resized(self.original, grid.size)
        return grid.map(encode, even_contrast(image, evening) if evening > 0 else image)


def _content_weight(structure: Tensor, grid: PatchGrid, settings: SynthesisSettings) -> Tensor:
    """Share (h * w, 1) of the target in a query: little in flat places, much on edges."""
    # What is finer than a small picture shows is left to the style, so that large pictures are not less of it.
    fineness = min(1.0, _FULL_WEIGHT_SIDE / min(grid.size)) ** 1.5
    weight = settings.content_weight * (0.38 + 3.8 * structure) * fineness
    return torch.lerp(torch.ones_like(weight), weight.clamp_max(1.0), settings.strength)


def even_contrast(image: Tensor, power: float) -> Tensor:
    r"""An image (C, H, W) whose faint places have more contrast, so that they steer strokes too.

    .. math:: x' = \bar x_u + (x - \bar x_u) \min(\max((r / \sigma_u)^{\text{power}}, 1), 3)

    with the mean :math:`\bar x_u` and the standard deviation :math:`\sigma_u` over about an eighth of the
    short side, and r the 75th percentile of :math:`\sigma`.
    """
    window = 2 * (min(image.shape[1:]) // 16) + 1
    mean, square = box_mean(image, window), box_mean(image.square(), window)
    deviation = (square - mean.square()).clamp_min(0.0).mean(dim=0, keepdim=True).sqrt()
    reference = _quantile(deviation, 0.75)
    factor = (reference / deviation.clamp_min(_LEAST_DEVIATION)).pow(power).clamp(1.0, _GREATEST_FACTOR)
    return (mean + (image - mean) * factor).clamp_(0.0, 1.0)


def color_map(content: Tensor | Raster, style_images: Sequence[Tensor]) -> AffineMap:
    """The linear map that gives the content (C, H, W) the style's mean colour and covariance."""
    return gaussian_transport(moments_of(Raster.of(content)), color_moments(style_images))


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


def recolored_raster(raster: Raster, colors: AffineMap) -> Raster:
    """A raster of which each pixel is mapped."""
    return Raster(raster.shape, lambda start, stop: recolor(raster.rows(start, stop), colors)).kept()


def structure_map(image: Tensor, reference: float | None = None) -> Tensor:
    """Where the content has structure: local RMS of its gradient, (1, H, W) in [0, 1].

    It is divided by its :func:`structure_reference`, or a given one, and clipped at 1.
    """
    smooth = gradient_rms(image, _STRUCTURE_WINDOW)
    reference = _quantile(smooth, _REFERENCE_SHARE) if reference is None else reference
    return smooth.div_(max(reference, 1e-6)).clamp_max_(1.0)


def structure_reference(image: Raster) -> float:
    """The 90th percentile of the local RMS of an image's gradient."""

    def rows(start: int, stop: int) -> Tensor:
        window, own = image.window(start, stop, _STRUCTURE_HALO)
        return gradient_rms(window, _STRUCTURE_WINDOW)[:, own]

    gradient = Raster((1, *image.size), rows)
    return float(torch.quantile(sampled(gradient, _step(image.size[0] * image.size[1])), _REFERENCE_SHARE))


def _quantile(values: Tensor, share: float) -> float:
    """A quantile of some 10,000 of the values."""
    some = values.flatten()[:: _step(values.numel())]
    return float(np.quantile(some.cpu().numpy(), share))  # which sorts no more than it needs


def _step(n: int) -> int:
    return max(1, n // 10_000)
