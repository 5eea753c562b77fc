import numpy as np
import pytest

from skisp.metrics import random_gram_distance


@pytest.fixture
def grain():
    return np.random.default_rng(0).random((64, 48, 3))


def test_flat_styles_are_measurable():
    flat = np.full((32, 32, 3), 0.25)
    assert random_gram_distance(flat, flat) == 0.0
    assert random_gram_distance(flat, np.random.default_rng(0).random((32, 32))) == pytest.approx(1.0, abs=1e-3)


def test_no_filters_are_refused(grain):
    with pytest.raises(ValueError, match="n_filters is 0; expected at least 1"):
        random_gram_distance(grain, grain, n_filters=0)
