"""A density of the codes of a training set, to sample from where they do not follow the prior."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_array

from .._base import as_float32, draw_seed

if TYPE_CHECKING:
    from sklearn.mixture import GaussianMixture

__all__ = ["fit_aggregate_prior", "sample_aggregate"]

_MOST_COMPONENTS = 10
_SMOOTHING = 1e-4


def fit_aggregate_prior(codes: ArrayLike, random_state: Any) -> "GaussianMixture":
    r"""Fit a mixture of Gaussians to samples (n, d) of the aggregate posterior.

    .. math:: q(z) = \frac{1}{n} \sum_{i=1}^n q(z | x_i)

    Ten components with full covariances, or one for each 10 (d + 1) distinct codes where that is
    fewer: on fewer codes, a component follows them rather than the density. Each covariance has
    1e-4 of the codes' mean variance added to its diagonal, so that none is singular.

    Parameters
    ----------
    codes : array-like (n, d)
        At least one.
    random_state : int, RandomState instance or None
        Seeds k-means, from which expectation maximisation starts.

    Raises
    ------
    ValueError
        If there are no codes, or one is not finite.

    References
    ----------
    Makhzani et al., "Adversarial autoencoders", 2015, arXiv:1511.05644 (aggregate posterior).
    Ghosh et al., "From variational to deterministic autoencoders", ICLR 2020, arXiv:1903.12436
    (ex-post density estimation).
    """
    samples: NDArray[np.float64] = check_array(codes, dtype=np.float64)
    n_distinct = len(np.unique(samples, axis=0))
    from sklearn.mixture import GaussianMixture  # imports much, for few

    mixture = GaussianMixture(
        n_components=max(1, min(_MOST_COMPONENTS, n_distinct // (10 * (samples.shape[1] + 1)))),
        reg_covar=_SMOOTHING * samples.var(axis=0).mean() + 1e-12,  # the latter for codes that are all the same
        max_iter=500,
        random_state=draw_seed(random_state),
    )
    # GaussianMixture refuses a single row; twice the same is the same distribution.
    return mixture.fit(samples if len(samples) > 1 else np.repeat(samples, 2, axis=0))


def sample_aggregate(mixture: "GaussianMixture", n_samples: int, random_state: Any) -> NDArray[np.float32]:
    """Draw codes (n_samples, d) from a mixture with full covariances, in random order.

    ``GaussianMixture.sample`` sorts them by component, and draws from the mixture's own random state.

    Parameters
    ----------
    mixture : GaussianMixture
        Not changed.
    n_samples : int
    random_state : int, RandomState instance or None
    """
    generator = np.random.default_rng(draw_seed(random_state))
    component = generator.choice(len(mixture.weights_), size=n_samples, p=mixture.weights_)
    codes = generator.standard_normal((n_samples, mixture.means_.shape[1]))
    for k, (mean, covariance) in enumerate(zip(mixture.means_, mixture.covariances_, strict=True)):
        rows = component == k
        codes[rows] = mean + codes[rows] @ np.linalg.cholesky(covariance).T
    return as_float32(codes)
