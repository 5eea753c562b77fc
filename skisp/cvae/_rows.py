"""The rows a C-VAE is trained on: in memory, or read a block at a time.

A block is what is held in memory at once. What lies in memory is one block; a larger memory map, or
anything else that can be sliced, has several. For an epoch, each is put together anew from runs of
consecutive rows, drawn from all of the data, and its rows are gone through in random order.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .._threads import computed_ahead
from ._survey import RowMoments, RowSample, Standardisation, canonical_order

__all__ = ["RowBlocks", "batches", "relative_weights", "repetitions"]

# A block is put together from that many runs of consecutive rows: data that are sorted get mixed.
_RUNS_A_BLOCK = 16
# Times that a row is seen in an epoch, in the mean, up to which whole-number weights are repetitions.
_MOST_REPETITIONS = 16

Read = Callable[[int, int], NDArray[np.float32]]


def repetitions(weight: Tensor, generator: torch.Generator) -> Tensor:
    """How often each row (n,) is seen in an epoch: its weight, fractions rounded up or down at random."""
    whole = weight.floor()
    if torch.equal(whole, weight):  # nothing is drawn, so that weights are the same as repeated rows
        return whole.long()
    return (whole + (torch.rand(len(weight), generator=generator, dtype=torch.float32) < weight - whole)).long()


def batches(order: Tensor, batch_size: int) -> Iterator[Tensor]:
    """Cut an order (n,) into batches; a last batch of a single row joins the one before."""
    n_samples, start = len(order), 0
    while start < n_samples:
        stop = start + batch_size
        if n_samples - stop == 1:
            stop = n_samples
        yield order[start:stop]
        start = stop


class RowBlocks:
    """Rows (n, D) with weights, in blocks.

    Parameters
    ----------
    read : callable
        ``read(start, stop)`` returns rows ``start:stop`` as a float32 array (stop - start, D).
    n_rows : int
        n.
    rows_a_block : int
        Rows read at once. One block that holds all is read once and kept on ``device``.
    weight : array (n,) or None
        How often each row counts: none for 0 or False, twice for 2.
    device : torch.device
        Where the batches go.
    reads_ahead : bool
        Whether a block is read while the one before is trained on: two are held then. For data that are slow to read.
    """

    def __init__(
        self,
        read: Read,
        n_rows: int,
        *,
        rows_a_block: int,
        weight: NDArray[Any] | None = None,
        device: torch.device | None = None,
        reads_ahead: bool = False,
    ) -> None:
        self._read = read
        self._reads_ahead = reads_ahead
        self._weight = None if weight is None else torch.from_numpy(np.asarray(weight))
        self._device = device if device is not None else torch.device("cpu")
        self._starts = list(range(0, n_rows, rows_a_block))
        self._stops = [*self._starts[1:], n_rows]
        self._kept: tuple[Tensor, Tensor] | None = None
        self._runs_a_block = min(_RUNS_A_BLOCK, rows_a_block) if len(self._starts) > 1 else 1
        run = max(1, min(rows_a_block, n_rows) // self._runs_a_block)
        self._runs = [range(start, min(start + run, n_rows)) for start in range(0, n_rows, run)]

    @property
    def total_weight(self) -> float:
        """Sum of the weights: the rows of an epoch."""
        return float(self._stops[-1]) if self._weight is None else float(self._weight.sum())

    def batches(self, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
        """Batches (b, D) of one epoch, on the device, every row as often as its weight says."""
        before = None
        for rows in self._batches_of_one_size(batch_size, generator):
            if before is not None and len(rows) == 1 < batch_size:  # the only row of the last block
                before = torch.cat([before, rows])
                continue
            if before is not None:
                yield before.to(self._device)
            before = rows
        if before is not None:
            yield before.to(self._device)

    def _batches_of_one_size(self, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
        """Batches of which only the last has another size: what a block leaves over waits for the next.

        If each block had a last batch of a size of its own, memory would grow without end: torch keeps what it has
        planned and compiled for every size.
        """
        # A permutation of one block draws nothing that matters: small and large data share this path.
        blocks = torch.randperm(len(self._runs), generator=generator).split(self._runs_a_block)
        left: list[Tensor] = []
        runs = [[self._runs[i] for i in drawn.sort().values.tolist()] for drawn in blocks]
        mixed = computed_ahead(self._mixed_block, runs) if self._reads_ahead else map(self._mixed_block, runs)
        for i, (rows, order, weight) in enumerate(mixed):
            if weight is not None:
                order = order.repeat_interleave(repetitions(weight[order], generator))
            shuffled = order[torch.randperm(len(order), generator=generator)].to(rows.device)
            if left:
                n_missing = batch_size - sum(map(len, left))
                left.append(rows[shuffled[:n_missing]])
                shuffled = shuffled[n_missing:]
                if len(left[-1]) < n_missing:
                    continue
                yield torch.cat(left)
            n_taken = len(shuffled) // batch_size * batch_size if i < len(blocks) - 1 else len(shuffled)
            for indices in batches(shuffled[:n_taken], batch_size):
                yield rows.index_select(0, indices)  # in runs of whole rows: faster than rows[indices]
            left = [rows[shuffled[n_taken:]]] if n_taken < len(shuffled) else []
        if left:
            yield torch.cat(left)

    def n_batches(self, batch_size: int) -> int:
        """Batches an epoch, as near as weights that are fractions allow."""
        return max(1, len(range(0, round(self.total_weight), batch_size)))

    def parts(self, rows_at_once: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Rows (b, D) and their weights (b,) in the order they came, without rows of weight 0."""
        parts = self._weighty_parts(rows_at_once)
        return parts if len(self._starts) == 1 else _of_one_size(parts, rows_at_once)

    def _weighty_parts(self, rows_at_once: int) -> Iterator[tuple[Tensor, Tensor]]:
        for i, start in enumerate(self._starts):
            rows = self._block(i)
            weight = self._weight_slice(start, self._stops[i])
            for part, part_weight in zip(rows.split(rows_at_once), weight.split(rows_at_once), strict=True):
                kept = part_weight > 0
                if bool(kept.all()):
                    yield part.to(self._device), part_weight
                elif bool(kept.any()):
                    yield part[kept.to(part.device)].to(self._device), part_weight[kept]

    def survey(self, n_rows: int) -> tuple[Standardisation, Tensor, Tensor]:
        """Mean and scale of all rows, and a sample of them, in one reading.

        Parameters
        ----------
        n_rows : int
            Up to about so many are sampled, evenly from all that have weight.

        Returns
        -------
        standardisation : Standardisation
        sampled : Tensor (m, D)
            On the CPU, in canonical order, and rows that are equal as one, so that what is summed over them has the
            same bits whatever order they came in, and whether they were repeated or had weight.
        weight : Tensor (m,)
            Of those.
        """
        step = max(1, -(-self._stops[-1] // n_rows))
        moments, sample = RowMoments(), RowSample(step, -(-self._stops[-1] // step))
        for part, weight in self.parts(1024):
            rows = part.cpu()
            moments.add(rows, weight)
            sample.add(rows, weight)
        return moments.standardisation(), *sample.distinct()

    def _block(self, i: int) -> Tensor:
        """Rows of block ``i``; a single block stays on the device."""
        if len(self._starts) == 1:
            return self._single_block()[0]
        return _tensor(self._read(self._starts[i], self._stops[i]))

    def _single_block(self) -> tuple[Tensor, Tensor]:
        """All rows and their canonical order, read once."""
        if self._kept is None:
            rows = _tensor(self._read(0, self._stops[-1]))
            self._kept = rows.to(self._device), canonical_order(rows)
        return self._kept

    def _mixed_block(self, runs: list[range]) -> tuple[Tensor, Tensor, Tensor | None]:
        """Rows of ``runs``, their canonical order and their weights."""
        if len(self._starts) == 1:
            return *self._single_block(), None if self._weight is None else self._weight.double()
        rows, n_filled = torch.empty(0, 0, dtype=torch.float32), 0
        for run in runs:
            part = _tensor(self._read(run.start, run.stop))
            if n_filled == 0:
                rows = part.new_empty(sum(map(len, runs)), part.shape[1])
            rows[n_filled : n_filled + len(part)] = part
            n_filled += len(part)
        weight = None if self._weight is None else torch.cat([self._weight_slice(run.start, run.stop) for run in runs])
        return rows, canonical_order(rows), weight

    def _weight_slice(self, start: int, stop: int) -> Tensor:
        if self._weight is None:
            return torch.ones(stop - start, dtype=torch.float64)
        return self._weight[start:stop].double()


def relative_weights(sample_weight: NDArray[Any]) -> NDArray[np.float64]:
    """Weights (n,) as repetitions: small whole numbers as they are, others scaled to a mean of 1 where they are not 0.

    Large ones would make epochs, and the order in which their rows come, as long as their sum.
    """
    weight = np.asarray(sample_weight, dtype=np.float64)
    n_weighty = int((weight > 0).sum())
    if np.array_equal(weight, np.rint(weight)) and weight.sum() <= _MOST_REPETITIONS * n_weighty:
        return weight
    return weight / weight[weight > 0].mean()


def _of_one_size(parts: Iterator[tuple[Tensor, Tensor]], size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """The same rows and weights in parts of one size, but for the last: many sizes take memory, as many batches do."""
    rows, weight = next(parts)
    for more_rows, more_weight in parts:
        rows, weight = torch.cat([rows, more_rows]), torch.cat([weight, more_weight])
        while len(rows) >= size:
            yield rows[:size], weight[:size]
            rows, weight = rows[size:], weight[size:]
    if len(rows):
        yield rows, weight


def _tensor(rows: NDArray[np.float32]) -> Tensor:
    """Rows as a tensor; they are only read, and so shared unless they are read-only, which torch warns of."""
    return torch.from_numpy(rows) if rows.flags.writeable else torch.tensor(rows)
