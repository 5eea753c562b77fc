"""An imagined landscape, the subject of the paintings and the woodcut.

It is built from back to front: sky, sun, mountains, a field or a lake, trees. A medium looks up at each
place which colour is there, how light it is and along which direction a hand would work.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._canvas import Canvas, Floats, Noise, Point, fractal_noise, gradient_map, jittered_grid, mix, palette, smoothstep

__all__ = ["GROUND", "MOODS", "MOUNTAIN", "SKY", "SUN", "TREE", "Scene", "paint_landscape"]

SKY, SUN, MOUNTAIN, GROUND, TREE = range(5)


@dataclass(frozen=True)
class Mood:
    """Colours of a landscape, each (n, 3): sky from top to horizon, mountains from far to near, ..."""

    sky: Floats
    cloud: Floats
    sun: Floats
    mountains: Floats
    ground: Floats
    trees: Floats


MOODS = (
    Mood(  # a starry summer night
        sky=palette("0b1640", "1d3f8f", "3f77b8", "9cc4c4"),
        cloud=palette("dcead0", "86b6d6"),
        sun=palette("fff3b0", "f4b41a"),
        mountains=palette("3c66a4", "1f4480", "17325f"),
        ground=palette("1f4a3d", "4d7a36", "c9a227", "7d8f2e", "d98324"),
        trees=palette("08130f", "1d3a22", "4a5a20"),
    ),
    Mood(  # the evening before
        sky=palette("2b2f77", "7a4a9c", "e2725b", "ffd27d"),
        cloud=palette("ffe0b5", "f28f79"),
        sun=palette("fffbe0", "ffb347"),
        mountains=palette("8a5a9e", "533a7b", "2c2a5a"),
        ground=palette("3a2f5b", "8c3b4a", "d9763a", "f0b04a", "5d6b3a"),
        trees=palette("120d1f", "2b1f3a", "5a2c3a"),
    ),
    Mood(  # a windy noon in the south
        sky=palette("1560b0", "3f92d8", "9fd0ea", "f3efcf"),
        cloud=palette("fffdf2", "cfe2ee"),
        sun=palette("fffde0", "ffe06a"),
        mountains=palette("7fa3cf", "4a78b0", "3b6b58"),
        ground=palette("2f6b35", "86a832", "f0c437", "d98a2b", "b5432b"),
        trees=palette("0d2618", "205030", "5f7f2a"),
    ),
)


@dataclass(frozen=True)
class Scene:
    """What is seen at each pixel of a canvas.

    Parameters
    ----------
    colour : float32 array (H, W, 3)
    angle : float32 array (H, W)
        Direction of the form in radians, from rightwards towards downwards.
    light : float32 array (H, W)
        How much light falls on it, about 0 to 1, whatever its colour.
    form : float32 array (H, W)
        A height in units whose contours run along the form.
    region : int8 array (H, W)
        SKY, SUN, MOUNTAIN, GROUND or TREE.
    layer : int8 array (H, W)
        Number of the thing that is seen, more for those in front.
    """

    colour: Floats
    angle: Floats
    light: Floats
    form: Floats
    region: NDArray[np.int8]
    layer: NDArray[np.int8]

    def over(self, cover: Floats, other: "Scene") -> "Scene":
        """This scene with ``other`` in front of it where ``cover`` (H, W) is 1."""
        there = cover > 0.5
        return Scene(
            mix(self.colour, other.colour, cover),
            np.where(there, other.angle, self.angle),
            self.light + (other.light - self.light) * cover,
            np.where(there, other.form, self.form),
            np.where(there, other.region, self.region).astype(np.int8),
            np.where(there, self.layer.max() + 1, self.layer).astype(np.int8),
        )


def paint_landscape(canvas: Canvas, mood: Mood, *, lake: bool = False) -> Scene:
    """A landscape with a sun or moon, mountains, trees, and a lake or fields in front."""
    height, width = canvas.extent
    horizon = height * canvas.random.uniform(0.56, 0.66)
    sun = (height * canvas.random.uniform(0.2, 0.3), width * canvas.random.choice([0.27, 0.36, 0.64, 0.73]))
    scene = _sky(canvas, mood, horizon, sun)
    for i, colour in enumerate(mood.mountains):
        scene = _with_mountain(canvas, scene, colour, horizon, i, sun)
    ground = _lake(canvas, mood, scene, horizon, sun) if lake else _fields(canvas, mood, horizon)
    shore = horizon + 3.0 * Noise(canvas, (1e6, 60.0)).on(canvas)
    scene = scene.over(canvas.cover(shore - canvas.y), ground)
    scene = _with_bushes(canvas, mood, scene, horizon)
    return _with_trees(canvas, mood, scene, sun)


def _scene(canvas: Canvas, colour: Floats, angle: Floats, light: Floats, form: Floats, region: int) -> Scene:
    """Something that fills the canvas."""
    shape = (canvas.height, canvas.width)
    angle, light, form = (np.broadcast_to(np.asarray(each, dtype=np.float32), shape) for each in (angle, light, form))
    labels = np.full(shape, region, dtype=np.int8)
    return Scene(np.broadcast_to(colour, (*shape, 3)), angle, light, form, labels, np.zeros(shape, dtype=np.int8))


def _sky(canvas: Canvas, mood: Mood, horizon: float, sun: Point) -> Scene:
    stream = _stream(canvas, horizon, sun)
    down, right = canvas.gradient(stream)
    distance = np.hypot(canvas.y - sun[0], canvas.x - sun[1])
    depth = canvas.y / horizon + 0.06 * canvas.noise(40.0)
    ripple = np.sin(stream / 5.0 + canvas.noise(60.0))
    colour = gradient_map(mood.sky, depth + 0.07 * ripple)
    clouds = smoothstep(0.35, 1.3, fractal_noise(canvas, 70.0) + 0.35 * ripple)
    colour = mix(colour, gradient_map(mood.cloud, 0.5 - 0.5 * ripple), 0.75 * clouds)
    halo = np.exp(-((distance / 42.0) ** 1.5)) * (0.75 + 0.25 * np.sin(distance / 2.6))
    colour = mix(colour, mood.sun[1], 0.85 * halo)
    light = 0.45 + 0.35 * depth + 0.4 * halo + 0.25 * clouds + 0.05 * ripple
    sky = _scene(canvas, colour, np.arctan2(-right, down), light, stream, SKY)
    gold = mix(mood.sun[0], mood.sun[1], 0.3 * smoothstep(8.0, 18.0, distance))
    disc = _scene(canvas, gold, sky.angle, np.full_like(distance, 1.2), stream, SUN)
    return sky.over(canvas.cover(distance - 17.0), disc)


def _stream(canvas: Canvas, horizon: float, sun: Point) -> Floats:
    """A stream function: the wind blows along its contours, rightwards but for some whirls."""
    stream = canvas.y + 14.0 * canvas.noise(80.0)
    whirls = jittered_grid(canvas, 105.0)
    whirls = whirls[whirls[:, 0] < 0.85 * horizon]
    centres = np.vstack([whirls, np.array([sun], dtype=np.float32)])
    sizes = np.append(canvas.random.uniform(13.0, 26.0, len(whirls)), 30.0)
    turns = np.append(canvas.random.choice([-1.0, 1.0], len(whirls)), 1.0)
    for (y, x), size, turn in zip(centres, sizes, turns, strict=True):
        distance = ((canvas.y - y) ** 2 + (canvas.x - x) ** 2) / (2.0 * size**2)
        whirl = np.exp(-distance)
        # Within a whirl there is no wind, since a wind would shift its centre.
        stream = stream + whirl * (y - stream + np.float32(2.2 * turn * size))
    return stream


def _with_mountain(canvas: Canvas, scene: Scene, colour: Floats, horizon: float, layer: int, sun: Point) -> Scene:
    """``scene`` with one more ridge in front, lower and rougher than the one before."""
    base = horizon - (34.0, 16.0, 2.0)[layer % 3]
    height = (26.0, 17.0, 9.0)[layer % 3]
    ridge = base - height * sum(0.5**i * Noise(canvas, (1e6, 62.0 / 2**i)).on(canvas) for i in range(4))
    _, slope = canvas.gradient(np.broadcast_to(ridge, (canvas.height, canvas.width)))
    folds = canvas.noise(26.0) + 0.5 * canvas.noise(11.0)
    _, tilt = canvas.gradient(folds)
    side = np.tanh((sun[1] - canvas.x) / 30.0)
    lit = smoothstep(-1.4, 1.4, side * (14.0 * tilt - 0.5 * slope) + 0.3 * folds)
    shade = mix(colour * 0.72, mix(colour, scene.colour.mean(axis=(0, 1)), 0.35) * 1.12, lit)
    angle = np.arctan(slope) + 0.5 * np.sign(slope + 14.0 * tilt)
    light = 0.5 - 0.12 * layer + 0.5 * (lit - 0.5)
    form = 0.75 * canvas.x * (-1) ** layer + 0.65 * (canvas.y - 0.4 * ridge) + 5.0 * folds
    mountain = _scene(canvas, shade.clip(0.0, 1.0), angle, light, form, MOUNTAIN)
    return scene.over(canvas.cover(ridge - canvas.y), mountain)


def _fields(canvas: Canvas, mood: Mood, horizon: float) -> Scene:
    """Rows of crops that run to a vanishing point, crossed by the rise and fall of the land."""
    height, width = canvas.extent
    vanishing = width * canvas.random.uniform(0.3, 0.7)
    depth = (canvas.y - horizon + 18.0).clip(6.0)
    across = (canvas.x - vanishing) / depth
    rows = canvas.noise(30.0) * 0.25 + Noise(canvas, (1e6, 0.55)).at(0.0 * across, across + 0.5 * width)
    hills = (canvas.y - horizon) / (height - horizon) * 1.1 + 0.25 * Noise(canvas, (22.0, 90.0)).on(canvas)
    colour = gradient_map(mood.ground, 0.12 + 0.62 * hills + 0.17 * rows)
    furrow = np.sin(across * 11.0 + canvas.noise(40.0))
    colour = colour * (1.0 + 0.16 * furrow)[..., None]
    angle = np.arctan2(depth, canvas.x - vanishing + 6.0 * canvas.noise(30.0))
    light, form = 0.62 + 0.2 * rows + 0.12 * furrow, 34.0 * across + 3.0 * rows
    return _scene(canvas, colour.clip(0.0, 1.0), angle, light, form, GROUND)


def _lake(canvas: Canvas, mood: Mood, scene: Scene, horizon: float, sun: Point) -> Scene:
    """Water that mirrors ``scene``, broken by ripples that widen towards the viewer."""
    depth = (canvas.y - horizon).clip(0.0)
    ripple = Noise(canvas, (3.5, 26.0)).on(canvas) + Noise(canvas, (9.0, 70.0)).on(canvas)
    mirrored = canvas.pixel(horizon - 1.15 * depth + 0.12 * depth * ripple, canvas.x + 3.0 * ripple)
    colour = mix(scene.colour[mirrored] * 0.82, mood.sky[1], 0.3)
    sparkle = smoothstep(0.3, 1.5, ripple) * np.exp(-(((canvas.x - sun[1]) / (14.0 + 0.3 * depth)) ** 2))
    colour = mix(colour, mood.sun[0], 0.9 * sparkle)
    colour = mix(colour, mood.sky[0], 0.5 * smoothstep(0.5, 1.6, -ripple))
    light = 0.35 + 0.45 * scene.light[mirrored] + 0.5 * sparkle + 0.12 * ripple
    return _scene(canvas, colour, 0.06 * ripple, light, canvas.y + 0.6 * ripple, GROUND)


def _with_bushes(canvas: Canvas, mood: Mood, scene: Scene, horizon: float) -> Scene:
    """``scene`` with a hedge of round bushes along the horizon."""
    n_bushes = int(canvas.extent[1] / 9.0)
    places = canvas.random.uniform(0.0, canvas.extent[1], n_bushes)
    sizes = canvas.random.uniform(2.5, 8.5, n_bushes) * (0.6 + 0.4 * np.sin(places / 17.0))
    outside, lit, turn = (np.full((canvas.height, canvas.width), 99.0, dtype=np.float32) for _ in range(3))
    for x, size in zip(places, sizes, strict=True):
        y = horizon + 4.0 - 0.5 * size
        distance = np.hypot(canvas.y - y, (canvas.x - x) / 1.3) - size
        lit = np.where(distance < outside, smoothstep(-1.0, 0.8, (y - canvas.y) / size), lit)
        turn = np.where(distance < outside, np.arctan2(canvas.x - x, y - canvas.y), turn)
        outside = np.minimum(outside, distance)
    colour = mix(mood.trees[0], mood.trees[2], lit.clip(0.0, 1.0))
    hedge = _scene(canvas, colour, turn, 0.1 + 0.4 * lit, outside, TREE)
    return scene.over(canvas.cover(outside), hedge)


def _with_trees(canvas: Canvas, mood: Mood, scene: Scene, sun: Point) -> Scene:
    """``scene`` with pairs of cypresses like flames, on the side away from the sun."""
    height, width = canvas.extent
    side = 1.0 if sun[1] > width / 2 else -1.0
    first = 0.5 * width - 0.36 * side * width
    for i in range(max(1, round(width / 400.0))):
        place = first + 400.0 * side * i
        for offset, lowest, highest in ((0.0, 150.0, 185.0), (26.0, 70.0, 105.0)):
            foot = (height + 4.0, place + side * offset)
            scene = _with_cypress(canvas, mood, scene, foot, canvas.random.uniform(lowest, highest))
    return scene


def _with_cypress(canvas: Canvas, mood: Mood, scene: Scene, foot: Point, tall: float) -> Scene:
    rise = ((foot[0] - canvas.y) / tall).clip(-1.0, 1.0)
    sway = 4.0 * np.sin(rise * 5.0 + canvas.random.uniform(0, 6)) * rise
    flames = canvas.noise(14.0) + 0.7 * Noise(canvas, (16.0, 5.0)).on(canvas)
    within = rise.clip(0.0, 1.0)
    half_width = 0.27 * tall * within**0.35 * (1.0 - within) ** 1.4 - 0.5
    across = canvas.x - foot[1] - sway
    lit = smoothstep(-0.4, 1.8, flames + 0.4 * np.sign(0.5 * canvas.extent[1] - foot[1]) * across / (0.12 * tall))
    angle = np.pi / 2 + 0.35 * flames - 0.02 * across
    colour = gradient_map(mood.trees, lit)
    tree = _scene(canvas, colour, angle, 0.02 + 0.4 * lit, across + 3.0 * flames, TREE)
    return scene.over(canvas.cover(np.abs(across) - half_width - 2.2 * flames * (half_width > 0)), tree)
