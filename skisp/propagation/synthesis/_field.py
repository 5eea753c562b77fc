"""The nearest-neighbour field: which patch of the exemplar stands at each position of the picture, and its search.

The matches of neighbouring positions are coherent if they are neighbours in the style as well: then their
patches agree where they overlap, so the vote stays sharp, and whole strokes are copied, not crumbs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ..._chunks import chunk_sizes
from ..._math.box_means import box_mean
from ..._math.distances import nearest
from ..._threads import concatenate_on_threads, split_evenly
from ._exemplar import Exemplar, StyleCanvas
from ._patches import PatchGrid

__all__ = ["FieldSearch", "occurrence", "share_gap", "upsample_field", "warp_field"]

_NEIGHBOURS = ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, -1), (1, -1), (-1, 1))


def occurrence(field: Tensor, exemplar: Exemplar) -> Tensor:
    """How often each patch of the exemplar occurs (m,), 1 where that is its share.

    Counts are averaged over a neighbourhood of a patch's size, since neighbouring patches show the same
    strokes.

    References
    ----------
    Kaspar et al., "Self tuning texture optimization", Eurographics 2015, doi:10.1111/cgf.12565
    (occurrence maps).
    """
    counts = torch.bincount(field, minlength=len(exemplar)).float().reshape(exemplar.shape)
    window = 2 * (exemplar.patch_size // exemplar.stride // 2) + 1
    return box_mean(counts, window).flatten() / (exemplar.share * len(field)).masked_fill(~exemplar.is_valid, torch.inf)


def share_gap(field: Tensor, exemplar: Exemplar) -> Tensor:
    """By how much each style occurs more than its share, (n_styles,), relative to that share; 0 for a single style.

    The gradient of the dual problem whose constraint is that each style occurs in its share.
    """
    n_styles = int(exemplar.origin.max()) + 1
    occurring = torch.bincount(exemplar.origin[field].clamp_min(0), minlength=n_styles).float() / len(field)
    due = torch.stack([exemplar.share[exemplar.origin == style].sum() for style in range(n_styles)])
    return occurring / due.clamp_min(1e-6) - 1


def upsample_field(
    field: Tensor, coarse: PatchGrid, fine: PatchGrid, coarse_exemplar: StyleCanvas, fine_exemplar: StyleCanvas
) -> Tensor:
    """Upsample a field to a larger picture of a larger exemplar; coherent regions stay coherent."""
    axes = zip(coarse.centres(), fine.centres(), coarse.size, fine.size, coarse.shape, strict=True)
    sources, shifts = [], []
    for coarse_centres, fine_centres, coarse_side, fine_side, n in axes:
        factor = fine_side / coarse_side
        source = torch.round((fine_centres / factor - coarse_centres[0]) / coarse.stride).long().clamp(0, n - 1)
        sources.append(source)
        shifts.append(fine_centres - coarse_centres[source] * factor)
    matched = field.reshape(coarse.shape)[sources[0].to(field.device)][:, sources[1].to(field.device)]
    width = coarse_exemplar.shape[1]
    rows = _upsampled_corner(matched // width, shifts[0][:, None], coarse_exemplar, fine_exemplar, 0)
    columns = _upsampled_corner(matched % width, shifts[1][None, :], coarse_exemplar, fine_exemplar, 1)
    return fine_exemplar.nearest_inside(rows, columns).flatten()


def _upsampled_corner(position: Tensor, shift: Tensor, coarse: StyleCanvas, fine: StyleCanvas, axis: int) -> Tensor:
    """Corners in pixels of the fine exemplar, along one axis: the coarse patches' centres scaled, and shifted."""
    factor = fine.canvas.shape[axis + 1] / coarse.canvas.shape[axis + 1]
    centre = (position * coarse.stride + (coarse.patch_size - 1) / 2) * factor
    return centre + shift.to(position.device) - (fine.patch_size - 1) / 2


def warp_field(field: Tensor, flow: Tensor, grid: PatchGrid, exemplar: Exemplar) -> Tensor:
    """The field of one frame, warped to where its content is in the next.

    Parameters
    ----------
    field : Tensor (h * w,)
    flow : Tensor (2, H, W)
        For every pixel of the next frame, how far down and right of it its content was before, in pixels.
    grid : PatchGrid
        Of both frames.
    exemplar : Exemplar
    """
    down, across = (centre.to(field.device) for centre in grid.centres())
    at = [centre.round().long().clamp(0, side - 1) for centre, side in zip((down, across), grid.size, strict=True)]
    moved = flow[:, at[0][:, None], at[1]] / grid.stride
    steps = moved.round()
    rows, columns = (torch.arange(n, device=field.device) for n in grid.shape)
    source_rows = (rows[:, None] + steps[0].long()).clamp(0, grid.shape[0] - 1)
    source_columns = (columns + steps[1].long()).clamp(0, grid.shape[1] - 1)
    matched = field[(source_rows * grid.shape[1] + source_columns).flatten()]
    # The remainder, less than a step of the grid, moves the patch in the style.
    rest = ((moved - steps) * (grid.stride / exemplar.stride)).round().long().flatten(1)
    exemplar_rows = (matched // exemplar.shape[1] + rest[0]).clamp(0, exemplar.shape[0] - 1)
    return exemplar_rows * exemplar.shape[1] + (matched % exemplar.shape[1] + rest[1]).clamp(0, exemplar.shape[1] - 1)


def coherence(field: Tensor, grid: PatchGrid, exemplar: Exemplar) -> float:
    """Share of the horizontally neighbouring positions whose matches are neighbours in the style."""
    matched = field.reshape(grid.shape)
    rows, columns = matched // exemplar.shape[1], matched % exemplar.shape[1]
    step = grid.stride // exemplar.stride
    return float(((rows[:, 1:] == rows[:, :-1]) & (columns[:, 1:] == columns[:, :-1] + step)).float().mean())


@dataclass
class FieldSearch:
    r"""Improves a field for given queries by comparing few candidates at each position.

    The matches minimise the sum over the positions u of

    .. math:: \|q_u - k_m\|^2 + p_m - \kappa_u\, a_u(m) / 8

    where m is the match of u, p its price and a the number of the eight neighbours whose matches,
    moved by one step of the grid, are m as well. The candidates are those moved matches, the nearest of
    a sample of the whole exemplar, and random positions about the present match.

    Attributes
    ----------
    queries : Tensor (h * w, d)
    penalty : Tensor (m,)
        Dual potential of each patch of the exemplar, its price; at least 0.
    exemplar : Exemplar
    grid : PatchGrid
    coherence : Tensor (h * w,), at least 0
        kappa, in the units of squared distances.
    generator : torch.Generator
        On the CPU.

    References
    ----------
    Barnes et al., "PatchMatch", SIGGRAPH 2009, doi:10.1145/1531326.1531330 (candidates);
    Ashikhmin, "Synthesizing natural textures", I3D 2001, doi:10.1145/364338.364405 (coherence);
    Fiser et al., "StyLit", SIGGRAPH 2016, doi:10.1145/2897824.2925948 (even occurrence of the style's patches).
    """

    queries: Tensor
    penalty: Tensor
    exemplar: Exemplar
    grid: PatchGrid
    coherence: Tensor
    generator: torch.Generator

    def improve(
        self, field: Tensor, *, n_samples: int, n_sweeps: int, reprice: Callable[[Tensor], Tensor] | None = None
    ) -> Tensor:
        """Compare every match with the best of a sample, its neighbours' and random ones; return the best.

        ``reprice`` gives the penalties (m,) that follow from a field, after each of these steps. Else what is cheap
        at first is taken by all that are asked at once.
        """
        everywhere = torch.arange(len(field), device=field.device)
        sample = self.exemplar.sample(n_samples, self.generator)
        best, _ = nearest(self.queries, self.exemplar.codes[sample], self.penalty[sample])
        field = self._challenge(field, everywhere, sample[best][None])
        for _ in range(n_sweeps):
            # Half of the positions at a time: neighbours that change at the same time would only swap.
            moving = torch.rand(len(field), generator=self.generator, dtype=torch.float32).to(field.device) < 0.5
            for movable in (moving, ~moving):
                self._reprice(field, reprice)
                field = self._challenge(field, everywhere[movable])
            self._reprice(field, reprice)
            field = self._challenge(field, everywhere, self._about(field))
        self._reprice(field, reprice)
        return field

    def _reprice(self, field: Tensor, reprice: Callable[[Tensor], Tensor] | None) -> None:
        if reprice is not None:
            self.penalty = reprice(field)
            self.__dict__.pop("_offsets", None)  # which are made of it

    def _challenge(self, field: Tensor, positions: Tensor, candidates: Tensor | None = None) -> Tensor:
        """The field in which the positions have the cheapest of the present match and the candidates.

        Candidates are rows (c, len(positions)) of matches; None takes the moved matches of the neighbours.
        """
        field = field.clone()

        def winners(some: slice) -> Tensor:
            at = positions[some]
            neighbours = self._moved_neighbours(field, at)
            others = neighbours if candidates is None else candidates[:, some]
            matches = torch.cat([field[at][None], others])
            costs = self._costs(self.queries[at], matches, neighbours, self.coherence[at])
            # Of matches of equal cost, the first in the exemplar; much faster than argmin.
            return matches.masked_fill_(costs > costs.amin(dim=0), len(self.exemplar)).amin(dim=0)

        chunks = split_evenly(len(positions), chunk_sizes.positions, chunk_sizes.least_positions)
        field[positions] = concatenate_on_threads(winners, chunks, [chunk.stop - chunk.start for chunk in chunks])
        return field

    def _costs(self, queries: Tensor, matches: Tensor, neighbours: Tensor, coherence: Tensor) -> Tensor:
        """Costs (c, n) of matches (c, n) for queries (n, d), without the squares of the queries.

        They are less where the moved matches (8, n) of the neighbours agree.
        """
        codes = self.exemplar.codes.index_select(0, matches.flatten()).view(*matches.shape, -1)
        products = torch.einsum("cnd,nd->cn", codes, queries)
        # Bytes add up much faster than booleans.
        agreeing = (matches[:, None] == neighbours).view(torch.uint8).sum(dim=1, dtype=torch.uint8)
        reward = agreeing * (coherence / len(neighbours))
        return self._offsets[matches].sub_(products, alpha=2.0).sub_(reward)

    @cached_property
    def _offsets(self) -> Tensor:
        """What a patch of the exemplar costs, independent of the query."""
        return self._squares + self.penalty

    @cached_property
    def _squares(self) -> Tensor:
        return self.exemplar.codes.square().sum(dim=1)

    def _moved_neighbours(self, field: Tensor, positions: Tensor) -> Tensor:
        """For each of the eight neighbours of the positions (n,), its match moved by one step back: (8, n).

        At the border of the grid, where a neighbour is missing, the position nearest to it is taken instead.
        """
        height, width = self.grid.shape
        down, across = torch.tensor(_NEIGHBOURS, device=field.device).T[..., None]
        rows = positions // width
        columns = positions - rows * width
        neighbours = (rows - down).clamp_(0, height - 1).mul_(width).add_((columns - across).clamp_(0, width - 1))
        step = self.grid.stride // self.exemplar.stride
        return self._index(*self._positions(field[neighbours]), down * step, across * step)

    def _about(self, field: Tensor) -> Tensor:
        """Random positions (2, n) within a quarter and a sixteenth of the exemplar's side about the matches."""
        rows, columns = self._positions(field)
        radii = (max(self.exemplar.shape) / 4, max(self.exemplar.shape) / 16)
        return torch.stack(
            [self._index(rows, columns, self._steps(field, radius), self._steps(field, radius)) for radius in radii]
        )

    def _steps(self, field: Tensor, radius: float) -> Tensor:
        uniform = torch.rand(len(field), generator=self.generator, dtype=torch.float32) * 2 - 1
        return torch.round(uniform * radius).long().to(field.device)

    def _positions(self, field: Tensor) -> tuple[Tensor, Tensor]:
        rows = field // self.exemplar.shape[1]
        return rows, field - rows * self.exemplar.shape[1]

    def _index(self, rows: Tensor, columns: Tensor, down: Tensor, across: Tensor) -> Tensor:
        """Indices of positions in the exemplar, some steps away; those outside are moved to its border."""
        rows = (rows + down).clamp_(0, self.exemplar.shape[0] - 1)
        return rows.mul_(self.exemplar.shape[1]).add_((columns + across).clamp_(0, self.exemplar.shape[1] - 1))
