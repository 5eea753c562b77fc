"""The field of matches: which style patch stands at each position of the picture, and its search.

Matches of neighbouring positions that are neighbours in the style as well are coherent: their
patches agree where they overlap, so the vote stays sharp and whole strokes are copied, not crumbs.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ._bank import PatchBank
from ._matching import nearest
from ._patches import PatchGrid

__all__ = ["FieldSearch", "carry_up", "coherence", "usage"]

_NEIGHBOURS = ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, -1), (1, -1), (-1, 1))


def usage(field: Tensor, bank: PatchBank) -> Tensor:
    """How often each patch of the bank is used (m,), 1 when all are used alike.

    Counted over the neighbourhood of a patch's own size: taking the patch beside another uses the
    same strokes once more.
    """
    counts = torch.bincount(field, minlength=len(bank)).float().reshape(1, 1, *bank.shape)
    window = 2 * (bank.patch_size // bank.stride // 2) + 1
    summed = functional.avg_pool2d(counts, window, 1, window // 2, count_include_pad=False)
    return summed.flatten() * (int(bank.is_valid.sum()) / len(field))


def carry_up(
    field: Tensor, coarse: PatchGrid, fine: PatchGrid, coarse_bank: PatchBank, fine_bank: PatchBank
) -> Tensor:
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
    """Improves a field of matches for given queries by asking few candidates a position.

    Candidates are the matches of the eight neighbours, moved by one step of the grid (coherent);
    the nearest of a sample of the whole bank; and random positions about the present match. A
    coherent candidate wins where its cost is less than 1 / (1 - coherence) times the present one;
    any other must be less than (1 - coherence) times it.

    Attributes
    ----------
    queries : Tensor (h * w, d)
    penalty : Tensor (m,)
        Price of each patch of the bank, added to the squared distance of codes.
    bank : PatchBank
    grid : PatchGrid
    coherence : float in [0, 1)
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

    def costs(self, field: Tensor) -> Tensor:
        """Squared distance of codes plus penalty (n,) of the matches ``field`` (n,)."""
        return (self.queries - self.bank.codes[field]).square().sum(1) + self.penalty[field]

    def from_sample(self, n_samples: int) -> tuple[Tensor, Tensor]:
        """The best match of every position in a sample of the bank, and its cost."""
        sample = self.bank.draw(n_samples, self.generator)
        best, costs = nearest(self.queries, self.bank.codes[sample], self.penalty[sample])
        return sample[best], costs

    def improve(self, field: Tensor, *, n_samples: int, n_sweeps: int) -> Tensor:
        """Challenge every match by the sample's, its neighbours' and random ones; return the winners."""
        costs = self.costs(field)
        handicap = 1 / (1 - self.coherence)
        field, costs = _winner(field, costs, *self.from_sample(n_samples), handicap)
        for _ in range(n_sweeps):
            field, costs = self._propagate(field, costs)
            field, costs = self._jitter(field, costs, handicap)
        return field

    def _propagate(self, field: Tensor, costs: Tensor) -> tuple[Tensor, Tensor]:
        """Offer every position the moved matches of its neighbours; the best of them challenges."""
        rows, columns = self._positions(field.reshape(self.grid.shape))
        step = self.grid.stride // self.bank.stride
        best, best_costs = field, torch.full_like(costs, torch.inf)
        for down, across in _NEIGHBOURS:
            moved_rows = torch.roll(rows, (down, across), (0, 1)) + down * step
            moved_columns = torch.roll(columns, (down, across), (0, 1)) + across * step
            candidates = self._index(moved_rows, moved_columns)
            best, best_costs = _winner(best, best_costs, candidates, self.costs(candidates), 1.0)
        return _winner(field, costs, best, best_costs, 1 - self.coherence)

    def _jitter(self, field: Tensor, costs: Tensor, handicap: float) -> tuple[Tensor, Tensor]:
        """Offer random positions about the match, within a quarter and a sixteenth of the bank's side."""
        for share in (4, 16):
            radius = max(self.bank.shape) / share
            rows, columns = self._positions(field)
            candidates = self._index(rows + self._offsets(field, radius), columns + self._offsets(field, radius))
            field, costs = _winner(field, costs, candidates, self.costs(candidates), handicap)
        return field, costs

    def _offsets(self, field: Tensor, radius: float) -> Tensor:
        uniform = torch.rand(len(field), generator=self.generator) * 2 - 1
        return torch.round(uniform * radius).long().to(field.device)

    def _positions(self, field: Tensor) -> tuple[Tensor, Tensor]:
        return field // self.bank.shape[1], field % self.bank.shape[1]

    def _index(self, rows: Tensor, columns: Tensor) -> Tensor:
        """Indices (n,) of positions in the bank, those outside moved to its border."""
        rows = rows.clamp(0, self.bank.shape[0] - 1)
        return (rows * self.bank.shape[1] + columns.clamp(0, self.bank.shape[1] - 1)).flatten()


def _winner(
    field: Tensor, costs: Tensor, candidates: Tensor, candidate_costs: Tensor, handicap: float
) -> tuple[Tensor, Tensor]:
    """Take each candidate whose cost times ``handicap`` is less than the present cost."""
    wins = candidate_costs * handicap < costs
    return torch.where(wins, candidates, field), torch.where(wins, candidate_costs, costs)
