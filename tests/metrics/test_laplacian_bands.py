import numpy as np
import pytest

from skisp.metrics._bands import _standardised, band_quantiles
from skisp.metrics._style import patch_filters

FILTERS = patch_filters(96, texture_only=False, random_state=0)


def test_rounding_is_not_amplified():
    assert np.abs(_standardised(np.full((20, 20, 3), 0.1, dtype=np.float32))).max() < 1e-3


@pytest.mark.parametrize(("side", "n_bands"), [(16, 1), (48, 3), (256, 4)])
def test_there_are_at_most_three_bands_and_the_low_pass(side, n_bands):
    assert len(band_quantiles(np.zeros((side, side, 3), dtype=np.float32), FILTERS)) == n_bands
