"""The evidence lower bound that a fitted C-VAE reports, and its two terms."""

import numpy as np
import pytest

from skisp import CVAETransformer


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(0).normal(size=(200, 6)).astype(np.float32)


@pytest.fixture(scope="module")
def cvae(rows):
    return CVAETransformer(3, hidden_layer_sizes=(16,), max_iter=10, random_state=0).fit(rows)


def test_bound_lies_below_the_importance_weighted_estimate_for_the_same_noise(cvae, rows):
    """Jensen: the mean of the log weights is at most the log of their mean; the KL is exact, not sampled."""
    bound, estimate = cvae.elbo(rows).sum(axis=1), cvae.score_samples(rows)
    assert bound.mean() < estimate.mean()


def test_kl_term_is_minus_the_sum_of_kl_per_component(cvae, rows):
    np.testing.assert_allclose(-cvae.elbo(rows)[:, 1].mean(), cvae.kl_per_component_.sum(), rtol=1e-4)


def test_a_rows_bound_does_not_depend_on_the_rows_beside_it(cvae, rows):
    np.testing.assert_allclose(cvae.elbo(rows)[7:9], cvae.elbo(rows[7:9]), rtol=1e-4)
