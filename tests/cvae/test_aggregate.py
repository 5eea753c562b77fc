"""The mixture fitted to codes, and samples of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.mixture import GaussianMixture

from skisp.cvae._aggregate import fit_aggregate_prior, sample_aggregate

SMOOTHING = 1e-4


def gaussian_codes(n, d, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + rng.normal(size=d)


def two_clusters(n_left=200, n_right=600):
    rng = np.random.default_rng(1)
    return np.concatenate([rng.normal(-20, 1, size=(n_left, 2)), rng.normal(20, 1, size=(n_right, 2))])


def mixture_of(weights, means, covariances):
    mixture = GaussianMixture(len(weights))
    mixture.weights_, mixture.means_, mixture.covariances_ = map(np.array, (weights, means, covariances))
    return mixture


def test_one_component_has_the_mean_and_the_smoothed_covariance_of_the_codes():
    codes = gaussian_codes(50, 4)
    mixture = fit_aggregate_prior(codes, 0)
    assert mixture.n_components == 1
    np.testing.assert_allclose(mixture.means_[0], codes.mean(axis=0))
    covariance = np.cov(codes.T, bias=True)
    np.testing.assert_allclose(mixture.covariances_[0], covariance + SMOOTHING * np.trace(covariance) / 4 * np.eye(4))


@pytest.mark.parametrize("seed", [0, 1])
def test_several_components_together_have_the_mean_and_the_covariance_of_the_codes(seed):
    # Expectation maximisation keeps the first two moments exactly, but for the smoothing.
    codes = two_clusters()
    mixture = fit_aggregate_prior(codes, seed)
    assert mixture.n_components == 10
    mean = mixture.weights_ @ mixture.means_
    centred = mixture.means_ - mean
    covariance = np.einsum("k,kij->ij", mixture.weights_, mixture.covariances_) + centred.T * mixture.weights_ @ centred
    np.testing.assert_allclose(mean, codes.mean(axis=0), atol=1e-8)
    np.testing.assert_allclose(
        covariance, np.cov(codes.T, bias=True) + SMOOTHING * codes.var(axis=0).mean() * np.eye(2)
    )


@pytest.mark.parametrize(
    ("n", "d", "n_components"), [(2, 3, 1), (79, 3, 1), (80, 3, 2), (400, 3, 10), (2000, 3, 10), (40, 32, 1)]
)
def test_a_component_has_at_least_ten_codes_for_each_dimension_and_one(n, d, n_components):
    assert fit_aggregate_prior(gaussian_codes(n, d), 0).n_components == n_components


def test_repeated_codes_do_not_ask_for_more_components():
    codes = np.repeat(gaussian_codes(30, 2), 50, axis=0)
    assert fit_aggregate_prior(codes, 0).n_components == 1


@pytest.mark.filterwarnings("error")
def test_a_single_code_is_sampled_as_it_is():
    mixture = fit_aggregate_prior([[1.0, -2.0, 300.0]], 0)
    np.testing.assert_allclose(sample_aggregate(mixture, 5, 0), np.tile([1, -2, 300], (5, 1)), atol=1e-4)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [0.0, 0.1, -1e6, 1e-9])
def test_constant_codes_are_sampled_as_they_are(value):
    mixture = fit_aggregate_prior(np.full((500, 2), value), 0)
    np.testing.assert_allclose(sample_aggregate(mixture, 5, 0), np.full((5, 2), value), rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_the_fit_scales_with_the_codes(scale):
    codes = two_clusters()
    mixture, scaled = fit_aggregate_prior(codes, 0), fit_aggregate_prior(scale * codes, 0)
    np.testing.assert_allclose(scaled.weights_, mixture.weights_, rtol=1e-4)
    np.testing.assert_allclose(scaled.means_, scale * mixture.means_, rtol=1e-4)
    np.testing.assert_allclose(scaled.covariances_, scale**2 * mixture.covariances_, rtol=1e-3, atol=1e-4 * scale**2)


def test_two_far_clusters_are_sampled_in_their_shares_and_nothing_between():
    codes = sample_aggregate(fit_aggregate_prior(two_clusters(), 0), 4000, 0)
    right = codes[:, 0] > 0
    # 0.75 give or take 4 standard deviations of a binomial share.
    assert abs(right.mean() - 0.75) < 4 * np.sqrt(0.75 * 0.25 / 4000)
    assert (np.abs(np.abs(codes) - 20) < 6).all()


def test_each_component_is_sampled_with_its_own_mean_and_covariance():
    covariances = [np.diag([1.0, 4.0]), np.array([[1.0, 0.9], [0.9, 1.0]])]
    codes = sample_aggregate(mixture_of([0.5, 0.5], [[-50.0, 0.0], [50.0, 7.0]], covariances), 20_000, 0)
    for side, mean, covariance in zip((-1, 1), ([-50, 0], [50, 7]), covariances, strict=True):
        rows = codes[np.sign(codes[:, 0]) == side]
        np.testing.assert_allclose(rows.mean(axis=0), mean, atol=0.1)
        np.testing.assert_allclose(np.cov(rows.T), covariance, atol=0.2)


def test_rows_come_in_random_order():
    codes = sample_aggregate(mixture_of([0.5, 0.5], [[-9.0], [9.0]], [[[1.0]], [[1.0]]]), 1000, 0)
    changes = np.count_nonzero(np.diff(codes[:, 0] > 0))
    assert 400 < changes < 600  # sorted by component, it would be 1


@given(st.integers(1, 40), st.integers(1, 6), st.integers(0, 100))
@settings(deadline=None, max_examples=20)
def test_any_codes_give_finite_float32_samples_of_their_width(n, d, n_samples):
    codes = sample_aggregate(fit_aggregate_prior(gaussian_codes(n, d, seed=n), 0), n_samples, 0)
    assert codes.shape == (n_samples, d)
    assert codes.dtype == np.float32
    assert np.isfinite(codes).all()


def test_one_seed_gives_one_result_and_another_seed_another():
    codes = two_clusters()
    mixture = fit_aggregate_prior(codes, 3)
    np.testing.assert_array_equal(mixture.means_, fit_aggregate_prior(codes, 3).means_)
    samples = sample_aggregate(mixture, 20, 5)
    np.testing.assert_array_equal(samples, sample_aggregate(mixture, 20, 5))
    assert not np.array_equal(samples, sample_aggregate(mixture, 20, 6))
    unclustered = gaussian_codes(400, 3)
    assert not np.allclose(fit_aggregate_prior(unclustered, 3).means_, fit_aggregate_prior(unclustered, 4).means_)
