import numpy as np
import pytest

from skisp.metrics import trivial_answers
from skisp.metrics._trivial import _shuffle_blocks
from skisp.metrics._working import box_mean


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(0)
    return rng.random((40, 56, 3), dtype=np.float32), rng.random((64, 48, 3), dtype=np.float32) ** 2


@pytest.fixture(scope="module")
def answers(pictures):
    return trivial_answers(*pictures)


def test_answers_differ(answers):
    images = [image.tobytes() for image in answers.values()]
    assert len(set(images)) == len(images)


def test_content_is_among_the_answers(answers, pictures):
    np.testing.assert_array_equal(answers["content"], pictures[0])


def test_flat_answer_is_the_mean_of_the_resized_style(answers):
    assert np.ptp(answers["flat"], axis=(0, 1)).max() == 0.0
    np.testing.assert_allclose(answers["flat"][0, 0], answers["style"].mean(axis=(0, 1)), atol=1e-6)


def test_cross_fades_lie_between(answers):
    expected = 0.7 * answers["histogram"] + 0.3 * answers["style"]
    np.testing.assert_allclose(answers["histogram, 30% style"], expected, atol=1e-6)


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.2, 1.5])
def test_contrast_keeps_the_mean_and_scales_deviations(answers, factor):
    image, other = answers["histogram"], answers[f"histogram, contrast {factor:g}"]
    if factor < 1:  # else some colours are cut off
        np.testing.assert_allclose(other.mean(axis=(0, 1)), image.mean(axis=(0, 1)), atol=1e-5)
    inside = (other > 0) & (other < 1)
    expected = image.mean(axis=(0, 1)) + factor * (image - image.mean(axis=(0, 1)))
    np.testing.assert_allclose(other[inside], expected[inside], atol=1e-5)


@pytest.mark.parametrize("size", [3, 8])
def test_box_mean_averages_its_window(size):
    image = np.random.default_rng(0).random((20, 24, 3), dtype=np.float32)
    mean = box_mean(image, size)
    start = 10 - (size - 1) // 2
    assert mean.shape == image.shape
    np.testing.assert_allclose(mean[10, 10], image[start : start + size, start : start + size].mean(axis=(0, 1)), 1e-5)


def test_shuffling_moves_whole_blocks():
    image = np.random.default_rng(0).random((32, 48, 3), dtype=np.float32)
    shuffled = _shuffle_blocks(image, np.random.RandomState(0))
    blocks = {image[i : i + 16, j : j + 16].tobytes() for i in (0, 16) for j in (0, 16, 32)}
    moved = {shuffled[i : i + 16, j : j + 16].tobytes() for i in (0, 16) for j in (0, 16, 32)}
    assert blocks == moved
    assert not np.array_equal(image, shuffled)


def test_random_state_decides_noise_and_order(pictures):
    first, again, other = (trivial_answers(*pictures, random_state=seed) for seed in (0, 0, 1))
    for name, image in first.items():
        np.testing.assert_array_equal(image, again[name])
        is_random = name in ("noise", "histogram + noise", "shuffled style", "histogram + shuffled high-pass")
        assert np.array_equal(image, other[name]) != is_random
