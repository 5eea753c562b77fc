"""What the decoder's output says about a row: log p(x | z) for each likelihood.

Every likelihood works on rows in the network's units: standardised rows for the Gaussians, the
rows themselves for the Bernoulli (:attr:`Likelihood.standardised`).
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ._start import fit_inverse_gamma

__all__ = [
    "LEAST_NOISE_VARIANCE",
    "Bernoulli",
    "CollapsedGaussian",
    "Gaussian",
    "bernoulli_log_density",
    "collapsed_gaussian_log_density",
    "gaussian_log_density",
    "make_likelihood",
]

Array = NDArray[np.float64]

# Standardised data have unit variance; a standard deviation below exp(-6) of that is treated as
# exact (the soft floor of Rybkin et al.), so that no row can drive the density to infinity.
_SCALE_FLOOR = math.exp(-6.0)
LEAST_NOISE_VARIANCE = _SCALE_FLOOR**2
_FLAT_PRIOR_SHAPE = 0.5
_LOG_SHAPE_BOUNDS = math.log(0.1), math.log(3e4)


def collapsed_gaussian_log_density(
    squared_error: Tensor, n_features: int, prior_shape: float, prior_scale: float
) -> Tensor:
    r"""Log density of a row under a Gaussian whose variance is integrated out.

    With prior :math:`\sigma^2 \sim \text{InvGamma}(a, b)` and :math:`D` features,

    .. math::
        \log \int N(x \mid g, \sigma^2 I)\, p(\sigma^2)\, d\sigma^2
        = \log \frac{\Gamma(a + D/2)}{\Gamma(a)} + a \log b - \frac{D}{2} \log 2\pi
        - \left(a + \frac{D}{2}\right) \log\left(b + \frac{\|x - g\|^2}{2}\right),

    a multivariate Student t. As :math:`a, b \to 0` the prior becomes :math:`1/\sigma^2` and the
    objective :math:`\frac{D}{2} \log \|x - g\|^2` plus a constant, which is the optimal-variance
    objective of sigma-VAE; a proper prior keeps the density normalised and bounded.

    Parameters
    ----------
    squared_error : Tensor (...)
        :math:`\|x - g\|^2`, the squared error summed over features.
    n_features : int
        D.
    prior_shape, prior_scale : float
        a and b, greater than 0.

    Returns
    -------
    log_density : Tensor (...)

    References
    ----------
    Rybkin, Daniilidis & Levine, "Simple and effective VAE training with calibrated decoders",
    ICML 2021, arXiv:2006.13202 (the limit); Gelman et al., "Bayesian Data Analysis", section 2.6.
    """
    shape = prior_shape + n_features / 2
    constant = (
        math.lgamma(shape)
        - math.lgamma(prior_shape)
        + prior_shape * math.log(prior_scale)
        - n_features / 2 * math.log(2 * math.pi)
    )
    return constant - shape * torch.log(prior_scale + squared_error / 2)


def learnt_collapsed_log_density(
    squared_error: Tensor, n_features: int, log_shape: Tensor, log_scale: Tensor
) -> Tensor:
    """:func:`collapsed_gaussian_log_density` of a prior that is learnt, by logarithms of its shape and scale.

    In a form that is exact for large shapes too, in which the density becomes a Gaussian.
    """
    # Two large logarithms of the gamma function differ by little; not every accelerator has float64.
    precise = torch.float32 if squared_error.device.type == "mps" else torch.float64
    log_a = log_shape.to(precise).clamp(*_LOG_SHAPE_BOUNDS)
    a, log_b = log_a.exp(), log_scale.to(precise)
    half = n_features / 2
    constant = torch.lgamma(a + half) - torch.lgamma(a) - half * (math.log(2 * math.pi) + log_b)
    excess = torch.log1p(squared_error * torch.exp(-log_b).float() / 2)
    return constant.float() - (a + half).float() * excess


def gaussian_log_density(squared_errors: Tensor, log_scale: Tensor) -> Tensor:
    r"""Log density :math:`\sum_d \log N(x_d \mid g_d, \sigma_d^2)` of squared errors (..., D), each of one feature.

    With the logarithms (D,) of the standard deviations. What does not depend on the row is added once.
    """
    constant = log_scale.sum() + 0.5 * squared_errors.shape[-1] * math.log(2 * math.pi)
    return -0.5 * (squared_errors * torch.exp(-2 * log_scale)).sum(-1) - constant


def _squared_errors(x: Tensor, output: Tensor) -> Tensor:
    """Of each feature (..., D), of rows (..., D); differentiated in one pass."""
    return functional.mse_loss(output, x.expand_as(output), reduction="none")


def bernoulli_log_density(x: Tensor, logit: Tensor) -> Tensor:
    r"""Log probability :math:`\sum_d x_d \log p_d + (1 - x_d) \log(1 - p_d)`, p = sigmoid(logit).

    For :math:`x \in (0, 1)` it is the cross-entropy, a lower bound over random binarisations.
    """
    return (x * logit - functional.softplus(logit)).sum(-1)


class Likelihood(nn.Module):
    """How the decoder's output (..., D) is read as a distribution of rows (..., D)."""

    standardised = True

    def log_density(self, x: Tensor, output: Tensor) -> Tensor:
        """log p(x | z), summed over the features, shape (...)."""
        raise NotImplementedError

    def mean(self, output: Tensor) -> Tensor:
        """E[x | z] in the network's units."""
        return output

    def start_from(self, noise_variance: float, squared_error: Array, weight: Array, n_features: int) -> None:
        """Set what is learnt to what fits squared errors (n,) of rows of weights (n,), and their variance a feature."""


class CollapsedGaussian(Likelihood):
    """Gaussian with one variance a row, integrated out under an inverse gamma prior.

    Parameters
    ----------
    learnt_prior : bool
        Whether shape and scale of the prior are learnt; else the prior is nearly 1 / variance.
    """

    log_shape: Tensor
    log_scale: Tensor

    def __init__(self, learnt_prior: bool = False) -> None:
        super().__init__()
        if learnt_prior:
            self.log_shape = nn.Parameter(torch.zeros((), dtype=torch.float32))
            self.log_scale = nn.Parameter(torch.zeros((), dtype=torch.float32))
        self.learnt_prior = learnt_prior

    def log_density(self, x: Tensor, output: Tensor) -> Tensor:
        n_features = x.shape[-1]
        squared_error = _squared_errors(x, output).sum(-1)
        if not self.learnt_prior:
            prior_scale = 0.5 * n_features * _SCALE_FLOOR**2
            return collapsed_gaussian_log_density(squared_error, n_features, _FLAT_PRIOR_SHAPE, prior_scale)
        return learnt_collapsed_log_density(squared_error, n_features, self.log_shape, self.log_scale)

    @torch.no_grad()
    def start_from(self, noise_variance: float, squared_error: Array, weight: Array, n_features: int) -> None:
        if self.learnt_prior:
            shape, scale = fit_inverse_gamma(squared_error, weight, n_features)
            self.log_shape.fill_(math.log(shape))
            self.log_scale.fill_(math.log(scale))


class Gaussian(Likelihood):
    """Gaussian with one standard deviation a feature, learnt, or fixed for all."""

    raw_log_scale: Tensor

    def __init__(self, n_features: int, scale: float | None) -> None:
        super().__init__()
        self.is_learnt = scale is None
        start = torch.full((n_features,), 0.0 if scale is None else math.log(scale), dtype=torch.float32)
        if self.is_learnt:
            self.raw_log_scale = nn.Parameter(start)
        else:
            self.register_buffer("raw_log_scale", start)

    def log_scale(self) -> Tensor:
        """Logarithm of the standard deviations (D,), those learnt kept above the floor."""
        if not self.is_learnt:
            return self.raw_log_scale
        floor = math.log(_SCALE_FLOOR)
        return floor + functional.softplus(self.raw_log_scale - floor)

    def log_density(self, x: Tensor, output: Tensor) -> Tensor:
        return gaussian_log_density(_squared_errors(x, output), self.log_scale())

    @torch.no_grad()
    def start_from(self, noise_variance: float, squared_error: Array, weight: Array, n_features: int) -> None:
        if self.is_learnt:
            above_floor = max(0.5 * math.log(noise_variance) - math.log(_SCALE_FLOOR), 1e-6)
            self.raw_log_scale.fill_(math.log(_SCALE_FLOOR) + math.log(math.expm1(above_floor)))


class Bernoulli(Likelihood):
    """Independent Bernoulli features; the decoder's output is their logit."""

    standardised = False

    def log_density(self, x: Tensor, output: Tensor) -> Tensor:
        return bernoulli_log_density(x, output)

    def mean(self, output: Tensor) -> Tensor:
        return torch.sigmoid(output)


def make_likelihood(
    name: str, n_features: int, scale: float | None = None, *, learnt_prior: bool = False
) -> Likelihood:
    """Build the likelihood called ``name``; ``scale`` is a fixed Gaussian's, in the network's units."""
    if name == "collapsed":
        return CollapsedGaussian(learnt_prior)
    return Gaussian(n_features, scale) if name == "gaussian" else Bernoulli()
