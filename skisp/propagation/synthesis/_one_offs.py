"""One-off objects of a style: what it shows once, a sun or a head, is not to be copied all over a picture."""

import torch
from torch import Tensor

from ..._chunks import chunk_sizes
from ..._math.distances import squared_distances
from ..._threads import concatenate_on_threads, split_evenly
from ._exemplar import Exemplar

__all__ = ["excess_novelty", "transferred"]

# Patches that every patch is compared with at most.
_MOST_COMPARED = 6_000
# What is nearer to something else than half of the spread of all codes is not a one-off; nor is what is as far as
# most are, in a style of patches that are all different.
_COMMON = 0.5
_MOST = 3.0


def novelty(exemplar: Exemplar) -> Tensor:
    r"""How far the code of each patch is from all codes elsewhere in the style (m,), in variances of the codes.

    .. math:: n_u = \min_{v : |v - u|_\infty \ge 2 p} \|k_u - k_v\|^2 / \sigma^2

    for positions u and v and patches of p pixels: what is nearer may show the same object. 0 for patches that are
    not inside one image, and where there is nothing else.
    """
    valid = torch.nonzero(exemplar.is_valid)[:, 0]
    others = valid[:: -(-len(valid) // _MOST_COMPARED)]
    keys, places, distance = exemplar.codes[others], _corners(others, exemplar), 2 * exemplar.patch_size
    # Whether the rows, or columns, of all positions are near those of the others: far fewer than pairs of patches.
    near_rows, near_columns = (
        (exemplar.stride * torch.arange(n, device=places.device)[:, None] - place).abs() < distance
        for n, place in zip(exemplar.shape, places.T, strict=True)
    )

    def of_some(some: slice) -> Tensor:
        own = valid[some]
        near = near_rows[own // exemplar.shape[1]].logical_and_(near_columns[own % exemplar.shape[1]])
        return squared_distances(exemplar.codes[own], keys).masked_fill_(near, torch.inf).amin(dim=1)

    chunks = split_evenly(len(valid), max(1, chunk_sizes.entries // len(others)), 64)
    nearest = concatenate_on_threads(of_some, chunks, [chunk.stop - chunk.start for chunk in chunks])
    found = torch.where(nearest.isinf(), 0.0, nearest / exemplar.variance)
    return found.new_zeros(len(exemplar)).index_copy_(0, valid, found)


def excess_novelty(exemplar: Exemplar) -> Tensor:
    """By how much the novelty of each patch (m,) exceeds what is common in its style, 0 where it does not."""
    found = novelty(exemplar)
    common = max(_COMMON, _MOST * float(found[exemplar.is_valid].median()))
    return (found - common).clamp_min_(0.0)


def transferred(values: Tensor, source: Exemplar, target: Exemplar) -> Tensor:
    """Values (m,) of the patches of one exemplar for those (n,) of another of the same styles at another size."""
    corners = _corners(torch.arange(len(target), device=values.device), target)
    factors = [source.canvas.shape[i] / target.canvas.shape[i] for i in (1, 2)]
    factor = torch.tensor(factors, dtype=torch.float32, device=values.device)
    moved = (corners + (target.patch_size - 1) / 2) * factor - (source.patch_size - 1) / 2
    return values[source.nearest_inside(moved[:, 0], moved[:, 1])]


def _corners(indices: Tensor, exemplar: Exemplar) -> Tensor:
    """Rows and columns (n, 2) of the patches' top left corners in pixels."""
    return torch.stack([indices // exemplar.shape[1], indices % exemplar.shape[1]], dim=1) * exemplar.stride
