import numpy as np
import pytest

from skisp._math.color import rgb_to_lab
from skisp.metrics._color_match import (
    gaussian_transport,
    match_histograms,
    match_lab_moments,
    transfer_distribution,
)


@pytest.fixture
def pictures():
    rng = np.random.default_rng(0)
    content = rng.random((40, 50, 3), dtype=np.float32)
    style = (rng.random((60, 30, 3)) @ np.array([[0.5, 0.2, 0.0], [0.1, 0.4, 0.3], [0.0, 0.1, 0.3]])).astype(np.float32)
    return content, style


def test_matched_histograms_have_the_quantiles_of_the_style(pictures):
    content, style = pictures
    matched = match_histograms(content, style)
    levels = np.linspace(0.01, 0.99, 50)
    for channel in range(3):
        expected = np.quantile(style[..., channel], levels)
        np.testing.assert_allclose(np.quantile(matched[..., channel], levels), expected, atol=2e-3)


def test_matched_histograms_keep_order_and_ties(pictures):
    content, style = (np.round(image, 1) for image in pictures)
    matched = match_histograms(content, style)
    values, inverse = np.unique(content[..., 0], return_inverse=True)
    images = [np.unique(matched[..., 0].ravel()[inverse.ravel() == i]) for i in range(len(values))]
    assert all(image.size == 1 for image in images)
    assert np.all(np.diff(np.concatenate(images)) >= 0)


def test_grey_content_is_not_torn_apart(pictures):
    grey = np.repeat(pictures[0][..., :1], 3, axis=2)
    moved = gaussian_transport(grey, pictures[1])
    assert np.isfinite(moved).all()
    assert np.abs(moved).max() < 2


def test_lab_moments_become_those_of_the_style(pictures):
    # Colours well inside the gamut, so that nothing is clipped.
    content, style = (0.3 + 0.4 * image for image in pictures)
    matched = rgb_to_lab(match_lab_moments(content, style))
    expected = rgb_to_lab(style)
    np.testing.assert_allclose(matched.mean(axis=(0, 1)), expected.mean(axis=(0, 1)), atol=0.3)
    np.testing.assert_allclose(matched.std(axis=(0, 1)), expected.std(axis=(0, 1)), atol=0.3)


def test_transferred_distribution_is_the_styles_along_any_axis(pictures):
    content, style = pictures
    transferred = transfer_distribution(content, style)
    levels = np.linspace(0.02, 0.98, 30)
    rng = np.random.default_rng(1)
    for axis in rng.normal(size=(20, 3)):
        axis /= np.linalg.norm(axis)
        got, expected, before = (np.quantile(image @ axis, levels) for image in (transferred, style, content))
        assert np.abs(got - expected).mean() < 0.15 * np.abs(before - expected).mean() + 0.005
