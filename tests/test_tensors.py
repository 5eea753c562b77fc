"""Images as tensors, and resized."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from skisp._tensors import from_tensor, resize, to_tensor


def test_an_image_comes_back_from_a_tensor_with_its_channels_last():
    image = np.random.default_rng(0).random((5, 7, 3), dtype=np.float32)
    assert to_tensor(image).shape == (3, 5, 7)
    np.testing.assert_array_equal(to_tensor(image)[1], image[..., 1])
    np.testing.assert_array_equal(from_tensor(to_tensor(image)), image)


def test_resizing_to_the_same_size_changes_nothing():
    image = torch.rand(3, 9, 11)
    assert resize(image, (9, 11)) is image


@settings(deadline=None, max_examples=25)
@given(
    size=st.tuples(st.integers(2, 20), st.integers(2, 20)),
    new=st.tuples(st.integers(1, 30), st.integers(1, 30)),
)
def test_resized_images_stay_in_range_and_flat_ones_flat(size, new):
    generator = torch.Generator().manual_seed(0)
    hard = (torch.rand(3, *size, generator=generator) > 0.5).float()
    resized = resize(hard, new)
    assert resized.shape == (3, *new)
    assert float(resized.min()) >= 0
    assert float(resized.max()) <= 1
    torch.testing.assert_close(resize(torch.full((3, *size), 0.3), new), torch.full((3, *new), 0.3), rtol=0, atol=1e-5)


@pytest.mark.parametrize("size", [(24, 24), (96, 96)])
def test_a_gradient_stays_a_gradient(size):
    ramp = ((torch.arange(48) + 0.5) / 48).expand(1, 48, 48)
    expected = ((torch.arange(size[1]) + 0.5) / size[1]).expand(1, *size)
    inner = slice(size[1] // 8, -size[1] // 8)
    torch.testing.assert_close(resize(ramp, size)[..., inner], expected[..., inner], rtol=0, atol=1e-3)


def test_shrinking_is_antialiased():
    board = ((torch.arange(64)[:, None] + torch.arange(64)) % 2).float()[None]
    inner = resize(board, (16, 16))[:, 2:-2, 2:-2]
    torch.testing.assert_close(inner, torch.full_like(inner, 0.5), rtol=0, atol=0.02)
