import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from skisp.metrics import redrawn_share
from skisp.metrics._redrawn import _energies
from skisp.metrics._working import box_mean, resize


@pytest.fixture(scope="module")
def pair():
    """Two unrelated pictures with contrast at all scales, of one size."""
    rng = np.random.default_rng(0)

    def picture():
        layers = [resize(rng.random((64 // n, 96 // n, 3), dtype=np.float32), (64, 96)) for n in (1, 2, 4, 8)]
        return np.mean(layers, axis=0)

    return picture(), picture()


def test_what_is_left_is_that_of_least_squares():
    rng = np.random.default_rng(0)
    y, x = rng.normal(size=(9, 9)), rng.normal(size=(3, 9, 9))
    residual = np.linalg.lstsq(x.reshape(3, -1).T, y.ravel())[1][0]
    left, total = _energies(torch.from_numpy(y)[None, None], torch.from_numpy(x)[None])
    assert left == pytest.approx(residual / 81, abs=1e-4)
    assert total == pytest.approx(np.square(y).mean())


@settings(max_examples=25, deadline=None)
@given(gain=st.floats(0.3, 0.9), sign=st.sampled_from([-1, 1]), fade=st.floats(0, 0.5), detail=st.floats(-0.9, 1))
def test_no_brightness_contrast_fade_or_sharpness_is_drawn_anew(pair, gain, sign, fade, detail):
    content, style = pair
    sharpened = content + detail * (content - box_mean(content, 3))
    result = 0.5 + 0.5 * ((1 - fade) * sign * gain * (sharpened - 0.5) + fade * (style - 0.5))
    assert redrawn_share(content, style, result) < 0.02


def test_a_flat_result_is_not_drawn(pair):
    assert redrawn_share(*pair, np.full_like(pair[0], 0.3)) == 0.0
