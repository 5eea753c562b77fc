"""Cells around points, each kept within the shape that its point lies in: panes of glass, tesserae."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ._canvas import Canvas, Floats

__all__ = ["Labels", "inlay", "nearest_seeds", "square_cells", "straight_cells"]

Labels = NDArray[np.int32]

_FOREIGN = 1e6  # more than the square of any distance to a candidate: seeds of other shapes come last


@dataclass(frozen=True)
class Candidates:
    """The seeds near to each pixel of a canvas.

    Parameters
    ----------
    canvas : Canvas
    seeds : float32 array (n, 2)
        (y, x) in units.
    shapes : int32 array (n,)
        The shape that each seed lies in.
    near : int32 array (k, H, W)
        Indices of seeds, the likely ones first. The last one is repeated where there are fewer than k.
    """

    canvas: Canvas
    seeds: Floats
    shapes: Labels
    near: Labels

    def offsets(self, rank: int) -> tuple[Floats, Floats]:
        """Units down and right from the candidate number ``rank`` to each pixel, (H, W)."""
        seed = self.near[rank]
        return self.canvas.y - self.seeds[seed, 0], self.canvas.x - self.seeds[seed, 1]

    def penalty(self, rank: int, shape: Labels) -> Floats:
        """Penalty of the candidate number ``rank``: large if it is of another shape, larger if it is repeated."""
        seed = self.near[rank]
        penalty = np.where(self.shapes[seed] != shape, np.float32(_FOREIGN), np.float32(0.0))
        if rank > 0:
            penalty[seed == self.near[rank - 1]] += np.float32(100 * _FOREIGN)
        return penalty


def nearest_seeds(canvas: Canvas, guide: Canvas, seeds: Floats, shape: Labels, n_near: int) -> Candidates:
    """Look up the seeds nearest to each pixel of the coarse ``guide``, and spread them over ``canvas``.

    ``shape`` (H, W) labels the shapes on ``guide``; the seeds in the shape of the pixel are considered,
    or any one where it has none.
    """
    grid = np.stack(np.broadcast_arrays(guide.y, guide.x), axis=-1)
    near = np.empty((n_near, *shape.shape), dtype=np.int32)
    shapes = shape[guide.pixel(*seeds.T)]
    for label in np.unique(shape):
        members = np.flatnonzero(shapes == label)
        members = members if len(members) else np.array([label % len(seeds)])
        n_found = min(n_near, len(members))
        found = cKDTree(seeds[members]).query(grid[shape == label], k=range(1, n_found + 1))[1]
        near[:, shape == label] = members[found[:, np.arange(n_near).clip(max=n_found - 1)]].T
    if canvas is not guide:
        near = near[:, *guide.pixel(canvas.y, canvas.x)]
    return Candidates(canvas, seeds, shapes, near)


def straight_cells(candidates: Candidates, shape: Labels) -> tuple[Labels, Floats]:
    """Voronoi cells that do not cross the borders of ``shape`` (H, W).

    Returns
    -------
    cell : int32 array (H, W)
        Index of the nearest seed in the same shape.
    edge : float32 array (H, W)
        Units to the nearest side of the cell, the borders of the shape not counted. Rounded in
        corners, where sides meet.
    """
    cell, best = np.zeros(shape.shape, dtype=np.int32), np.full(shape.shape, 1e30, dtype=np.float32)
    squares: list[Floats] = []
    for rank in range(len(candidates.near)):
        down, right = candidates.offsets(rank)
        squares.append(down**2 + right**2 + candidates.penalty(rank, shape))
        closer = squares[-1] < best
        cell[closer], best[closer] = candidates.near[rank][closer], squares[-1][closer]
    return cell, _edge(candidates, cell, best, squares)


def _edge(candidates: Candidates, cell: Labels, best: Floats, squares: list[Floats]) -> Floats:
    """Distance to the bisectors between the seed of each cell and the other candidates, joined smoothly."""
    total = np.zeros(cell.shape, dtype=np.float32)
    seeds = candidates.seeds
    for seed, square in zip(candidates.near, squares, strict=True):
        apart = np.sqrt(((seeds[seed] - seeds[cell]) ** 2).sum(axis=-1))
        bisector = (square - best) / (2.0 * apart + 1e-6)
        total += np.where(seed == cell, 0.0, np.exp(-np.minimum(bisector, 40.0) / 0.8)).astype(np.float32)
    # A shape too small for a seed of its own is one cell.
    total[best >= _FOREIGN] = 0.0
    return np.asarray(-0.8 * np.log(total + 1e-20), dtype=np.float32)


def square_cells(candidates: Candidates, shape: Labels, angles: Floats) -> tuple[Labels, Floats]:
    """Cells like squares turned by ``angles`` (n,), one a seed, within the borders of ``shape``.

    Returns
    -------
    cell : int32 array (H, W)
    gap : float32 array (H, W)
        Units to the side of the cell next to another one of the same shape.
    """
    sines, cosines = np.sin(angles).astype(np.float32), np.cos(angles).astype(np.float32)
    cell = np.zeros(shape.shape, dtype=np.int32)
    best, second = (np.full(shape.shape, 1e30, dtype=np.float32) for _ in range(2))
    for rank, seed in enumerate(candidates.near):
        down, right = candidates.offsets(rank)
        sine, cosine = sines[seed], cosines[seed]
        reach = np.maximum(np.abs(right * cosine + down * sine), np.abs(down * cosine - right * sine))
        reach = reach + candidates.penalty(rank, shape)
        second = np.minimum(second, np.maximum(reach, best))
        cell = np.where(reach < best, seed, cell)
        best = np.minimum(best, reach)
    return cell, 0.5 * (second - best)


def inlay(label: Labels, border: Floats, outside: Floats, part: Labels | int) -> tuple[Labels, Floats]:
    """Put a shape where ``outside``, the signed distance from it, is negative, over ``label`` and ``border``.

    Parameters
    ----------
    label : int32 array (H, W)
        The shape that each pixel lies in.
    border : float32 array (H, W)
        Units from there to the border of the shape.
    outside : float32 array (H, W)
        Signed distance in units from the new shape.
    part : int32 array (H, W) or int
        Label of the new shape.

    Returns
    -------
    label, border : as those given
    """
    inside = outside < 0
    return np.where(inside, part, label), np.where(inside, -outside, np.minimum(border, outside))
