"""The sea as in a Japanese colour print: banded waves with curling crests and foam."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from ._canvas import Canvas, Floats, Noise, fractal_noise, gradient_map, jittered_grid, mix, palette, smoothstep

__all__ = ["waves"]

_N_WAVES = 5


@dataclass(frozen=True)
class _Pigments:
    """Colours of a print: sky (n, 3) from top to horizon, bands of water (n, 3), and single ones (3,)."""

    sky: Floats
    water: Floats
    line: Floats
    foam: Floats
    sun: Floats


_PIGMENTS = (
    _Pigments(
        sky=palette("8fa3a8", "d8cfb4", "f0e4c4"),
        water=palette("16305f", "2f5f97", "7fa8c4", "e9e3cc"),
        line=palette("0f1c3a")[0],
        foam=palette("f6efda")[0],
        sun=palette("c8553d")[0],
    ),
    _Pigments(
        sky=palette("31486f", "b9a3a0", "f0cfa6"),
        water=palette("122650", "24508a", "5f93b8", "dfe2d4"),
        line=palette("0c1730")[0],
        foam=palette("f7f0dc")[0],
        sun=palette("d9472b")[0],
    ),
    _Pigments(
        sky=palette("c9b98f", "e6d8b0", "f3ead0"),
        water=palette("1a3a52", "2f6f86", "86b5b5", "ece3c4"),
        line=palette("10212f")[0],
        foam=palette("f8f1de")[0],
        sun=palette("b84a32")[0],
    ),
)


def waves(canvas: Canvas) -> Floats:
    """Waves one behind the other under a sky that fades downwards, a sun and a far mountain."""
    pigments = _PIGMENTS[canvas.random.randint(len(_PIGMENTS))]
    picture = _sky(canvas, pigments)
    for layer in range(_N_WAVES):
        picture = _with_wave(canvas, pigments, picture, layer)
    return _printed(canvas, picture)


def _sky(canvas: Canvas, pigments: _Pigments) -> Floats:
    height, width = canvas.extent
    depth = canvas.y / (0.55 * height) + 0.02 * Noise(canvas, (12.0, 90.0)).on(canvas)
    colour = gradient_map(pigments.sky, depth)
    side = canvas.random.choice([0.26, 0.74])
    sun = np.hypot(canvas.y - 0.2 * height, canvas.x - side * width) - 21.0
    fading = 0.3 * smoothstep(-20.0, 20.0, np.broadcast_to(canvas.y, sun.shape) - 0.2 * height)
    colour = mix(colour, mix(pigments.sun, pigments.sky[1], fading), canvas.cover(sun))
    for _ in range(2):
        colour = _with_mist(canvas, pigments, colour, height)
    return _with_mountain(canvas, pigments, colour, (1.0 - side) * width)


def _with_mist(canvas: Canvas, pigments: _Pigments, colour: Floats, height: float) -> Floats:
    """``colour`` with a band of mist: long, flat, with round ends."""
    y = height * canvas.random.uniform(0.08, 0.36)
    thick = 3.0 + 3.2 * Noise(canvas, (1e6, 34.0)).on(canvas)
    return mix(colour, pigments.foam, 0.75 * canvas.cover(np.abs(canvas.y - y) - thick))


def _with_mountain(canvas: Canvas, pigments: _Pigments, colour: Floats, x: float) -> Floats:
    top = 0.27 * canvas.extent[0]
    away = np.abs(canvas.x - x) + 1.5 * canvas.noise(16.0)
    slope = top + 75.0 * (1.0 - np.exp(-((away - 6.0).clip(0.0) / 70.0))) - canvas.y
    tongues = np.abs(Noise(canvas, (90.0, 7.0)).on(canvas))
    snow = canvas.y - top - 20.0 - 13.0 * tongues
    rock = mix(pigments.water[1], pigments.sky[-1], smoothstep(35.0, 95.0, canvas.y - top))
    colour = mix(colour, mix(rock, pigments.foam, canvas.cover(snow)), canvas.cover(slope))
    return mix(colour, pigments.line, canvas.cover(np.abs(slope) - 0.5))


def _with_wave(canvas: Canvas, pigments: _Pigments, picture: Floats, layer: int) -> Floats:
    """``picture`` with a row of waves in front."""
    depth, crest = _wave(canvas, layer)
    cover = canvas.cover(-depth)
    water = _banded(canvas, pigments, depth, layer)
    picture = mix(picture, water, cover)
    picture = mix(picture, pigments.line, canvas.cover(np.abs(depth) - 0.7))
    return _with_foam(canvas, pigments, picture, depth, crest)


def _wave(canvas: Canvas, layer: int) -> tuple[Floats, Floats]:
    """Units below the surface of a row of waves, (H, W), and how near it is to a crest, 0 to 1."""
    height, width = canvas.extent
    near = layer / (_N_WAVES - 1)
    base = height * (0.60 + 0.42 * near)
    tall, long = 30.0 + 44.0 * (1 - abs(2 * near - 0.9)), 92.0 + 75.0 * near
    # The higher above the trough, the farther a wave leans over, until it breaks.
    up = ((base - canvas.y) / tall).clip(0.0, 1.6)
    lean = (1.0 if layer % 2 else -1.0) * 0.30 * long * up**2.2
    x = canvas.x + lean + 5.0 * canvas.noise(60.0)
    phase = x / long + canvas.random.uniform()
    bump = (1.0 - np.abs(np.sin(np.pi * phase))) ** 1.35
    each = 0.62 + 0.38 * canvas.random.uniform(-1.0, 1.0, int(width / long) + 9)
    size = each[np.floor(phase + 0.5).astype(np.intp) + 3]
    surface = base - tall * bump * size - 2.0 * canvas.noise(26.0)
    return (canvas.y - surface).astype(np.float32), (bump * size).astype(np.float32)


def _banded(canvas: Canvas, pigments: _Pigments, depth: Floats, layer: int) -> Floats:
    """Bands of several blues that follow the surface and widen downwards, with dark lines between."""
    steep = np.hypot(*canvas.gradient(depth)).clip(0.4)
    band = 5.2 * (np.sqrt(1.0 + (depth.clip(0.0) + 1.5 * canvas.noise(30.0)).clip(0.0) / 9.0) - 1.0)
    number = np.floor(band).astype(np.intp)
    order = np.array([3, 1, 2, 0, 0, 1, 3, 0, 2, 1, 0, 3, 1, 0])
    colour = pigments.water[order[(number + 2 * layer * (number > 1)) % len(order)]]
    # Printers wiped the block so that a colour fades within its band.
    colour = mix(colour, pigments.water[0], 0.35 * (band - number))
    width = 5.2 / 18.0 / np.sqrt(1.0 + depth.clip(0.0) / 9.0) * steep
    line = canvas.cover((0.5 - np.abs(band % 1.0 - 0.5)) / width - 0.45 - 0.2 * canvas.noise(15.0))
    return mix(colour, pigments.line, line * (depth > 2.0))


def _with_foam(canvas: Canvas, pigments: _Pigments, picture: Floats, depth: Floats, crest: Floats) -> Floats:
    """``picture`` with scalloped foam along the crests and spray above them."""
    places = jittered_grid(canvas, 3.6, 1.0)
    here = canvas.pixel(*places.T)
    chance = canvas.random.uniform(size=len(places))
    below, high = depth[here], crest[here]
    foam = (below > -2.5) & (below < 1.0 + 11.0 * (high - 0.25)) & (high > 0.3)
    spray = (below > -26.0) & (below < -4.0) & (high > 0.45) & (chance < 0.16)
    sizes = np.where(foam, 2.6 + 3.8 * chance * high.clip(0.3, 1.0), 0.5 + 6.0 * chance)
    chosen = foam | spray
    if not chosen.any():
        return picture
    outside = _discs(canvas, places[chosen], sizes[chosen].astype(np.float32))
    # A pale blue rim within the outline makes each lobe round without shading.
    lobes = mix(mix(pigments.foam, pigments.water[2], 0.5), pigments.foam, canvas.cover(outside + 1.3))
    picture = mix(picture, lobes, canvas.cover(outside))
    return mix(picture, pigments.line, canvas.cover(np.abs(outside) - 0.42))


def _discs(canvas: Canvas, centres: Floats, radii: Floats) -> Floats:
    """Signed distance in units from a union of discs."""
    guide = canvas.at_scale(1.0)
    grid = np.stack(np.broadcast_arrays(guide.y, guide.x), axis=-1)
    n_near = min(5, len(centres))
    near = cKDTree(centres).query(grid, k=range(1, n_near + 1), distance_upper_bound=16.0)[1]
    # Those farther away than the bound come as one more index: a disc that is nowhere.
    centres, radii = np.vstack([centres, [[-1e3, -1e3]]]), np.append(radii, 0.0)
    near = near[guide.pixel(canvas.y, canvas.x)]
    outside = np.full(near.shape[:2], 1e3, dtype=np.float32)
    for disc in np.moveaxis(near, -1, 0):
        distance = np.hypot(canvas.y - centres[disc, 0], canvas.x - centres[disc, 1]) - radii[disc]
        outside = np.minimum(outside, distance)
    return outside.astype(np.float32)


def _printed(canvas: Canvas, picture: Floats) -> Floats:
    """Water colour on paper, with the grain of the wooden block."""
    grain = 0.016 * Noise(canvas, (1.5, 60.0)).on(canvas) + 0.014 * canvas.noise(1.2)
    light = 1.0 + grain + 0.025 * fractal_noise(canvas, 50.0)
    return (mix(picture, palette("f1e6c9")[0], 0.05) * light[..., None]).clip(0.0, 1.0)
