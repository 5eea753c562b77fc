"""Every likelihood against the definition of its density: quadrature, SciPy, change of variables."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from skisp.cvae._likelihoods import (
    Bernoulli,
    CollapsedGaussian,
    Gaussian,
    bernoulli_log_density,
    collapsed_gaussian_log_density,
    gaussian_log_density,
    make_likelihood,
)
from skisp.cvae._networks import CVAENetwork

DIMENSIONS = [1, 2, 3, 10, 147]
PRIORS = [(0.5, 0.01), (0.5, 2.0), (3.0, 1.5)]


def collapsed(squared_error, n_features, a, b):
    squared_error = torch.as_tensor(squared_error, dtype=torch.float64)
    return collapsed_gaussian_log_density(squared_error, n_features, a, b).numpy()


def integrated_over_variance(squared_error, n_features, a, b):
    """Log of the integral, by quadrature over u = log sigma^2, scaled by the largest integrand."""

    def log_integrand(u):
        log_gaussian = -0.5 * n_features * (math.log(2 * math.pi) + u) - 0.5 * squared_error * math.exp(-u)
        return log_gaussian + stats.invgamma.logpdf(math.exp(u), a, scale=b) + u

    mode = math.log((b + squared_error / 2) / (a + n_features / 2))
    largest = log_integrand(mode)
    value, _ = integrate.quad(lambda u: math.exp(log_integrand(u) - largest), mode - 60, mode + 60, points=[mode])
    return largest + math.log(value)


@pytest.mark.parametrize("n_features", DIMENSIONS)
@pytest.mark.parametrize(("a", "b"), PRIORS)
@pytest.mark.parametrize("squared_error", [1e-3, 0.7, 40.0])
def test_collapsed_density_is_the_gaussian_integrated_over_its_variance(n_features, a, b, squared_error):
    exact = integrated_over_variance(squared_error, n_features, a, b)
    assert collapsed(squared_error, n_features, a, b) == pytest.approx(exact, rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("n_features", DIMENSIONS)
@pytest.mark.parametrize(("a", "b"), PRIORS)
def test_collapsed_density_is_a_multivariate_student_t(n_features, a, b):
    x = np.random.default_rng(0).normal(size=(5, n_features))
    exact = stats.multivariate_t.logpdf(x, shape=b / a * np.eye(n_features), df=2 * a)
    np.testing.assert_allclose(collapsed((x**2).sum(1), n_features, a, b), exact, rtol=1e-10)


@pytest.mark.parametrize("n_features", [1, 16, 784])
def test_the_collapsed_likelihood_is_the_density_with_a_floor_and_stays_finite_on_an_exact_row(n_features):
    generator = torch.Generator().manual_seed(0)
    x, output = torch.randn(2, 4, n_features, generator=generator, dtype=torch.float64)
    floor = 0.5 * n_features * math.exp(-12)
    exact = collapsed(((x - output) ** 2).sum(1), n_features, 0.5, floor)
    np.testing.assert_allclose(CollapsedGaussian().log_density(x, output), exact, rtol=1e-12)
    assert torch.isfinite(CollapsedGaussian().log_density(x, x)).all()
    assert (CollapsedGaussian().log_density(x, x) > CollapsedGaussian().log_density(x, output)).all()


def test_gaussian_density_is_scipys():
    rng = np.random.default_rng(0)
    residual, log_scale = rng.normal(size=(2, 6, 5)), rng.normal(size=5)
    exact = stats.norm.logpdf(residual, scale=np.exp(log_scale)).sum(-1)
    ours = gaussian_log_density(torch.from_numpy(residual).square(), torch.from_numpy(log_scale))
    np.testing.assert_allclose(ours, exact, rtol=1e-12)


def test_a_fixed_scale_is_neither_floored_nor_learnt():
    likelihood = make_likelihood("gaussian", 3, 1e-5)
    assert not any(parameter.requires_grad for parameter in likelihood.parameters())
    torch.testing.assert_close(likelihood.log_scale(), torch.full((3,), math.log(1e-5)))


def test_a_learnt_scale_starts_near_one_and_keeps_above_its_floor():
    likelihood = Gaussian(4, None)
    assert likelihood.log_scale().exp().tolist() == pytest.approx([1.0] * 4, abs=0.01)
    with torch.no_grad():
        likelihood.raw_log_scale.fill_(-1000.0)
    assert likelihood.log_scale().tolist() == pytest.approx([-6.0] * 4)


def test_bernoulli_log_density_is_scipys_for_binary_rows():
    rng = np.random.default_rng(0)
    x, logit = rng.integers(0, 2, size=(6, 5)).astype(float), 3 * rng.normal(size=(6, 5))
    exact = stats.bernoulli.logpmf(x, 1 / (1 + np.exp(-logit))).sum(-1)
    np.testing.assert_allclose(bernoulli_log_density(torch.from_numpy(x), torch.from_numpy(logit)), exact, rtol=1e-10)


def test_bernoulli_log_density_of_greys_is_the_mean_over_binarisations():
    x, logit = np.array([0.2, 0.9]), np.array([1.3, -0.4])
    p = 1 / (1 + np.exp(-logit))
    exact = (x * np.log(p) + (1 - x) * np.log(1 - p)).sum()
    assert float(bernoulli_log_density(torch.from_numpy(x), torch.from_numpy(logit))) == pytest.approx(exact)


def test_bernoulli_log_density_survives_extreme_logits():
    logit = torch.tensor([[-1e4], [1e4]])
    assert bernoulli_log_density(torch.tensor([[0.0], [1.0]]), logit).tolist() == [0, 0]
    assert bernoulli_log_density(torch.tensor([[1.0], [0.0]]), logit).tolist() == [-1e4, -1e4]


@given(seed=st.integers(0, 1000), name=st.sampled_from(["collapsed", "gaussian", "bernoulli"]))
@settings(max_examples=15, deadline=None)
def test_no_output_is_likelier_than_the_row_itself(seed, name):
    """The mode of p(x | z) is at E[x | z], so the row is the best mean for itself."""
    generator = torch.Generator().manual_seed(seed)
    likelihood = make_likelihood(name, 7)
    x = torch.rand(1, 7, generator=generator).clamp(0.01, 0.99)
    best = torch.logit(x) if isinstance(likelihood, Bernoulli) else x
    other = best + torch.randn(9, 7, generator=generator)
    with torch.no_grad():
        assert (likelihood.log_density(x, other) <= likelihood.log_density(x, best) + 1e-5).all()
        torch.testing.assert_close(likelihood.mean(best), x)


@pytest.mark.parametrize("name", ["collapsed", "gaussian"])
def test_standardisation_adds_the_jacobian(name):
    """p(x) dx is the same in both units: a network that standardises integrates to one over x too."""
    network = CVAENetwork(1, n_components=1, hidden_layer_sizes=(), activation="gelu", likelihood=name)
    network.standardise_by(torch.tensor([100.0]), 50.0)
    network.double()
    output = torch.tensor([[0.3]], dtype=torch.float64)

    def density(u):
        x = 115.0 + math.copysign(math.expm1(abs(u)), u)  # x = mean + scale * output at u = 0
        with torch.no_grad():
            return math.exp(float(network.log_likelihood(torch.tensor([[x]], dtype=torch.float64), output)) + abs(u))

    value = sum(integrate.quad(density, low, high, epsabs=1e-7, limit=200)[0] for low, high in [(-30, 0), (0, 30)])
    assert value == pytest.approx(1, abs=1e-5)
