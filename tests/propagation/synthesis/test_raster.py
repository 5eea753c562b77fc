"""Pictures that are worked on some rows at a time: the same bits whatever the height of a strip."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from skisp._chunks import chunk_sizes
from skisp._tensors import resample, resize
from skisp.propagation.synthesis import _raster
from skisp.propagation.synthesis._band_match import band_statistics, match_bands
from skisp.propagation.synthesis._content import Content, structure_map
from skisp.propagation.synthesis._patches import PatchGrid, hann_window
from skisp.propagation.synthesis._postprocess import keep_color, large_areas, mix_hue, mix_structure
from skisp.propagation.synthesis._pyramid import halvings
from skisp.propagation.synthesis._raster import Raster, RowStore, change_windows, measured, moments_of, sampled
from skisp.propagation.synthesis._scaling import enlarged, resized, shrunk, side_by_side
from skisp.propagation.synthesis._weave import UNWOVEN_AROUND, unwoven

HEIGHTS = [1, 3, 16, 10**6]


def texture(height, width, channels=3, seed=0):
    """Smooth and fine noise in [0.25, 0.75]."""
    generator = torch.Generator().manual_seed(seed)
    coarse = functional.interpolate(
        torch.rand(1, channels, 6, 6, generator=generator), size=[height, width], mode="bilinear"
    )
    return 0.25 + 0.3 * coarse[0] + 0.2 * torch.rand(channels, height, width, generator=generator)


@pytest.fixture
def strips_of(monkeypatch):
    """Strips of a height, of pictures of a width."""

    def set_height(height, width):
        monkeypatch.setattr(chunk_sizes, "pixels", height * width)
        monkeypatch.setattr(chunk_sizes, "least_pixels", height * width)

    return set_height


@pytest.fixture
def small_are_packed(monkeypatch):
    monkeypatch.setattr(_raster, "_MOST_IN_FLOATS", 0)


def same_in_strips(function, strips_of, width, heights=HEIGHTS):
    """What a function gives, which must not depend on the height of strips."""
    results = []
    for height in heights:
        strips_of(height, width)
        results.append(function())
    for result in results[:-1]:
        assert torch.equal(result, results[-1])
    return results[-1]


@pytest.mark.parametrize("size", [(97, 131), (96, 128), (20, 300), (5, 7)])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_is_shrunk_as_it_is_whole(strips_of, size, channels):
    picture = texture(*size, channels)
    half = tuple(-(-side // 2) for side in size)
    for wanted in (half, (3, 4), (size[0], half[1]), (half[0], size[1]), size):
        found = same_in_strips(lambda wanted=wanted: resized(Raster.of(picture), wanted), strips_of, size[1])
        assert torch.equal(found, resize(picture, wanted))
        found = same_in_strips(lambda wanted=wanted: shrunk(Raster.of(picture), wanted, "bilinear"), strips_of, size[1])
        torch.testing.assert_close(found, resample(picture, wanted), rtol=0, atol=1e-6)


@pytest.mark.parametrize("size", [(97, 131), (96, 128), (20, 300), (5, 7)])
def test_a_picture_is_enlarged_as_it_is_whole(strips_of, size):
    for small in ((3, 4), tuple(-(-side // 2) for side in size), size):
        field = texture(*small) - 0.5

        def rows(field=field):
            return Raster((3, *size), lambda start, stop: enlarged(field, size, start, stop)).whole()

        found = same_in_strips(rows, strips_of, size[1])
        expected = functional.interpolate(field[None], size=size, mode="bilinear", align_corners=False)[0]
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_moments_and_samples_are_those_of_all_pixels(strips_of, channels):
    picture = texture(37, 53, channels)
    mean = same_in_strips(lambda: moments_of(Raster.of(picture)).mean, strips_of, 53)
    covariance = same_in_strips(lambda: moments_of(Raster.of(picture)).covariance, strips_of, 53)
    pixels = picture.flatten(1).double().numpy()
    np.testing.assert_allclose(mean, pixels.mean(1), rtol=1e-13)
    np.testing.assert_allclose(covariance, np.atleast_2d(np.cov(pixels, bias=True)), rtol=1e-9, atol=1e-15)
    for step in (1, 7, 53, 60, 5000):
        some = same_in_strips(lambda step=step: sampled(Raster.of(picture), step), strips_of, 53)
        assert torch.equal(some, picture.flatten(1)[:, ::step])
        assert torch.equal(some, measured(Raster.of(picture), step)[1])


@pytest.mark.parametrize("stride", [2, 3, 5])
@pytest.mark.parametrize("size", [(300, 41), (301, 40), (9, 50)])
def test_a_weave_is_taken_out_of_strips_as_of_the_whole(strips_of, monkeypatch, stride, size):
    monkeypatch.setattr(_raster, "_LEAST_UNITS", UNWOVEN_AROUND)
    monkeypatch.setattr(_raster, "_TIMES_LARGER", 1)
    picture = texture(*size)
    picture[:, ::stride] += 0.05

    def in_strips():
        store = RowStore.copy_of(picture)
        change_windows(store, lambda window: unwoven(window, stride), stride, UNWOVEN_AROUND)
        return store.whole()

    assert torch.equal(same_in_strips(in_strips, strips_of, size[1]), unwoven(picture, stride))


@pytest.mark.parametrize(("patch_size", "stride", "size"), [(7, 2, (40, 33)), (11, 3, (50, 20)), (5, 1, (12, 14))])
@pytest.mark.parametrize("at_once", [1, 100, 10**6])
def test_votes_come_row_by_row_as_they_are_whole(monkeypatch, patch_size, stride, size, at_once):
    grid, window = PatchGrid(size, patch_size, stride), hann_window(patch_size)
    patches = torch.rand(grid.shape[0] * grid.shape[1], 3 * patch_size**2, generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr(chunk_sizes, "patches", at_once)
    monkeypatch.setattr(chunk_sizes, "least_patches", at_once)
    store, next_row = RowStore((3, *size)), 0
    for start, rows in grid.assembled_rows(lambda some: patches[some], window):
        assert start == next_row
        store.put(start, rows)
        next_row += rows.shape[1]
    assert next_row == size[0]
    total, weights = torch.zeros(3, 400, 400), torch.zeros(400, 400)
    for i, patch in enumerate(patches.reshape(-1, 3, patch_size, patch_size)):
        row, column = (stride * at for at in divmod(i, grid.shape[1]))
        at = slice(row, row + patch_size), slice(column, column + patch_size)
        total[:, at[0], at[1]] += patch * window
        weights[at] += window
    inside = slice(grid.margin, grid.margin + size[0]), slice(grid.margin, grid.margin + size[1])
    torch.testing.assert_close(store.whole(), (total / weights)[:, inside[0], inside[1]], rtol=0, atol=1e-5)


@pytest.mark.parametrize("size", [(97, 131), (96, 128), (33, 200)])
@pytest.mark.parametrize("channels", [1, 3])
def test_bands_are_matched_in_strips_as_in_the_whole(strips_of, size, channels):
    style, picture = texture(64, 64, channels), 0.5 + 0.6 * (texture(*size, channels, seed=1) - 0.5)

    def matched():
        return match_bands(RowStore.copy_of(picture), band_statistics([style], [1.0]))[0].whole()

    result = same_in_strips(matched, strips_of, size[1])
    assert float((result - picture).abs().max()) > 0.05


@pytest.mark.parametrize("size", [(97, 131), (20, 21)])
def test_structure_hue_and_colours_are_mixed_in_strips_as_in_the_whole(strips_of, size):
    picture, recolored = texture(*size), texture(*size, seed=1)
    structure = Content(Raster.of(recolored), None, statistics_of(recolored)).structure

    def mixed(function, *arguments):
        store = RowStore.copy_of(picture)
        function(store, Raster.of(recolored), *arguments)
        assert not torch.equal(store.whole(), picture)
        return store.whole()

    expected = structure_map(recolored)
    assert torch.equal(same_in_strips(structure.whole, strips_of, size[1]), expected)
    same_in_strips(lambda: mixed(mix_structure, structure, 0.5, 0.4, 0.5), strips_of, size[1])
    same_in_strips(lambda: mixed(mix_hue, large_areas(structure), 0.5), strips_of, size[1])
    kept = same_in_strips(lambda: keep_color(Raster.of(picture), Raster.of(recolored)).whole(), strips_of, size[1])
    torch.testing.assert_close(kept - kept.mean(dim=0), recolored - recolored.mean(dim=0), rtol=0, atol=1e-6)


def statistics_of(image):
    """As a content's own."""
    from skisp._math.affine import AffineMap
    from skisp.propagation.synthesis._content import ContentStatistics, structure_reference

    return ContentStatistics(AffineMap.identity(len(image)), structure_reference(Raster.of(image)))


def test_halvings_are_those_of_the_whole(strips_of):
    picture = texture(97, 131)
    levels = [picture]
    for _ in range(3):
        half = [-(-side // 2) for side in levels[-1].shape[1:]]
        levels.append(functional.interpolate(levels[-1][None], size=half, mode="bicubic", antialias=True)[0])
    for height in HEIGHTS:
        strips_of(height, 131)
        for found, expected in zip(halvings(Raster.of(picture)), levels[1:], strict=True):
            assert torch.equal(found.whole(), expected)


def test_what_is_packed_is_as_it_was_to_a_hundredth_of_a_level(small_are_packed):
    picture = torch.cat([texture(30, 40), torch.tensor([0.0, 1.0, -0.3, 1.4]).expand(3, 10, 4).repeat(1, 1, 10)], dim=1)
    store = RowStore.copy_of(picture)
    assert store.values.dtype == torch.int16
    torch.testing.assert_close(store.whole(), picture, rtol=0, atol=0.005 / 255)
    exact = (picture == 0) | (picture == 1)
    assert torch.equal(store.whole()[exact], picture[exact])
    store.put(0, torch.full((3, 2, 40), 9.0))
    assert float(store.rows(0, 2).max()) == 1.5
    again = RowStore.copy_of(store.whole())
    assert torch.equal(again.values, store.values)


@pytest.mark.parametrize("is_packed", [False, True])
def test_images_lie_side_by_side(monkeypatch, is_packed):
    monkeypatch.setattr(_raster, "_MOST_IN_FLOATS", 0 if is_packed else 10**9)
    images, sizes = [texture(20, 30), texture(25, 20, seed=1)], [(40, 60), (25, 20)]
    canvas = side_by_side(images, sizes).whole()
    assert canvas.shape == (3, 40, 81)
    close = {"rtol": 0, "atol": 1e-4 if is_packed else 0}
    torch.testing.assert_close(canvas[:, :, :60], resize(images[0], (40, 60)), **close)
    torch.testing.assert_close(canvas[:, :25, 61:], images[1], **close)
    assert float(canvas[:, :, 60].abs().max()) == float(canvas[:, 25:, 61:].abs().max()) == 0
