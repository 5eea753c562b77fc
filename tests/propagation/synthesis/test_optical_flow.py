"""Optical flow between two frames, and images warped along with it."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from skisp.propagation.synthesis._optical_flow import agreement, optical_flow, warp


def texture(height, width, seed=0):
    """A smooth random texture (3, H, W)."""
    coarse = torch.rand(1, 3, height // 6 + 2, width // 6 + 2, generator=torch.Generator().manual_seed(seed))
    return functional.interpolate(coarse, size=(height, width), mode="bicubic")[0].clamp(0, 1)


def constant(down, right, height, width):
    return torch.tensor([down, right], dtype=torch.float32)[:, None, None].expand(2, height, width)


@pytest.mark.parametrize(("down", "right"), [(0, 0), (3, 0), (0, -4), (2, 5)])
def test_warping_by_whole_pixels_is_a_shift(down, right):
    image = texture(40, 50)
    warped = warp(image, constant(down, right, 40, 50))
    expected = torch.roll(image, (-down, -right), (1, 2))
    torch.testing.assert_close(warped[:, 6:-6, 6:-6], expected[:, 6:-6, 6:-6], rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("side", "down", "right"),
    [(72, 0, 0), (72, 1, 0), (72, -2, 3), (72, 7, -5), (300, 0, 0), (300, -2, 3), (300, 7, -5), (300, 0, 12)],
)
def test_the_flow_of_a_shifted_texture_is_found(side, down, right):
    whole = texture(side + 30, side + 40)
    previous = whole[:, 15 : 15 + side, 20 : 20 + side]
    current = whole[:, 15 + down : 15 + down + side, 20 + right : 20 + right + side]
    flow = optical_flow(previous, current)
    inside = flow[:, 20:-20, 20:-20] - constant(down, right, side - 40, side - 40)
    assert float(inside.abs().median()) < 0.1
    assert float(inside.abs().quantile(0.95)) < 0.5


def test_noise_on_a_frame_that_stands_is_no_flow():
    image = texture(90, 120)
    generator = torch.Generator().manual_seed(1)
    frames = [(image + 0.015 * torch.randn(image.shape, generator=generator)).clamp(0, 1) for _ in range(2)]
    assert float(optical_flow(*frames).abs().median()) < 0.1


def test_a_flat_place_moves_with_what_surrounds_it():
    whole = texture(96, 110)
    whole[:, 36:60, 40:66] = 0.5
    flow = optical_flow(whole[:, :, :100], whole[:, :, 4:104])
    assert float((flow[1, 42:54, 44:56] - 4).abs().max()) < 1.0


@pytest.mark.parametrize("size", [(8, 8), (8, 300), (300, 8), (13, 25)])
def test_frames_without_detail_or_of_any_shape_have_a_finite_flow(size):
    flat = torch.full((3, *size), 0.5)
    assert float(optical_flow(flat, flat).abs().max()) < 1e-6
    noise = [torch.rand(3, *size, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1)]
    flow = optical_flow(*noise)
    assert flow.shape == (2, *size)
    assert bool(torch.isfinite(flow).all())


@settings(max_examples=20, deadline=None)
@given(st.integers(-20, 20), st.integers(-20, 20))
def test_warped_images_stay_in_range(down, right):
    warped = warp(texture(24, 31), constant(down, right, 24, 31))
    assert float(warped.min()) >= 0
    assert float(warped.max()) <= 1


def test_equal_frames_agree_everywhere_and_others_nowhere():
    image = texture(40, 50)
    still = constant(0, 0, 40, 50)
    torch.testing.assert_close(agreement(image, image, still), torch.ones(1, 40, 50))
    assert float(agreement(image, (image + 0.5) % 1.0, still).max()) < 0.01


def test_nothing_agrees_with_what_comes_from_beyond_the_border():
    flat = torch.full((3, 30, 40), 0.5)
    agreed = agreement(flat, flat, constant(0, 5, 30, 40))
    torch.testing.assert_close(agreed[:, :, :35], torch.ones(1, 30, 35))
    assert float(agreed[:, :, 35:].abs().max()) == 0
