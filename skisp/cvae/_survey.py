"""What is known of all rows before training: their mean and scale, and a sample of them."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["RowMoments", "RowSample", "Standardisation", "canonical_order"]


class Standardisation(NamedTuple):
    """What rows are standardised by: their mean (D,), and the root of the mean variance of their features."""

    mean: NDArray[np.float64]
    scale: float


class RowMoments:
    """Weighted mean of rows and their scale, in float64, a part at a time.

    References
    ----------
    Chan, Golub & LeVeque, "Updating formulae and a pairwise algorithm for computing sample
    variances", 1979.
    """

    def __init__(self) -> None:
        self._total = 0.0
        self._mean, self._squares = torch.zeros(2, dtype=torch.float64)

    def add(self, rows: Tensor, weight: Tensor) -> None:
        x, part_total = rows.double(), float(weight.sum())
        total = self._total + part_total
        part_mean = weight @ x / part_total
        delta = part_mean - self._mean
        self._squares = (
            self._squares + weight @ (x - part_mean).square() + delta.square() * self._total * part_total / total
        )
        self._mean = self._mean + delta * part_total / total
        self._total = total

    def standardisation(self) -> Standardisation:
        return Standardisation(self._mean.numpy(), float((self._squares / self._total).mean().sqrt()))


class RowSample:
    """Every so many-th row and its weight, in one array each: small ones would hold the memory of what comes and goes.

    Parameters
    ----------
    step : int
    n_most : int
    """

    def __init__(self, step: int, n_most: int) -> None:
        self._step = step
        self._rows, self._weight = torch.empty(n_most, 0, dtype=torch.float32), torch.empty(n_most, dtype=torch.float64)
        self._n_seen = self._n_sampled = 0

    def add(self, rows: Tensor, weight: Tensor) -> None:
        if self._n_sampled == 0:
            self._rows = rows.new_empty(len(self._rows), rows.shape[1])
        some = torch.arange(-self._n_seen % self._step, len(rows), self._step)
        here = slice(self._n_sampled, self._n_sampled + len(some))
        self._rows[here], self._weight[here] = rows[some], weight[some]
        self._n_seen, self._n_sampled = self._n_seen + len(rows), self._n_sampled + len(some)

    def distinct(self) -> tuple[Tensor, Tensor]:
        """Rows in canonical order, equal ones as one, and their weights."""
        rows, weight = self._rows[: self._n_sampled], self._weight[: self._n_sampled]
        order = canonical_order(rows)
        distinct, which = torch.unique_consecutive(rows[order], dim=0, return_inverse=True)
        return distinct, weight.new_zeros(len(distinct)).index_add_(0, which, weight[order])


def canonical_order(rows: Tensor) -> Tensor:
    """Order (n,) of rows (n, D) by a fixed random projection: the same whatever order they came in.

    Training starts from it, so that the order of rows does not matter, and repeating a row is the
    same as giving it weight.
    """
    direction = torch.randn(rows.shape[1], generator=torch.Generator().manual_seed(0), dtype=torch.float32)
    return torch.argsort(rows.cpu() @ direction, stable=True)
