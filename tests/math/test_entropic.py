"""Entropic optimal transport against POT and its limits: dual potentials and projections."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from skisp._math.distances import squared_distances
from skisp._math.entropic import barycentric_projection, sinkhorn_potentials


@pytest.fixture
def codes(rng):
    return torch.from_numpy(rng.normal(size=(60, 4))), torch.from_numpy(rng.normal(size=(40, 4)) * 1.5 + 0.5)


def implied_plan(queries, keys, potentials, epsilon):
    """The coupling of least cost among those with uniform rows, given the potentials."""
    share = torch.softmax((potentials - squared_distances(queries, keys)) / epsilon, dim=1)
    return share / len(queries)


def epsilon_of(queries, keys, regularisation):
    return float(regularisation * squared_distances(queries, keys).median())


def test_potentials_are_the_dual_potentials_of_pot(codes):
    ot = pytest.importorskip("ot")
    cost = cdist(*codes, "sqeuclidean")
    epsilon = epsilon_of(*codes, 0.1)
    plan, log = ot.sinkhorn(
        [], [], cost, epsilon, method="sinkhorn_log", log=True, numItermax=5000, stopThr=1e-13, warn=False
    )
    potentials = sinkhorn_potentials(*codes, regularisation=0.1, n_iterations=2000)
    expected = epsilon * (log["log_v"] - log["log_v"].mean())
    np.testing.assert_allclose(potentials, expected, atol=1e-6)
    np.testing.assert_allclose(implied_plan(*codes, potentials, epsilon), plan, atol=1e-9)


@pytest.mark.parametrize("regularisation", [0.03, 0.3])
def test_converged_potentials_use_every_key_alike(codes, regularisation):
    potentials = sinkhorn_potentials(*codes, regularisation=regularisation, n_iterations=3000)
    plan = implied_plan(*codes, potentials, epsilon_of(*codes, regularisation))
    np.testing.assert_allclose(plan.sum(0), 1 / 40, rtol=1e-3)
    np.testing.assert_allclose(plan.sum(1), 1 / 60, rtol=1e-12)


def test_potentials_sum_to_zero_and_do_not_move_with_the_codes(codes):
    potentials = sinkhorn_potentials(*codes, regularisation=0.03, n_iterations=10)
    assert abs(float(potentials.sum())) < 1e-9
    moved = sinkhorn_potentials(*(c + 7.0 for c in codes), regularisation=0.03, n_iterations=10)
    torch.testing.assert_close(potentials, moved, rtol=0, atol=1e-9)


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


@settings(deadline=None, max_examples=100)
@given(
    n=st.integers(1, 40),
    m=st.integers(1, 40),
    spread=st.sampled_from([0.0, 1.0, 30.0]),
    log_regularisation=st.floats(-4, 1),
    n_iterations=st.integers(1, 12),
    seed=st.integers(0, 1000),
)
def test_potentials_are_those_of_iterations_on_logarithms(n, m, spread, log_regularisation, n_iterations, seed):
    rng = np.random.default_rng(seed)
    queries, keys = rng.normal(size=(n, 3)), rng.normal(size=(m, 3)) + spread * rng.integers(0, 2, size=(m, 1))
    queries, keys = (torch.from_numpy(codes.astype(np.float32)) for codes in (queries, keys))
    regularisation = 10.0**log_regularisation
    cost, epsilon = squared_distances(queries, keys).double(), epsilon_of(queries, keys, regularisation)
    v = cost.new_zeros(m)
    for _ in range(n_iterations):
        u = np.log(m) - torch.logsumexp((v - cost) / epsilon, 1)
        v = epsilon * (np.log(n) - torch.logsumexp(u[:, None] - cost / epsilon, 0))
    potentials = sinkhorn_potentials(queries, keys, regularisation=regularisation, n_iterations=n_iterations)
    torch.testing.assert_close(potentials.double(), v - v.mean(), rtol=1e-4, atol=1e-5 * float(cost.max()))
