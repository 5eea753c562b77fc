"""Means over windows are those of torch's pooling, and depend on nothing outside the window."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from skisp._math.box_means import box_mean, window_sums


def random_image(height, width, dtype=torch.float64):
    return torch.rand(2, height, width, generator=torch.Generator().manual_seed(0), dtype=dtype)


@settings(deadline=None)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    window=st.integers(0, 20).map(lambda half: 2 * half + 1),
)
def test_the_mean_is_over_the_pixels_of_the_image_in_the_window(height, width, window):
    image = random_image(height, width)
    numerator, pixels = (
        functional.avg_pool2d(functional.pad(one[None], [window // 2] * 4), window, 1)
        for one in (image, torch.ones_like(image))
    )
    torch.testing.assert_close(box_mean(image, window), (numerator / pixels)[0])


@settings(deadline=None)
@given(window=st.integers(1, 30), axis=st.sampled_from([-2, -1]))
def test_sums_are_of_so_many_neighbours(window, axis):
    image = random_image(30, 31)
    torch.testing.assert_close(window_sums(image, window, axis), image.unfold(axis, window, 1).sum(dim=-1))


def test_the_argument_is_left_as_it_is():
    image = random_image(9, 8)
    before = image.clone()
    for window in (1, 3, 4):
        window_sums(image, window, -1).zero_()
    assert torch.equal(image, before)


@pytest.mark.parametrize("window", [3, 5, 7, 33])
def test_the_bits_do_not_depend_on_what_is_outside_the_window(window):
    image, half = random_image(80, 50, torch.float32), window // 2
    strip = box_mean(image[:, 20 - half : 45 + half], window)[:, half:-half]
    assert torch.equal(strip, box_mean(image, window)[:, 20:45])
