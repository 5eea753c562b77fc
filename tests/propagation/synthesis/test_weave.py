"""The pattern with the stride's period that votes of patches leave: found, taken away, and nothing else with it."""

import numpy as np
import pytest
import torch

from skisp import CVAETransformer, PatchTransformer, StylePropagator
from skisp.datasets import make_style_image
from skisp.propagation.synthesis._weave import pattern, unwoven


def ramp(height, width):
    down, across = torch.linspace(0.2, 0.5, height)[:, None], torch.linspace(0, 0.3, width)
    return (down + across).expand(3, height, width)


def woven(period, height, width, amplitude):
    """A pattern that repeats itself every ``period`` pixels each way, of mean 0 over a period."""
    tile = torch.rand(3, period, period, generator=torch.Generator().manual_seed(0)) - 0.5
    tile -= tile.mean(dim=(1, 2), keepdim=True)
    tile *= amplitude / tile.abs().max()
    return tile.repeat(1, height // period + 1, width // period + 1)[:, :height, :width]


@pytest.mark.parametrize("period", [2, 3, 5])
@pytest.mark.parametrize("size", [(60, 60), (61, 74)])
def test_what_repeats_itself_is_found_and_ramps_stay(period, size):
    expected = woven(period, *size, 4 / 255)
    picture = ramp(*size) + expected
    inner = (slice(None), slice(20, -20), slice(20, -20))
    torch.testing.assert_close(pattern(picture, period)[inner], expected[inner], rtol=0, atol=1e-6)
    torch.testing.assert_close(unwoven(picture, period)[inner], ramp(*size)[inner], rtol=0, atol=1e-6)
    assert float((unwoven(picture, period) - ramp(*size)).abs().max()) < 4 / 255, "the border is no worse"


def test_strokes_stay():
    strokes = torch.rand(3, 90, 90, generator=torch.Generator().manual_seed(1))
    lost = strokes - unwoven(strokes, 3)
    assert float(lost.var() / strokes.var()) < 0.002


def test_dots_of_the_style_lose_eight_levels_at_most():
    dots = woven(3, 60, 60, 0.3)
    lost = (0.5 + dots) - unwoven(0.5 + dots, 3)
    assert float(lost.abs().max()) <= 8 / 255 + 1e-6


def test_at_a_stride_of_a_pixel_there_is_no_pattern():
    picture = ramp(20, 20)
    assert unwoven(picture, 1) is picture


def share_at(picture, stride):
    """Power across and down at the stride's frequency, in those of the frequencies about it."""
    grey = picture.mean(axis=2)[10:130, 10:130]
    shares = []
    for image in (grey, grey.T):
        power = (np.abs(np.fft.rfft((image - image.mean(axis=1, keepdims=True)) * np.hanning(120))) ** 2).mean(axis=0)
        at = 120 // stride
        shares.append(power[at] / np.median(np.r_[power[at - 12 : at - 2], power[at + 3 : at + 13]]))
    return max(shares)


def test_smooth_areas_show_no_weave():
    """Where the photograph is unlike those of ``fit``, found patches disagree: the worst case that was found."""
    up = np.broadcast_to(np.linspace(0.2, 0.8, 160, dtype=np.float32)[:, None, None], (160, 160, 3))
    coder = CVAETransformer(12, max_iter=2, random_state=0)
    style = PatchTransformer(coder, patch_size=11, max_patches=4000, random_state=0)
    images = make_style_image("brush_strokes", size=192, random_state=0)
    propagator = StylePropagator(style=style, style_images=images, random_state=0).fit([up])
    for image in (0.5 * (up + up.transpose(1, 0, 2)), np.full_like(up, 0.5)):
        for content_weight in (1.0, 2.0):
            picture = propagator.set_params(content_weight=content_weight).transform([image])[0]
            assert share_at(picture, 3) < 2.0
