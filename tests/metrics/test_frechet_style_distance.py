import numpy as np
import pytest

from skisp.metrics import frechet_style_distance
from skisp.metrics._frechet import StyleDescriptors


@pytest.fixture(scope="module")
def pictures():
    """Grain on red beside plain blue; the same the other way round; and grain on blue, plain red."""
    rng = np.random.default_rng(0)
    left = (np.arange(96) < 48)[None, :, None]
    red, blue = np.array([0.7, 0.3, 0.3]), np.array([0.3, 0.3, 0.7])

    def picture(first, second, rough, fine):
        noise = rng.normal(size=(64, 96, 1)) * np.where(left, rough, fine)
        return (np.where(left, first, second) + noise + rng.normal(scale=0.01, size=(64, 96, 3))).clip(0, 1)

    return picture(red, blue, 0.1, 0.0), picture(blue, red, 0.0, 0.1), picture(red, blue, 0.0, 0.1)


def test_a_part_has_its_own_moments_in_the_whitening_of_all(pictures):
    style = pictures[0].astype(np.float32)
    descriptors = StyleDescriptors.of(style)
    part = np.ascontiguousarray(style[:, :48])
    np.testing.assert_allclose(descriptors.of_part(style).distances(style), 0, atol=1e-5)
    np.testing.assert_allclose(descriptors.of_part(part).distances(part), 0, atol=1e-5)
    assert np.all(descriptors.of_part(part).distances(style) > 0.1)
    np.testing.assert_allclose(descriptors.of_part(part).distances(style), descriptors.distances(part), rtol=1e-4)


def test_a_flat_style_is_no_error(pictures):
    flat = np.full((40, 40, 3), 0.4)
    assert frechet_style_distance(flat, flat) < 1e-5
    assert np.isfinite(frechet_style_distance(flat, pictures[0]))


def test_no_filters_are_refused(pictures):
    with pytest.raises(ValueError, match="n_filters is 0"):
        frechet_style_distance(pictures[0], pictures[1], n_filters=0)
