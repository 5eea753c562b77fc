import numpy as np
import pytest

from skisp.metrics import content_similarity, gradient_correlation, self_similarity_distance, structure_similarity
from skisp.metrics._content import self_similarity

SIMILARITIES = [content_similarity, gradient_correlation, structure_similarity]


@pytest.fixture
def photo():
    """Smooth shapes with some grain."""
    y, x = np.mgrid[:72, :96] / 12
    rng = np.random.default_rng(0)
    grey = 0.5 + 0.2 * np.sin(x + np.cos(2 * y)) + 0.2 * np.cos(y)
    return (grey[..., None] * np.array([1.0, 0.9, 0.8]) + 0.05 * rng.random((72, 96, 3))).clip(0, 1)


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_equal_images_are_wholly_similar(similarity, photo):
    assert similarity(photo, photo) == pytest.approx(1.0, abs=1e-9)


def test_equal_images_have_no_self_similarity_distance(photo):
    assert self_similarity_distance(photo, photo) == 0.0


def test_ramps_at_an_angle_correlate_by_its_cosine():
    y, x = np.mgrid[:64, :64] / 128
    angle = np.pi / 3
    turned = 0.25 + 0.5 * (np.cos(angle) * x + np.sin(angle) * y)
    # Mirrored borders bend the ramp a little.
    assert gradient_correlation(x, turned) == pytest.approx(np.cos(angle), abs=0.02)


def test_blank_results_keep_no_content(photo):
    blank = np.full_like(photo, 0.5)
    assert gradient_correlation(photo, blank) == 0.0
    assert content_similarity(photo, blank) == 0.0


def test_blank_images_equal_each_other():
    black, grey = np.zeros((20, 20)), np.full((20, 20), 0.5)
    assert gradient_correlation(black, grey) == 1.0
    assert structure_similarity(black, grey) == 1.0
    assert self_similarity_distance(black, black) == 0.0


def test_self_similarity_has_columns_of_sum_one(photo):
    matrix = self_similarity(photo.astype(np.float32))
    np.testing.assert_allclose(matrix.sum(axis=0), 1.0)
    assert matrix.min() > -1e-12
