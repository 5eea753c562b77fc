import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from skisp.metrics import color_distance, style_distance
from skisp.metrics._style import patch_filters, patch_quantiles, quantile_distance, quantiles, sample_patches


@pytest.fixture
def pictures():
    rng = np.random.default_rng(0)
    return rng.random((48, 64, 3)), rng.random((64, 40, 3)) ** 2


@pytest.mark.parametrize("distance", [style_distance, color_distance])
def test_equal_images_have_no_distance(distance, pictures):
    assert distance(pictures[0], pictures[0]) == 0.0


@pytest.mark.parametrize("texture_only", [False, True])
def test_equal_large_images_have_no_distance(texture_only):
    # More positions than are sampled: both must be sampled alike.
    large = np.random.default_rng(0).random((200, 240, 3))
    assert style_distance(large, large.copy(), texture_only=texture_only) == 0.0


@pytest.mark.parametrize("distance", [style_distance, color_distance])
def test_distance_is_symmetric(distance, pictures):
    a, b = pictures
    assert distance(a, b) == pytest.approx(distance(b, a), rel=1e-6)
    assert distance(a, b) > 0.01


@pytest.mark.parametrize(("n", "m"), [(5000, 5000), (5000, 700)])
def test_quantile_difference_is_the_wasserstein_distance(n, m):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=n).astype(np.float32), rng.gamma(2.0, size=m).astype(np.float32)
    ours = quantile_distance([quantiles(a[None])], [quantiles(b[None])])
    assert ours == pytest.approx(wasserstein_distance(a, b), rel=0.02)


def test_quantiles_are_those_of_numpy():
    values = np.random.default_rng(0).random((3, 1000), dtype=np.float32)
    expected = np.quantile(values, np.linspace(0, 1, 512), axis=1).T
    np.testing.assert_allclose(quantiles(values), expected, atol=1e-6)


def test_flat_images_are_as_far_apart_as_their_projected_difference():
    black, white = np.zeros((32, 32, 3)), np.ones((32, 32, 3))
    filters = patch_filters(96, texture_only=False, random_state=0)
    assert style_distance(black, white) == pytest.approx(np.abs(filters.sum(axis=1)).mean(), rel=1e-5)
    assert style_distance(black, white, texture_only=True) == pytest.approx(0.0, abs=1e-6)


def test_texture_distance_ignores_brightness_and_colour_cast(pictures):
    a, b = pictures
    a = 0.5 * a
    shifted = a + np.array([0.4, 0.1, 0.2])
    assert style_distance(a, shifted) > 0.05
    assert style_distance(a, shifted, texture_only=True) < 1e-6
    original = style_distance(b, a, texture_only=True)
    assert style_distance(b, shifted, texture_only=True) == pytest.approx(original, rel=1e-4)


@pytest.mark.parametrize("texture_only", [False, True])
def test_translation_of_a_texture_hardly_counts(texture_only):
    rng = np.random.default_rng(0)
    texture, other = rng.random((64, 64, 3)), 0.3 + 0.4 * rng.random((64, 64, 3))
    moved = np.roll(texture, (13, 22), axis=(0, 1))
    distance = style_distance(texture, moved, texture_only=texture_only)
    assert distance < 0.1 * style_distance(texture, other, texture_only=texture_only)


def test_filters_are_unit_vectors_without_mean_where_asked():
    for texture_only in (False, True):
        filters = patch_filters(50, texture_only=texture_only, random_state=3)
        np.testing.assert_allclose(np.linalg.norm(filters, axis=1), 1.0, rtol=1e-5)
        is_blind = np.abs(filters.reshape(50, 49, 3).mean(axis=1)).max() < 1e-6
        assert is_blind == texture_only


def test_patches_are_windows_of_the_image():
    image = np.random.default_rng(0).random((20, 30, 3), dtype=np.float32)
    patches = sample_patches(image)
    assert patches.shape == (14 * 24, 147)
    np.testing.assert_array_equal(patches[24 * 5 + 7].reshape(7, 7, 3), image[5:12, 7:14])


def test_at_most_20000_patches_are_kept():
    assert sample_patches(np.zeros((256, 300, 3), dtype=np.float32)).shape == (20_000, 147)


@pytest.mark.parametrize(("side", "n_levels"), [(16, 1), (23, 1), (24, 2), (48, 3), (96, 4), (256, 4)])
def test_small_images_have_fewer_levels(side, n_levels):
    filters = patch_filters(2, texture_only=False, random_state=0)
    assert len(patch_quantiles(np.zeros((side, side + 5, 3), dtype=np.float32), filters)) == n_levels


def test_projections_estimate_one_distance(pictures):
    few = style_distance(*pictures, n_projections=96)
    many = style_distance(*pictures, n_projections=2000, random_state=1)
    assert few == pytest.approx(many, rel=0.15)


def test_color_distance_knows_colours_only():
    rng = np.random.default_rng(0)
    image = rng.random((32, 32, 3))
    shuffled = rng.permutation(image.reshape(-1, 3)).reshape(image.shape)
    assert color_distance(image, shuffled) < 1e-6
    assert style_distance(image, np.sort(image, axis=0)) > 0.0


def test_color_distance_of_two_flat_colours():
    # The mean of |u . d| over unit vectors u in three dimensions is |d| / 2.
    black, grey = np.zeros((20, 20, 3)), np.full((20, 20, 3), 0.5)
    expected = 0.5 * np.sqrt(3) / 2
    assert color_distance(black, grey, n_projections=20_000) == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("distance", [style_distance, color_distance])
def test_no_projections_are_refused(distance, pictures):
    with pytest.raises(ValueError, match="at least 1"):
        distance(*pictures, n_projections=0)
