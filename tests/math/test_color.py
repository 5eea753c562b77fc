"""Colours against Pillow and scikit-image."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PillowImage
from skimage.color import gray2rgb, lab2rgb, rgb2lab

from skisp._math.color import encode_srgb, lab_to_rgb, luminance, plane_luminance, rgb_to_lab


@pytest.fixture
def levels(rng):
    return rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)


def test_luminance_is_pillows(levels):
    pillow = np.asarray(PillowImage.fromarray(levels).convert("L"), dtype=float)
    found = luminance((levels / 255).astype(np.float32))
    assert found.shape == (20, 30, 1)
    assert found.dtype == np.float32
    np.testing.assert_allclose(255 * found[..., 0], pillow, atol=0.51)


def test_luminance_of_planes_is_that_of_pixels(levels):
    image = (levels / 255).astype(np.float32)
    planes = torch.from_numpy(image.transpose(2, 0, 1).copy())
    np.testing.assert_allclose(plane_luminance(planes), luminance(image)[..., 0], rtol=1e-6)


def test_grey_images_are_their_luminance(levels):
    grey = (levels[..., :1] / 255).astype(np.float32)
    assert luminance(grey) is grey
    planes = torch.from_numpy(grey[..., 0])[None]
    assert torch.equal(plane_luminance(planes), planes[0])
    np.testing.assert_allclose(luminance(gray2rgb(grey[..., 0])), grey, rtol=1e-6)


def test_srgb_is_encoded_by_both_of_its_pieces():
    linear = np.array([-0.1, 0.0, 0.0031308, 0.2140411, 1.0, 1.5])
    np.testing.assert_allclose(encode_srgb(linear), [0.0, 0.0, 0.04045, 0.5, 1.0, 1.0], atol=1e-6)


def test_lab_agrees_with_scikit_image(levels):
    image = levels / 255
    np.testing.assert_allclose(rgb_to_lab(image), rgb2lab(image), atol=0.05)
    np.testing.assert_allclose(rgb_to_lab(image.astype(np.float32)), rgb2lab(image), atol=0.05)


@given(st.lists(st.tuples(*[st.integers(0, 255)] * 3), min_size=1, max_size=20))
def test_lab_leads_back_and_by_scikit_image_too(colors):
    rgb = np.array(colors) / 255
    np.testing.assert_allclose(lab_to_rgb(rgb_to_lab(rgb)), rgb, atol=1e-6)
    np.testing.assert_allclose(lab_to_rgb(rgb2lab(rgb)), rgb, atol=2e-3)
    np.testing.assert_allclose(lab2rgb(rgb_to_lab(rgb)), rgb, atol=2e-3)


def test_what_no_screen_can_show_is_cut():
    rgb = lab_to_rgb(np.array([[150.0, 0, 0], [-20.0, 0, 0], [50.0, 200, -200]]))
    assert rgb.min() >= 0
    assert rgb.max() <= 1
    np.testing.assert_allclose(rgb[:2], [[1, 1, 1], [0, 0, 0]], atol=1e-12)
