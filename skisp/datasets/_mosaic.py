"""A Roman floor: fish in the sea, set in small stones that follow the shapes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ._canvas import Canvas, Floats, Noise, fractal_noise, jittered_grid, mix, palette, smoothstep
from ._tiles import Labels, inlay, nearest_seeds, square_cells

__all__ = ["mosaic"]

_STONE = 6.0  # between the centres of two stones, in units
_GROUT = 0.5  # half the width of a joint, in units
_N_SETTLING = 10  # how often the stones are moved to the middle of their places
_FISH_MARGIN = 58.0  # from the side of the picture to the middle of a fish, in units

# Colours (n, 3) that a stone of each part may have. The sea has several bands, from the surface down.
_OUTLINE, _BACK, _BELLY, _HEAD, _FINS, _EYE, _STRIPE = range(7)
_N_FISH_PARTS = 7
_CREAM, _DARK, _WARM = range(50, 53)
_SEA = 60

_SEAS = (
    ("bfe0d4", "8ccabf", "4fa6b0", "2b7f9c", "1f5a86", "17406b", "102c50"),
    ("f1e6c8", "d9dcb8", "9cc7ae", "5aa394", "2f7d80", "205a66", "15404f"),
    ("e9dcc0", "c2d3d6", "8fb6cc", "5c8fb8", "3b689c", "2a487c", "1c2f5a"),
)
_FISHES = (
    ("2a1a18", "d9532c", "f4d9a0", "b3321f", "f0a030", "0d0d10", "f7e6b0"),
    ("1c1c28", "e0a32a", "fbf0cf", "c96f1a", "b5432b", "0d0d10", "7a3b1e"),
    ("161a2c", "7a2f5a", "f0c9b0", "a8446a", "e3813f", "0d0d10", "f3e3cf"),
    ("101c24", "f2ede0", "fff9e6", "d8553a", "e88a3a", "0d0d10", "d8553a"),
)


@dataclass(frozen=True)
class _Fish:
    """Where a fish is, in units, half its length, its heading in radians and how it bends."""

    y: float
    x: float
    size: float
    heading: float
    bend: float
    kind: int


def mosaic(canvas: Canvas) -> Floats:
    """Fish in banded water within a border, in square stones of slightly different colours, with joints."""
    guide, coarse = canvas.at_scale(1.0), canvas.at_scale(0.5)
    design = _Design.of(canvas)
    shape, border = design.shapes(canvas)
    angle = _direction(guide, design)
    seeds = _settled(coarse, guide, design, angle)
    near = nearest_seeds(canvas, guide, seeds, design.shapes(guide)[0], 6)
    stone, gap = square_cells(near, shape, angle[guide.pixel(*seeds.T)])
    colour = _stone_colours(canvas, design, near.shapes)[stone]
    edge = np.minimum(gap, border)
    down, right = canvas.y - seeds[stone, 0], canvas.x - seeds[stone, 1]
    return _with_grout(canvas, _worn(canvas, colour, len(seeds), stone, down, right, edge), edge)


@dataclass(frozen=True)
class _Design:
    """The drawing under the stones."""

    fish: tuple[_Fish, ...]
    waves: Noise
    sea: int
    extent: tuple[float, float]

    @classmethod
    def of(cls, canvas: Canvas) -> "_Design":
        places = jittered_grid(canvas, 94.0, 0.35)
        height, width = canvas.extent
        size = np.array([height, width], dtype=np.float32)
        places = places[((places > 0.5 * _FISH_MARGIN) & (places < size - 0.5 * _FISH_MARGIN)).all(axis=1)]
        # Those too near to the border are moved inwards, since it would cut off their heads.
        places = places.clip(_FISH_MARGIN, size - _FISH_MARGIN)
        fish = tuple(_fish(canvas.random, *place) for place in places)
        waves = Noise(canvas, (70.0, 48.0))
        return cls(fish, waves, canvas.random.randint(len(_SEAS)), (height, width))

    def shapes(self, canvas: Canvas) -> tuple[Labels, Floats]:
        """Label of the shape at each pixel, and units from there to the border of the shape, (H, W)."""
        label, border = self._sea(canvas)
        for i, fish in enumerate(self.fish):
            for part, outside in _fish_parts(canvas, fish):
                label, border = inlay(label, border, outside, 100 * (i + 1) + part)
        return self._framed(canvas, label, border)

    def _sea(self, canvas: Canvas) -> tuple[Labels, Floats]:
        height = self.extent[0]
        swell = 4.5 * np.sin(canvas.x / 9.5 + 2.0 * self.waves.on(canvas))
        depth = canvas.y + swell + 13.0 * self.waves.on(canvas)
        down, right = canvas.gradient(depth)
        band = len(_SEAS[0]) * depth / (height + 20.0)
        across = np.minimum(band % 1.0, 1.0 - band % 1.0) * (height + 20.0) / len(_SEAS[0])
        number = np.floor(band).astype(np.int32).clip(0, len(_SEAS[0]) - 1)
        return _SEA + number, across / np.hypot(down, right)

    def _framed(self, canvas: Canvas, label: Labels, border: Floats) -> tuple[Labels, Floats]:
        """A border of rows of stones: dark, cream, diamonds, cream, dark."""
        height, width = self.extent
        y, x = np.minimum(canvas.y, height - canvas.y), np.minimum(canvas.x, width - canvas.x)
        depth = np.minimum(y, x)
        along = np.where(y < x, canvas.x, canvas.y)
        for limit, part in ((24.0, _DARK), (19.5, _CREAM), (5.0, _DARK)):
            label, border = inlay(label, border, depth - limit, part)
        diamond = np.abs(depth - 12.2) + np.abs(along % 16.0 - 8.0) - 6.8
        return inlay(label, border, diamond * np.float32(0.7), _WARM)


def _fish(random: np.random.RandomState, y: float, x: float) -> _Fish:
    heading = random.uniform(-0.45, 0.45) + np.pi * random.randint(2)
    return _Fish(y, x, random.uniform(34.0, 56.0), heading, random.uniform(-0.25, 0.25), random.randint(len(_FISHES)))


def _fish_parts(canvas: Canvas, fish: _Fish) -> list[tuple[int, Floats]]:
    """Signed distances from the parts of a fish, back to front, in units."""
    down, right = canvas.y - fish.y, canvas.x - fish.x
    sine, cosine = np.sin(fish.heading), np.cos(fish.heading)
    along = (right * cosine + down * sine) / fish.size
    # A fish swims with its back up, wherever it heads.
    across = (down * cosine - right * sine) * np.sign(cosine) / fish.size + fish.bend * (along**2 - 0.3)
    body = np.hypot(along * 0.92, across * (2.1 + 0.5 * along)) - 0.78
    tail = np.maximum(np.abs(across) - 0.75 * (-along - 0.62), -along - 1.25 + 0.35 * np.abs(across))
    fin = np.hypot((along + 0.05) * 1.6, across + 0.30) - 0.42
    head = np.maximum(body + 0.08, 0.36 - along - 0.8 * across**2)
    belly = np.maximum(body + 0.08, 0.07 - across)
    stripes = np.maximum(body + 0.08, 0.055 - np.abs((along * 3.0 + 0.6 * across) % 1.0 - 0.5) * 0.25)
    eye = np.hypot(along - 0.55, across + 0.08) - 0.075
    parts = [(_FINS, np.minimum(tail, fin)), (_OUTLINE, body), (_BACK, body + 0.08)]
    parts += [(_STRIPE, stripes), (_BELLY, belly), (_HEAD, head), (_EYE, eye)]
    return [(part, (distance * fish.size).astype(np.float32)) for part, distance in parts]


def _direction(guide: Canvas, design: _Design) -> Floats:
    """Direction of the rows of stones, (H, W) in radians: along the nearest border of a shape."""
    down, right = guide.gradient(ndimage.gaussian_filter(design.shapes(guide)[1], 1.0))
    # Rows and columns of squares are alike: average angles as of a fourfold symmetry.
    turn = np.exp(4j * np.arctan2(down, right))
    smooth = [ndimage.gaussian_filter(part.astype(np.float32), 3.5) for part in (turn.real, turn.imag)]
    return np.asarray(np.arctan2(smooth[1], smooth[0]) / 4.0, dtype=np.float32)


def _settled(coarse: Canvas, guide: Canvas, design: _Design, angle: Floats) -> Floats:
    """Centres of stones (n, 2), moved until each is in the middle of its place (Lloyd's method)."""
    shape, _ = design.shapes(coarse)
    seeds = _with_small_shapes(coarse, jittered_grid(coarse, _STONE, 0.7), shape)
    for _ in range(_N_SETTLING):
        near = nearest_seeds(coarse, coarse, seeds, shape, 5)
        cell, _ = square_cells(near, shape, angle[guide.pixel(*seeds.T)])
        seeds = _centroids(coarse, seeds, cell)
    return _with_small_shapes(guide, seeds, design.shapes(guide)[0])


def _with_small_shapes(canvas: Canvas, seeds: Floats, shape: Labels) -> Floats:
    """``seeds``, and more in each shape that has none, as narrow outlines may have."""
    empty = np.setdiff1d(np.unique(shape), shape[canvas.pixel(*seeds.T)])
    added = [seeds]
    for label in empty:
        inside = np.argwhere(shape == label)
        n_stones = max(1, round(len(inside) / canvas.scale**2 / _STONE**2 * 1.5))
        added.append((inside[canvas.random.randint(len(inside), size=n_stones)] + 0.5) / canvas.scale)
    return np.vstack(added).astype(np.float32)


def _centroids(coarse: Canvas, seeds: Floats, cell: Labels) -> Floats:
    """Mean position of the pixels of each cell, or its seed where it has none."""
    count = np.bincount(cell.ravel(), minlength=len(seeds))
    sums = [
        np.bincount(cell.ravel(), weights=np.broadcast_to(axis, cell.shape).ravel(), minlength=len(seeds))
        for axis in (coarse.y, coarse.x)
    ]
    middle = np.stack(sums, axis=1) / np.maximum(count, 1)[:, None]
    return np.where(count[:, None] > 0, middle, seeds).astype(np.float32)


def _stone_colours(canvas: Canvas, design: _Design, shapes: NDArray[np.int32]) -> Floats:
    """Colour of each stone (n, 3), by the shape it lies in, no two quite alike."""
    table = {_CREAM: "efe3c6", _DARK: "2b2a33", _WARM: "b04a2c"}
    table.update({_SEA + i: colour for i, colour in enumerate(_SEAS[design.sea])})
    for i, fish in enumerate(design.fish):
        table.update({100 * (i + 1) + part: colour for part, colour in enumerate(_FISHES[fish.kind])})
    labels, inverse = np.unique(shapes, return_inverse=True)
    colours = palette(*(table[label] for label in labels))[inverse]
    light = canvas.random.normal(0.0, 0.075, (len(shapes), 1))
    hue = canvas.random.normal(0.0, 0.028, (len(shapes), 3))
    return (colours * (1.0 + light) + hue + 0.3 * light).clip(0.02, 1.0).astype(np.float32)


def _worn(
    canvas: Canvas, colour: Floats, n_stones: int, stone: Labels, down: Floats, right: Floats, edge: Floats
) -> Floats:
    """Stones that lie a little askew, so each catches the light differently, with grain and blunt edges."""
    tilt = canvas.random.normal(0.0, 0.022, (n_stones, 2)).astype(np.float32)
    light = 1.0 + tilt[stone, 0] * down.clip(-_STONE, _STONE) + tilt[stone, 1] * right.clip(-_STONE, _STONE)
    light += 0.05 * canvas.noise(1.4) + 0.05 * fractal_noise(canvas, 60.0)
    light *= 0.8 + 0.2 * smoothstep(0.3, 1.6, edge)
    return np.asarray(colour * light[..., None]).clip(0.0, 1.0)


def _with_grout(canvas: Canvas, floor: Floats, edge: Floats) -> Floats:
    """Sandy mortar in the joints, which are not all of one width."""
    width = _GROUT * (1.0 + 0.25 * canvas.noise(9.0)).clip(0.5, 1.5)
    mortar = palette("6a5c4c")[0] * (1.0 + 0.14 * canvas.noise(1.2))[..., None]
    return mix(floor, mortar.clip(0.0, 1.0).astype(np.float32), canvas.cover(edge - width))
