"""Bands of a picture that get the distribution of the style's."""

import pytest
import torch
from scipy.stats import wasserstein_distance
from torch.nn import functional

from skisp._chunks import chunk_sizes
from skisp.propagation.synthesis._band_match import PictureMatch, band_statistics, match_bands
from skisp.propagation.synthesis._pyramid import expand, laplacian_pyramid
from skisp.propagation.synthesis._raster import RowStore


def texture(height=40, width=52, seed=0):
    """Smooth and fine noise in [0.25, 0.75]."""
    generator = torch.Generator().manual_seed(seed)
    coarse = functional.interpolate(torch.rand(1, 3, 6, 6, generator=generator), size=[height, width], mode="bilinear")
    return 0.25 + 0.3 * coarse[0] + 0.2 * torch.rand(3, height, width, generator=generator)


def like(picture, *styles, match=None):
    """The picture with the contrast and the colours of the styles."""
    return matched(picture, band_statistics(styles, [1 / len(styles)] * len(styles)), match)[0]


def matched(picture, *arguments):
    """What :func:`match_bands` makes of a picture, and the match."""
    store, match = match_bands(RowStore.copy_of(picture), *arguments)
    return store.whole(), match


def with_bands_times(factors, image):
    """The image with its Laplacian bands multiplied, finest first, and what is below them, last."""
    *factors, below = factors
    bands, rest = laplacian_pyramid(image)
    mean = rest.mean(dim=(1, 2), keepdim=True)
    rest = mean + below * (rest - mean)
    for factor, band in zip(reversed(factors), reversed(bands), strict=True):
        rest = expand(rest, band) + factor * band
    return rest.clamp(0, 1)


def test_the_style_itself_is_left_alone():
    style = texture()
    torch.testing.assert_close(like(style, style), style, rtol=0, atol=2e-3)


@pytest.mark.parametrize("contrast", [0.8, 0.6, 1.3])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_faded_picture_is_restored_within_the_limit(contrast, channels):
    style = texture()[:channels]
    picture = 0.5 + contrast * (style - 0.5)
    torch.testing.assert_close(like(picture, style), style, rtol=0, atol=4e-3)


@pytest.mark.parametrize("contrast", [0.1, 0.2])
def test_no_band_becomes_more_than_three_times_as_strong(contrast):
    style = texture()
    picture = 0.5 + contrast * (style - 0.5)
    torch.testing.assert_close(
        like(picture, style) - style.mean(dim=(1, 2), keepdim=True),
        with_bands_times([3.0] * 3, picture) - picture.mean(dim=(1, 2), keepdim=True),
        rtol=0,
        atol=4e-3,
    )


def test_a_band_gets_the_styles_distribution_not_only_its_strength():
    """Rare accents, as of white foam, are lost in votes: noise of equal strength has none."""
    generator = torch.Generator().manual_seed(0)
    accents = 0.4 + 0.5 * (torch.rand(1, 64, 64, generator=generator) > 0.96).float().expand(3, -1, -1)
    noise = 0.42 + 0.1 * torch.randn(3, 64, 64, generator=generator)
    bands = [laplacian_pyramid(image)[0][0].flatten() for image in (noise, accents, like(noise, accents))]
    before, after = (wasserstein_distance(band.numpy(), bands[1].numpy()) for band in bands[::2])
    assert after < 0.5 * before


def test_axes_of_colour_that_a_grey_style_lacks_fade():
    grey = texture().mean(dim=0, keepdim=True).expand(3, -1, -1)
    picture = texture(seed=1)
    chroma = [float((image - image.mean(dim=0)).std()) for image in (picture, like(picture, grey))]
    assert chroma[1] < 0.4 * chroma[0]


def test_the_match_of_one_picture_serves_another():
    style, picture = texture(), 0.5 + 0.7 * (texture(seed=1) - 0.5)
    statistics = band_statistics([style], [1.0])
    result, match = matched(picture, statistics)
    again, used = matched(picture, band_statistics([picture], [1.0]), match)
    assert all(one is other for one, other in zip(used.turns, match.turns, strict=True))
    kept = PictureMatch.from_arrays(match.to_arrays() | {"else": picture.numpy()}, torch.device("cpu"))
    torch.testing.assert_close(matched(picture, statistics, kept)[0], result, rtol=0, atol=0)
    torch.testing.assert_close(again, result, rtol=0, atol=0)
    # Measured on its own, a fainter picture would be made stronger.
    faint = 0.5 + 0.5 * (picture - 0.5)
    kept = matched(faint, statistics, match)[0]
    assert float(kept.std()) < 0.8 * float(matched(faint, statistics)[0].std())


def test_a_match_goes_a_share_of_the_way_to_the_pictures_own():
    style, picture = band_statistics([texture()], [1.0]), 0.5 + 0.7 * (texture(seed=1) - 0.5)
    _, match = matched(picture, style)
    faint = 0.5 + 0.5 * (picture - 0.5)
    stale, halfway, all_the_way = (matched(faint, style, match, share)[0] for share in (0.0, 0.5, 1.0))
    torch.testing.assert_close(all_the_way, matched(faint, style)[0], rtol=0, atol=1e-5)
    assert float(stale.std()) < 0.95 * float(halfway.std()) < 0.95 * float(all_the_way.std())
    # Frame after frame it arrives.
    for _ in range(12):
        arrived, match = matched(faint, style, match, 0.4)
    assert float(arrived.std()) == pytest.approx(float(all_the_way.std()), rel=0.01)


def test_bands_that_the_style_lacks_are_left_alone():
    picture, small = texture(64, 64), texture(20, 20, seed=1)
    changed, before = (laplacian_pyramid(image)[0] for image in (like(picture, small), picture))
    assert len(before) > len(laplacian_pyramid(small)[0])
    torch.testing.assert_close(changed[-1], before[-1], rtol=0, atol=0.02)


def test_of_two_styles_the_barycentre_is_taken():
    """Of strengths s and t, (s + t) / 2."""
    style = texture()
    weak, strong = (0.5 + factor * (style - 0.5) for factor in (0.8, 1.2))
    torch.testing.assert_close(like(style, weak, strong), style, rtol=0, atol=4e-3)


def test_large_pictures_are_mapped_in_parts_with_the_same_result(monkeypatch):
    style, picture = texture(), texture(seed=1)
    whole = like(picture, style)
    monkeypatch.setattr(chunk_sizes, "pixels", 100)
    assert torch.equal(like(picture, style), whole)


@pytest.mark.parametrize("size", [(5, 5), (15, 90), (16, 16), (33, 47)])
def test_any_size_comes_out_finite_and_in_range(size):
    generator = torch.Generator().manual_seed(0)
    hard = (torch.rand(3, *size, generator=generator) > 0.5).float()
    for picture, style in (
        (hard, texture()),
        (torch.full((3, *size), 0.5), hard),
        (hard, torch.full((3, 20, 20), 0.5)),
    ):
        result = like(picture, style)
        assert result.shape == picture.shape
        assert torch.isfinite(result).all()
        assert float(result.min()) >= 0
        assert float(result.max()) <= 1
