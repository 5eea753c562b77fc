"""Quantiles of samples, and the map from one distribution on the line to another."""

import torch
from torch import Tensor

__all__ = ["match_quantiles", "quantile_table"]


def quantile_table(values: Tensor, n_quantiles: int) -> Tensor:
    """Quantiles (d, n_quantiles) of each row of values (d, n), at the middles of equal shares.

    Examples
    --------
    >>> import torch
    >>> quantile_table(torch.tensor([[3.0, 1.0, 2.0, 0.0]]), 2)
    tensor([[0.5000, 2.5000]])
    """
    ordered = values.sort(dim=1).values
    middles = (torch.arange(n_quantiles, device=values.device, dtype=torch.float64) + 0.5) / n_quantiles
    at = (middles * values.shape[1] - 0.5).clamp(0, values.shape[1] - 1)
    low = at.long()
    high = (low + 1).clamp_max(values.shape[1] - 1)
    return torch.lerp(ordered[:, low], ordered[:, high], (at - low).to(values))


def match_quantiles(values: Tensor, source: Tensor, target: Tensor) -> Tensor:
    r"""Map each row of values (d, n) so that the quantiles of the source become those of the target.

    .. math:: T = F_t^{-1} \circ F_s

    between neighbouring quantiles linearly, and beyond the outermost by a shift: the optimal transport on the line.

    Parameters
    ----------
    values : Tensor (d, n)
    source, target : Tensor (d, k)
        From :func:`quantile_table`.

    References
    ----------
    Villani, "Topics in optimal transportation", 2003, section 2.2, doi:10.1090/gsm/058.

    Examples
    --------
    >>> import torch
    >>> source, target = torch.tensor([[0.0, 1.0]]), torch.tensor([[1.0, 5.0]])
    >>> match_quantiles(torch.tensor([[-1.0, 0.0, 0.5, 1.0, 3.0]]), source, target)
    tensor([[0., 1., 3., 5., 7.]])
    """
    last = source.shape[1] - 1
    above = torch.searchsorted(source, values.contiguous()).clamp_(1, last)
    low, high = source.gather(1, above - 1), source.gather(1, above)
    share = ((values - low) / (high - low).clamp_min(1e-12)).clamp_(0.0, 1.0)
    mapped = torch.lerp(target.gather(1, above - 1), target.gather(1, above), share)
    beyond = (values - source[:, -1:]).clamp_min_(0.0) + (values - source[:, :1]).clamp_max_(0.0)
    return mapped.add_(beyond)
