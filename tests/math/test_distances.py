"""Distances of codes and the nearest of them, against scipy and scikit-learn."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.neighbors import NearestNeighbors

from skisp._chunks import chunk_sizes
from skisp._math.distances import nearest, squared_distances


@pytest.fixture
def codes(rng):
    return torch.from_numpy(rng.normal(size=(60, 4))), torch.from_numpy(rng.normal(size=(40, 4)) * 1.5 + 0.5)


def test_squared_distances_are_those_of_scipy(codes):
    np.testing.assert_allclose(squared_distances(*codes), cdist(*codes, "sqeuclidean"), atol=1e-10)
    assert float(squared_distances(codes[0].float() * 1e3, codes[0].float() * 1e3).min()) >= 0


def test_without_a_penalty_it_is_the_nearest_neighbour(codes):
    queries, keys = codes
    indices, costs = nearest(queries, keys, torch.zeros(40).double())
    distances, expected = NearestNeighbors(n_neighbors=1).fit(keys).kneighbors(queries)
    np.testing.assert_array_equal(indices, expected[:, 0])
    np.testing.assert_allclose(costs, distances[:, 0] ** 2, atol=1e-10)


@settings(deadline=None, max_examples=25)
@given(
    n=st.integers(1, 30),
    m=st.integers(1, 30),
    d=st.integers(1, 5),
    seed=st.integers(0, 99),
    entries=st.sampled_from([1, 50, 4_000_000]),
)
def test_with_a_penalty_it_is_the_least_sum_however_it_is_chunked(n, m, d, seed, entries):
    rng = np.random.default_rng(seed)
    queries, keys, penalty = (torch.from_numpy(rng.normal(size=shape)) for shape in ((n, d), (m, d), m))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunk_sizes, "entries", entries)
        indices, costs = nearest(queries, keys, penalty)
    total = cdist(queries, keys, "sqeuclidean") + penalty.numpy()
    np.testing.assert_array_equal(indices, total.argmin(1))
    np.testing.assert_allclose(costs, total.min(1), atol=1e-9)
