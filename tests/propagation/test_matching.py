"""Nearest codes, and the prices that optimal transport puts on them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from skisp.propagation._matching import barycentric_projection, nearest, sinkhorn_prices, squared_distances
from sklearn.neighbors import NearestNeighbors

from skisp.propagation import _matching


@pytest.fixture
def codes(rng):
    return torch.from_numpy(rng.normal(size=(60, 4))), torch.from_numpy(rng.normal(size=(40, 4)) * 1.5 + 0.5)


def implied_plan(queries, keys, prices, epsilon):
    """The coupling of least cost among those with uniform rows, given the prices."""
    share = torch.softmax((prices - squared_distances(queries, keys)) / epsilon, dim=1)
    return share / len(queries)


def epsilon_of(queries, keys, regularisation):
    return float(regularisation * squared_distances(queries, keys).median())


def test_squared_distances_are_those_of_scipy(codes):
    np.testing.assert_allclose(squared_distances(*codes), cdist(*codes, "sqeuclidean"), atol=1e-10)
    assert float(squared_distances(codes[0].float() * 1e3, codes[0].float() * 1e3).min()) >= 0


def test_prices_are_the_dual_potentials_of_pot(codes):
    ot = pytest.importorskip("ot")
    cost = cdist(*codes, "sqeuclidean")
    epsilon = epsilon_of(*codes, 0.1)
    plan, log = ot.sinkhorn(
        [], [], cost, epsilon, method="sinkhorn_log", log=True, numItermax=5000, stopThr=1e-13, warn=False
    )
    prices = sinkhorn_prices(*codes, regularisation=0.1, n_iterations=2000)
    expected = epsilon * (log["log_v"] - log["log_v"].mean())
    np.testing.assert_allclose(prices, expected, atol=1e-6)
    np.testing.assert_allclose(implied_plan(*codes, prices, epsilon), plan, atol=1e-9)


@pytest.mark.parametrize("regularisation", [0.03, 0.3])
def test_converged_prices_use_every_key_alike(codes, regularisation):
    prices = sinkhorn_prices(*codes, regularisation=regularisation, n_iterations=3000)
    plan = implied_plan(*codes, prices, epsilon_of(*codes, regularisation))
    np.testing.assert_allclose(plan.sum(0), 1 / 40, rtol=1e-3)
    np.testing.assert_allclose(plan.sum(1), 1 / 60, rtol=1e-12)


def test_prices_sum_to_zero_and_do_not_move_with_the_codes(codes):
    prices = sinkhorn_prices(*codes, regularisation=0.03, n_iterations=10)
    assert abs(float(prices.sum())) < 1e-9
    moved = sinkhorn_prices(*(c + 7.0 for c in codes), regularisation=0.03, n_iterations=10)
    torch.testing.assert_close(prices, moved, rtol=0, atol=1e-9)


def test_prices_spread_the_use_of_the_keys():
    generator = torch.Generator().manual_seed(0)
    queries = 0.2 * torch.randn(1000, 3, generator=generator)
    keys = torch.randn(50, 3, generator=generator)
    prices = sinkhorn_prices(queries, keys, regularisation=0.03, n_iterations=10)
    counts = [
        torch.bincount(nearest(queries, keys, penalty)[0], minlength=50) for penalty in (torch.zeros(50), -prices)
    ]
    assert int((counts[1] > 0).sum()) > 2 * int((counts[0] > 0).sum())
    assert int(counts[1].max()) < 0.5 * int(counts[0].max())


def test_equal_codes_cost_nothing():
    codes = torch.zeros(5, 3)
    prices = sinkhorn_prices(codes, codes, regularisation=0.03, n_iterations=5)
    torch.testing.assert_close(prices, torch.zeros(5))


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
        patch.setattr(_matching, "_ENTRIES_AT_ONCE", entries)
        indices, costs = nearest(queries, keys, penalty)
    total = cdist(queries, keys, "sqeuclidean") + penalty.numpy()
    np.testing.assert_array_equal(indices, total.argmin(1))
    np.testing.assert_allclose(costs, total.min(1), atol=1e-9)


def test_projections_are_the_means_under_the_plan_of_pot(codes):
    ot = pytest.importorskip("ot")
    epsilon = epsilon_of(*codes, 0.1)
    cost = cdist(*codes, "sqeuclidean")
    plan = ot.sinkhorn([], [], cost, epsilon, method="sinkhorn_log", numItermax=5000, stopThr=1e-13, warn=False)
    projections = barycentric_projection(*codes, regularisation=0.1, n_iterations=2000)
    np.testing.assert_allclose(projections, 60 * plan @ codes[1].numpy(), atol=1e-6)


def test_projections_with_little_regularisation_are_the_best_assignment(codes):
    queries, keys = (some[:15] for some in codes)
    _, assigned = linear_sum_assignment(cdist(queries, keys, "sqeuclidean"))
    projections = barycentric_projection(queries, keys, regularisation=2e-4, n_iterations=20_000)
    np.testing.assert_array_equal(cdist(projections, keys).argmin(1), assigned)
    np.testing.assert_allclose(projections, keys[assigned], atol=0.01)  # the keys are 0.5 and more apart


def test_projections_with_much_regularisation_are_the_mean_of_the_keys(codes):
    projections = barycentric_projection(*codes, regularisation=1e6, n_iterations=10)
    np.testing.assert_allclose(projections, codes[1].mean(0).expand(60, 4), atol=1e-4)


@settings(deadline=None, max_examples=25)
@given(n=st.integers(1, 30), m=st.integers(1, 30), regularisation=st.floats(1e-3, 10), seed=st.integers(0, 1000))
def test_projections_stay_within_the_keys(n, m, regularisation, seed):
    rng = np.random.default_rng(seed)
    queries, keys = (torch.from_numpy(rng.normal(size=(size, 3)).astype(np.float32)) for size in (n, m))
    projections = barycentric_projection(queries, keys, regularisation=regularisation, n_iterations=10)
    assert projections.shape == (n, 3)
    assert projections.dtype == torch.float32
    assert torch.all(projections <= keys.amax(0) + 1e-5)
    assert torch.all(projections >= keys.amin(0) - 1e-5)
