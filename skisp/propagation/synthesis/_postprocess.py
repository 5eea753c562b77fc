"""After the synthesis: the content's fine structure, and the style's contrast and colours at every size of detail."""

import torch
from torch import Tensor
from torch.nn import functional

from ..._math.box_means import box_mean
from ..._math.color import plane_luminance
from ._band_match import PictureMatch, match_bands
from ._content import Content
from ._pyramid import collapse, laplacian_pyramid, size_with_short_side
from ._raster import Raster, RowStore, moments_of, on_strips
from ._scaling import Shrinking, enlarged
from ._settings import SynthesisSettings
from ._style_model import StyleModel

__all__ = ["keep_color", "postprocess", "sharpened"]

# Short side in pixels of a picture that shows nothing but large areas, and the greatest share of its own.
_LARGE_AREAS_SIDE, _LARGE_AREAS_SHARE = 32, 1 / 8
# Rows of a strip, which needs some more on each side.
_LEAST_ROWS = 32
# Share of a frame's own match.
_ADAPTED = 0.1
# By how much a band is made stronger from one frame to the next at most.
_MOST_SHARPENED = 1.5


def postprocess(
    picture: RowStore,
    content: Content,
    style: StyleModel,
    settings: SynthesisSettings,
    match: PictureMatch | None = None,
) -> tuple[RowStore, PictureMatch]:
    """Give a rendered picture, which is changed, fine structure of the content, and the style's contrast and colours.

    The match of the last frame of a sequence is taken for the next, but for a tenth: what is seen changes, and no
    frame may look other than the last.

    Returns
    -------
    picture : RowStore (C, H, W) in [0, 1]
        The one that was given.
    match : PictureMatch
        By which contrast and colours were changed.
    """
    wanted = style.band_statistics(style.side(content.short_side, settings.style_scale))
    structure = content.structure.kept()
    areas = large_areas(structure)
    mean = float(areas.mean())
    mix_structure(picture, content.recolored, structure, settings.content_share, settings.detail_emphasis, mean)
    mix_hue(picture, content.recolored, areas, settings.hue_share)
    return match_bands(picture, wanted, match, _ADAPTED)


def mix_structure(
    picture: RowStore, recolored: Raster, structure: Raster, share: float, emphasis: float, mean: float
) -> None:
    r"""Let the recoloured content lead the detail of the picture, which is changed: most where it has structure.

    Patches cannot show what is finer than the style's strokes: eyes, windows, thin lines. And strokes as strong in a
    sky as on a face hide the face. Of what is finer than the :func:`large_areas`, which remain the style's, the detail
    :math:`d` of the picture and :math:`r` of the content, with structure :math:`s` of ``mean`` :math:`\bar s`,

    .. math:: d' = \bigl(d + \text{share}\,(0.3 + 0.7 s)\,(r - d)\bigr)\,\bigl(1 + \text{emphasis}\,(s - \bar s)\bigr).

    How strong all detail of a size is together, the match of the bands says after that.
    """
    large, large_of_content = large_areas(picture), large_areas(recolored)

    def mixed(start: int, stop: int) -> Tensor:
        window, own = structure.window(start, stop, 1)
        smooth = box_mean(window, 3)[:, own]
        base = enlarged(large, picture.size, start, stop)
        detail = picture.rows(start, stop) - base
        wanted = recolored.rows(start, stop) - enlarged(large_of_content, picture.size, start, stop)
        detail = torch.lerp(detail, wanted, share * (0.3 + 0.7 * smooth))
        return base.addcmul_(detail, 1.0 + emphasis * (smooth - mean))

    picture.change(mixed, _LEAST_ROWS)


def mix_hue(picture: RowStore, recolored: Raster, structure: Tensor, share: float) -> None:
    """Mix the recoloured content's hue in :func:`large_areas` into the picture, which is changed.

    It keeps its luminance. An object must not change its hue inside because the patches found there have other colours;
    finer colours are the strokes' own. The share is ``share`` where ``structure`` (1, h, w), that of large areas, is a
    half or more, and falls to nothing in the plain: a sky is the style's.
    """
    if share == 0 or picture.shape[0] == 1:
        return
    chroma = large_areas(_difference(recolored, picture))
    chroma -= plane_luminance(chroma)
    chroma *= share * (2.0 * structure).clamp_max_(1.0)
    picture.change(lambda start, stop: picture.rows(start, stop) + enlarged(chroma, picture.size, start, stop))


def large_areas(image: Raster) -> Tensor:
    """What an image (C, H, W) still shows when its short side is 32 pixels, and an eighth of its own at most."""
    side = min(_LARGE_AREAS_SIDE, max(1, round(_LARGE_AREAS_SHARE * min(image.size))))
    small = Shrinking(image.shape, size_with_short_side(image.size, side), "bilinear", image.device)
    on_strips(lambda start, stop: small.put(start, image.rows(start, stop)), image.shape, _LEAST_ROWS)
    return small.result()


def _difference(image: Raster, other: Raster) -> Raster:
    return Raster(image.shape, lambda start, stop: image.rows(start, stop) - other.rows(start, stop))


def sharpened(picture: Tensor, fresh: Tensor) -> Tensor:
    """The picture (C, H, W) with as much detail of each size as a freshly drawn one of the same content has.

    What is resampled and mixed frame after frame loses a little each time, the finest the most. Each Laplacian band
    and channel is multiplied by the ratio of the standard deviations, then what pixels differ by from their neighbours;
    nothing is made weaker.
    """
    bands, remainder = laplacian_pyramid(picture)
    for band, wanted in zip(bands, laplacian_pyramid(fresh)[0], strict=True):
        band *= _gain(band, wanted)
    restored, wanted = collapse(bands, remainder), _finest(fresh)
    for _ in range(2):  # the gain of one turn is less than what is asked for, as the filter is no ideal one
        finest = _finest(restored)
        restored = restored + (_gain(finest, wanted) - 1.0) * finest
    return restored.clamp_(0.0, 1.0)


def _finest(picture: Tensor) -> Tensor:
    """What a pixel differs by from the mean of its four neighbours: resampling takes most of that."""
    around = functional.pad(picture[None], (1, 1, 1, 1), mode="replicate")[0]
    inside = slice(1, -1)
    neighbours = around[:, :-2, inside] + around[:, 2:, inside] + around[:, inside, :-2] + around[:, inside, 2:]
    return picture - neighbours / 4


def _gain(band: Tensor, wanted: Tensor) -> Tensor:
    """Ratio of the deviations of each channel (C, 1, 1), within limits."""
    own, other = (part.std(dim=(1, 2), keepdim=True, correction=0) for part in (band, wanted))
    return (other / own.clamp_min(1e-6)).clamp(1.0, _MOST_SHARPENED)


def keep_color(picture: Raster, content: Raster) -> Raster:
    """The picture's strokes in the content's colours, both (C, H, W).

    First the picture's luminance is given the content's mean and standard deviation. Then one amount is
    added to all channels of a pixel, which does not change the content's chroma. Where a channel would
    leave [0, 1] the amount is reduced, to keep the chroma.

    References
    ----------
    Gatys et al., "Preserving color in neural artistic style transfer", 2016, arXiv:1606.05897.
    """
    (mean, deviation), (wanted_mean, wanted_deviation) = (_mean_and_deviation(part) for part in (picture, content))
    scale = wanted_deviation / max(deviation, 1e-6)

    def rows(start: int, stop: int) -> Tensor:
        own = content.rows(start, stop)
        rendered = plane_luminance(picture.rows(start, stop)).to(own)
        amount = (rendered - mean) * scale + wanted_mean - plane_luminance(own)
        return own + amount.clamp(-own.min(dim=0).values, 1 - own.max(dim=0).values)

    return Raster(content.shape, rows)


def _mean_and_deviation(picture: Raster) -> tuple[float, float]:
    """Of the luminance."""
    luminance = Raster((1, *picture.size), lambda start, stop: plane_luminance(picture.rows(start, stop))[None])
    moments = moments_of(luminance)
    return float(moments.mean), float(moments.covariance.clamp_min(0.0).sqrt())
