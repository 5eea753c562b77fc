"""Images as tensors and back, and their sizes."""

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage

from skisp._tensors import from_tensor, resize, to_tensor


@pytest.fixture
def image():
    return np.random.default_rng(0).random((12, 20, 3), dtype=np.float32)


def test_images_come_back_as_they_were_and_share_no_memory(image):
    tensor = to_tensor(image)
    assert tensor.shape == (3, 12, 20)
    assert torch.equal(tensor[1], torch.from_numpy(image[..., 1].copy()))
    back = from_tensor(tensor)
    np.testing.assert_array_equal(back, image)
    assert back.flags.c_contiguous
    tensor.zero_()
    assert image.any()


def test_an_image_of_the_size_is_not_copied(image):
    tensor = to_tensor(image)
    assert resize(tensor, (12, 20)) is tensor


@pytest.mark.parametrize("size", [(6, 10), (30, 50), (5, 33)])
def test_sizes_are_changed_as_by_pillow(image, size):
    """torch's antialiased bicubic filter is the one of Pillow."""
    resized = resize(to_tensor(image[..., :1]), size)
    pillow = PillowImage.fromarray(image[..., 0]).resize(size[::-1], PillowImage.Resampling.BICUBIC)
    assert resized.shape == (1, *size)
    np.testing.assert_allclose(resized[0], np.asarray(pillow).clip(0, 1), atol=1e-5)


def test_values_stay_in_the_unit_interval():
    step = torch.zeros(1, 8, 8)
    step[..., 4:] = 1
    resized = resize(step, (20, 20))  # a bicubic filter overshoots at an edge
    assert resized.min() == 0
    assert resized.max() == 1
