"""What the codes of a training set look like, all together."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import torch
from numpy.typing import NDArray
from torch import Tensor

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


def latent_statistics(posteriors: Iterable[tuple[Tensor, Tensor, Tensor]]) -> LatentStatistics:
    """Statistics of posteriors that come in parts: means (b, d), log variances (b, d), weights (b,)."""
    total: Any = 0.0
    first: Any = 0.0
    second: Any = 0.0
    variance: Any = 0.0
    kl: Any = 0.0
    for part_mean, part_log_variance, part_weight in posteriors:
        mean, log_variance, weight = (t.cpu().double() for t in (part_mean, part_log_variance, part_weight))
        total = total + weight.sum()
        first = first + weight @ mean
        second = second + (weight[:, None] * mean).T @ mean
        variance = variance + weight @ log_variance.exp()
        kl = kl + weight @ kl_to_standard_normal(mean, log_variance)
    centre = first / total
    of_means = second / total - torch.outer(centre, centre)
    return LatentStatistics(
        centre.numpy(),
        (of_means + torch.diag(variance / total)).numpy(),
        (kl / total).numpy(),
        int((of_means.diagonal() > _ACTIVE_VARIANCE).sum()),
    )
