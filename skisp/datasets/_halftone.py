"""Pop art: flat colours, dots that grow with the tone, black outlines, printed a little out of register."""

from dataclasses import dataclass

import numpy as np

from ._canvas import Canvas, Floats, Noise, Point, fractal_noise, mix, palette, smoothstep

__all__ = ["halftone"]

_PITCH = 5.4  # from one dot to the next, in units
_KEY = palette("17141c")[0]


@dataclass(frozen=True)
class _Inks:
    """Colours (3,) of a print; ``rays`` and ``balls`` hold several (n, 3)."""

    paper: Floats
    rays: Floats
    dots: Floats
    burst: Floats
    balls: Floats
    cloud: Floats


_INKS = (
    _Inks(
        paper=palette("fff6e3")[0],
        rays=palette("2aa7de", "fff6e3"),
        dots=palette("1d57b0")[0],
        burst=palette("ffd91f")[0],
        balls=palette("ee3124", "f58fb0", "ffd91f"),
        cloud=palette("9fd8f0")[0],
    ),
    _Inks(
        paper=palette("fff4dc")[0],
        rays=palette("ffd42a", "fff4dc"),
        dots=palette("f0542a")[0],
        burst=palette("f2f7ff")[0],
        balls=palette("1fa3a0", "e8246f", "2b4fb5"),
        cloud=palette("f7a6c0")[0],
    ),
    _Inks(
        paper=palette("fdf3e6")[0],
        rays=palette("e8317a", "ffb0c8"),
        dots=palette("8a1460")[0],
        burst=palette("ffe23a")[0],
        balls=palette("20b2d8", "ff7a1f", "7bd03a"),
        cloud=palette("ffe98a")[0],
    ),
)


@dataclass(frozen=True)
class _Zone:
    """A shape: signed distance from it, flat colour (3,), colour and tone of its dots, angle of their screen."""

    outside: Floats
    colour: Floats
    dots: Floats
    tone: Floats
    angle: float


def halftone(canvas: Canvas) -> Floats:
    """Rays, an explosion, balls and a cloud in flat inks, shaded by screens of dots, with black outlines."""
    inks = _INKS[canvas.random.randint(len(_INKS))]
    height, width = canvas.extent
    centre = (height * canvas.random.uniform(0.36, 0.46), width * canvas.random.uniform(0.38, 0.62))
    colour = _rays(canvas, inks, centre)
    key = np.zeros((canvas.height, canvas.width), dtype=np.float32)
    for zone in [*_burst(canvas, inks, centre), *_balls(canvas, inks, centre), _cloud(canvas, inks)]:
        cover = canvas.cover(zone.outside)
        colour = mix(colour, _screened(canvas, zone), cover)
        line = canvas.cover(np.abs(zone.outside) - 1.5 - 0.3 * canvas.noise(25.0))
        key = np.maximum(key * (1.0 - cover), line)
    return _pressed(canvas, colour, key)


def _dots(canvas: Canvas, tone: Floats, angle: float) -> Floats:
    """Cover of round dots on a square screen turned by ``angle``, which fill the part ``tone`` of the area."""
    sine, cosine = np.sin(angle), np.cos(angle)
    along, across = canvas.x * cosine + canvas.y * sine, canvas.y * cosine - canvas.x * sine
    middle_along, middle_across = (np.floor(each / _PITCH) * _PITCH + 0.5 * _PITCH for each in (along, across))
    middle = (middle_along * sine + middle_across * cosine, middle_along * cosine - middle_across * sine)
    # A dot is round: it has the tone of its middle all over.
    radius = _PITCH * np.sqrt(tone[canvas.pixel(*middle)].clip(0.0, 1.0) / np.pi)
    return canvas.cover(np.hypot(along - middle_along, across - middle_across) - radius)


def _screened(canvas: Canvas, zone: _Zone) -> Floats:
    return mix(zone.colour, zone.dots, _dots(canvas, zone.tone, zone.angle))


def _rays(canvas: Canvas, inks: _Inks, centre: Point) -> Floats:
    """Rays of two colours in turn; the dots on them grow outwards."""
    down, right = canvas.y - centre[0], canvas.x - centre[1]
    distance = np.hypot(down, right)
    n_rays = 18
    turn = np.arctan2(down, right) / (2 * np.pi) * n_rays + canvas.random.uniform()
    side = (np.abs(turn % 2.0 - 1.0) - 0.5) * 2 * np.pi / n_rays * distance
    tone = 0.05 + 0.62 * smoothstep(40.0, 210.0, distance)
    first = mix(inks.rays[0], inks.dots, _dots(canvas, tone, np.pi / 12))
    second = mix(inks.rays[1], inks.rays[0], _dots(canvas, 0.55 * tone, np.pi / 12))
    return mix(first, second, canvas.cover(side))


def _burst(canvas: Canvas, inks: _Inks, centre: Point) -> list[_Zone]:
    """A star with uneven points, and a smaller one in it."""
    down, right = canvas.y - centre[0], canvas.x - centre[1]
    distance, turn = np.hypot(down, right), np.arctan2(down, right) / (2 * np.pi)
    n_points = canvas.random.randint(11, 15)
    reach = canvas.random.uniform(0.75, 1.2, n_points).astype(np.float32)
    place = (turn + 0.5) * n_points
    spike = np.abs(place % 1.0 - 0.5) * 2.0
    tip = reach[np.floor(place).astype(np.intp) % n_points]
    zones = []
    for size, colour, dots, low, high in (
        (92.0, inks.balls[0], _KEY, 0.0, 0.25),
        (74.0, inks.burst, inks.balls[1], 0.02, 0.6),
        (46.0, inks.paper, inks.balls[0], 0.0, 0.5),
    ):
        radius = size * (0.56 + 0.44 * tip * (1.0 - spike))
        tone = low + (high - low) * smoothstep(0.25 * size, 0.95 * size, distance)
        zones.append(_Zone(_steepened(canvas, distance - radius), colour, dots, tone, np.pi / 4))
    return zones


def _steepened(canvas: Canvas, height: Floats) -> Floats:
    """A signed distance, about, from where ``height`` is negative."""
    down, right = canvas.gradient(height)
    return np.asarray(height / np.hypot(down, right).clip(0.7, 5.0))


def _balls(canvas: Canvas, inks: _Inks, centre: Point) -> list[_Zone]:
    """Balls of several sizes around the burst, lit from above and from the left."""
    height, width = canvas.extent
    zones = []
    for i in range(max(4, round(4 * max(height, width) / 256.0))):
        y, x = canvas.random.uniform(0.06, 0.72) * height, canvas.random.uniform(0.04, 0.96) * width
        # Leave the middle to the burst.
        push = max(1.0, 84.0 / (np.hypot(y - centre[0], x - centre[1]) + 1e-3))
        y, x = centre[0] + (y - centre[0]) * push, centre[1] + (x - centre[1]) * push
        radius = canvas.random.uniform(9.0, 27.0)
        distance = np.hypot(canvas.y - y, canvas.x - x)
        shade = np.hypot(canvas.y - y + 0.4 * radius, canvas.x - x + 0.4 * radius) / radius
        colours = inks.balls[[i % 3, (i + 1) % 3]]
        tone = 0.85 * smoothstep(0.45, 1.5, shade)
        # Every other ball is pale, with dots of its own colour.
        flat = colours[0] if i % 2 else mix(inks.paper, colours[0], 0.25)
        zones.append(_Zone(distance - radius, flat, colours[i % 2], tone, np.pi / 4 * (1 + i % 2)))
    return zones


def _cloud(canvas: Canvas, inks: _Inks) -> _Zone:
    """Puffs of smoke along the bottom."""
    height, width = canvas.extent
    n_puffs = max(9, round(9 * width / 256.0))
    x = (np.arange(n_puffs) + canvas.random.uniform(0.2, 0.8, n_puffs)) * width / n_puffs
    y = height - canvas.random.uniform(4.0, 34.0, n_puffs)
    outside = np.full((canvas.height, canvas.width), 1e3, dtype=np.float32)
    for place, size in zip(zip(y, x, strict=True), canvas.random.uniform(17.0, 36.0, n_puffs), strict=True):
        outside = np.minimum(outside, np.hypot(canvas.y - place[0], canvas.x - place[1]) - size)
    outside = np.minimum(outside, height - 26.0 - canvas.y)
    tone = 0.75 * smoothstep(0.0, 46.0, -outside + 0.35 * (canvas.y - height + 60.0))
    return _Zone(outside, inks.paper, inks.cloud * np.float32(0.86), tone, np.pi / 12)


def _pressed(canvas: Canvas, colour: Floats, key: Floats) -> Floats:
    """The colours, shifted against the black, on cheap paper."""
    shift = canvas.random.uniform(-0.9, 0.9, 2)
    colour = colour[canvas.pixel(canvas.y + shift[0], canvas.x + shift[1])]
    uneven = 1.0 + 0.02 * fractal_noise(canvas, 30.0) + 0.025 * canvas.noise(1.1)
    worn = 0.14 * smoothstep(0.8, 2.4, canvas.noise(1.4) + 0.5 * Noise(canvas, (40.0, 40.0)).on(canvas))
    printed = mix(colour, _KEY, key * (1.0 - worn))
    return (printed * uneven[..., None]).clip(0.0, 1.0)
