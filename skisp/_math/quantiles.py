"""Quantiles of samples, and the map from one distribution on the line to another."""

import numpy as np
import torch
from torch import Tensor

__all__ = ["QuantileMap", "quantile_table"]

# A hundred to a standard deviation of what has long tails, as bands of pictures have.
_N_CELLS = 4096


def quantile_table(values: Tensor, n_quantiles: int) -> Tensor:
    """Quantiles (d, n_quantiles) of each row of values (d, n), at the middles of equal shares.

    Examples
    --------
    >>> import torch
    >>> quantile_table(torch.tensor([[3.0, 1.0, 2.0, 0.0]]), 2)
    tensor([[0.5000, 2.5000]])
    """
    # NumPy sorts on the CPU in a fifth of torch's time.
    ordered = torch.from_numpy(np.sort(values.numpy(), axis=1)) if values.is_cpu else values.sort(dim=1).values
    middles = (torch.arange(n_quantiles, device=values.device, dtype=torch.float64) + 0.5) / n_quantiles
    at = (middles * values.shape[1] - 0.5).clamp(0, values.shape[1] - 1)
    low = at.long()
    high = (low + 1).clamp_max(values.shape[1] - 1)
    return torch.lerp(ordered[:, low], ordered[:, high], (at - low).to(values))


class QuantileMap:
    r"""The map of each row of values that makes the quantiles of a source those of a target.

    .. math:: T = F_t^{-1} \circ F_s

    between neighbouring quantiles linearly, and beyond the outermost by a shift: the optimal transport on the line.
    What many quantiles of the source share goes to the mean of the outermost of their targets.

    The map is tabulated at equal distances once: looking up a cell takes a tenth of the time of a binary search.

    Parameters
    ----------
    source, target : Tensor (d, k)
        From :func:`quantile_table`.

    References
    ----------
    Villani, "Topics in optimal transportation", 2003, section 2.2, doi:10.1090/gsm/058.

    Examples
    --------
    >>> import torch
    >>> transport = QuantileMap(torch.tensor([[0.0, 1.0]]), torch.tensor([[1.0, 5.0]]))
    >>> transport(torch.tensor([[-1.0, 0.0, 0.5, 1.0, 3.0]]))
    tensor([[0., 1., 3., 5., 7.]])
    """

    def __init__(self, source: Tensor, target: Tensor) -> None:
        self._first = source[:, :1]
        self._width = width = (source[:, -1:] - self._first).clamp_min(1e-6) / _N_CELLS
        at_edges = _transported(self._first + width * torch.arange(_N_CELLS + 1, device=source.device), source, target)
        # Before the first cell and after the last there is one more, where the map is a shift: the value at a cell's
        # edge that is nearer to the others, and by how much it rises over a cell.
        self._starts = torch.cat([at_edges[:, :1], at_edges], dim=1)
        self._rises = torch.cat([width, at_edges.diff(dim=1), width], dim=1)

    def __call__(self, values: Tensor) -> Tensor:
        """The map of values (d, n)."""
        position = (values - self._first) / self._width
        cell = (position.floor() + 1.0).clamp_(0.0, _N_CELLS + 1.0)
        index = cell.long()
        into = position.sub_(cell.sub_(1.0).clamp_min_(0.0))
        return torch.addcmul(self._starts.gather(1, index), self._rises.gather(1, index), into)


def _transported(values: Tensor, source: Tensor, target: Tensor) -> Tensor:
    """The map at some values within the source's range, by binary search."""
    last = source.shape[1] - 1
    mapped = []
    for right in (False, True):
        above = torch.searchsorted(source, values, right=right).clamp_(1, last)
        low, high = source.gather(1, above - 1), source.gather(1, above)
        share = torch.where(high > low, (values - low) / (high - low), float(right)).clamp_(0.0, 1.0)
        mapped.append(torch.lerp(target.gather(1, above - 1), target.gather(1, above), share))
    return (mapped[0] + mapped[1]) / 2
