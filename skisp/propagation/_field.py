"""The field of matches: which style patch stands at each position of the picture, and its search.

Matches of neighbouring positions that are neighbours in the style as well are coherent: their
patches agree where they overlap, so the vote stays sharp and whole strokes are copied, not crumbs.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from .._base import concatenate_on_threads
from ._bank import PatchBank
from ._matching import nearest
from ._patches import PatchGrid

__all__ = ["FieldSearch", "carry_up", "coherence", "usage"]

# Positions whose codes are gathered at once on each thread.
_POSITIONS_AT_ONCE = 1 << 16
_NEIGHBOURS = ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, -1), (1, -1), (-1, 1))


def usage(field: Tensor, bank: PatchBank) -> Tensor:
    """How often each patch of the bank is used (m,), 1 when each is used according to its share.

    Counted over the neighbourhood of a patch's own size: taking the patch beside another uses the
    same strokes once more.
    """
    counts = torch.bincount(field, minlength=len(bank)).float().reshape(1, 1, *bank.shape)
    window = 2 * (bank.patch_size // bank.stride // 2) + 1
    summed = functional.avg_pool2d(counts, window, 1, window // 2, count_include_pad=False)
    # Where a share is 0 there is nothing to use.
    return summed.flatten() / (bank.share * len(field)).masked_fill(~bank.is_valid, torch.inf)


def carry_up(field: Tensor, coarse: PatchGrid, fine: PatchGrid, coarse_bank: PatchBank, fine_bank: PatchBank) -> Tensor:
    """Scale a field of matches from one pyramid level to the next, coherent regions staying coherent."""
    axes = zip(coarse.centres(), fine.centres(), coarse.size, fine.size, coarse.shape, strict=True)
    sources, shifts = [], []
    for coarse_centres, fine_centres, coarse_side, fine_side, n in axes:
        factor = fine_side / coarse_side
        source = torch.round((fine_centres / factor - coarse_centres[0]) / coarse.stride).long().clamp(0, n - 1)
        sources.append(source)
        shifts.append(fine_centres - coarse_centres[source] * factor)
    matched = field.reshape(coarse.shape)[sources[0].to(field.device)][:, sources[1].to(field.device)]
    rows = _carry_position(matched // coarse_bank.shape[1], shifts[0][:, None], coarse_bank, fine_bank, 0)
    columns = _carry_position(matched % coarse_bank.shape[1], shifts[1][None, :], coarse_bank, fine_bank, 1)
    return (rows * fine_bank.shape[1] + columns).flatten()


def _carry_position(position: Tensor, shift: Tensor, coarse: PatchBank, fine: PatchBank, axis: int) -> Tensor:
    """Scale positions in the coarse bank along one axis, add a shift in fine pixels, round to the fine bank."""
    factor = fine.canvas.shape[axis + 1] / coarse.canvas.shape[axis + 1]
    half = (coarse.patch_size - 1) / 2
    corner = (position * coarse.stride + half) * factor + shift.to(position.device) - half
    return torch.round(corner / fine.stride).long().clamp(0, fine.shape[axis] - 1)


def coherence(field: Tensor, grid: PatchGrid, bank: PatchBank) -> float:
    """Share of the horizontally neighbouring positions whose matches are neighbours in the style."""
    matched = field.reshape(grid.shape)
    rows, columns = matched // bank.shape[1], matched % bank.shape[1]
    step = grid.stride // bank.stride
    return float(((rows[:, 1:] == rows[:, :-1]) & (columns[:, 1:] == columns[:, :-1] + step)).float().mean())


@dataclass
class FieldSearch:
    r"""Improves a field of matches for given queries by asking few candidates a position.

    The matches minimise the sum over the positions u of

    .. math:: \|q_u - k_m\|^2 + p_m - \kappa\, a_u(m) / 8

    where m is the match of u, p its price and a the number of the eight neighbours whose matches,
    moved by one step of the grid, are m as well. Candidates are those moved matches; the nearest of
    a sample of the whole bank; and random positions about the present match.

    Attributes
    ----------
    queries : Tensor (h * w, d)
    penalty : Tensor (m,)
        Price of each patch of the bank, at least 0.
    bank : PatchBank
    grid : PatchGrid
    coherence : float, at least 0
        kappa, in the units of squared distances.
    generator : torch.Generator
        On the CPU.

    References
    ----------
    Barnes et al., "PatchMatch", SIGGRAPH 2009, doi:10.1145/1531326.1531330 (candidates);
    Ashikhmin, "Synthesizing natural textures", I3D 2001, doi:10.1145/364338.364405 (coherence);
    Fiser et al., "StyLit", SIGGRAPH 2016, doi:10.1145/2897824.2925948 (even use of the style).
    """

    queries: Tensor
    penalty: Tensor
    bank: PatchBank
    grid: PatchGrid
    coherence: float
    generator: torch.Generator

    def improve(self, field: Tensor, *, n_samples: int, n_sweeps: int) -> Tensor:
        """Challenge every match by the sample's, its neighbours' and random ones; return the winners."""
        sample = self.bank.draw(n_samples, self.generator)
        best, _ = nearest(self.queries, self.bank.codes[sample], self.penalty[sample])
        field = self._challenge(field, [sample[best]])
        for _ in range(n_sweeps):
            # Half of the positions at a time: neighbours that move at once would only swap.
            moving = torch.rand(len(field), generator=self.generator).to(self.queries.device) < 0.5
            for movable in (moving, ~moving):
                field = torch.where(movable, self._challenge(field), field)
            field = self._challenge(field, self._about(field))
        return field

    def _challenge(self, field: Tensor, candidates: list[Tensor] | None = None) -> Tensor:
        """At every position the one of least cost of the present match and the candidates, or its neighbours' moved."""
        neighbours = self._moved_neighbours(field)
        least = self._costs(field, neighbours)
        for candidate in neighbours if candidates is None else candidates:
            costs = self._costs(candidate, neighbours)
            wins = costs < least
            field, least = torch.where(wins, candidate, field), torch.where(wins, costs, least)
        return field

    def _costs(self, field: Tensor, neighbours: list[Tensor]) -> Tensor:
        """Cost (n,) of every position's match, less where the moved matches of its neighbours agree."""
        distance = self._distances(field).add_(self.penalty[field])
        agreeing = sum((neighbour == field).float() for neighbour in neighbours)
        return distance - self.coherence / len(neighbours) * agreeing

    def _distances(self, field: Tensor) -> Tensor:
        """Squared distance (n,) of every position's query and match."""

        def of_chunk(chunk: tuple[Tensor, Tensor]) -> Tensor:
            queries, matches = chunk
            return (queries - self.bank.codes[matches]).square_().sum(1)

        chunks = list(zip(self.queries.split(_POSITIONS_AT_ONCE), field.split(_POSITIONS_AT_ONCE), strict=True))
        return concatenate_on_threads(of_chunk, chunks, [len(matches) for _, matches in chunks])

    def _moved_neighbours(self, field: Tensor) -> list[Tensor]:
        """For each of the eight neighbours, its match moved by one step back to the position."""
        rows, columns = self._positions(field.reshape(self.grid.shape))
        step = self.grid.stride // self.bank.stride
        return [
            self._index(
                torch.roll(rows, (down, across), (0, 1)) + down * step,
                torch.roll(columns, (down, across), (0, 1)) + across * step,
            )
            for down, across in _NEIGHBOURS
        ]

    def _about(self, field: Tensor) -> list[Tensor]:
        """Random positions within a quarter and a sixteenth of the bank's side about the matches."""
        rows, columns = self._positions(field)
        return [
            self._index(rows + self._offsets(field, radius), columns + self._offsets(field, radius))
            for radius in (max(self.bank.shape) / 4, max(self.bank.shape) / 16)
        ]

    def _offsets(self, field: Tensor, radius: float) -> Tensor:
        uniform = torch.rand(len(field), generator=self.generator) * 2 - 1
        return torch.round(uniform * radius).long().to(field.device)

    def _positions(self, field: Tensor) -> tuple[Tensor, Tensor]:
        return field // self.bank.shape[1], field % self.bank.shape[1]

    def _index(self, rows: Tensor, columns: Tensor) -> Tensor:
        """Indices (n,) of positions in the bank, those outside moved to its border."""
        rows = rows.clamp(0, self.bank.shape[0] - 1)
        return (rows * self.bank.shape[1] + columns.clamp(0, self.bank.shape[1] - 1)).flatten()
