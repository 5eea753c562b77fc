"""The last touches: the content's fine structure, and the style's contrast at every size of detail."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from .._math.color import plane_luminance
from .._tensors import resize
from ._pyramid import size_with_short_side

__all__ = ["band_deviations", "keep_color", "laplacian_bands", "match_band_contrast", "mix_structure"]

_N_BANDS = 3


def mix_structure(picture: Tensor, mapped: Tensor, structure: Tensor, share: float) -> Tensor:
    """Mix the colour-mapped content into the picture (C, H, W), most where it has structure.

    Patches cannot draw what is finer than the style's strokes: eyes, windows, thin lines. The
    share runs from 0.3 ``share`` in flat places to ``share`` where ``structure`` (1, H, W) is 1.
    """
    smooth = functional.avg_pool2d(structure[None], 3, 1, 1, count_include_pad=False)[0]
    return torch.lerp(picture, mapped, share * (0.3 + 0.7 * smooth))


def keep_color(picture: Tensor, content: Tensor) -> Tensor:
    """The picture's strokes in the content's colours, both (C, H, W).

    The picture's luminance is first given the content's mean and standard deviation. One amount is
    then added to all channels of a pixel, which leaves the content's chroma as it is; where the
    amount would leave [0, 1] it is cut, for the chroma's sake.

    References
    ----------
    Gatys et al., "Preserving color in neural artistic style transfer", 2016, arXiv:1606.05897.
    """
    drawn, wanted = plane_luminance(picture), plane_luminance(content)
    scale = wanted.std(correction=0) / drawn.std(correction=0).clamp_min(1e-6)
    amount = (drawn - drawn.mean()) * scale + wanted.mean() - wanted
    lowest, highest = -content.min(dim=0).values, 1 - content.max(dim=0).values
    return content + amount.clamp(lowest, highest)


def match_band_contrast(
    picture: Tensor, deviations: Sequence[float], factors: Sequence[float] | None = None
) -> tuple[Tensor, list[float]]:
    """Give each Laplacian band of the picture (C, H, W) the style's standard deviation.

    Overlapping patches average, which weakens what is fine. No band is changed by more than two
    times. Given ``factors``, the bands are changed by those instead.

    Parameters
    ----------
    picture : Tensor (C, H, W)
    deviations : sequence of float
        The :func:`band_deviations` of the style at the picture's size.
    factors : sequence of float or None

    Returns
    -------
    picture : Tensor (C, H, W) in [0, 1]
    factors : list of float
        One a band, finest first.
    """
    bands, remainder = laplacian_bands(picture)
    if factors is None:
        # A style of another size may have more bands or fewer; those that it lacks are left as they are.
        factors = [_factor(float(band.std()), wanted) for band, wanted in zip(bands, deviations, strict=False)]
        factors += [1.0] * (len(bands) - len(factors))
    for factor in reversed(factors):
        band = bands.pop()
        remainder = _expand(remainder, band.shape).add_(band, alpha=factor)
    return remainder.clamp_(0.0, 1.0), list(factors)


def _factor(having: float, wanted: float, limit: float = 2.0) -> float:
    return min(max(wanted / max(having, 1e-6), 1 / limit), limit)


def band_deviations(image: Tensor, short_side: int) -> list[float]:
    """Standard deviations of the Laplacian bands, finest first, of an image (C, H, W) at a size."""
    resized = resize(image, size_with_short_side(image.shape[1:], short_side))
    return [float(band.std()) for band in laplacian_bands(resized)[0]]


def laplacian_bands(image: Tensor) -> tuple[list[Tensor], Tensor]:
    """Split an image (C, H, W) into bands of detail, finest first, and what remains below them.

    Each band is the image less its half-size version expanded; there are up to three, fewer where
    the image falls below 16 pixels.

    References
    ----------
    Burt & Adelson, "The Laplacian pyramid as a compact image code", 1983, doi:10.1109/TCOM.1983.1095851.
    """
    bands: list[Tensor] = []
    while len(bands) < _N_BANDS and min(image.shape[1:]) >= 16:
        half = functional.interpolate(
            image[None], size=[-(-side // 2) for side in image.shape[1:]], mode="bicubic", antialias=True
        )[0]
        bands.append(_expand(half, image.shape).neg_().add_(image))
        image = half
    return bands, image


def _expand(image: Tensor, shape: Sequence[int]) -> Tensor:
    return functional.interpolate(image[None], size=list(shape[1:]), mode="bilinear", align_corners=False)[0]
