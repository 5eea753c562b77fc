"""Where training starts: probabilistic PCA, the optimum of the linear model, which is known in closed form."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import gammaln
from torch import Tensor

__all__ = ["ProbabilisticPCA", "fit_inverse_gamma", "probabilistic_pca"]

# Shares of the unit variance of standardised rows below which a variance is taken for rounding.
_LEAST_VARIANCE = 1e-10
# Starts of the search for the prior of the variance; its shape is bounded, beyond which it is a single value.
_SHAPES = (0.5, 5.0, 50.0, 5000.0)
_LEAST_SHAPE, _GREATEST_SHAPE = 0.1, 3e4


class ProbabilisticPCA(NamedTuple):
    r"""x = U diag(l)^(1/2) z + e, with z ~ N(0, I) and e ~ N(0, s0 I).

    Attributes
    ----------
    components : Tensor (k, D)
        U^T: orthonormal rows; rows of zeros where the data have fewer directions than k.
    variances : Tensor (k,)
        l, of the signal along each, without the noise.
    noise_variance : float
        s0.
    """

    components: Tensor
    variances: Tensor
    noise_variance: float


def probabilistic_pca(
    rows: Tensor, weight: Tensor, n_components: int, least_noise: float, noise_variance: float | None = None
) -> ProbabilisticPCA:
    r"""Maximum likelihood of probabilistic PCA on centred rows (n, D) with weights (n,).

    With the eigenvalues :math:`\lambda_1 \ge \lambda_2 \ge \dots` of the covariance,

    .. math:: s_0 = \frac{1}{D - k} \sum_{j > k} \lambda_j, \qquad l_j = \max(\lambda_j - s_0, 0)

    or with the noise variance that is given. Eigenvectors are those of the covariance (D, D), or of the
    rows' Gram matrix (n, n) where that is smaller; the largest entry of each is positive.

    Parameters
    ----------
    rows : Tensor (n, D)
    weight : Tensor (n,)
    n_components : int
        k.
    least_noise : float
        The noise variance is at least that: a model without noise has no density.
    noise_variance : float or None

    References
    ----------
    Tipping & Bishop, "Probabilistic principal component analysis", JRSS B 1999, doi:10.1111/1467-9868.00196.
    """
    scaled = rows.double() * (weight / weight.sum()).sqrt()[:, None]
    n, n_features = scaled.shape
    wide = n < n_features
    values, vectors = torch.linalg.eigh(scaled @ scaled.T if wide else scaled.T @ scaled)
    k = min(n_components, int((values > _LEAST_VARIANCE).sum()))
    values, vectors = values.flip(0), vectors.flip(1)[:, :k]
    components = torch.zeros(n_components, n_features, dtype=torch.float64)
    if k > 0:
        found = (scaled.T @ vectors / values[:k].sqrt()).T if wide else vectors.T
        greatest = found.gather(1, found.abs().argmax(dim=1, keepdim=True))
        components[:k] = found * greatest.sign()
    total, kept = float(scaled.square().sum()), float(values[:k].sum())
    if noise_variance is None:
        noise_variance = max((total - kept) / max(n_features - n_components, 1), least_noise)
    variances = torch.zeros(n_components, dtype=torch.float64)
    variances[:k] = (values[:k] - noise_variance).clamp_min(0.0)
    return ProbabilisticPCA(components, variances, noise_variance)


def fit_inverse_gamma(
    squared_error: NDArray[np.float64], weight: NDArray[np.float64], n_features: int
) -> tuple[float, float]:
    r"""Shape a and scale b of an inverse gamma prior of the variance, by maximum likelihood.

    Of squared errors (n,) with weights (n,).

    Of :math:`p(e) = \int N(e \mid 0, \sigma^2 I)\, \text{InvGamma}(\sigma^2 \mid a, b)\, d\sigma^2`, see
    :func:`collapsed_gaussian_log_density`. Where all rows have about the same error a is large, and the
    density nearly Gaussian.

    References
    ----------
    Gelman et al., "Bayesian Data Analysis", section 5.1 (priors fitted to a population).
    """
    from scipy.optimize import minimize  # a twentieth of a second, for who learns the noise

    share = weight / weight.sum()
    mean = max(float(share @ squared_error) / n_features, 1e-12)

    def loss(logarithms: NDArray[np.float64]) -> float:
        a, b = np.exp(logarithms)
        constant = gammaln(a + n_features / 2) - gammaln(a) - n_features / 2 * np.log(b)
        return float((a + n_features / 2) * (share @ np.log1p(squared_error / (2 * b))) - constant)

    bounds = [(np.log(_LEAST_SHAPE), np.log(_GREATEST_SHAPE)), (-40.0, 40.0)]
    starts = [np.log([shape, shape * mean]) for shape in _SHAPES]
    best = min((minimize(loss, start, bounds=bounds, method="L-BFGS-B") for start in starts), key=lambda r: r.fun)
    # To what L-BFGS is certain of, so that the same rows in another order give the same bits.
    return float(np.exp(np.round(best.x[0], 3))), float(np.exp(np.round(best.x[1], 3)))
