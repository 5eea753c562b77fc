"""Sizes from coarse to fine, and bands of detail between them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from skisp.propagation.synthesis._pyramid import laplacian_pyramid, short_sides, size_with_short_side

RATIO = 2**0.5


@given(finest=st.integers(1, 5000), coarsest=st.integers(1, 200))
def test_sides_rise_by_the_ratio_to_exactly_the_finest(finest, coarsest):
    sides = short_sides(finest, coarsest)
    assert sides[-1] == finest
    expected = [round(finest / RATIO**k) for k in reversed(range(len(sides)))]
    assert max(abs(a - b) for a, b in zip(sides, expected, strict=True)) <= 1  # round-off at a half
    assert sides == sorted(sides)
    if finest >= coarsest:
        assert coarsest - 1 <= sides[0] <= np.ceil(coarsest * RATIO)
    else:
        assert sides == [finest]


@given(height=st.integers(1, 4000), width=st.integers(1, 4000), side=st.integers(1, 600))
def test_the_shorter_side_is_exact_and_the_form_is_kept(height, width, side):
    new = size_with_short_side((height, width), side)
    assert min(new) == side
    assert abs(max(new) - side * max(height, width) / min(height, width)) <= 0.5 + 1e-6
    assert (new[0] <= new[1]) == (height <= width) or new[0] == new[1]


@settings(deadline=None, max_examples=20)
@given(height=st.integers(5, 70), width=st.integers(5, 70))
def test_bands_sum_back_to_the_image(height, width):
    image = torch.rand(3, height, width, generator=torch.Generator().manual_seed(0))
    bands, remainder = laplacian_pyramid(image)
    assert len(bands) <= 3
    assert bool(bands) == (min(height, width) >= 16)
    for band in reversed(bands):
        size = list(band.shape[1:])
        remainder = band + functional.interpolate(remainder[None], size=size, mode="bilinear", align_corners=False)[0]
    torch.testing.assert_close(remainder, image, rtol=0, atol=1e-6)


def test_bands_of_a_flat_image_hold_nothing():
    bands, remainder = laplacian_pyramid(torch.full((3, 64, 64), 0.4))
    assert max(float(band.abs().max()) for band in bands) < 1e-5
    torch.testing.assert_close(remainder, torch.full_like(remainder, 0.4))


@pytest.mark.parametrize(("side", "n_bands"), [(15, 0), (16, 1), (30, 1), (31, 2), (256, 5), (600, 5)])
def test_bands_are_five_at_most_and_none_is_of_less_than_sixteen_pixels(side, n_bands):
    assert len(laplacian_pyramid(torch.rand(1, side, side + 3))[0]) == n_bands
