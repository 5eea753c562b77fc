"""Gaussians: their moments, the optimal transport and the distance between them, and their barycentre."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

from .._threads import one_thread
from .affine import RELATIVE_RIDGE, AffineMap, with_ridge
from .linalg import eigenvectors, matrix_product, symmetric_power

__all__ = [
    "Moments",
    "bures_squared",
    "gaussian_barycentre",
    "gaussian_distance",
    "gaussian_transport",
    "transport_matrix",
]

_BARYCENTRE_ITERATIONS = 20
# Rows that are converted to float64 at once: the pixels of a large image would take much memory.
_ROWS_AT_ONCE = 1_000_000


class Moments(NamedTuple):
    """Mean (d,) and covariance (d, d) of a distribution, float64.

    Tensors while they are computed with, arrays once they are kept (:meth:`to_arrays`).
    """

    mean: Any
    covariance: Any

    @classmethod
    def of(cls, rows: Any) -> Self:
        """Moments of rows (n, d), an array or a tensor; on the CPU, as not every accelerator has float64."""
        if isinstance(rows, np.ndarray):
            mean = rows.mean(axis=0)
            centred = rows - mean
            return cls(mean, matrix_product(centred.T, centred) / len(rows))
        chunks = rows.split(_ROWS_AT_ONCE)
        with one_thread():
            mean = sum(chunk.cpu().sum(dim=0, dtype=torch.float64) for chunk in chunks) / len(rows)
            centred = (chunk.cpu() - mean for chunk in chunks)  # float64, as the mean is
            return cls(mean, sum(part.T @ part for part in centred) / len(rows))

    def regularised(self, relative_ridge: float = RELATIVE_RIDGE) -> Tensor:
        """Covariance with a small ridge, so that flat or few samples have roots and inverses."""
        return with_ridge(torch.as_tensor(self.covariance), relative_ridge)

    def to_arrays(self) -> "Moments":
        """The same moments as arrays, which pickle without torch."""
        return Moments(self.mean.cpu().numpy(), self.covariance.cpu().numpy())

    def to_tensors(self) -> "Moments":
        """The same moments as tensors, to compute with."""
        return Moments(torch.as_tensor(self.mean), torch.as_tensor(self.covariance))


def transport_matrix(source: Any, target: Any) -> Any:
    r"""Linear part of the optimal transport between Gaussians of two covariances (d, d), arrays or tensors.

    .. math:: A = S_s^{-1/2} (S_s^{1/2} S_t S_s^{1/2})^{1/2} S_s^{-1/2}

    References
    ----------
    Dowson & Landau, "The Frechet distance between multivariate normal distributions", 1982,
    doi:10.1016/0047-259X(82)90077-X; for colours Pitie & Kokaram, "The linear Monge-Kantorovitch
    linear colour mapping", CVMP 2007, doi:10.1049/cp:20070055.
    """
    root, inverse_root = symmetric_power(source, 0.5), symmetric_power(source, -0.5)
    return inverse_root @ symmetric_power(root @ target @ root, 0.5) @ inverse_root


def gaussian_transport(source: Moments, target: Moments) -> AffineMap:
    r"""Optimal transport between Gaussians: the least displacement that matches both moments.

    .. math:: T(x) = m_t + A (x - m_s)

    with A the :func:`transport_matrix` of the covariances.

    Parameters
    ----------
    source, target : Moments
        Of equal dimension; a ridge of 1e-4 of the mean variance is added to both covariances.

    Returns
    -------
    transport : AffineMap
        Maps the source's mean and covariance onto the target's.

    References
    ----------
    Mroueh, "Wasserstein style transfer", AISTATS 2020, arXiv:1905.12828.
    """
    matrix = transport_matrix(source.regularised(), target.regularised())
    return AffineMap(matrix, target.mean - source.mean @ matrix)


def bures_squared(a: Any, b: Any) -> float:
    r"""Squared Bures distance of two covariances (d, d), arrays or tensors, not below 0.

    .. math:: \operatorname{tr}\bigl(A + B - 2 (A^{1/2} B A^{1/2})^{1/2}\bigr)

    The last trace is the nuclear norm of :math:`R_A^T R_B` for any :math:`R R^T` that are the
    covariances, which squares no small number.

    References
    ----------
    Bhatia, Jain & Lim, "On the Bures-Wasserstein distance between positive definite matrices",
    Expo. Math. 2019, arXiv:1712.01504.
    """
    with one_thread():
        cross = torch.linalg.svdvals(torch.as_tensor(_root(a).T @ _root(b))).sum()
    return max(0.0, float(a.trace() + b.trace() - 2.0 * cross))


def gaussian_distance(first: Moments, second: Moments) -> float:
    r"""2-Wasserstein distance between two Gaussians, which others call the Frechet distance.

    .. math:: \bigl( \|m_1 - m_2\|^2 + d_B^2(S_1, S_2) \bigr)^{1/2}

    with :math:`d_B^2` the :func:`bures_squared` of the covariances.

    References
    ----------
    Dowson & Landau, "The Frechet distance between multivariate normal distributions", 1982,
    doi:10.1016/0047-259X(82)90077-X.
    """
    offset = first.mean - second.mean
    squared = offset.square().sum() if isinstance(offset, Tensor) else offset @ offset
    return math.sqrt(float(squared) + bures_squared(first.covariance, second.covariance))


def _root(covariance: Any) -> Any:
    """R with R R^T the covariance, an array or a tensor as that is."""
    values, vectors = eigenvectors(covariance)
    return vectors * values**0.5


def gaussian_barycentre(moments: Sequence[Moments], weights: Sequence[float]) -> Moments:
    r"""Wasserstein barycentre of Gaussians: the moments half way, or any share of the way, between them.

    The mean is :math:`\sum_j w_j m_j`, and the covariance the fixed point of

    .. math:: S \leftarrow S^{-1/2} \Bigl( \sum_j w_j (S^{1/2} S_j S^{1/2})^{1/2} \Bigr)^2 S^{-1/2}

    Parameters
    ----------
    moments : sequence of Moments
    weights : sequence of float
        At least 0, of sum 1.

    References
    ----------
    Alvarez-Esteban et al., "A fixed-point approach to barycenters in Wasserstein space", JMAA 2016,
    doi:10.1016/j.jmaa.2016.04.045.
    """
    if len(moments) == 1:
        return moments[0]
    shares = torch.tensor(weights, dtype=torch.float64)
    covariances = torch.stack([one.regularised() for one in moments])
    covariance = torch.tensordot(shares, covariances, dims=1)
    for _ in range(_BARYCENTRE_ITERATIONS):
        root, inverse_root = symmetric_power(covariance, 0.5), symmetric_power(covariance, -0.5)
        middles = torch.stack([symmetric_power(root @ one @ root, 0.5) for one in covariances])
        middle = torch.tensordot(shares, middles, dims=1)
        covariance = inverse_root @ middle @ middle @ inverse_root
    mean = torch.tensordot(shares, torch.stack([one.mean for one in moments]), dims=1)
    return Moments(mean, covariance)
