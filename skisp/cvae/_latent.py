"""What the codes of a training set look like, all together."""

from typing import Any, NamedTuple

from numpy.typing import NDArray
from torch import Tensor, diag

from ._objectives import kl_to_standard_normal

__all__ = ["LatentStatistics", "latent_statistics"]

_ACTIVE_VARIANCE = 0.01


class LatentStatistics(NamedTuple):
    """Moments of the aggregate posterior, and which latent dimensions carry something.

    Attributes
    ----------
    mean : ndarray (d,)
    covariance : ndarray (d, d)
        Covariance of the posterior means plus the mean posterior variance: exact for the mixture
        of the rows' Gaussians.
    kl_per_component : ndarray (d,)
        Mean KL divergence from the prior, in nats.
    n_active_units : int
        Dimensions whose posterior mean varies by more than 0.01.

    References
    ----------
    Burda, Grosse & Salakhutdinov, "Importance weighted autoencoders", ICLR 2016, arXiv:1509.00519
    (active units).
    """

    mean: NDArray[Any]
    covariance: NDArray[Any]
    kl_per_component: NDArray[Any]
    n_active_units: int


def latent_statistics(mean: Tensor, log_variance: Tensor) -> LatentStatistics:
    """Statistics of the posteriors with means and log variances (n, d), float64 on the CPU."""
    centred = mean - mean.mean(dim=0)
    covariance = centred.T @ centred / len(mean) + diag(log_variance.exp().mean(dim=0))
    return LatentStatistics(
        mean.mean(dim=0).numpy(),
        covariance.numpy(),
        kl_to_standard_normal(mean, log_variance).mean(dim=0).numpy(),
        int((mean.var(dim=0, correction=0) > _ACTIVE_VARIANCE).sum()),
    )
