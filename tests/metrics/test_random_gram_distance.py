import numpy as np
import pytest

from skisp.metrics import random_gram_distance
from skisp.metrics._gram import _gram
from skisp.metrics._whitening import zca


@pytest.fixture
def grain():
    return np.random.default_rng(0).random((64, 48, 3))


def test_equal_images_have_no_distance(grain):
    assert random_gram_distance(grain, grain) == 0.0


def test_another_sample_of_a_texture_is_nearer_than_another_texture(grain):
    rng = np.random.default_rng(1)
    same, coarser = rng.random((64, 48, 3)), np.kron(rng.random((16, 12, 3)), np.ones((4, 4, 1)))
    assert random_gram_distance(grain, same) < 0.5 * random_gram_distance(grain, coarser)


def test_brightness_does_not_count(grain):
    assert random_gram_distance(0.5 * grain, 0.5 * grain + 0.4) < 1e-5


def test_contrast_counts_by_its_square(grain):
    # Without a mean, half the contrast is a quarter of the Gram matrix: (1 - 1/4) / (1 + 1/4) = 0.6.
    centred = 0.5 + 0.3 * np.sin(np.arange(64 * 48 * 3).reshape(64, 48, 3) * 1.7)
    halved = 0.5 + 0.5 * (centred - 0.5)
    assert random_gram_distance(centred, halved) == pytest.approx(0.6, abs=0.1)
    assert random_gram_distance(grain, np.full((32, 32), 0.5)) > 0.9


def test_flat_styles_are_measurable():
    flat = np.full((32, 32, 3), 0.25)
    assert random_gram_distance(flat, flat) == 0.0
    assert random_gram_distance(flat, np.random.default_rng(0).random((32, 32))) == pytest.approx(1.0, abs=1e-3)


def test_whitening_whitens():
    rng = np.random.default_rng(0)
    patches = rng.normal(size=(5000, 6)) * np.array([3, 2, 1, 1, 2, 3]) @ rng.normal(size=(6, 6))
    patches -= patches.mean(axis=0)
    whitened = patches @ zca(patches)
    covariance = whitened.T @ whitened / len(whitened)
    assert np.linalg.eigvalsh(covariance).max() < 1.0
    np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=0.35)


def test_gram_is_the_second_moment_of_the_rectified_responses():
    responses = np.array([[1.0, -1.0], [2.0, 3.0]], dtype=np.float32)
    np.testing.assert_allclose(_gram(responses), [[2.5, 3.0], [3.0, 4.5]])


def test_no_filters_are_refused(grain):
    with pytest.raises(ValueError, match="n_filters is 0; expected at least 1"):
        random_gram_distance(grain, grain, n_filters=0)
