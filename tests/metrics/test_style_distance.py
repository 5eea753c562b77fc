import numpy as np
import pytest

from skisp.metrics import color_distance, style_distance
from skisp.metrics._style import patch_filters, patch_quantiles, quantiles, sample_patches


@pytest.fixture
def pictures():
    rng = np.random.default_rng(0)
    return rng.random((48, 64, 3)), rng.random((64, 40, 3)) ** 2


@pytest.mark.parametrize("texture_only", [False, True])
def test_equal_large_images_have_no_distance(texture_only):
    # More positions than are sampled: both must be sampled alike.
    large = np.random.default_rng(0).random((200, 240, 3))
    assert style_distance(large, large.copy(), texture_only=texture_only) == 0.0


def test_quantiles_are_those_of_numpy():
    values = np.random.default_rng(0).random((3, 1000), dtype=np.float32)
    expected = np.quantile(values, np.linspace(0, 1, 512), axis=1).T
    np.testing.assert_allclose(quantiles(values), expected, atol=1e-6)


def test_at_most_20000_patches_are_kept():
    assert sample_patches(np.zeros((256, 300, 3), dtype=np.float32)).shape == (20_000, 147)


@pytest.mark.parametrize(("side", "n_levels"), [(16, 1), (23, 1), (24, 2), (48, 3), (96, 4), (256, 4)])
def test_small_images_have_fewer_levels(side, n_levels):
    filters = patch_filters(2, texture_only=False, random_state=0)
    assert len(patch_quantiles(np.zeros((side, side + 5, 3), dtype=np.float32), filters)) == n_levels


@pytest.mark.parametrize("distance", [style_distance, color_distance])
def test_no_projections_are_refused(distance, pictures):
    with pytest.raises(ValueError, match="at least 1"):
        distance(*pictures, n_projections=0)
