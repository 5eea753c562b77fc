"""A stained glass window: panes of coloured glass in lead."""

from dataclasses import dataclass

import numpy as np

from ._canvas import Canvas, Floats, Noise, Point, fractal_noise, jittered_grid, mix, palette, smoothstep
from ._tiles import Labels, inlay, nearest_seeds, straight_cells

__all__ = ["stained_glass"]

_FRAME_WIDTH = 12.0
_FRAME_PANE = 24.0
_LEAD = 1.4  # half the width of a lead came, in units
_N_RAYS = 14
# The parts of a window, each with glass of its own. A shape's label is its part plus _PARTS times its number.
_DISC, _RING, _RAYS, _HILLS, _FRAME, _PARTS = 0, 1, 2, 4, 7, 16


@dataclass(frozen=True)
class _Glass:
    """Colours of the parts of a window, each (n, 3)."""

    disc: Floats
    ring: Floats
    warm_rays: Floats
    cool_rays: Floats
    hills: tuple[Floats, ...]
    frame: Floats


_WINDOWS = (
    _Glass(
        disc=palette("ffd54a", "ffb11f", "ffe890"),
        ring=palette("d8152a", "a50f2d", "f0532d"),
        warm_rays=palette("2f7fd6", "63b3ea", "a7d8ee"),
        cool_rays=palette("123a9c", "0d2670", "2a57c4"),
        hills=(
            palette("6a2c91", "8e44ad"),
            palette("0e8f5c", "35b36b", "0b6e56"),
            palette("145c38", "7fae2a", "0a4030"),
        ),
        frame=palette("c2162e", "e8a917"),
    ),
    _Glass(
        disc=palette("fff1b8", "ffdf6b", "ffffff"),
        ring=palette("ff9d1e", "f26b1d", "ffc247"),
        warm_rays=palette("e8452c", "f58a2e", "c41e3a"),
        cool_rays=palette("8a1c5a", "b3246b", "611150"),
        hills=(
            palette("23318f", "3b52c4"),
            palette("0f7fa8", "2bb0c9", "0a5a86"),
            palette("0b8a6f", "0a5f5a", "5fc29a"),
        ),
        frame=palette("1b2f9a", "19a39a"),
    ),
    _Glass(
        disc=palette("f8fbff", "cfe7ff", "fff6d0"),
        ring=palette("7ec8e3", "3fa0d0", "b8e4f0"),
        warm_rays=palette("5a3fb0", "7d5fd0", "3b2a8c"),
        cool_rays=palette("1a1f6b", "10144a", "2b3a9c"),
        hills=(
            palette("0f6f78", "1c98a0"),
            palette("c7931e", "e8b83a", "a86a14"),
            palette("b02a30", "7d1a2c", "de5a3a"),
        ),
        frame=palette("e0a020", "177a4a"),
    ),
)


def stained_glass(canvas: Canvas) -> Floats:
    """A sun with rays over hills in leaded panes, with a border of small panes, lit from behind."""
    glass = _WINDOWS[canvas.random.randint(len(_WINDOWS))]
    guide = canvas.at_scale(1.0)
    design = _Design.of(canvas)
    shape, border = design.shapes(canvas)
    near = nearest_seeds(canvas, guide, _seeds(canvas, design), design.shapes(guide)[0], 6)
    pane, edge = straight_cells(near, shape)
    edge[shape % _PARTS >= _FRAME] = 40.0
    colour = _pane_colours(canvas, glass, len(near.seeds), shape, pane)
    edge = -0.8 * np.log(np.exp(-edge.clip(0.0, 40.0) / 0.8) + np.exp(-border.clip(0.0, 40.0) / 0.8))
    glow = np.exp(-np.hypot(canvas.y - design.sun[0], canvas.x - design.sun[1]) / 110.0)
    return _with_lead(canvas, _lit(canvas, colour, edge, glow), edge)


@dataclass(frozen=True)
class _Design:
    """The lines of a window: a disc in a ring at ``sun``, rays around it, hills below, all in units."""

    sun: Point
    radius: float
    turn: float
    hills: tuple[Noise, ...]
    bend: Noise
    extent: Point

    @classmethod
    def of(cls, canvas: Canvas) -> "_Design":
        (height, width), random = canvas.extent, canvas.random
        sun = (height * random.uniform(0.3, 0.38), width * random.uniform(0.32, 0.68))
        hills = tuple(Noise(canvas, (1e6, 75.0)) for _ in range(3))
        bend = Noise(canvas, (60.0, 60.0))
        return cls(sun, random.uniform(24.0, 30.0), random.uniform(0.0, 1.0), hills, bend, canvas.extent)

    def shapes(self, canvas: Canvas) -> tuple[Labels, Floats]:
        """Label of the shape at each pixel, and units from there to the border of the shape, (H, W)."""
        label, border = self._sun_and_rays(canvas)
        for i, hill in enumerate(self.hills):
            above = self.extent[0] * (0.62, 0.73, 0.84)[i] + 9.0 * hill.on(canvas) - canvas.y
            label, border = inlay(label, border, above, _HILLS + i)
        return self._framed(canvas, label, border)

    def _sun_and_rays(self, canvas: Canvas) -> tuple[Labels, Floats]:
        down, right = canvas.y - self.sun[0], canvas.x - self.sun[1]
        distance = np.hypot(down, right)
        turn = np.arctan2(down, right) / (2 * np.pi) * _N_RAYS + self.turn + 0.22 * self.bend.on(canvas)
        ray = np.floor(turn).astype(np.int32) % _N_RAYS
        side = np.minimum(turn % 1.0, 1.0 - turn % 1.0) * 2 * np.pi / _N_RAYS
        label, border = _RAYS + ray % 2 + _PARTS * ray, distance * np.sin(side)
        label, border = inlay(label, border, distance - self.radius - 15.0, _RING)
        return inlay(label, border, distance - self.radius, _DISC)

    def _framed(self, canvas: Canvas, label: Labels, border: Floats) -> tuple[Labels, Floats]:
        """Panes of two colours in turn along the four sides."""
        height, width = self.extent
        above, left = canvas.y, canvas.x
        for depth, along, length in (
            (above, left, width),
            (height - above, left, width),
            (left, above, height),
            (width - left, above, height),
        ):
            pane = length / round(length / _FRAME_PANE)
            number = (along / pane).astype(np.int32)
            label, border = inlay(label, border, depth - _FRAME_WIDTH, _FRAME + number % 2 + _PARTS * number)
            ends = np.minimum(along % pane, pane - along % pane)
            border = np.where(depth < _FRAME_WIDTH, np.minimum(border, ends), border)
        return label, border


def _seeds(canvas: Canvas, design: _Design) -> Floats:
    """Centres of panes (n, 2), in some places closer together; in a circle in the disc and in the ring."""
    seeds = jittered_grid(canvas, 17.0)
    seeds = seeds[canvas.random.uniform(size=len(seeds)) < 0.68 + 0.3 * Noise(canvas, (50.0, 50.0)).at(*seeds.T)]
    away = np.hypot(*(seeds - np.array(design.sun, dtype=np.float32)).T)
    circles = [
        _circle(design, design.radius + 7.5, _N_RAYS),
        _circle(design, 0.68 * design.radius, 7),
        _circle(design, 0, 1),
    ]
    return np.vstack([seeds[away > design.radius + 15.0], *circles])


def _circle(design: _Design, radius: float, n_points: int) -> Floats:
    turn = (np.arange(n_points) + 0.5 - design.turn) * (2 * np.pi / n_points)
    return np.array(design.sun, dtype=np.float32) + radius * np.stack([np.sin(turn), np.cos(turn)], axis=1).astype(
        np.float32
    )


def _pane_colours(canvas: Canvas, glass: _Glass, n_panes: int, shape: Labels, pane: Labels) -> Floats:
    """Colour of each pixel (H, W, 3): a sheet of glass out of those of its part for each pane."""
    parts = (glass.disc, glass.ring, glass.warm_rays, glass.cool_rays, *glass.hills, *glass.frame[:, None])
    table = np.stack([part[np.arange(6) % len(part)] for part in parts])
    sheet = canvas.random.randint(6, size=n_panes)
    light = canvas.random.uniform(0.78, 1.12, n_panes).astype(np.float32)
    return table[shape % _PARTS, sheet[pane]] * light[pane][..., None]


def _lit(canvas: Canvas, colour: Floats, edge: Floats, glow: Floats) -> Floats:
    """Light through the glass: streaks and ripples, grime along the lead, brightest around the sun."""
    streaks = Noise(canvas, (16.0, 5.0)).on(canvas) + 0.8 * fractal_noise(canvas, 14.0)
    ripple = canvas.noise(1.8)
    light = 0.88 + 0.45 * glow + 0.10 * streaks + 0.035 * ripple
    light *= 0.6 + 0.4 * smoothstep(0.0, 8.0, edge)
    lit = colour * light[..., None]
    # The more light, the paler the colour, as in glass of uneven thickness.
    return mix(lit, np.ones(3, dtype=np.float32), 0.16 * smoothstep(0.7, 1.4, light)).clip(0.0, 1.0)


def _with_lead(canvas: Canvas, window: Floats, edge: Floats) -> Floats:
    """Lead cames over the edges of the panes, round, with light from above on one flank."""
    height = np.sqrt((1.0 - (edge / _LEAD) ** 2).clip(0.0))
    down, right = canvas.gradient(height + 0.05 * canvas.noise(2.5))
    shine = (0.5 * down + 0.35 * right).clip(0.0, 1.0) * height
    lead = palette("16151a")[0] + 0.30 * shine[..., None] + 0.02 * canvas.noise(3.0)[..., None]
    return mix(window, lead.clip(0.0, 1.0), canvas.cover(edge - _LEAD))
