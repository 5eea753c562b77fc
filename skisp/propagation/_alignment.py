"""Maps between distributions, in closed form: colours to colours, content codes to style codes."""

from typing import Any, NamedTuple, Self

import torch
from torch import Tensor

__all__ = ["AffineMap", "Moments", "fit_ridge", "gaussian_transport", "symmetric_power"]

_RELATIVE_RIDGE = 1e-4


class Moments(NamedTuple):
    """Mean (d,) and covariance (d, d) of a distribution, float64."""

    mean: Tensor
    covariance: Tensor

    @classmethod
    def of(cls, rows: Tensor) -> Self:
        """Moments of rows (n, d), on the CPU: not every accelerator has float64."""
        rows = rows.cpu().double()
        mean = rows.mean(dim=0)
        centred = rows - mean
        return cls(mean, centred.T @ centred / len(rows))

    def regularised(self) -> Tensor:
        """Covariance with a small ridge, so that flat or few samples have roots and inverses."""
        dimension = len(self.mean)
        ridge = _RELATIVE_RIDGE * self.covariance.diagonal().mean() + 1e-12
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


def fit_ridge(inputs: Tensor, outputs: Tensor) -> AffineMap:
    r"""Ridge regression of ``outputs`` (n, e) on ``inputs`` (n, d), with an intercept.

    .. math:: B = (X^T X + \lambda I)^{-1} X^T Y

    for centred X and Y, :math:`\lambda` being 1e-4 of the mean of :math:`X^T X`'s diagonal.
    """
    inputs, outputs = inputs.cpu().double(), outputs.cpu().double()
    input_mean, output_mean = inputs.mean(dim=0), outputs.mean(dim=0)
    centred = inputs - input_mean
    gram = Moments(input_mean, centred.T @ centred).regularised()
    matrix = torch.linalg.solve(gram, centred.T @ (outputs - output_mean))
    return AffineMap(matrix, output_mean - input_mean @ matrix)
