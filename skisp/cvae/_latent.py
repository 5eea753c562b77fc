"""What the codes of a training set look like, all together."""

import math
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ._networks import CVAENetwork, rows_at_once
from ._objectives import kl_to_standard_normal, reparameterise
from ._rows import RowBlocks

__all__ = ["LatentStatistics", "PosteriorSamples", "aggregate_posterior", "latent_statistics"]

_ACTIVE_VARIANCE = 0.01
# Enough for a mixture of Gaussians, and few enough to be kept with every model.
_N_SAMPLES = 5000


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


class PosteriorSamples:
    """Samples of posteriors that come in parts, spread evenly over the rows' weights.

    Parameters
    ----------
    total_weight : float
        Of all rows that are to come.
    n_samples : int
        Samples wanted; no more than one for each unit of weight.
    generator : torch.Generator
    """

    def __init__(self, total_weight: float, n_samples: int, generator: torch.Generator) -> None:
        self._step = max(1.0, total_weight / n_samples)
        self._generator = generator
        self._weight_seen = 0.0
        # In one array: small ones between the large ones of each part would hold the memory of all parts.
        self._codes = torch.empty(math.ceil(total_weight / self._step) + 1, 0, dtype=torch.float32)
        self._n_sampled = 0

    def add(self, mean: Tensor, log_variance: Tensor, weight: Tensor) -> None:
        """Sample posteriors (b, d) of weights (b,): a code for each whole step of the weight, none or several a row."""
        until = torch.cat([weight.new_tensor([self._weight_seen]), self._weight_seen + weight.cumsum(0)])
        counts = torch.floor(until / self._step + 0.5).diff().long()
        self._weight_seen = float(until[-1])
        means, log_variances = (part.cpu().repeat_interleave(counts, dim=0) for part in (mean, log_variance))
        noise = torch.randn(means.shape, generator=self._generator, dtype=torch.float32)
        if self._n_sampled == 0:
            self._codes = means.new_empty(len(self._codes), means.shape[1])
        here = slice(self._n_sampled, self._n_sampled + len(means))
        self._codes[here] = reparameterise(means, log_variances, noise)
        self._n_sampled = here.stop

    def codes(self) -> NDArray[np.float32]:
        """All samples (m, d), in the order of their rows."""
        return self._codes[: self._n_sampled].numpy()


@torch.inference_mode()
def aggregate_posterior(
    network: CVAENetwork, rows: RowBlocks, seed: int, n_samples: int = _N_SAMPLES
) -> tuple[LatentStatistics, NDArray[np.float32]]:
    """Moments of the aggregate posterior over weighted ``rows``, and about ``n_samples`` samples of it.

    Parameters
    ----------
    network : CVAENetwork
        In evaluation mode.
    rows : RowBlocks
        Read once.
    seed : int
        Of the samples.
    n_samples : int
        At most; fewer where the weights have a smaller sum.
    """
    samples = PosteriorSamples(rows.total_weight, n_samples, torch.Generator().manual_seed(seed))

    def posteriors() -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        for x, weight in rows.parts(rows_at_once(network.n_features)):
            mean, log_variance = network.encode(x)
            samples.add(mean, log_variance, weight)
            yield mean, log_variance, weight

    return latent_statistics(posteriors()), samples.codes()
