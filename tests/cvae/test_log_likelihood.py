"""The evidence lower bound, its terms and the estimate of log p(x), against closed forms."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from sklearn.decomposition import PCA

from skisp import CVAETransformer
from skisp.cvae._networks import CVAENetwork
from skisp.cvae._objectives import (
    elbo_terms,
    importance_weighted_log_likelihood,
    kl_to_standard_normal,
    reparameterise,
    standard_normal_log_density,
)

D, K, SIGMA, SCALE = 6, 2, 0.5, 4.0
OFFSET = np.linspace(-3, 5, D)


def loadings(orthogonal):
    W = np.random.default_rng(1).normal(size=(D, K))
    return np.linalg.qr(W)[0] * [1.5, 0.7] if orthogonal else W


def set_to_probabilistic_pca(network, W, b):
    """Weights of a linear decoder x = W z + b, and the best diagonal posterior, in the network's units.

    The posterior of z is N(M^-1 W^T (x - b), sigma^2 M^-1), M = W^T W + sigma^2 I (Tipping & Bishop
    1999); the diagonal Gaussian nearest to it in KL(q || p) has the variances sigma^2 / diag(M).
    """
    M = W.T @ W + SIGMA**2 * np.eye(K)
    to_code = np.linalg.solve(M, W.T)
    log_variance = np.log(SIGMA**2 / np.diag(M))
    with torch.no_grad():
        network.decoder[-1].weight.copy_(torch.from_numpy(W))
        network.decoder[-1].bias.copy_(torch.from_numpy(b))
        network.posterior.weight.copy_(torch.from_numpy(np.vstack([to_code, np.zeros((K, D))])))
        network.posterior.bias.copy_(torch.from_numpy(np.concatenate([-to_code @ b, log_variance])))


def linear_network(W, b):
    network = CVAENetwork(
        D, n_components=K, hidden_layer_sizes=(), activation="gelu", likelihood="gaussian", noise_scale=SIGMA
    )
    network.standardise_by(torch.from_numpy(OFFSET), SCALE)
    network.double()
    set_to_probabilistic_pca(network, W, b)
    return network.requires_grad_(False).eval()


def rows_of_the_model(W, b, n=5):
    rng = np.random.default_rng(2)
    standardised = rng.normal(size=(n, K)) @ W.T + b + SIGMA * rng.normal(size=(n, D))
    return SCALE * standardised + OFFSET


def exact_log_density(x, W, b):
    covariance = SCALE**2 * (W @ W.T + SIGMA**2 * np.eye(D))
    return stats.multivariate_normal.logpdf(x, SCALE * b + OFFSET, covariance)


def noise(k, seed=0):
    return torch.randn(k, K, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


B = np.array([0.1, -0.2, 0.3, 0.0, 0.5, -0.4])


@pytest.mark.parametrize(("mean", "variance"), [(0.0, 1.0), (1.7, 0.3), (-0.4, 4.0), (0.0, math.exp(-8))])
def test_kl_is_the_integral_of_its_definition(mean, variance):
    q, p = stats.norm(mean, math.sqrt(variance)), stats.norm()
    width = 12 * math.sqrt(variance)
    exact, _ = integrate.quad(lambda z: q.pdf(z) * (q.logpdf(z) - p.logpdf(z)), mean - width, mean + width)
    ours = kl_to_standard_normal(torch.tensor(mean).double(), torch.tensor(variance).double().log())
    assert float(ours) == pytest.approx(exact, rel=1e-6, abs=1e-9)


def test_kl_is_torchs_for_every_row_and_component():
    generator = torch.Generator().manual_seed(0)
    mean, log_variance = torch.randn(2, 7, 3, generator=generator).double()
    posterior = torch.distributions.Normal(mean, torch.exp(0.5 * log_variance))
    exact = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0))
    torch.testing.assert_close(kl_to_standard_normal(mean, log_variance), exact)


def test_standard_normal_log_density_is_scipys():
    z = np.random.default_rng(0).normal(size=(4, 5))
    exact = stats.multivariate_normal.logpdf(z, np.zeros(5))
    np.testing.assert_allclose(standard_normal_log_density(torch.from_numpy(z)), exact, rtol=1e-12)


def test_reparameterised_codes_have_the_moments_of_the_posterior():
    mean, log_variance = torch.tensor([1.0, -2.0]), torch.tensor([0.0, 2.0])
    z = reparameterise(mean, log_variance, torch.randn(100_000, 2, generator=torch.Generator().manual_seed(0)))
    torch.testing.assert_close(z.mean(0), mean, atol=0.03, rtol=0)
    torch.testing.assert_close(z.var(0), log_variance.exp(), rtol=0.02, atol=0)


def test_one_sample_of_the_exact_posterior_gives_the_density_of_probabilistic_pca():
    """Orthogonal loadings make the posterior diagonal: every importance weight is p(x) itself."""
    W = loadings(orthogonal=True)
    x = rows_of_the_model(W, B)
    for seed in range(3):
        estimate = importance_weighted_log_likelihood(linear_network(W, B), torch.from_numpy(x), noise(1, seed))
        np.testing.assert_allclose(estimate, exact_log_density(x, W, B), rtol=1e-6)


def bound(network, x, seed):
    log_likelihood, kl = elbo_terms(network, x, noise(len(x), seed))
    return (log_likelihood - kl.sum(-1)).mean()


def test_elbo_is_that_of_a_linear_model_in_closed_form():
    """Mean over the noise: log N(x | W mu + b) - trace(W^T W V) / (2 sigma^2) - KL."""
    W = loadings(orthogonal=False)
    x, network = torch.from_numpy(rows_of_the_model(W, B)), linear_network(W, B)
    mean, log_variance = network.encode(x)
    at_mean = stats.norm.logpdf(x, SCALE * (mean.numpy() @ W.T + B) + OFFSET, SCALE * SIGMA).sum(1)
    spread = (W**2).sum(0) @ log_variance.exp().numpy()[0] / (2 * SIGMA**2)
    exact = at_mean - spread - kl_to_standard_normal(mean, log_variance).sum(-1).numpy()
    terms = [elbo_terms(network, x, noise(len(x), seed)) for seed in range(4000)]
    samples = torch.stack([log_likelihood - kl.sum(-1) for log_likelihood, kl in terms]).numpy()
    np.testing.assert_allclose(samples.mean(0), exact, atol=5 * samples.std() / math.sqrt(len(samples)))


def test_score_samples_is_the_density_of_probabilistic_pca_in_the_units_of_the_rows():
    W = loadings(orthogonal=False)
    cvae = CVAETransformer(
        K,
        hidden_layer_sizes=(),
        likelihood="gaussian",
        noise_scale=SIGMA * SCALE,
        max_iter=1,
        n_scoring_samples=20_000,
        random_state=0,
    )
    cvae.fit(rows_of_the_model(W, B, n=50))
    cvae.fitted_ = dataclasses.replace(cvae.fitted_, network=linear_network(W, B).float())
    x = rows_of_the_model(W, B, n=4)
    np.testing.assert_allclose(cvae.score_samples(x), exact_log_density(x, W, B), atol=0.05)
    assert cvae.score(x) == pytest.approx(exact_log_density(x, W, B).mean(), abs=0.05)


@pytest.mark.parametrize("init", ["pca", "random"])
def test_trained_linear_model_reaches_probabilistic_pca_and_does_not_pass_it(init):
    """With the noise of the maximum-likelihood solution, PCA's score is the maximum over W and b."""
    rng = np.random.default_rng(0)
    X = (rng.normal(size=(400, 2)) @ rng.normal(size=(2, 5)) + 0.3 * rng.normal(size=(400, 5)) + 7).astype(np.float32)
    pca = PCA(2).fit(X)
    cvae = CVAETransformer(
        2,
        init=init,
        hidden_layer_sizes=(),
        likelihood="gaussian",
        noise_scale=float(np.sqrt(pca.noise_variance_)),
        learning_rate=0.03,
        batch_size=50,
        max_iter=60,
        n_scoring_samples=256,
        random_state=0,
    ).fit(X)
    gap = pca.score(X) - cvae.score(X)
    assert -0.02 < gap < 0.1
    principal = np.linalg.qr(pca.components_.T)[0]
    decoded = cvae.inverse_transform(np.vstack([np.eye(2), np.zeros((1, 2))]))
    learnt = np.linalg.qr((decoded[:2] - decoded[2]).T)[0]
    assert np.linalg.svd(principal.T @ learnt, compute_uv=False).min() > 0.99  # one plane
    assert cvae.loss_ > -pca.score(X) - 0.05  # the training loss is a bound


# What a fitted model reports


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(0).normal(size=(200, 6)).astype(np.float32)


@pytest.fixture(scope="module")
def cvae(rows):
    return CVAETransformer(3, hidden_layer_sizes=(16,), max_iter=10, random_state=0).fit(rows)


def test_kl_term_is_minus_the_sum_of_kl_per_component(cvae, rows):
    np.testing.assert_allclose(-cvae.elbo(rows)[:, 1].mean(), cvae.kl_per_component_.sum(), rtol=1e-4)
