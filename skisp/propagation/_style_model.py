"""One or several styles as the redrawing needs them: images, codes, and the map from content codes to theirs.

Several styles meet half way, or any share of the way: their images are given the barycentre of
their colours, the content's codes go to the barycentre of theirs, and each patch of a style is to
be used in that style's share.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .._images import to_channels
from .._math.affine import AffineMap, fit_ridge
from .._math.gaussian import Moments, gaussian_barycentre, gaussian_transport
from .._tensors import to_tensor
from ._bank import PatchBank, build_bank
from ._codec import JointCodec, PatchCodec, code_metric
from ._finish import band_deviations
from ._patch_transformer import PatchTransformer, draw_patches

__all__ = ["FittedStyles", "StyleModel", "color_map", "fit_styles", "recolor"]

# Patches that the codes' metric and the alignment are fitted on.
_N_PATCHES = 6000
# Pixels of the largest scale whose bank is kept for the next image, and of those below it.
_MOST_KEPT_PIXELS = 4_000_000


@dataclass(frozen=True)
class FittedStyles:
    """What is learnt of styles and content together, in arrays, which pickle.

    Attributes
    ----------
    weights : tuple of float
        One a style, greater than 0, of sum 1.
    colors : tuple of AffineMap or None
        From each style's colours to those of all together; None where there is but one style.
    metrics : tuple of ndarray (d, d)
        What gives the codes of each style's coder the distances of patches.
    content_metric : ndarray (d, d) or None
        Likewise of the content's own coder.
    alignment : AffineMap
        Content codes to where the styles' codes live.
    """

    weights: tuple[float, ...]
    colors: tuple[AffineMap | None, ...]
    metrics: tuple[NDArray[np.float32], ...]
    content_metric: NDArray[np.float32] | None
    alignment: AffineMap

    def model(self, styles: Sequence[PatchTransformer], content: Any, device: torch.device) -> "StyleModel":
        """The styles, of the number and order fitted, ready for redrawing on a device."""
        images = [
            [recolor(image, colors) for image in _tensors(style, device)]
            for style, colors in zip(styles, self.colors, strict=True)
        ]
        codec = _joint_codec(styles, self.weights, self.colors, self.metrics)
        content_codec = None if self.content_metric is None else PatchCodec(content.transformer_, self.content_metric)
        return StyleModel(images, self.weights, codec, content_codec, self.alignment)


@dataclass(frozen=True)
class StyleModel:
    """What redrawing needs of the fitted parts.

    Attributes
    ----------
    images : sequence of sequence of Tensor (C, H, W)
        The images of each style, in the colours of all together.
    weights : sequence of float
        Of the styles, of sum 1.
    codec : JointCodec
        The styles' coders.
    content_codec : PatchCodec or None
        The content's own coder; None codes the colour-mapped content by the styles'.
    alignment : AffineMap
        Content codes to where the styles' codes live.
    """

    images: Sequence[Sequence[Tensor]]
    weights: Sequence[float]
    codec: JointCodec
    content_codec: PatchCodec | None
    alignment: AffineMap
    banks: dict[tuple[int, int, int], PatchBank] = field(default_factory=dict, compare=False)
    deviations: dict[int, list[float]] = field(default_factory=dict, compare=False)

    def bank(self, short_side: int, patch_size: int, stride: int) -> PatchBank:
        """The styles' bank at one scale, built when it is first asked for."""
        key = (short_side, patch_size, stride)
        bank = self.banks.get(key)
        if bank is None:
            bank = build_bank(self.images, self.weights, short_side, self.codec, patch_size, stride)
            self.banks[key] = bank
        return bank

    def forget_banks(self, keep: Sequence[int] | None = None) -> None:
        """Drop large banks, and those of other scales than ``keep``, so that they do not fill the memory."""
        for key, bank in list(self.banks.items()):
            if bank.canvas[0].numel() > _MOST_KEPT_PIXELS or (keep is not None and key[0] not in keep):
                self.banks.pop(key, None)  # another thread may have

    def band_deviations(self, short_side: int) -> list[float]:
        """Weighted mean of the images' :func:`band_deviations` at one size."""
        if short_side not in self.deviations:
            of_each = [
                np.mean([band_deviations(image, short_side) for image in images], axis=0) for images in self.images
            ]
            self.deviations[short_side] = np.tensordot(self.weights, of_each, axes=1).tolist()
        return self.deviations[short_side]


def fit_styles(
    styles: Sequence[PatchTransformer],
    weights: Sequence[float],
    content: Any,
    contents: Sequence[Tensor],
    generator: torch.Generator,
) -> FittedStyles:
    """Learn how content becomes style: the map of codes, the metric of each coder's, and common colours.

    Parameters
    ----------
    styles : sequence of fitted PatchTransformer
    weights : sequence of float
        Greater than 0, of sum 1.
    content : fitted PatchTransformer or None
    contents : sequence of Tensor (C, H, W)
        The content images.
    generator : torch.Generator
    """
    device = contents[0].device
    originals = [_tensors(style, device) for style in styles]
    colors = _common_colors(originals, weights)
    images = [[recolor(image, part) for image in own] for own, part in zip(originals, colors, strict=True)]
    drawn = [_draw(own, style.patch_size, generator) for own, style in zip(originals, styles, strict=True)]
    metrics = tuple(code_metric(style.transformer_, rows) for style, rows in zip(styles, drawn, strict=True))
    if len(styles) > 1:
        drawn = [_draw(own, styles[0].patch_size, generator) for own in images]
    codec = _joint_codec(styles, weights, colors, metrics)
    every = [image for own in images for image in own]
    pairs = [torch.cat([image, recolor(image, color_map(image, every))]) for image in contents]
    own, recolored = _draw(pairs, styles[0].patch_size, generator).chunk(2, dim=1)
    target = gaussian_barycentre([Moments.of(codec.encode(rows)) for rows in drawn], weights)
    content_metric = content_codec = None
    if content is not None:
        content_metric = code_metric(content.transformer_, own)
        content_codec = PatchCodec(content.transformer_, content_metric)
    alignment = _align(codec.encode(recolored), own, content_codec, target)
    return FittedStyles(tuple(weights), colors, metrics, content_metric, alignment)


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
    """Maps of each style's colours to the barycentre of all; None for a style that is alone."""
    if len(images) == 1:
        return (None,)
    moments = [_color_moments(own) for own in images]
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


def _draw(images: Sequence[Tensor], patch_size: int, generator: torch.Generator) -> Tensor:
    per_image = -(-_N_PATCHES // len(images))
    return torch.cat([draw_patches(image, patch_size, per_image, 512, generator) for image in images])


def color_map(content: Tensor, style_images: Sequence[Tensor]) -> AffineMap:
    """The linear map that gives the content (C, H, W) the style's mean colour and covariance."""
    return gaussian_transport(Moments.of(content.flatten(1).T), _color_moments(style_images))


def recolor(image: Tensor, colors: AffineMap | None) -> Tensor:
    """Apply a map of colours to every pixel of an image (C, H, W); None leaves them."""
    if colors is None:
        return image
    matrix, offset = (torch.as_tensor(part).to(image) for part in colors)
    mapped = matrix.T @ image.flatten(1)
    return mapped.add_(offset[:, None]).clamp_(0.0, 1.0).reshape(image.shape)


def _color_moments(images: Sequence[Tensor]) -> Moments:
    return Moments.of(torch.cat([image.flatten(1).T for image in images]))
