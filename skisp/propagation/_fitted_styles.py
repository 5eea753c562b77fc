"""What is learnt of styles alone, and of styles and content: colours, distances of codes, the map of codes.

Several styles meet in between, by their weights: their images are given the barycentre of their colours,
the content's codes go to the barycentre of theirs, and the patches of each style occur in its share.
"""

import copy
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .._images import to_channels
from .._math.affine import AffineMap, fit_ridge
from .._math.gaussian import Moments, gaussian_barycentre, gaussian_transport
from .._tensors import to_tensor
from ._patch_codec import JointCodec, PatchCodec, code_metric
from ._patch_sampling import sample_patches
from ._patch_transformer import PatchTransformer
from .synthesis._content import color_map, color_moments, recolor
from .synthesis._raster import Raster
from .synthesis._style_model import StyleModel

__all__ = ["FittedStyles", "StyleSide"]

# Patches that the codes' metric and the alignment are fitted on.
_N_PATCHES = 6000


@dataclass(frozen=True)
class FittedStyles:
    """What is learnt of styles and content together, in arrays, which can be pickled.

    Attributes
    ----------
    weights : tuple of float
        One a style, greater than 0, of sum 1.
    colors : tuple of AffineMap or None
        From each style's colours to those of all together; None if there is only one style.
    metrics : tuple of ndarray (d, d)
        The matrix that gives the codes of each style's coder the distances of patches.
    content_metric : ndarray (d, d) or None
        The same for the content's own coder.
    alignment : AffineMap
        Content codes to where the styles' codes lie.
    """

    weights: tuple[float, ...]
    colors: tuple[AffineMap | None, ...]
    metrics: tuple[NDArray[np.float32], ...]
    content_metric: NDArray[np.float32] | None
    alignment: AffineMap

    def model(
        self, styles: Sequence[PatchTransformer], content: Any, device: torch.device, made: StyleModel | None = None
    ) -> StyleModel:
        """The styles, of the number and order fitted, ready for the synthesis on a device.

        One that was made for other content shares its exemplars, which do not depend on that.
        """
        encode = None if self.content_metric is None else PatchCodec(content.transformer_, self.content_metric).encode
        if made is not None:
            made = copy.copy(made)
            made.encode_content, made.alignment = encode, self.alignment
            return made
        images = [
            [recolor(image, colors) for image in _tensors(style, device)]
            for style, colors in zip(styles, self.colors, strict=True)
        ]
        codec = _joint_codec(styles, self.weights, self.colors, self.metrics)
        return StyleModel(images, self.weights, styles[0].patch_size, codec, encode, self.alignment)


@dataclass(frozen=True)
class StyleSide:
    """What is learnt of the styles alone, before there is any content.

    Attributes
    ----------
    styles : tuple of fitted PatchTransformer
    weights, colors, metrics
        As of :class:`FittedStyles`.
    images : list of Tensor (C, H, W)
        Of all styles, in their common colours.
    target : Moments
        Of the codes of all styles together.
    generator_state : Tensor
        Of the generator that sampled the styles' patches, and samples the content's next.
    """

    styles: tuple[PatchTransformer, ...]
    weights: tuple[float, ...]
    colors: tuple[AffineMap | None, ...]
    metrics: tuple[NDArray[np.float32], ...]
    images: list[Tensor]
    target: Moments
    generator_state: Tensor

    @classmethod
    def of(
        cls, styles: Sequence[PatchTransformer], weights: Sequence[float], device: torch.device, seed: int
    ) -> "StyleSide":
        """Learn the metric of each coder, and colours and moments that all styles have in common.

        Parameters
        ----------
        styles : sequence of fitted PatchTransformer
        weights : sequence of float
            Greater than 0, of sum 1.
        device : torch.device
        seed : int
        """
        generator = torch.Generator().manual_seed(seed)
        originals = [_tensors(style, device) for style in styles]
        colors = _common_colors(originals, weights)
        images = [[recolor(image, part) for image in own] for own, part in zip(originals, colors, strict=True)]
        sampled = [_sample(own, style, generator) for own, style in zip(originals, styles, strict=True)]
        metrics = tuple(code_metric(style.transformer_, rows) for style, rows in zip(styles, sampled, strict=True))
        if len(styles) > 1:
            sampled = [_sample(own, styles[0], generator) for own in images]
        codec = _joint_codec(styles, weights, colors, metrics)
        target = gaussian_barycentre([Moments.of(codec.encode(rows)) for rows in sampled], weights)
        every = [image for own in images for image in own]
        return cls(tuple(styles), tuple(weights), colors, metrics, every, target, generator.get_state())

    def is_on(self, device: torch.device) -> bool:
        """Whether its images are on a device."""
        return self.images[0].to(device) is self.images[0]

    def fit(self, content_images: Sequence[Raster], content_transformer: Any) -> FittedStyles:
        """Learn how content becomes style: the map of codes, and the metric of a coder of its own.

        Parameters
        ----------
        content_images : sequence of Raster (C, H, W)
        content_transformer : fitted PatchTransformer or None
        """
        generator = torch.Generator()
        generator.set_state(self.generator_state)
        pairs = [_with_recolored(image, color_map(image, self.images)) for image in content_images]
        own, recolored = _sample(pairs, self.styles[0], generator).chunk(2, dim=1)
        content_metric = content_codec = None
        if content_transformer is not None:
            content_metric = code_metric(content_transformer.transformer_, own)
            content_codec = PatchCodec(content_transformer.transformer_, content_metric)
        codec = _joint_codec(self.styles, self.weights, self.colors, self.metrics)
        alignment = _align(codec.encode(recolored), own, content_codec, self.target)
        return FittedStyles(self.weights, self.colors, self.metrics, content_metric, alignment)


def _align(aligned: Tensor, own: Tensor, content_codec: PatchCodec | None, target: Moments) -> AffineMap:
    """The map from content codes: by ridge regression to the styles' codes of the same patches, then to the target."""
    steps = []
    if content_codec is not None:
        codes = content_codec.encode(own)
        steps.append(fit_ridge(codes, aligned))
        aligned = steps[0](codes)
    steps.append(gaussian_transport(Moments.of(aligned), target))
    return functools.reduce(AffineMap.then, steps).to_arrays()


def _common_colors(images: Sequence[Sequence[Tensor]], weights: Sequence[float]) -> tuple[AffineMap | None, ...]:
    """Maps of each style's colours to the barycentre of all; None for a single style."""
    if len(images) == 1:
        return (None,)
    moments = [color_moments(own) for own in images]
    centre = gaussian_barycentre(moments, weights)
    return tuple(gaussian_transport(part, centre).to_arrays() for part in moments)


def _joint_codec(
    styles: Sequence[PatchTransformer],
    weights: Sequence[float],
    colors: Sequence[AffineMap | None],
    metrics: Sequence[NDArray[np.float32]],
) -> JointCodec:
    parts = [
        PatchCodec(style.transformer_, metric, None if to_common is None else to_common.inverse())
        for style, to_common, metric in zip(styles, colors, metrics, strict=True)
    ]
    return JointCodec(parts, weights)


def _tensors(style: PatchTransformer, device: torch.device) -> list[Tensor]:
    return [to_tensor(to_channels(image, style.n_channels_)).to(device) for image in style.images_]


def _with_recolored(image: Raster, colors: AffineMap) -> Raster:
    """The channels of an image, and after them those of the image in other colours."""

    def rows(start: int, stop: int) -> Tensor:
        own = image.rows(start, stop)
        return torch.cat([own, recolor(own, colors)])

    return Raster((2 * image.shape[0], *image.size), rows).kept()


def _sample(images: Sequence[Tensor | Raster], style: PatchTransformer, generator: torch.Generator) -> Tensor:
    """Patches of images, of the size and the pyramid levels on which the style's coder was fitted."""
    per_image = -(-_N_PATCHES // len(images))
    sampled = [sample_patches(image, style.patch_size, per_image, style.max_size, generator) for image in images]
    return torch.cat(sampled)
