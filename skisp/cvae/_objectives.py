"""What training maximises and scoring estimates: the ELBO, its terms, and log p(x)."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ._networks import CVAENetwork
from ._processes import mean_of_batch, share

__all__ = [
    "Objective",
    "contraction_penalty",
    "elbo_terms",
    "expected_elbo_terms",
    "free_bits_kl",
    "importance_weighted_bound",
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


def free_bits_kl(kl: Tensor, free_bits: float) -> Tensor:
    r"""KL divergences (n, d) of a batch to one penalty, every dimension free up to ``free_bits`` nats.

    .. math:: \sum_j \max(\lambda, \overline{KL}_j)

    with the mean over the batch.

    References
    ----------
    Kingma et al., "Improving variational inference with inverse autoregressive flow", NeurIPS 2016,
    arXiv:1606.04934, section C.8.
    """
    return mean_of_batch(kl).clamp(min=free_bits).sum()


def contraction_penalty(network: CVAENetwork, x: Tensor, probe: Tensor) -> Tensor:
    r"""Estimate the mean of :math:`\|\partial\mu / \partial x\|_F^2` over standardised rows (n, D).

    .. math:: \|J\|_F^2 = E_v \|v^\top J\|^2, \quad v \sim N(0, I_d)

    with one probe v a row, (n, d): Hutchinson's estimator.

    References
    ----------
    Rifai et al., "Contractive auto-encoders", ICML 2011; Hoffman, Roberts & Yaida, "Robust learning
    with Jacobian regularization", 2019, arXiv:1908.02729.
    """
    x = x.detach().requires_grad_(True)
    mean, _ = network.encode(x)
    (gradient,) = torch.autograd.grad((mean * probe).sum(), x, create_graph=True)
    return mean_of_batch((gradient * network.scale).square().sum(-1))


@dataclass(frozen=True)
class Objective:
    """What a gradient step minimises, in nats a row.

    Attributes
    ----------
    kl_weight : float
        Weight of the KL term; 0 trains a plain autoencoder (the code is the posterior mean).
    kl_warmup : float
        Epochs over which that weight rises from 0.
    free_bits : float
        KL divergence a latent dimension has free, in nats.
    contraction : float
        Weight of :func:`contraction_penalty`.
    n_importance_samples : int
        Samples k of z a row: 1 is the evidence lower bound, more the importance-weighted bound.
    binarize : bool
        Draw each value anew as 0 or 1, with its grey as the probability of 1.
    """

    kl_weight: float = 1.0
    kl_warmup: float = 0.0
    free_bits: float = 0.0
    contraction: float = 0.0
    n_importance_samples: int = 1
    binarize: bool = False

    def loss(self, network: CVAENetwork, x: Tensor, epoch: float, generator: torch.Generator) -> Tensor:
        """Mean loss of a batch (n, D), ``epoch`` epochs (and a fraction) after the start.

        Of several processes each draws for the whole batch, and computes with its share.
        """
        if self.binarize:
            x = (torch.rand(x.shape, generator=generator, dtype=torch.float32).to(x.device) < x).to(x.dtype)
        loss = self._bound(network, x, self.kl_weight * self._warmed_up(epoch), generator)
        if self.contraction > 0:
            probe = torch.randn(len(x), network.n_components, generator=generator, dtype=torch.float32)
            penalty = contraction_penalty(network, share(x), share(probe.to(x.device)))
            loss = loss + self.contraction * penalty
        return loss

    def _warmed_up(self, epoch: float) -> float:
        """Share of the KL weight in force, linear in time."""
        return min(1.0, epoch / self.kl_warmup) if self.kl_warmup > 0 else 1.0

    def _bound(self, network: CVAENetwork, x: Tensor, kl_weight: float, generator: torch.Generator) -> Tensor:
        shape = self.n_importance_samples, len(x), network.n_components
        x = share(x)
        if self.kl_weight == 0:
            return -mean_of_batch(elbo_terms(network, x, x.new_zeros(len(x), network.n_components))[0])
        noise = share(torch.randn(shape, generator=generator, dtype=torch.float32).to(x.device), axis=1)
        if self.n_importance_samples > 1:
            return -mean_of_batch(importance_weighted_bound(network, x, noise, kl_weight))
        log_likelihood, kl = elbo_terms(network, x, noise[0])
        return kl_weight * free_bits_kl(kl, self.free_bits) - mean_of_batch(log_likelihood)


def expected_elbo_terms(network: CVAENetwork, x: Tensor, noise: Tensor) -> Tensor:
    """The two terms (n, 2) of the bound of rows (n, D), over the k samples of ``noise`` (k, d).

    The mean of log p(x | z), and minus the KL divergence of all latent dimensions.
    """
    mean, log_variance = network.encode(x)
    z = reparameterise(mean, log_variance, noise[:, None, :])
    output = network.decode(z.flatten(0, 1)).unflatten(0, z.shape[:2])
    log_likelihood = network.log_likelihood(x, output).mean(dim=0)
    return torch.stack([log_likelihood, -kl_to_standard_normal(mean, log_variance).sum(-1)], dim=1)


def importance_weighted_bound(network: CVAENetwork, x: Tensor, noise: Tensor, kl_weight: float = 1.0) -> Tensor:
    r"""Bound on log p(x) of rows (n, D) from k importance samples, with ``noise`` (k, n, d) or (k, 1, d).

    .. math::
        \log \frac{1}{k} \sum_{i=1}^k p(x | z_i) \left(\frac{p(z_i)}{q(z_i | x)}\right)^\beta,\quad z_i \sim q(z|x)

    A lower bound in expectation, for :math:`\beta = 1` (``kl_weight``), that rises with k to log p(x).

    References
    ----------
    Burda, Grosse & Salakhutdinov, "Importance weighted autoencoders", ICLR 2016, arXiv:1509.00519.
    """
    mean, log_variance = network.encode(x)
    z = reparameterise(mean, log_variance, noise)
    log_q = standard_normal_log_density(noise) - 0.5 * log_variance.sum(-1)
    output = network.decode(z.flatten(0, 1)).unflatten(0, z.shape[:2])
    log_ratio = standard_normal_log_density(z) - log_q
    log_weight = network.log_likelihood(x, output) + kl_weight * log_ratio
    return torch.logsumexp(log_weight, dim=0) - math.log(noise.shape[0])


def importance_weighted_log_likelihood(network: CVAENetwork, x: Tensor, noise: Tensor) -> Tensor:
    """Estimate log p(x) of rows (n, D) with the k importance samples of ``noise`` (k, d).

    Every row meets the same noise, so a row's estimate does not depend on the rows beside it.
    """
    return importance_weighted_bound(network, x, noise[:, None, :])
