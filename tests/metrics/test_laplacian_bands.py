import numpy as np
import pytest

from skisp.metrics._bands import _standardised, band_quantiles
from skisp.metrics._style import patch_filters, quantile_distance

FILTERS = patch_filters(96, texture_only=False, random_state=0)


def _picture(seed):
    return np.random.default_rng(seed).random((64, 48, 3), dtype=np.float32)


def test_bands_ignore_brightness_and_contrast_of_each_channel():
    image = _picture(0)
    changed = image * np.array([0.5, 0.3, 0.8], dtype=np.float32) + 0.2
    assert quantile_distance(band_quantiles(image, FILTERS), band_quantiles(changed, FILTERS)) < 1e-4


def test_bands_tell_textures_apart():
    def tiles(seed, shades):
        cells = np.random.default_rng(seed).choice(shades, (32, 32, 3))
        return band_quantiles(np.kron(cells, np.ones((4, 4, 1))).astype(np.float32), FILTERS)

    # As many tiles of the same two shades, but in one of the textures the bright ones are rare.
    even, again, rare = tiles(0, [0.2, 0.8]), tiles(1, [0.2, 0.8]), tiles(2, [0.2] * 19 + [0.8])
    assert quantile_distance(even, rare) > 1.5 * quantile_distance(even, again)


def test_standardised_bands_have_mean_0_and_deviation_1():
    band = _standardised(_picture(0) ** 3)
    assert band.dtype == np.float32
    np.testing.assert_allclose(band.mean(axis=(0, 1)), 0.0, atol=1e-5)
    np.testing.assert_allclose(band.std(axis=(0, 1)), 1.0, atol=1e-5)


def test_rounding_is_not_amplified():
    assert np.abs(_standardised(np.full((20, 20, 3), 0.1, dtype=np.float32))).max() < 1e-3


@pytest.mark.parametrize(("side", "n_bands"), [(16, 1), (48, 3), (256, 4)])
def test_there_are_at_most_three_bands_and_the_low_pass(side, n_bands):
    assert len(band_quantiles(np.zeros((side, side, 3), dtype=np.float32), FILTERS)) == n_bands
