"""Gaussians against closed forms, scipy and POT: moments, transport, distance and barycentre."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from skisp._math import gaussian
from skisp._math.gaussian import (
    Moments,
    bures_squared,
    gaussian_barycentre,
    gaussian_distance,
    gaussian_transport,
    transport_matrix,
)


def cloud(rng, n, d, shift=0.0):
    return torch.from_numpy(rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + shift)


def covariance(rng, d=5):
    root = rng.normal(size=(d, d))
    return root @ root.T


def pots(moments):
    return moments.mean.numpy(), moments.regularised().numpy()


# Moments


@pytest.mark.parametrize("as_rows", [torch.Tensor.float, torch.Tensor.numpy], ids=["tensor", "array"])
def test_moments_are_the_mean_and_the_covariance(rng, as_rows):
    rows = as_rows(cloud(rng, 200, 4, shift=2.0))
    moments, expected = Moments.of(rows), np.asarray(rows, dtype=np.float64)
    np.testing.assert_allclose(moments.mean, expected.mean(axis=0))
    np.testing.assert_allclose(moments.covariance, np.cov(expected.T, bias=True), rtol=1e-10)
    assert type(moments.covariance) is type(rows)


def test_moments_of_many_rows_are_summed_in_chunks(rng, monkeypatch):
    rows = cloud(rng, 100, 3, shift=1.0)
    whole = Moments.of(rows)
    monkeypatch.setattr(gaussian, "_ROWS_AT_ONCE", 33)
    torch.testing.assert_close(Moments.of(rows), whole)


def test_regularised_covariances_have_a_share_of_their_mean_variance_more():
    moments = Moments(np.zeros(2), np.diag([1.0, 3.0]))
    torch.testing.assert_close(moments.regularised(0.1), torch.diag(torch.tensor([1.2, 3.2]).double()))


def test_moments_as_arrays_and_back_are_the_same(rng):
    moments = Moments.of(cloud(rng, 50, 3))
    arrays = moments.to_arrays()
    assert all(type(part) is np.ndarray for part in arrays)
    assert all(map(torch.equal, arrays.to_tensors(), moments))


# Transport


@settings(deadline=None, max_examples=25)
@given(d=st.integers(1, 8), seed=st.integers(0, 1000))
def test_transport_gives_the_targets_moments(d, seed):
    rng = np.random.default_rng(seed)
    source, target = cloud(rng, 300, d), cloud(rng, 300, d, shift=3.0)
    moved = Moments.of(gaussian_transport(Moments.of(source), Moments.of(target))(source))
    wanted = Moments.of(target)
    torch.testing.assert_close(moved.mean, wanted.mean, rtol=1e-6, atol=1e-6)
    # The ridge of 1e-4 of the mean variance is all that is between them; directions with little
    # variance of the source feel it most.
    ratio = torch.linalg.cond(Moments.of(source).regularised())
    tolerance = 2e-4 * float(wanted.covariance.diagonal().mean()) * max(1.0, float(ratio))
    torch.testing.assert_close(moved.covariance, wanted.covariance, rtol=0, atol=tolerance)


def test_regularised_covariances_are_mapped_exactly(rng):
    source, target = (Moments.of(cloud(rng, 100, 5)) for _ in range(2))
    matrix = gaussian_transport(source, target).matrix
    np.testing.assert_allclose(matrix.T @ source.regularised() @ matrix, target.regularised(), rtol=1e-8, atol=1e-8)


def test_transport_agrees_with_pot(rng):
    ot_gaussian = pytest.importorskip("ot.gaussian")
    source, target = Moments.of(cloud(rng, 200, 5)), Moments.of(cloud(rng, 200, 5, shift=2.0))
    (m_s, c_s), (m_t, c_t) = pots(source), pots(target)
    expected, offset = ot_gaussian.bures_wasserstein_mapping(m_s, m_t, c_s, c_t)
    transport = gaussian_transport(source, target)
    np.testing.assert_allclose(transport.matrix, expected, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(transport.offset, np.ravel(offset), rtol=1e-7, atol=1e-9)


def test_matrices_of_arrays_are_those_of_tensors(rng):
    source, target = covariance(rng), covariance(rng)
    expected = transport_matrix(torch.from_numpy(source), torch.from_numpy(target))
    np.testing.assert_allclose(transport_matrix(source, target), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("value", [0.0, 0.7])
def test_flat_samples_map_to_finite_ones(value, rng):
    flat, rows = torch.full((50, 3), value).double(), cloud(rng, 50, 3)
    for source, target in ((flat, rows), (rows, flat), (flat, flat)):
        moved = gaussian_transport(Moments.of(source), Moments.of(target))(source)
        assert torch.isfinite(moved).all()
        torch.testing.assert_close(moved.mean(0), target.mean(0))


# Distance


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.integers(0, 1000))
def test_bures_distance_agrees_with_matrix_square_roots(one, other):
    a, b = (covariance(np.random.default_rng(seed)) for seed in (one, other))
    root = sqrtm(a)
    expected = np.trace(a + b - 2 * sqrtm(root @ b @ root).real)
    assert bures_squared(a, b) == pytest.approx(expected, abs=1e-5 * np.trace(a + b))


def test_bures_distance_agrees_with_pot_for_arrays_and_tensors(rng):
    ot_gaussian = pytest.importorskip("ot.gaussian")
    a, b = covariance(rng), covariance(rng)
    expected = ot_gaussian.bures_distance(a, b) ** 2
    assert bures_squared(a, b) == pytest.approx(expected)
    assert bures_squared(torch.from_numpy(a), torch.from_numpy(b)) == pytest.approx(expected)


def test_equal_covariances_are_at_no_distance_and_never_below(rng):
    for _ in range(20):
        a = covariance(rng)
        assert 0 <= bures_squared(a, a) < 1e-12 * np.trace(a)


def test_the_distance_of_gaussians_agrees_with_pot_for_arrays_and_tensors(rng):
    ot_gaussian = pytest.importorskip("ot.gaussian")
    first, second = (Moments.of(cloud(rng, 200, 4, shift=s)) for s in (0.0, 2.0))
    arrays = [moments.to_arrays() for moments in (first, second)]
    (m_1, c_1), (m_2, c_2) = arrays
    expected = ot_gaussian.bures_wasserstein_distance(m_1, m_2, c_1, c_2)
    assert gaussian_distance(first, second) == pytest.approx(expected)
    assert gaussian_distance(*arrays) == pytest.approx(expected)


# Barycentre


def test_the_barycentre_of_commuting_covariances_has_the_mean_of_their_roots():
    deviations, weights = np.array([[1.0, 2.0, 0.5], [3.0, 1.0, 4.0]]), [0.25, 0.75]
    means = np.array([[0.0, 0.0, 1.0], [4.0, -4.0, 1.0]])
    moments = [Moments(m, np.diag(d**2)).to_tensors() for m, d in zip(means, deviations, strict=True)]
    between = gaussian_barycentre(moments, weights)
    regularised = [moment.regularised().diagonal().sqrt().numpy() for moment in moments]
    np.testing.assert_allclose(between.mean, weights @ means)
    np.testing.assert_allclose(between.covariance, np.diag((weights @ np.array(regularised)) ** 2), atol=1e-9)


def test_the_barycentre_agrees_with_pot(rng):
    ot_gaussian = pytest.importorskip("ot.gaussian")
    moments, weights = [Moments.of(cloud(rng, 200, 4, shift=s)) for s in (0.0, 1.0, 3.0)], np.array([0.2, 0.5, 0.3])
    means, covariances = (np.stack(parts) for parts in zip(*map(pots, moments), strict=True))
    m, c = ot_gaussian.bures_wasserstein_barycenter(means, covariances, weights, num_iter=1000, eps=1e-12)
    between = gaussian_barycentre(moments, weights)
    np.testing.assert_allclose(between.mean, np.ravel(m))
    np.testing.assert_allclose(between.covariance, c, rtol=1e-6, atol=1e-8)
