"""The content in the style's colours, its structure, and its pyramid levels."""

import numpy as np
import pytest
import torch
from sklearn.preprocessing import FunctionTransformer

from skisp import StylePropagator
from skisp._math.affine import AffineMap
from skisp.propagation._patch_codec import PatchCodec
from skisp.propagation.synthesis._content import Content, color_map, even_contrast, recolor, structure_map
from skisp.propagation.synthesis._settings import SynthesisSettings
from skisp.propagation.synthesis._style_model import StyleModel


def moments(image):
    pixels = image.flatten(1).double().numpy()
    return pixels.mean(1), np.cov(pixels, bias=True)


def test_recoloured_content_has_the_colours_of_the_styles():
    generator = torch.Generator().manual_seed(0)
    content = 0.4 + 0.2 * torch.rand(3, 30, 40, generator=generator)
    mixing = torch.rand(3, 3, generator=generator)
    styles = [
        0.4 + 0.1 * torch.einsum("ij,jhw->ihw", mixing, torch.rand(3, n, 20, generator=generator)) for n in (10, 30)
    ]
    recolored = recolor(content, color_map(content, styles))
    mean, covariance = moments(recolored)
    wanted_mean, wanted = moments(torch.cat(styles, dim=1))
    np.testing.assert_allclose(mean, wanted_mean, atol=1e-5)
    np.testing.assert_allclose(covariance, wanted, atol=1e-3 * np.trace(wanted))


def test_recoloured_content_stays_in_range():
    style = torch.zeros(3, 8, 8)
    style[:, ::2] = 1.0
    recolored = recolor(torch.rand(3, 9, 9) ** 4, color_map(torch.rand(3, 9, 9) ** 4, [style]))
    assert float(recolored.min()) >= 0
    assert float(recolored.max()) <= 1


def test_structure_is_at_edges_and_not_in_flat_places():
    image = torch.zeros(3, 40, 50)
    image[..., 20:] = 1.0
    structure = structure_map(image)
    assert structure.shape == (1, 40, 50)
    assert float(structure[..., :14].max()) == 0
    torch.testing.assert_close(structure[..., 20], torch.ones(1, 40))
    assert float(structure.max()) <= 1


@pytest.mark.parametrize("size", [(2, 2), (5, 7), (3, 60)])
def test_structure_of_tiny_and_flat_images_is_finite(size):
    for image in (torch.full((3, *size), 0.5), torch.rand(3, *size, generator=torch.Generator().manual_seed(0))):
        structure = structure_map(image)
        assert structure.shape == (1, *size)
        assert torch.isfinite(structure).all()


def test_the_structure_does_not_depend_on_contrast():
    image = torch.rand(3, 30, 30, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(structure_map(0.3 * image + 0.2), structure_map(image), rtol=1e-4, atol=1e-5)


@pytest.fixture
def style():
    """Codes that are the patches themselves."""
    codec = PatchCodec(FunctionTransformer(), np.eye(75, dtype=np.float32))
    image = torch.rand(3, 20, 24, generator=torch.Generator().manual_seed(1))
    return StyleModel([[image]], [1.0], 5, codec, None, AffineMap.identity(75).to_arrays())


def level_of(image, style, short_side, **parameters):
    return Content.of(image, style).level(short_side, style, SynthesisSettings.of(StylePropagator(**parameters)))


@pytest.mark.parametrize(
    ("parameters", "side", "expected"),
    [
        ({"content_weight": 2.0}, 40, 0.76),
        ({"content_weight": 0.5}, 40, 0.19),
        ({"content_weight": 9.0}, 40, 1.0),
        ({"content_weight": 2.0, "strength": 0.5}, 40, 0.88),
        ({"content_weight": 2.0}, 320, 0.76 * (256 / 320) ** 1.5),
    ],
)
def test_the_weight_of_flat_content_is_about_two_fifths_and_less_in_large_pictures(style, parameters, side, expected):
    level = level_of(torch.full((3, side, side + 10), 0.5), style, side, **parameters)
    torch.testing.assert_close(level.weight, torch.full_like(level.weight, expected))


def test_edges_weigh_more_than_flat_places(style):
    image = torch.zeros(3, 30, 40)
    image[..., 20:] = 1.0
    level = level_of(image, style, 30, content_weight=0.2)
    weight = level.weight.reshape(level.grid.shape)
    torch.testing.assert_close(weight[:, level.grid.shape[1] // 2], torch.full((level.grid.shape[0],), 0.2 * 4.18))
    torch.testing.assert_close(weight[:, 0], torch.full((level.grid.shape[0],), 0.2 * 0.38))


def test_a_level_has_the_content_and_the_style_at_its_size(style):
    image = torch.rand(3, 30, 45, generator=torch.Generator().manual_seed(0))
    level = level_of(image, style, 10, style_scale=1.5)
    assert level.recolored.shape == (3, *level.grid.size) == (3, 10, 15)
    assert level.exemplar.canvas.shape == (3, 15, 18)
    torch.testing.assert_close(level.target, level.grid.map(torch.clone, level.recolored))


def test_a_later_frame_is_recoloured_by_the_statistics_of_the_first(style):
    first = torch.rand(3, 20, 20, generator=torch.Generator().manual_seed(0))
    second = 1 - first**3
    statistics = Content.of(first, style).statistics
    content = Content.of(second, style, statistics)
    assert content.statistics is statistics
    torch.testing.assert_close(content.recolored.whole(), recolor(second, statistics.colors))


def test_even_contrast_leaves_a_flat_image_and_one_of_even_contrast():
    flat = torch.full((3, 64, 64), 0.4)
    torch.testing.assert_close(even_contrast(flat, 0.6), flat)
    board = 0.3 + 0.4 * ((torch.arange(64)[:, None] + torch.arange(64)) % 2).float()[None]
    torch.testing.assert_close(even_contrast(board, 0.6)[:, 8:-8, 8:-8], board[:, 8:-8, 8:-8], rtol=0, atol=0.02)


def test_even_contrast_strengthens_what_is_faint_by_at_most_three_and_keeps_its_mean():
    board = ((torch.arange(128)[:, None] + torch.arange(128)) % 2).float() - 0.5
    faint, strong = 0.5 + 0.02 * board, 0.5 + 0.4 * board
    image = torch.cat([faint[:64], strong[64:]])[None]
    evened = even_contrast(image, 1.0)
    inside = evened[0, 16:48, 16:-16]
    assert float(inside.std() / faint[16:48, 16:-16].std()) == pytest.approx(3.0, rel=0.05)
    assert float(inside.mean()) == pytest.approx(0.5, abs=1e-3)
    torch.testing.assert_close(evened[0, 90:, 16:-16], strong[90:, 16:-16], rtol=0, atol=0.01)
