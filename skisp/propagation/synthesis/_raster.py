"""Pictures that are worked on some rows at a time, so that a large one is never whole in floats.

What is done with a strip does not depend on how high it is: the rows around it that its pixels need are given with it,
and sums are taken over single rows first. So a picture has the same bits in one strip and in many.
"""

from collections.abc import Callable
from typing import Self, TypeVar

import torch
from torch import Tensor

from ..._chunks import chunk_sizes
from ..._math.gaussian import Moments
from ..._threads import map_on_threads, split_evenly

__all__ = [
    "Raster",
    "RowStore",
    "change_windows",
    "measured",
    "moments_of",
    "on_strips",
    "sampled",
    "unpacked",
]

_Result = TypeVar("_Result")

# Pixels up to which pictures are kept as floats; of more, 16 bits a value are kept.
_MOST_IN_FLOATS = 2**23
# Levels of a unit in 16 bits, which hold from -1/2 to 3/2: votes and what is added to them may leave [0, 1].
_LEVELS = 32766.0
# Strips that are held until all of them are there.
_STRIPS_AT_ONCE = 4
# Strips that need many rows around them are higher: by how many times, and units that they have at least.
_TIMES_LARGER = 8
_LEAST_UNITS = 5


class Raster:
    """A picture of which rows are asked for.

    Parameters
    ----------
    shape : (int, int, int)
        Channels, height and width.
    rows : callable
        Gives the rows (C, stop - start, W) from ``start`` to ``stop``, which nobody changes.
    """

    def __init__(self, shape: tuple[int, ...], rows: Callable[[int, int], Tensor]) -> None:
        self.shape = shape
        self.rows = rows

    @classmethod
    def of(cls, picture: "Tensor | Raster") -> "Raster":
        """A tensor (C, H, W) as a raster; a raster as it is."""
        if isinstance(picture, Raster):
            return picture
        tensor = picture
        return Raster(tuple(tensor.shape), lambda start, stop: tensor[:, start:stop])

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.shape[1], self.shape[2]

    @property
    def device(self) -> torch.device:
        """Where its rows are."""
        return self.rows(0, 1).device

    def window(self, start: int, stop: int, halo: int) -> tuple[Tensor, slice]:
        """Some rows with up to ``halo`` more on each side, and where they are themselves."""
        top = max(0, start - halo)
        return self.rows(top, min(self.shape[1], stop + halo)), slice(start - top, stop - top)

    def planes(self) -> "list[Raster]":
        """Each channel (1, H, W)."""
        shape = (1, *self.size)
        return [
            Raster(shape, lambda start, stop, i=i: self.rows(start, stop)[i : i + 1])  # type: ignore[misc]
            for i in range(self.shape[0])
        ]

    def whole(self) -> Tensor:
        """All of it (C, H, W)."""
        values = torch.empty(self.shape, dtype=torch.float32, device=self.device)

        def put(start: int, stop: int) -> None:
            values[:, start:stop] = self.rows(start, stop)

        on_strips(put, self.shape)
        return values

    def kept(self) -> "Raster":
        """The same, calculated once; a large one is calculated again whenever it is asked for."""
        return self if is_packed(self.shape) else Raster.of(self.whole())


class RowStore(Raster):
    """A picture that is kept, and changed, some rows at a time.

    Attributes
    ----------
    values : Tensor (C, H, W)
        Floats, or what :func:`packed` makes of them.
    """

    def __init__(self, shape: tuple[int, ...], device: torch.device | str = "cpu") -> None:
        dtype = torch.int16 if is_packed(shape) else torch.float32
        self.values = torch.empty(shape, dtype=dtype, device=device)
        super().__init__(shape, lambda start, stop: unpacked(self.values[:, start:stop]))

    @classmethod
    def copy_of(cls, picture: Tensor) -> Self:
        """A store that holds a picture (C, H, W)."""
        store = cls(tuple(picture.shape), picture.device)
        store.put(0, picture)
        return store

    @classmethod
    def holding(cls, raster: Raster) -> Self:
        """A store that holds all rows of a raster."""
        store = cls(raster.shape, raster.device)
        store.change(raster.rows)
        return store

    def planes(self) -> list[Raster]:
        """Each channel (1, H, W); the others are not unpacked."""
        return [
            Raster((1, *self.size), lambda start, stop, plane=plane: unpacked(plane[:, start:stop]))  # type: ignore[misc]
            for plane in self.values.split(1)
        ]

    def put(self, start: int, rows: Tensor) -> None:
        """Replace the rows (C, n, W) from ``start`` on."""
        self.put_planes(slice(None), start, 0, rows)

    def put_planes(self, channels: slice, top: int, left: int, part: Tensor) -> None:
        """Replace a part (c, n, m) of some channels, whose first pixel is in row ``top`` and column ``left``."""
        place = self.values[channels, top : top + part.shape[1], left : left + part.shape[2]]
        if place.dtype == torch.float32:
            place.copy_(part)
            return
        for rows in split_evenly(part.shape[1], max(1, chunk_sizes.pixels // part.shape[2]), part.shape[1]):
            place[:, rows] = packed(part[:, rows])

    def change(self, function: Callable[[int, int], Tensor], least_rows: int = 1) -> None:
        """Replace all rows by what ``function`` gives from a row to another one."""
        on_strips(lambda start, stop: self.put(start, function(start, stop)), self.shape, least_rows)


def is_packed(shape: tuple[int, ...]) -> bool:
    """Whether a picture of a shape (C, H, W) is too large to be kept as floats."""
    return shape[1] * shape[2] > _MOST_IN_FLOATS


def packed(values: Tensor) -> Tensor:
    """Values from -1/2 to 3/2 in 16 bits; 0 and 1 come back as they are."""
    return values.sub(0.5).mul_(_LEVELS).round_().clamp_(-_LEVELS, _LEVELS).to(torch.int16)


def unpacked(values: Tensor) -> Tensor:
    """Floats as they are, and those that :func:`packed` has made."""
    return values.to(torch.float32).div_(_LEVELS).add_(0.5) if values.dtype == torch.int16 else values


def on_strips(function: Callable[[int, int], _Result], shape: tuple[int, ...], least_rows: int = 1) -> list[_Result]:
    """Call a function with the first row and the last of each strip of a picture (C, H, W), on threads."""
    most, least = (max(least_rows, n // shape[2], 1) for n in (chunk_sizes.pixels, chunk_sizes.least_pixels))
    return map_on_threads(lambda rows: function(rows.start, rows.stop), split_evenly(shape[1], most, least))


def change_windows(store: RowStore, function: Callable[[Tensor], Tensor], unit: int, n_around: int) -> None:
    """Replace all rows by a function of them and of ``n_around`` units on each side; all start at a multiple of it."""
    height, halo = store.shape[1], unit * n_around
    most = max(_LEAST_UNITS, _TIMES_LARGER * chunk_sizes.pixels // (store.shape[2] * unit))
    strips = split_evenly(-(-height // unit), most, _LEAST_UNITS)
    above = store.rows(0, 0)  # what was there of the last rows that are changed already
    for i in range(0, len(strips), _STRIPS_AT_ONCE):
        some = [(unit * strip.start, min(height, unit * strip.stop)) for strip in strips[i : i + _STRIPS_AT_ONCE]]
        first, last = some[0][0], some[-1][1]

        def changed(rows: tuple[int, int], first: int = first, above: Tensor = above) -> Tensor:
            start, stop = rows
            top = max(0, start - halo)
            window = store.rows(max(top, first), min(height, stop + halo))
            if top < first:
                window = torch.cat([above[:, above.shape[1] - (first - top) :], window], dim=1)
            return function(window)[:, start - top : stop - top]

        results = map_on_threads(changed, some)
        above = store.rows(max(0, last - halo), last).clone()
        for (start, _), rows in zip(some, results, strict=True):
            store.put(start, rows)


def sampled(raster: Raster, step: int) -> Tensor:
    """Every ``step``-th pixel (C, n), from the first on, row after row."""
    return torch.cat(on_strips(lambda start, stop: _sample(raster.rows(start, stop), start, step), raster.shape), dim=1)


def moments_of(raster: Raster) -> Moments:
    """Moments of the colours of all pixels."""
    return measured(raster, raster.size[0] * raster.size[1])[0]


def measured(raster: Raster, step: int) -> tuple[Moments, Tensor]:
    """Moments of the colours of all pixels, and the colours of every ``step``-th one (C, n)."""

    def of_strip(start: int, stop: int) -> tuple[Tensor, Tensor, Tensor]:
        rows = raster.rows(start, stop)
        # On the CPU, as not every accelerator has float64.
        planes = list(rows.cpu().double())
        products = [one * other for i, one in enumerate(planes) for other in planes[i:]]
        # A row at a time, so that sums do not depend on how high a strip is.
        sums = (torch.stack([plane.sum(dim=1) for plane in parts]) for parts in (planes, products))
        return *sums, _sample(rows, start, step)  # type: ignore[return-value]

    sums, products, samples = (
        torch.cat(parts, dim=1) for parts in zip(*on_strips(of_strip, raster.shape), strict=True)
    )
    n_channels, height, width = raster.shape
    mean = sums.sum(dim=1) / (height * width)
    above, below = torch.triu_indices(n_channels, n_channels)
    second = mean.new_empty(n_channels, n_channels)
    second[above, below] = second[below, above] = products.sum(dim=1) / (height * width)
    return Moments(mean, second - torch.outer(mean, mean)), samples


def _sample(rows: Tensor, start: int, step: int) -> Tensor:
    return rows.flatten(1)[:, -start * rows.shape[2] % step :: step].clone()
