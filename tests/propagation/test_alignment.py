"""Closed-form maps between distributions."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm
from skisp.propagation._alignment import AffineMap, Moments, fit_ridge, gaussian_transport, symmetric_power
from sklearn.linear_model import Ridge


def cloud(rng, n, d, shift=0.0):
    return torch.from_numpy(rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + shift)


def test_moments_are_the_mean_and_the_covariance(rng):
    rows = cloud(rng, 200, 4, shift=2.0)
    moments = Moments.of(rows.float())
    np.testing.assert_allclose(moments.mean, rows.float().double().mean(0))
    np.testing.assert_allclose(moments.covariance, np.cov(rows.float().double().T, bias=True), rtol=1e-10)


def test_symmetric_powers_agree_with_scipy(rng):
    matrix = Moments.of(cloud(rng, 50, 5)).covariance
    np.testing.assert_allclose(symmetric_power(matrix, 0.5), sqrtm(matrix.numpy()).real, atol=1e-9)
    np.testing.assert_allclose(symmetric_power(matrix, -1.0), np.linalg.inv(matrix), rtol=1e-8)


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


def test_transport_is_symmetric_and_positive(rng):
    matrix = gaussian_transport(*(Moments.of(cloud(rng, 100, 5)) for _ in range(2))).matrix
    torch.testing.assert_close(matrix, matrix.T)
    assert float(torch.linalg.eigvalsh(matrix).min()) > 0


def test_equal_moments_are_left_alone(rng):
    rows = cloud(rng, 100, 6, shift=1.0)
    moments = Moments.of(rows)
    torch.testing.assert_close(gaussian_transport(moments, moments)(rows), rows, rtol=0, atol=1e-9)


def test_in_one_dimension_it_is_the_scalar_formula():
    source = Moments(torch.tensor([1.0]).double(), torch.tensor([[4.0]]).double())
    target = Moments(torch.tensor([-3.0]).double(), torch.tensor([[0.25]]).double())
    transport = gaussian_transport(source, target)
    x = torch.tensor([[0.0], [1.0], [5.0]]).double()
    torch.testing.assert_close(transport(x), -3 + 0.5 / 2 * (x - 1))


def test_transport_agrees_with_pot(rng):
    gaussian = pytest.importorskip("ot.gaussian")
    source, target = Moments.of(cloud(rng, 200, 5)), Moments.of(cloud(rng, 200, 5, shift=2.0))
    expected, offset = gaussian.bures_wasserstein_mapping(
        source.mean.numpy(), target.mean.numpy(), source.regularised().numpy(), target.regularised().numpy()
    )
    transport = gaussian_transport(source, target)
    np.testing.assert_allclose(transport.matrix, expected, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(transport.offset, np.ravel(offset), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("value", [0.0, 0.7])
def test_flat_samples_map_to_finite_ones(value, rng):
    flat, rows = torch.full((50, 3), value).double(), cloud(rng, 50, 3)
    for source, target in ((flat, rows), (rows, flat), (flat, flat)):
        moved = gaussian_transport(Moments.of(source), Moments.of(target))(source)
        assert torch.isfinite(moved).all()
        torch.testing.assert_close(moved.mean(0), target.mean(0))


def test_ridge_agrees_with_scikit_learn(rng):
    inputs = cloud(rng, 100, 4, shift=1.0)
    outputs = inputs @ torch.from_numpy(rng.normal(size=(4, 3))) + 0.1 * cloud(rng, 100, 3)
    centred = inputs - inputs.mean(0)
    alpha = 1e-4 * float((centred.T @ centred).diagonal().mean())
    expected = Ridge(alpha=alpha, solver="cholesky").fit(inputs.numpy(), outputs.numpy())
    fitted = fit_ridge(inputs, outputs)
    np.testing.assert_allclose(fitted.matrix, expected.coef_.T, rtol=1e-8)
    np.testing.assert_allclose(fitted.offset, expected.intercept_, rtol=1e-8)
    np.testing.assert_allclose(fitted(inputs), expected.predict(inputs.numpy()), rtol=1e-8)


def test_ridge_with_fewer_rows_than_columns_is_finite(rng):
    fitted = fit_ridge(cloud(rng, 3, 6), cloud(rng, 3, 2))
    assert torch.isfinite(fitted.matrix).all()


def test_maps_are_chained_in_order(rng):
    first = AffineMap(torch.from_numpy(rng.normal(size=(4, 3))), torch.from_numpy(rng.normal(size=3)))
    second = AffineMap(torch.from_numpy(rng.normal(size=(3, 2))), torch.from_numpy(rng.normal(size=2)))
    rows = cloud(rng, 10, 4)
    torch.testing.assert_close(first.then(second)(rows), second(first(rows)))
    torch.testing.assert_close(first.then(second).to_arrays()(rows), second(first(rows)))


def test_maps_keep_the_dtype_of_the_rows(rng):
    transport = gaussian_transport(*(Moments.of(cloud(rng, 50, 3)) for _ in range(2)))
    assert transport(torch.zeros(2, 3)).dtype == torch.float32
    assert transport(torch.zeros(2, 3).double()).dtype == torch.float64
