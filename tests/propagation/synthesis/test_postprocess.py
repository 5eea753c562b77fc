"""After the synthesis: structure of the content."""

import pytest
import torch
from torch.nn import functional

from skisp.propagation.synthesis._postprocess import large_areas, mix_hue, mix_structure, sharpened
from skisp.propagation.synthesis._raster import Raster, RowStore


def texture(height=40, width=52, seed=0):
    """Smooth and fine noise in [0.25, 0.75]."""
    generator = torch.Generator().manual_seed(seed)
    coarse = functional.interpolate(torch.rand(1, 3, 6, 6, generator=generator), size=[height, width], mode="bilinear")
    return 0.25 + 0.3 * coarse[0] + 0.2 * torch.rand(3, height, width, generator=generator)


def changed(function, picture, recolored, structure, *shares):
    store = RowStore.copy_of(picture)
    structure = Raster.of(structure)
    function(store, Raster.of(recolored), large_areas(structure) if function is mix_hue else structure, *shares)
    return store.whole()


def stripes(height=96, width=128, strength=0.1):
    """Lines of one pixel, lighter and darker in turn: detail without large areas."""
    return strength * torch.tensor([1.0, -1.0]).repeat(width // 2).expand(3, height, width)


@pytest.mark.parametrize(("structure", "expected"), [(0.0, 0.3), (0.5, 0.65), (1.0, 1.0)])
def test_the_share_of_the_contents_detail_follows_its_structure(structure, expected):
    picture = torch.full((3, 96, 128), 0.5)
    mixed = changed(
        mix_structure, picture, picture + stripes(), torch.full((1, 96, 128), structure), 0.4, 0.2, structure
    )
    torch.testing.assert_close(mixed[..., 8:-8], (picture + 0.4 * expected * stripes())[..., 8:-8], rtol=0, atol=1e-3)


@pytest.mark.parametrize("size", [(96, 128), (24, 20), (3, 2)])
def test_light_and_shade_of_large_areas_remain_the_styles(size):
    picture = torch.full((3, *size), 0.3)
    mixed = changed(mix_structure, picture, picture + 0.4, torch.ones(1, *size), 1.0, 0.2, 1.0)
    torch.testing.assert_close(mixed, picture)


def test_a_share_of_nothing_leaves_the_picture():
    picture = texture(seed=1)
    mixed = changed(mix_structure, picture, texture(seed=2), torch.rand(1, 40, 52), 0.0, 0.0, 0.5)
    torch.testing.assert_close(mixed, picture)


def test_detail_is_stronger_where_the_content_has_structure_and_as_much_weaker_elsewhere():
    structure = torch.zeros(1, 96, 128)
    structure[..., 64:] = 1
    picture = torch.full((3, 96, 128), 0.5)
    mixed = changed(mix_structure, picture + stripes(), texture(96, 128), structure, 0.0, 0.4, 0.5) - picture
    torch.testing.assert_close(mixed[..., 8:56], 0.8 * stripes()[..., 8:56], rtol=0, atol=1e-3)
    torch.testing.assert_close(mixed[..., 72:-8], 1.2 * stripes()[..., 72:-8], rtol=0, atol=1e-3)


def area(height, width, color):
    return torch.tensor(color)[:, None, None].expand(3, height, width)


@pytest.mark.parametrize(("structure", "expected"), [(0.0, 0.0), (0.25, 0.15), (0.5, 0.3), (1.0, 0.3)])
def test_a_large_area_takes_a_share_of_the_contents_hue_and_keeps_its_luminance(structure, expected):
    picture, recolored = area(96, 128, [0.6, 0.4, 0.3]), area(96, 128, [0.2, 0.5, 0.7])
    weights = torch.tensor([0.299, 0.587, 0.114])
    luminance, other = (float(weights @ image[:, 0, 0]) for image in (picture, recolored))
    wanted = picture + expected * ((recolored - other) - (picture - luminance))
    mixed = changed(mix_hue, picture, recolored, torch.full((1, 96, 128), structure), 0.3)
    torch.testing.assert_close(mixed, wanted, rtol=0, atol=1e-6)


def test_strokes_keep_their_own_hue():
    stripes = torch.zeros(3, 128, 128)
    stripes[:, :, ::2] = 0.1 * torch.tensor([1.0, -1.0, 0.0])[:, None, None]
    stripes[:, :, 1::2] = -stripes[:, :, ::2]
    picture = 0.5 + stripes
    mixed = changed(mix_hue, picture, torch.full_like(picture, 0.5), torch.ones(1, 128, 128), 1.0)
    torch.testing.assert_close(mixed[..., 8:-8], picture[..., 8:-8], rtol=0, atol=0.01)


def test_grey_has_no_hue():
    picture = texture(seed=1)[:1]
    torch.testing.assert_close(
        changed(mix_hue, picture, texture(seed=2)[:1], torch.ones(1, 40, 52), 1.0), picture, rtol=0, atol=0
    )


def test_what_was_blurred_is_as_sharp_as_a_fresh_picture_again():
    fresh = 0.5 + 0.2 * torch.randn(3, 60, 70, generator=torch.Generator().manual_seed(0)).clamp(-2, 2)
    blurred = 0.7 * fresh + 0.3 * functional.avg_pool2d(fresh[None], 3, 1, 1)[0]
    differences = [picture.diff(dim=2).std() for picture in (blurred, sharpened(blurred, fresh), fresh)]
    assert float(differences[0] / differences[2]) < 0.8
    assert float(differences[1] / differences[2]) == pytest.approx(1.0, abs=0.03)


def test_nothing_is_made_less_sharp():
    picture = torch.rand(3, 40, 44, generator=torch.Generator().manual_seed(0))
    for fresh in (picture, torch.full_like(picture, 0.5)):
        torch.testing.assert_close(sharpened(picture, fresh), picture, rtol=0, atol=1e-5)
