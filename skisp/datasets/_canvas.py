"""What every style picture is painted with: a canvas, smooth noise, colours and soft masks.

Everything is measured in *units*, 256 of them to the short side of a picture, and every random
draw depends on the extent in units only. So one seed gives one picture, rendered finer or
coarser: the number of pixels decides nothing else.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = [
    "Canvas",
    "Floats",
    "Noise",
    "Point",
    "fractal_noise",
    "gradient_map",
    "jittered_grid",
    "mix",
    "palette",
    "smoothstep",
]

Floats = NDArray[np.floating[Any]]
Point = tuple[float, float]

UNITS = 256.0
# Smaller pictures are rendered larger and then averaged, since their features would be specks.
_LEAST_RENDERED = 128
_FINE_ENOUGH = 320
# Standard deviation of white noise of unit variance interpolated by a cubic B-spline in 2-D.
_SPLINE_DEVIATION = 0.4794


@dataclass(frozen=True)
class Canvas:
    """A grid of pixels over a rectangle measured in units, and the generator of its randomness.

    Parameters
    ----------
    height, width : int
        Size of the grid in pixels.
    scale : float
        Pixels to a unit.
    random : numpy.random.RandomState
        Where every random number comes from.
    """

    height: int
    width: int
    scale: float
    random: np.random.RandomState

    @classmethod
    def of_size(
        cls, height: int, width: int, random: np.random.RandomState, *, smooth: bool = False
    ) -> tuple["Canvas", int]:
        """A canvas for a picture of ``height`` x ``width``, and how many times finer than it.

        ``smooth`` says that shapes are drawn with soft edges (:meth:`cover`): a large picture then
        needs no finer rendering.
        """
        short = min(height, width)
        finer = 1 if smooth and short > _FINE_ENOUGH else max(2, math.ceil(_LEAST_RENDERED / short))
        return cls(height * finer, width * finer, finer * short / UNITS, random), finer

    def at_scale(self, scale: float) -> "Canvas":
        """The same rectangle with ``scale`` pixels to a unit."""
        height, width = (math.ceil(length * scale) for length in self.extent)
        return Canvas(height, width, scale, self.random)

    @property
    def extent(self) -> Point:
        """Height and width in units."""
        return self.height / self.scale, self.width / self.scale

    @cached_property
    def y(self) -> Floats:
        """Units from the top to each row of pixels, (height, 1)."""
        return ((np.arange(self.height, dtype=np.float32) + 0.5) / self.scale)[:, None].astype(np.float32)

    @cached_property
    def x(self) -> Floats:
        """Units from the left to each column of pixels, (1, width)."""
        return ((np.arange(self.width, dtype=np.float32) + 0.5) / self.scale)[None].astype(np.float32)

    def noise(self, feature: float) -> Floats:
        """Smooth noise of deviation about 1 whose features measure ``feature`` units, (height, width)."""
        return Noise(self, (feature, feature)).on(self)

    def cover(self, distance: Floats) -> Floats:
        """How much of each pixel lies where a signed ``distance`` in units is negative, in [0, 1]."""
        return (0.5 - distance * self.scale).clip(0.0, 1.0).astype(np.float32)

    def gradient(self, values: Floats) -> tuple[Floats, Floats]:
        """Change of ``values`` (height, width) over a unit, downwards and rightwards."""
        down, right = (np.gradient(values, axis=axis) * np.float32(self.scale) for axis in (0, 1))
        return down, right

    def pixel(self, y: NDArray[Any], x: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Row and column of the pixel nearest to a position in units."""
        row = (y * self.scale).astype(np.intp).clip(0, self.height - 1)
        return row, (x * self.scale).astype(np.intp).clip(0, self.width - 1)


class Noise:
    """Smooth noise over a canvas: a cubic B-spline through random values on a lattice.

    Parameters
    ----------
    canvas : Canvas
        Gives the extent and the generator.
    feature : (float, float)
        Spacing of the lattice downwards and rightwards, in units.
    """

    def __init__(self, canvas: Canvas, feature: Point) -> None:
        self.feature = feature
        shape = [math.ceil(length / step) + 5 for length, step in zip(canvas.extent, feature, strict=True)]
        self.lattice = (canvas.random.normal(size=shape) / _SPLINE_DEVIATION).astype(np.float32)

    def on(self, canvas: Canvas) -> Floats:
        """The noise at each pixel of ``canvas``, (height, width)."""
        rows = _interpolate(self.lattice, canvas.y[:, 0] / self.feature[0])
        return np.ascontiguousarray(_interpolate(rows.T, canvas.x[0] / self.feature[1]).T)

    def at(self, y: NDArray[Any], x: NDArray[Any]) -> Floats:
        """The noise at positions in units; outside of the canvas it repeats its border."""
        where = np.stack(np.broadcast_arrays(y / self.feature[0] + 1.0, x / self.feature[1] + 1.0))
        values = ndimage.map_coordinates(self.lattice, where, order=3, mode="nearest", prefilter=False)
        return np.asarray(values, dtype=np.float32)


def _interpolate(values: Floats, where: Floats) -> Floats:
    """Cubic B-spline through the rows of ``values`` (n, m) at positions (k,); gives (k, m)."""
    first = np.floor(where).astype(np.intp)
    t = (where - first)[:, None]
    weights = ((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3)
    return np.asarray(sum(weight / 6 * values[first + i] for i, weight in enumerate(weights)), dtype=np.float32)


def fractal_noise(canvas: Canvas, feature: float, octaves: int = 4) -> Floats:
    """Noise of deviation about 1 with details down to ``feature / 2**(octaves - 1)`` units."""
    layers = (np.float32(0.5**i) * canvas.noise(feature / 2**i) for i in range(octaves))
    deviation = math.sqrt(sum(0.25**i for i in range(octaves)))
    return np.asarray(sum(layers) / deviation, dtype=np.float32)


def jittered_grid(canvas: Canvas, spacing: float, jitter: float = 0.9) -> Floats:
    """Points (n, 2) as (y, x) in units: hexagonal rows ``spacing`` apart, each point moved at random.

    They reach one spacing beyond the canvas, so that shapes around them cover its border.
    """
    rows, columns = (math.ceil(length / spacing) + 3 for length in canvas.extent)
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    x += 0.5 * (y % 2)
    points = np.stack([y, x], axis=-1).reshape(-1, 2) - 1.0
    points += jitter * (canvas.random.uniform(size=points.shape) - 0.5)
    return (points * spacing).astype(np.float32)


def palette(*colours: str) -> Floats:
    """Colours (n, 3) in [0, 1] from their "rrggbb" notation."""
    return np.array([[int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)] for colour in colours], dtype=np.float32)


def mix(first: Floats, second: Floats, weight: Any) -> Floats:
    """Colours: ``first`` (..., 3) where ``weight`` (...) is 0, ``second`` where it is 1, blended between."""
    weight = np.asarray(weight, dtype=np.float32)[..., None]
    return np.asarray(first + (second - first) * weight, dtype=np.float32)


def smoothstep(low: float, high: float, values: Any) -> Floats:
    """0 below ``low``, 1 above ``high``, and a smooth rise between."""
    t = np.clip((np.asarray(values, dtype=np.float32) - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)


def gradient_map(colours: Floats, values: Floats) -> Floats:
    """Colour (..., 3) for each of ``values`` in [0, 1]: ``colours`` (n, 3) in equal steps, blended."""
    where = np.clip(values, 0.0, 1.0) * (len(colours) - 1)
    return np.stack([np.interp(where, range(len(colours)), channel) for channel in colours.T], axis=-1).astype(
        np.float32
    )
