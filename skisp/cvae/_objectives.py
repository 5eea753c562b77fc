"""What training maximises and scoring estimates: the ELBO, its terms, and log p(x)."""

import math

import torch
from torch import Tensor

from ._networks import CVAENetwork

__all__ = [
    "elbo_terms",
    "expected_elbo_terms",
    "importance_weighted_log_likelihood",
    "kl_to_standard_normal",
    "reparameterise",
    "standard_normal_log_density",
]


def kl_to_standard_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    r"""KL divergence from N(0, 1) of each latent dimension, shape (n, d).

    .. math:: \frac{1}{2} (\mu^2 + \sigma^2 - 1 - \log \sigma^2)

    References
    ----------
    Kingma & Welling, "Auto-encoding variational Bayes", ICLR 2014, arXiv:1312.6114, appendix B.
    """
    return 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance)


def reparameterise(mean: Tensor, log_variance: Tensor, noise: Tensor) -> Tensor:
    """Codes z = mean + standard deviation * noise, differentiable in the posterior."""
    return mean + torch.exp(0.5 * log_variance) * noise


def standard_normal_log_density(z: Tensor) -> Tensor:
    """log N(z | 0, I) of codes (..., d), shape (...)."""
    return -0.5 * (z.square() + math.log(2 * math.pi)).sum(-1)


def elbo_terms(network: CVAENetwork, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    r"""The two terms of the evidence lower bound of each row, one sample of z a row.

    .. math:: \log p(x) \ge E_{q(z|x)} \log p(x|z) - KL(q(z|x) \| p(z))

    Returns
    -------
    log_likelihood : Tensor (n,)
    kl : Tensor (n, d)
    """
    mean, log_variance = network.encode(x)
    output = network.decode(reparameterise(mean, log_variance, noise))
    return network.log_likelihood(x, output), kl_to_standard_normal(mean, log_variance)


def expected_elbo_terms(network: CVAENetwork, x: Tensor, noise: Tensor) -> Tensor:
    """The two terms (n, 2) of the bound of rows (n, D), over the k samples of ``noise`` (k, d).

    The mean of log p(x | z), and minus the KL divergence of all latent dimensions.
    """
    mean, log_variance = network.encode(x)
    z = reparameterise(mean, log_variance, noise[:, None, :])
    output = network.decode(z.flatten(0, 1)).unflatten(0, z.shape[:2])
    log_likelihood = network.log_likelihood(x, output).mean(dim=0)
    return torch.stack([log_likelihood, -kl_to_standard_normal(mean, log_variance).sum(-1)], dim=1)


def importance_weighted_log_likelihood(network: CVAENetwork, x: Tensor, noise: Tensor) -> Tensor:
    r"""Estimate log p(x) of rows (n, D) with the k importance samples of ``noise`` (k, d).

    .. math:: \log \frac{1}{k} \sum_{i=1}^k \frac{p(x | z_i)\, p(z_i)}{q(z_i | x)},\quad z_i \sim q(z|x)

    A lower bound in expectation that rises with k to log p(x). Every row meets the same noise, so
    a row's estimate does not depend on the rows beside it.

    References
    ----------
    Burda, Grosse & Salakhutdinov, "Importance weighted autoencoders", ICLR 2016, arXiv:1509.00519.
    """
    mean, log_variance = network.encode(x)
    z = reparameterise(mean, log_variance, noise[:, None, :])
    log_q = standard_normal_log_density(noise)[:, None] - 0.5 * log_variance.sum(-1)
    output = network.decode(z.flatten(0, 1)).unflatten(0, z.shape[:2])
    log_weight = network.log_likelihood(x, output) + standard_normal_log_density(z) - log_q
    return torch.logsumexp(log_weight, dim=0) - math.log(noise.shape[0])
