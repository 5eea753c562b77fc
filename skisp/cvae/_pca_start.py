"""Where training starts: a new network made probabilistic PCA of the rows it is to be trained on."""

import torch
from torch import Tensor

from ._likelihoods import LEAST_NOISE_VARIANCE
from ._networks import CVAENetwork
from ._start import ProbabilisticPCA, probabilistic_pca

__all__ = ["n_sampled", "start_from_pca"]

# Rows that probabilistic PCA is computed from, and columns from which on that are fewer.
_SAMPLED, _MANY_COLUMNS = 10_000, 2000
# Of fewer rows than components: the noise variance of standardised rows, and the least share of it for a component.
_NOISE_OF_FEW, _LEAST_SIGNAL = 0.5, 0.25


def n_sampled(n_features: int) -> int:
    """How many rows of so many columns the start needs."""
    # A Gram matrix of many rows, or a covariance of many columns, takes time like the third power of its side.
    return _SAMPLED if n_features <= _MANY_COLUMNS else _MANY_COLUMNS


@torch.no_grad()
def start_from_pca(network: CVAENetwork, sampled: Tensor, weight: Tensor, seed: int) -> None:
    """Make a new network probabilistic PCA of its standardised rows, of a sample (n, D) with weights (n,)."""
    standardised = network.standardise(sampled).double()
    noise = _known_noise_variance(network)
    # So few rows, of a first batch for example, leave no residual, and do not tell how far others will be from them.
    are_few = bool(weight.sum() <= network.n_components + 1)  # centred, they have one direction less
    if are_few and noise is None:
        noise = _NOISE_OF_FEW
    start = probabilistic_pca(standardised, weight, network.n_components, LEAST_NOISE_VARIANCE, noise)
    if are_few:
        start = _with_random_rest(start, seed)
    network.start_from(start)
    network.eval()
    mean, log_variance = network.encode(sampled)
    # Of codes that vary as the posterior says: what the linear decoder makes of that is known.
    of_codes = log_variance.exp() @ network.linear_decoder.weight.square().sum(dim=0)
    squared_error = (standardised - network.decode(mean)).square().sum(dim=1) + of_codes
    if are_few:
        squared_error = squared_error.clamp_min(start.noise_variance * network.n_features)
    network.likelihood.start_from(start.noise_variance, squared_error.numpy(), weight.numpy(), network.n_features)


def _known_noise_variance(network: CVAENetwork) -> float | None:
    """Noise variance of standardised rows that the likelihood states, or None where it is to be found.

    That of a Bernoulli likelihood is p (1 - p), which of greys is far more than they differ from each other.
    """
    if not network.likelihood.standardised:
        mean = network.mean.double()
        return max(float((mean * (1 - mean)).mean() / network.scale.double().square()), LEAST_NOISE_VARIANCE)
    fixed = network.config["noise_scale"]
    return None if fixed is None else float(fixed**2)


def _with_random_rest(start: ProbabilisticPCA, seed: int) -> ProbabilisticPCA:
    """Let components without a direction have one at random, orthogonal to all others, as long as there are any."""
    found = start.components[start.components.any(dim=1)]
    n_components, n_features = start.components.shape
    generator = torch.Generator().manual_seed(seed)
    n_missing = min(n_components, n_features) - len(found)
    random = torch.randn(n_missing, n_features, generator=generator, dtype=torch.float64)
    directions, _ = torch.linalg.qr(torch.cat([found, random]).T)
    components, least = start.components.clone(), _LEAST_SIGNAL * start.noise_variance
    components[len(found) : len(found) + n_missing] = directions.T[len(found) :]
    return start._replace(components=components, variances=start.variances.clamp_min(least))
