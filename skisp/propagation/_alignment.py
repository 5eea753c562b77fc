"""Maps between distributions, in closed form: colours to colours, content codes to style codes."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor

__all__ = ["AffineMap", "Moments", "fit_ridge", "gaussian_barycentre", "gaussian_transport", "symmetric_power"]

_RELATIVE_RIDGE = 1e-4
_BARYCENTRE_ITERATIONS = 20
# Rows that are converted to float64 at once: the pixels of a large image would take much memory.
_ROWS_AT_ONCE = 1_000_000


class Moments(NamedTuple):
    """Mean (d,) and covariance (d, d) of a distribution, float64."""

    mean: Tensor
    covariance: Tensor

    @classmethod
    def of(cls, rows: Tensor) -> Self:
        """Moments of rows (n, d), on the CPU: not every accelerator has float64."""
        chunks = rows.split(_ROWS_AT_ONCE)
        mean = sum(chunk.cpu().double().sum(dim=0) for chunk in chunks) / len(rows)
        products = ((chunk.cpu().double() - mean).T @ (chunk.cpu().double() - mean) for chunk in chunks)
        return cls(mean, sum(products) / len(rows))

    def regularised(self, relative_ridge: float = _RELATIVE_RIDGE) -> Tensor:
        """Covariance with a small ridge, so that flat or few samples have roots and inverses."""
        dimension = len(self.mean)
        ridge = relative_ridge * self.covariance.diagonal().mean() + 1e-12
        return self.covariance + ridge * torch.eye(dimension, dtype=torch.float64, device=self.mean.device)


class AffineMap(NamedTuple):
    """x -> x A + b for rows x (n, d).

    A and b are tensors while a map is computed, arrays once it is kept (:meth:`to_arrays`).
    """

    matrix: Any
    offset: Any

    def __call__(self, rows: Tensor) -> Tensor:
        return rows @ torch.as_tensor(self.matrix).to(rows) + torch.as_tensor(self.offset).to(rows)

    def to_arrays(self) -> "AffineMap":
        """The same map with arrays, which pickle without torch."""
        return AffineMap(self.matrix.cpu().numpy(), self.offset.cpu().numpy())

    def inverse(self) -> "AffineMap":
        """The map from results back to rows."""
        matrix = torch.linalg.inv(torch.as_tensor(self.matrix))
        return AffineMap(matrix, -torch.as_tensor(self.offset) @ matrix)

    def then(self, other: "AffineMap") -> "AffineMap":
        """The map that applies this one first and ``other`` after it."""
        return AffineMap(self.matrix @ other.matrix, self.offset @ other.matrix + other.offset)


def symmetric_power(matrix: Tensor, power: float) -> Tensor:
    """``matrix ** power`` of a symmetric positive definite matrix, by its eigenvectors."""
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values.clamp_min(1e-30) ** power) @ vectors.mT


def gaussian_transport(source: Moments, target: Moments) -> AffineMap:
    r"""Optimal transport between Gaussians: the least displacement that matches both moments.

    .. math::
        T(x) = m_t + A (x - m_s),\quad
        A = S_s^{-1/2} (S_s^{1/2} S_t S_s^{1/2})^{1/2} S_s^{-1/2}

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
    Mroueh, "Wasserstein style transfer", AISTATS 2020, arXiv:1905.12828; for colours Pitie &
    Kokaram, "The linear Monge-Kantorovitch linear colour mapping", CVMP 2007.
    """
    source_covariance = source.regularised()
    root = symmetric_power(source_covariance, 0.5)
    inverse_root = symmetric_power(source_covariance, -0.5)
    middle = symmetric_power(root @ target.regularised() @ root, 0.5)
    matrix = inverse_root @ middle @ inverse_root
    return AffineMap(matrix, target.mean - source.mean @ matrix)


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
    covariances = torch.stack([part.regularised() for part in moments])
    covariance = torch.tensordot(shares, covariances, dims=1)
    for _ in range(_BARYCENTRE_ITERATIONS):
        root, inverse_root = symmetric_power(covariance, 0.5), symmetric_power(covariance, -0.5)
        middles = torch.stack([symmetric_power(root @ part @ root, 0.5) for part in covariances])
        middle = torch.tensordot(shares, middles, dims=1)
        covariance = inverse_root @ middle @ middle @ inverse_root
    mean = torch.tensordot(shares, torch.stack([part.mean for part in moments]), dims=1)
    return Moments(mean, covariance)


def fit_ridge(inputs: Tensor, outputs: Tensor, relative_ridge: float = _RELATIVE_RIDGE) -> AffineMap:
    r"""Ridge regression of ``outputs`` (n, e) on ``inputs`` (n, d), with an intercept.

    .. math:: B = (X^T X + \lambda I)^{-1} X^T Y

    for centred X and Y, :math:`\lambda` being ``relative_ridge`` times the mean of :math:`X^T X`'s
    diagonal.
    """
    inputs, outputs = inputs.cpu().double(), outputs.cpu().double()
    input_mean, output_mean = inputs.mean(dim=0), outputs.mean(dim=0)
    centred = inputs - input_mean
    gram = Moments(input_mean, centred.T @ centred).regularised(relative_ridge)
    matrix = torch.linalg.solve(gram, centred.T @ (outputs - output_mean))
    return AffineMap(matrix, output_mean - input_mean @ matrix)
