"""Products, eigenvectors and powers: what they are, and that the number of threads does not show in their bits."""

import numpy as np
import pytest
import threadpoolctl
import torch
from scipy.linalg import eigh, sqrtm

from skisp._math.gaussian import Moments, bures_squared
from skisp._math.linalg import eigenvectors, matrix_product, symmetric_power

KINDS = pytest.mark.parametrize("of_kind", [np.asarray, torch.from_numpy], ids=["array", "tensor"])


def positive(rng, d):
    root = rng.normal(size=(d, 2 * d))
    return root @ root.T / d


@KINDS
def test_products_are_numpys(rng, of_kind):
    a, b = rng.normal(size=(5, 7)), rng.normal(size=(7, 3))
    product = matrix_product(of_kind(a), of_kind(b))
    np.testing.assert_allclose(product, a @ b, rtol=1e-12)
    assert type(product) is type(of_kind(a))


@KINDS
def test_eigenvectors_are_scipys(rng, of_kind):
    matrix = positive(rng, 6)
    values, vectors = eigenvectors(of_kind(matrix))
    np.testing.assert_allclose(values, eigh(matrix, eigvals_only=True), rtol=1e-10)
    np.testing.assert_allclose(matrix @ np.asarray(vectors), np.asarray(vectors * values), atol=1e-10)
    assert type(values) is type(vectors) is type(of_kind(matrix))


@KINDS
def test_eigenvalues_are_not_below_zero(of_kind):
    values, _ = eigenvectors(of_kind(np.diag([-1e-18, 0.0, 2.0])))
    assert np.asarray(values).tolist() == [0.0, 0.0, 2.0]


@KINDS
def test_powers_agree_with_scipy(rng, of_kind):
    matrix = positive(rng, 5)
    np.testing.assert_allclose(symmetric_power(of_kind(matrix), 0.5), sqrtm(matrix).real, atol=1e-9)
    np.testing.assert_allclose(symmetric_power(of_kind(matrix), -1.0), np.linalg.inv(matrix), rtol=1e-8)


@KINDS
@pytest.mark.parametrize("function", [matrix_product, bures_squared, eigenvectors, symmetric_power, Moments.of])
def test_bits_do_not_depend_on_the_number_of_threads(rng, set_threads, of_kind, function):
    # As large as any in the package whose bits count: the descriptors of a style have 51 values.
    columns = rng.normal(size=(51, 20_000))
    rows = of_kind(np.ascontiguousarray(columns.T))
    square = [of_kind(positive(rng, 51)) for _ in range(2)]
    arguments = {
        matrix_product: (of_kind(columns), rows),
        bures_squared: square,
        eigenvectors: square[:1],
        symmetric_power: (square[0], -0.5),
        Moments.of: (rows,),
    }[function]
    results = []
    for n_threads in (1, 2, 4):
        set_threads(n_threads)
        with threadpoolctl.threadpool_limits(n_threads):
            results.append(function(*arguments))
    for result in results[1:]:
        pairs = zip(result, results[0], strict=True) if isinstance(result, tuple) else [(result, results[0])]
        assert all(np.array_equal(a, b) for a, b in pairs)
