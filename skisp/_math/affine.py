"""Affine maps of rows, and the one that fits best."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

__all__ = ["RELATIVE_RIDGE", "AffineMap", "fit_ridge", "with_ridge"]

RELATIVE_RIDGE = 1e-4


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

    @classmethod
    def identity(cls, dimension: int) -> "AffineMap":
        """The map that leaves rows (n, dimension) as they are."""
        return cls(torch.eye(dimension, dtype=torch.float64), torch.zeros(dimension, dtype=torch.float64))


def with_ridge(matrix: Tensor, relative_ridge: float = RELATIVE_RIDGE) -> Tensor:
    """A symmetric float64 matrix (d, d) with a share of its mean diagonal added to the diagonal: it has roots."""
    ridge = relative_ridge * matrix.diagonal().mean() + 1e-12
    return matrix + ridge * torch.eye(len(matrix), dtype=torch.float64, device=matrix.device)


def fit_ridge(inputs: Tensor, outputs: Tensor, relative_ridge: float = RELATIVE_RIDGE) -> AffineMap:
    r"""Ridge regression of ``outputs`` (n, e) on ``inputs`` (n, d), with an intercept.

    .. math:: B = (X^T X + \lambda I)^{-1} X^T Y

    for centred X and Y, :math:`\lambda` being ``relative_ridge`` times the mean of :math:`X^T X`'s
    diagonal.

    References
    ----------
    Hoerl & Kennard, "Ridge regression", Technometrics 1970, doi:10.1080/00401706.1970.10488634.
    """
    inputs, outputs = inputs.cpu().double(), outputs.cpu().double()
    input_mean, output_mean = inputs.mean(dim=0), outputs.mean(dim=0)
    centred = inputs - input_mean
    matrix = torch.linalg.solve(with_ridge(centred.T @ centred, relative_ridge), centred.T @ (outputs - output_mean))
    return AffineMap(matrix, output_mean - input_mean @ matrix)
