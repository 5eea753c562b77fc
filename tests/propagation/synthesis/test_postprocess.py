"""After the synthesis: structure of the content, contrast of the style."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from skisp.propagation.synthesis._postprocess import match_band_contrast, mix_structure
from skisp.propagation.synthesis._pyramid import expand, laplacian_pyramid
from skisp.propagation.synthesis._style_model import StyleModel


def texture(height=40, width=52, seed=0):
    """Smooth and fine noise in [0.25, 0.75]."""
    generator = torch.Generator().manual_seed(seed)
    coarse = functional.interpolate(torch.rand(1, 3, 6, 6, generator=generator), size=[height, width], mode="bilinear")
    return 0.25 + 0.3 * coarse[0] + 0.2 * torch.rand(3, height, width, generator=generator)


def deviations_of(style, short_side):
    return StyleModel([[style]], [1.0], 5, None, None, None).band_deviations(short_side)


def like(picture, style):
    """The picture with the contrast of the style."""
    return match_band_contrast(picture, deviations_of(style, min(picture.shape[1:])))[0]


def with_bands_times(factors, image):
    """The image with its Laplacian bands multiplied, finest first."""
    bands, rest = laplacian_pyramid(image)
    for factor, band in zip(reversed(factors), reversed(bands), strict=True):
        rest = expand(rest, band) + factor * band
    return rest.clamp(0, 1)


def test_the_style_itself_is_left_alone():
    style = texture()
    torch.testing.assert_close(like(style, style), style, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("contrast", "factor"), [(0.8, 1.25), (0.5, 2.0), (0.1, 2.0), (1.3, 1 / 1.3)])
def test_bands_get_the_styles_deviation_within_the_limit(contrast, factor):
    style = texture()
    picture = 0.5 + contrast * (style - 0.5)
    torch.testing.assert_close(like(picture, style), with_bands_times([factor] * 2, picture), rtol=0, atol=1e-5)


def test_the_factors_of_one_picture_serve_another():
    style, picture = texture(), 0.5 + 0.7 * (texture(seed=1) - 0.5)
    _, factors = match_band_contrast(picture, deviations_of(style, 40))
    again, used = match_band_contrast(picture, [], factors)
    assert used == factors
    torch.testing.assert_close(again, like(picture, style))
    changed = match_band_contrast(style, [], factors)[0]
    torch.testing.assert_close(changed, with_bands_times(factors, style), rtol=0, atol=1e-5)


def test_bands_that_the_style_lacks_are_left_alone():
    picture = texture()
    deviations = deviations_of(texture(seed=1), 40)
    one, factors = match_band_contrast(picture, deviations[:1])
    assert factors[1:] == [1.0]
    torch.testing.assert_close(one, with_bands_times(factors, picture), rtol=0, atol=1e-5)
    np.testing.assert_equal(
        match_band_contrast(picture, [*deviations, 0.1])[1], match_band_contrast(picture, deviations)[1]
    )


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


@pytest.mark.parametrize(("structure", "expected"), [(0.0, 0.3), (0.5, 0.65), (1.0, 1.0)])
def test_the_share_of_the_content_follows_its_structure(structure, expected):
    picture, recolored = texture(seed=1), texture(seed=2)
    mixed = mix_structure(picture, recolored, torch.full((1, 40, 52), structure), 0.4)
    torch.testing.assert_close(mixed, torch.lerp(picture, recolored, 0.4 * expected))


def test_a_share_of_nothing_leaves_the_picture():
    picture = texture(seed=1)
    mixed = mix_structure(picture, texture(seed=2), torch.rand(1, 40, 52), 0.0)
    torch.testing.assert_close(mixed, picture)
