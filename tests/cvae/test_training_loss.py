"""What a gradient step minimises: its terms, the options that change them, and the noise they use."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import logsumexp

from skisp._base import module_initialised_with
from skisp.cvae._networks import CVAENetwork
from skisp.cvae._objectives import (
    Objective,
    contraction_penalty,
    elbo_terms,
    free_bits_kl,
    importance_weighted_bound,
)

D, K, N = 5, 3, 16
LINEAR = {"hidden_layer_sizes": ()}
CONV = {"n_features": 16, "conv_channels": (2,), "image_shape": (4, 4, 1)}
BERNOULLI = {"likelihood": "bernoulli"}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def draws(*shape, seed=0):
    return torch.randn(*shape, generator=seeded(seed))


def small_network(**config):
    """A network without batch normalisation, so that each row stands alone."""
    with module_initialised_with(0):
        network = CVAENetwork(
            **{"n_features": D, "n_components": K, "hidden_layer_sizes": (7,), "batch_norm": False, **config}
        )
    n_features = network.config["n_features"]
    if network.likelihood.standardised:
        network.standardise_by(torch.linspace(-1, 2, n_features), 1.7)
    return network


def rows(network, n=N):
    x = draws(n, network.config["n_features"], seed=1)
    return x if network.likelihood.standardised else torch.sigmoid(x)


def same_noise(n, k=1, seed=0):
    """The noise (k, n, d) that the objective draws first from a generator seeded alike."""
    return torch.randn(k, n, K, generator=seeded(seed))


def loss(objective, network, x, epoch=0.0, seed=0):
    return objective.loss(network, x, epoch, seeded(seed)).item()


# Free bits


@given(
    kl=st.lists(st.lists(st.floats(0, 50), min_size=3, max_size=3), min_size=1, max_size=6),
    free_bits=st.floats(0, 20),
)
@settings(max_examples=50, deadline=None)
def test_free_bits_penalise_a_dimensions_mean_only_above_what_is_free(kl, free_bits):
    exact = sum(max(free_bits, column) for column in np.mean(kl, axis=0))
    assert float(free_bits_kl(torch.tensor(kl).double(), free_bits)) == pytest.approx(exact)


# The contraction penalty


def jacobians(network, x):
    """Of the posterior mean with respect to the standardised row: (n, d, D)."""

    def mean(standardised):
        return network.encode((standardised * network.scale + network.mean)[None])[0][0]

    return torch.stack([torch.func.jacrev(mean)(row) for row in (x - network.mean) / network.scale])


def test_penalty_of_a_linear_encoder_is_that_of_its_weight_for_any_probe():
    network, probe = small_network(**LINEAR), draws(N, K, seed=2)
    weight = network.posterior.weight[:K]
    exact = (probe @ weight).square().sum(dim=1).mean()
    torch.testing.assert_close(contraction_penalty(network, rows(network), probe), exact)


@pytest.mark.parametrize(
    "config",
    [{}, {"hidden_layer_sizes": (7, 4), "activation": "tanh"}, {**BERNOULLI}, CONV],
    ids=["one layer", "two layers", "bernoulli", "conv"],
)
def test_penalty_along_the_axes_adds_up_to_the_jacobian(config):
    network = small_network(**config)
    x = rows(network)
    axes = torch.eye(K)
    penalty = sum(contraction_penalty(network, x, axis.expand(N, K)) for axis in axes)
    torch.testing.assert_close(penalty, jacobians(network, x).square().sum(dim=(1, 2)).mean())


def test_penalty_does_not_depend_on_the_units_of_the_rows():
    network, probe = small_network(), draws(N, K, seed=2)
    x = rows(network)
    penalty = contraction_penalty(network, x, probe)
    network.standardise_by(1000 * network.mean, 1000 * float(network.scale))
    torch.testing.assert_close(contraction_penalty(network, 1000 * x, probe), penalty)


def test_penalty_pulls_on_the_weights():
    """Its gradient with respect to the weight of a linear encoder is that of the squared norm, 2 W."""
    network = small_network(**LINEAR)
    contraction_penalty(network, rows(network, K), math.sqrt(K) * torch.eye(K)).backward()
    torch.testing.assert_close(network.posterior.weight.grad[:K], 2 * network.posterior.weight[:K].detach())
    assert not network.posterior.weight.grad[K:].any()


# The importance-weighted bound


@pytest.mark.parametrize("kl_weight", [0.0, 0.3, 1.0, 2.0])
def test_one_sample_of_the_bound_is_the_log_likelihood_and_the_weighted_log_ratio_of_prior_and_posterior(kl_weight):
    network, noise = small_network(), draws(1, N, K, seed=2)
    x = rows(network)
    mean, log_variance = network.encode(x)
    posterior = torch.distributions.Normal(mean, torch.exp(0.5 * log_variance))
    z = mean + torch.exp(0.5 * log_variance) * noise[0]
    prior = torch.distributions.Normal(torch.zeros(()), 1.0)
    log_ratio = (prior.log_prob(z) - posterior.log_prob(z)).sum(dim=1)
    exact = network.log_likelihood(x, network.decode(z)) + kl_weight * log_ratio
    torch.testing.assert_close(importance_weighted_bound(network, x, noise, kl_weight), exact)


@given(k=st.integers(1, 6), kl_weight=st.floats(0, 3))
@settings(max_examples=20, deadline=None)
def test_the_bound_is_the_log_of_the_mean_of_its_samples_weights(k, kl_weight):
    network, noise = small_network(), draws(k, N, K, seed=2)
    x = rows(network)
    single = [importance_weighted_bound(network, x, noise[i : i + 1], kl_weight).detach() for i in range(k)]
    exact = logsumexp(torch.stack(single).numpy(), axis=0) - math.log(k)
    np.testing.assert_allclose(importance_weighted_bound(network, x, noise, kl_weight).detach(), exact, rtol=1e-5)


# The loss


@pytest.mark.parametrize("likelihood", ["collapsed", "gaussian", "bernoulli"])
@pytest.mark.parametrize("kl_weight", [0.5, 1.0])
def test_loss_is_minus_the_elbo_with_the_generators_noise(likelihood, kl_weight):
    network = small_network(likelihood=likelihood)
    x = rows(network)
    log_likelihood, kl = elbo_terms(network, x, same_noise(N)[0])
    exact = (kl_weight * kl.sum(dim=1) - log_likelihood).mean().item()
    assert loss(Objective(kl_weight=kl_weight), network, x) == pytest.approx(exact)


@pytest.mark.parametrize("kl_weight", [0.5, 1.0])
@pytest.mark.parametrize("k", [2, 5])
def test_loss_of_several_samples_is_minus_the_importance_weighted_bound(k, kl_weight):
    network = small_network()
    x = rows(network)
    exact = -importance_weighted_bound(network, x, same_noise(N, k), kl_weight).mean().item()
    assert loss(Objective(kl_weight=kl_weight, n_importance_samples=k), network, x) == pytest.approx(exact)


def test_free_bits_are_in_the_loss():
    network = small_network()
    x = rows(network)
    log_likelihood, kl = elbo_terms(network, x, same_noise(N)[0])
    assert kl.mean(dim=0).min() < 0.2
    exact = 0.7 * kl.mean(dim=0).clamp(min=0.2).sum() - log_likelihood.mean()
    assert loss(Objective(kl_weight=0.7, free_bits=0.2), network, x) == pytest.approx(exact.item())


def test_contraction_adds_its_weight_times_the_penalty():
    network, generator = small_network(), seeded()
    x = rows(network)
    plain = Objective().loss(network, x, 0.0, generator)
    probe = torch.randn(N, K, generator=generator)  # drawn after the noise
    exact = plain + 2.5 * contraction_penalty(network, x, probe)
    assert loss(Objective(contraction=2.5), network, x) == pytest.approx(exact.item())


def test_without_a_kl_term_the_code_is_the_posterior_mean_and_no_noise_is_drawn():
    network, generator = small_network(), seeded()
    x = rows(network)
    value = Objective(kl_weight=0.0).loss(network, x, 0.0, generator)
    exact = -network.log_likelihood(x, network.decode(network.encode(x)[0])).mean()
    torch.testing.assert_close(value, exact)
    assert torch.equal(generator.get_state(), seeded().get_state())


@given(epoch=st.floats(0, 30), kl_warmup=st.floats(0.1, 20), kl_weight=st.floats(0.1, 3))
@settings(max_examples=40, deadline=None)
def test_the_kl_weight_rises_linearly_over_its_warm_up(epoch, kl_warmup, kl_weight):
    network = small_network()
    x = rows(network)
    log_likelihood, kl = elbo_terms(network, x, same_noise(N)[0])
    weight = kl_weight * min(1.0, epoch / kl_warmup)
    exact = (weight * kl.sum(dim=1) - log_likelihood).mean().item()
    objective = Objective(kl_weight=kl_weight, kl_warmup=kl_warmup)
    assert loss(objective, network, x, epoch) == pytest.approx(exact, rel=1e-6)


def test_the_warm_up_of_importance_samples_is_that_of_their_bound():
    network = small_network()
    x = rows(network)
    exact = -importance_weighted_bound(network, x, same_noise(N, 3), 0.8 * 0.25).mean().item()
    objective = Objective(kl_weight=0.8, kl_warmup=4.0, n_importance_samples=3)
    assert loss(objective, network, x, 1.0) == pytest.approx(exact)


def test_the_collapsed_likelihood_in_the_bound_is_a_multivariate_t_in_the_units_of_the_rows():
    network = small_network()
    x, noise = rows(network), same_noise(N)[0]
    mean, log_variance = network.encode(x)
    centre = network.reconstruct(mean + torch.exp(0.5 * log_variance) * noise).detach().numpy()
    a, b = 0.5, 0.5 * D * math.exp(-12)  # of the inverse gamma: t with 2a degrees of freedom and scale b / a
    shape = float(network.scale) ** 2 * b / a * np.eye(D)
    exact = [stats.multivariate_t(c, shape, df=2 * a).logpdf(row) for c, row in zip(centre, x.numpy(), strict=True)]
    np.testing.assert_allclose(elbo_terms(network, x, noise)[0].detach(), exact, rtol=1e-6)


# Binarisation


class Recorder:
    """Stands before a network's encoder and keeps the rows it is given."""

    def __init__(self, network):
        self.seen, self._encode = [], network.encode
        network.encode = self

    def __call__(self, x):
        self.seen.append(x.clone())
        return self._encode(x)


def test_binarised_rows_are_drawn_anew_each_step_with_the_greys_as_their_means():
    network, generator = small_network(**BERNOULLI), seeded()
    recorder = Recorder(network)
    x = rows(network)
    x[0], x[1] = 0, 1
    before = x.clone()
    for _ in range(2000):
        with torch.no_grad():
            Objective(binarize=True).loss(network, x, 0.0, generator)
    seen = torch.stack(recorder.seen)
    assert set(seen.flatten().tolist()) == {0.0, 1.0}
    assert not torch.equal(seen[0], seen[1])
    assert torch.equal(x, before)
    error = torch.sqrt(x * (1 - x) / 2000)
    assert ((seen.mean(dim=0) - x).abs() <= 5 * error).all()  # exactly where a grey is 0 or 1


def test_the_loss_of_binarised_rows_is_that_of_the_rows_drawn():
    network = small_network(**BERNOULLI)
    recorder = Recorder(network)
    binarised = loss(Objective(kl_weight=0.0, binarize=True), network, rows(network))
    (drawn,) = recorder.seen
    assert binarised == loss(Objective(kl_weight=0.0), network, drawn)


def test_binarisation_reaches_the_contraction_penalty_too():
    """Both terms of one step see the same rows."""
    network = small_network(**BERNOULLI)
    recorder = Recorder(network)
    loss(Objective(binarize=True, contraction=1.0), network, rows(network))
    assert len(recorder.seen) == 2
    assert torch.equal(*recorder.seen)


@pytest.mark.parametrize(
    "objective",
    [
        Objective(),
        Objective(n_importance_samples=3),
        Objective(contraction=0.5),
        Objective(kl_weight=0.0, contraction=0.5),
        Objective(kl_weight=0.4, free_bits=0.1, kl_warmup=3.0),
        Objective(binarize=True, n_importance_samples=2, contraction=0.5),
    ],
    ids=["elbo", "importance", "contraction", "autoencoder", "kl", "binarize"],
)
def test_the_loss_is_a_function_of_the_generators_state(objective):
    """One seed, one loss and one gradient; the next draw of the same generator gives another."""
    network = small_network(**BERNOULLI)
    x, generator = rows(network), seeded()
    first = objective.loss(network, x, 1.0, generator).item()
    assert first == loss(objective, network, x, 1.0)
    assert first != objective.loss(network, x, 1.0, generator).item()
