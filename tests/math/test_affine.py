"""Affine maps of rows, and ridge regression."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from skisp._math.affine import AffineMap, fit_ridge, with_ridge


def random_map(rng, d, e):
    return AffineMap(torch.from_numpy(rng.normal(size=(d, e))), torch.from_numpy(rng.normal(size=e)))


def random_rows(rng, n, d):
    return torch.from_numpy(rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + 1)


def test_a_map_multiplies_rows_and_adds_its_offset():
    affine = AffineMap(torch.tensor([[1.0, 2.0], [0.0, -1.0]]), torch.tensor([10.0, 20.0]))
    assert affine(torch.tensor([[3.0, 4.0]])).tolist() == [[13.0, 22.0]]


def test_maps_are_chained_in_order(rng):
    first, second = random_map(rng, 4, 3), random_map(rng, 3, 2)
    rows = random_rows(rng, 10, 4)
    torch.testing.assert_close(first.then(second)(rows), second(first(rows)))
    torch.testing.assert_close(first.then(second).to_arrays()(rows), second(first(rows)))


def test_an_inverse_leads_back(rng):
    affine, rows = random_map(rng, 4, 4), random_rows(rng, 10, 4)
    torch.testing.assert_close(affine.inverse()(affine(rows)), rows)
    torch.testing.assert_close(affine.to_arrays().inverse()(affine(rows)), rows)


def test_maps_keep_the_dtype_of_the_rows(rng):
    affine = random_map(rng, 3, 2)
    for dtype in (torch.float32, torch.float64):
        assert affine(torch.zeros(2, 3, dtype=dtype)).dtype == dtype
        assert affine.to_arrays()(torch.zeros(2, 3, dtype=dtype)).dtype == dtype


def test_kept_maps_are_arrays(rng):
    assert all(type(part) is np.ndarray for part in random_map(rng, 3, 2).to_arrays())


def test_a_ridge_is_a_share_of_the_mean_diagonal():
    diagonal = torch.tensor([1.0, 2.0, 6.0]).double()
    matrix, expected = torch.diag(diagonal), torch.diag(diagonal + 0.3)
    torch.testing.assert_close(with_ridge(matrix, 0.1), expected, rtol=1e-9, atol=1e-9)
    assert float(with_ridge(torch.zeros(2, 2).double()).diagonal().min()) > 0


@pytest.mark.parametrize("relative_ridge", [1e-4, 0.5])
def test_ridge_regression_agrees_with_scikit_learn(rng, relative_ridge):
    inputs = random_rows(rng, 100, 4)
    outputs = inputs @ torch.from_numpy(rng.normal(size=(4, 3))) + 0.1 * random_rows(rng, 100, 3)
    centred = inputs - inputs.mean(0)
    alpha = relative_ridge * float((centred.T @ centred).diagonal().mean())
    expected = Ridge(alpha=alpha, solver="cholesky").fit(inputs.numpy(), outputs.numpy())
    fitted = fit_ridge(inputs, outputs, relative_ridge)
    np.testing.assert_allclose(fitted.matrix, expected.coef_.T, rtol=1e-8)
    np.testing.assert_allclose(fitted.offset, expected.intercept_, rtol=1e-8)
    np.testing.assert_allclose(fitted(inputs), expected.predict(inputs.numpy()), rtol=1e-8)


def test_ridge_regression_with_fewer_rows_than_columns_is_finite(rng):
    fitted = fit_ridge(random_rows(rng, 3, 6), random_rows(rng, 3, 2))
    assert torch.isfinite(fitted.matrix).all()
