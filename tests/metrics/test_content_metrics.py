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


@pytest.fixture
def other():
    return np.random.default_rng(1).random((72, 96, 3))


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_equal_images_are_wholly_similar(similarity, photo):
    assert similarity(photo, photo) == pytest.approx(1.0, abs=1e-9)


def test_equal_images_have_no_self_similarity_distance(photo):
    assert self_similarity_distance(photo, photo) == 0.0


@pytest.mark.parametrize("figure", [*SIMILARITIES, self_similarity_distance])
def test_figures_are_symmetric(figure, photo, other):
    assert figure(photo, other) == pytest.approx(figure(other, photo), abs=1e-9)


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_unrelated_images_are_hardly_similar(similarity, photo, other):
    assert similarity(photo, other) < 0.5


def test_gradients_ignore_brightness_and_contrast(photo):
    assert gradient_correlation(photo, 0.4 * photo + 0.3) == pytest.approx(1.0, abs=1e-5)
    assert gradient_correlation(photo, 1 - photo) == pytest.approx(-1.0, abs=1e-5)


def test_structure_ignores_brightness(photo):
    assert structure_similarity(0.5 * photo, 0.5 * photo + 0.3) == pytest.approx(1.0, abs=1e-5)


def test_structure_of_a_negative_is_negative(photo):
    assert structure_similarity(photo, 1 - photo) < -0.5


def test_structure_is_the_ratio_of_covariance_and_deviations():
    # 16 px have the levels 8 and 4 px with windows 7 and 4: a chessboard of 8 px fields is two halves there.
    left = np.zeros((16, 16))
    left[:, :8] = 1.0
    assert structure_similarity(left, left.T) == pytest.approx(0.0, abs=0.05)
    assert structure_similarity(left, 1 - left) < -0.9


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


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_more_noise_keeps_less(similarity, photo, other):
    mixtures = [(1 - share) * photo + share * other for share in (0.1, 0.3, 0.6, 0.9)]
    figures = [similarity(photo, mixture) for mixture in mixtures]
    assert figures == sorted(figures, reverse=True)


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_the_result_may_have_another_size(similarity, photo):
    larger = np.kron(photo, np.ones((2, 2, 1)))
    assert similarity(photo, larger) > 0.98
