"""A print from a carved block: lines of ink whose width gives the tone."""

import numpy as np
from scipy import ndimage

from ._canvas import Canvas, Floats, Noise, fractal_noise, mix, palette, smoothstep
from ._landscape import GROUND, MOODS, MOUNTAIN, SKY, SUN, TREE, Scene, paint_landscape

__all__ = ["woodcut"]

_SPACING = 4.6  # from one cut to the next, in units
# How dark each part of the landscape is cut: on its shaded and lit side, and the light on either.
_TONES = {
    SKY: (0.50, 0.0, 0.25, 1.0),
    SUN: (0.0, 0.0, 0.0, 1.0),
    MOUNTAIN: (0.97, 0.15, 0.1, 0.75),
    GROUND: (0.85, 0.05, 0.1, 0.95),
    TREE: (1.0, 0.45, 0.06, 0.36),
}


def woodcut(canvas: Canvas) -> Floats:
    """A landscape in black lines on paper: hatching along the forms, cross hatching in the dark, contours."""
    scene = paint_landscape(canvas, MOODS[canvas.random.randint(len(MOODS))], lake=bool(canvas.random.randint(2)))
    tone = _tone(canvas, scene)
    ink = np.maximum(_hatching(canvas, scene, tone), _contours(canvas, scene))
    return _printed(canvas, ink * (1.0 - _margin(canvas)))


def _tone(canvas: Canvas, scene: Scene) -> Floats:
    """How much of the paper is to be covered with ink, (H, W) in [0, 1]."""
    tone = np.zeros(scene.light.shape, dtype=np.float32)
    for region, (shaded, lit, dark, bright) in _TONES.items():
        here = scene.region == region
        tone[here] = (shaded + (lit - shaded) * smoothstep(dark, bright, scene.light))[here]
    return (tone + 0.03 * canvas.noise(12.0) * (tone > 0)).clip(0.0, 1.0)


def _hatching(canvas: Canvas, scene: Scene, tone: Floats) -> Floats:
    """Ink of the lines along the forms, and across them where it is dark."""
    hand = 0.7 * canvas.noise(20.0) + 0.25 * canvas.noise(7.0)
    across = 0.66 * canvas.x + 0.75 * canvas.y
    width = 1.0 + 0.16 * canvas.noise(6.0)
    first = _lines(canvas, scene.form + hand, width * (0.92 * tone + 0.5 * smoothstep(0.9, 1.0, tone)))
    second = _lines(canvas, across - 1.5 * hand, width * 1.3 * (tone - 0.55).clip(0.0))
    return np.maximum(first, second)


def _lines(canvas: Canvas, height: Floats, filled: Floats) -> Floats:
    """Ink of lines along the contours of ``height``, which take the part ``filled`` of the paper."""
    down, right = canvas.gradient(height)
    steepness = np.hypot(down, right).clip(0.1)
    phase = np.abs((height / _SPACING) % 1.0 - 0.5) * 2.0
    ink = canvas.cover((phase - filled) * 0.5 * _SPACING / steepness)
    # A knife cannot leave a line thinner than this, and none is cut where the form is flat.
    return ink * smoothstep(0.05, 0.12, filled) * smoothstep(0.15, 0.3, steepness)


def _contours(canvas: Canvas, scene: Scene) -> Floats:
    """Ink of the outlines of things, swelling and shrinking as a knife makes them."""
    outline = np.zeros(scene.layer.shape, dtype=bool)
    outline[1:] |= scene.layer[1:] != scene.layer[:-1]
    outline[:, 1:] |= scene.layer[:, 1:] != scene.layer[:, :-1]
    distance = ndimage.gaussian_filter(ndimage.distance_transform_edt(~outline).astype(np.float32), 0.8) / canvas.scale
    return canvas.cover(distance - 0.75 - 0.3 * canvas.noise(12.0))


def _margin(canvas: Canvas) -> Floats:
    """The paper around the block, whose sides are not quite straight."""
    height, width = canvas.extent
    y, x = np.minimum(canvas.y, height - canvas.y), np.minimum(canvas.x, width - canvas.x)
    return canvas.cover(np.minimum(y, x) - 6.0 + 0.7 * canvas.noise(22.0))


def _printed(canvas: Canvas, ink: Floats) -> Floats:
    """Ink pressed on paper: thin where the grain of the block is open, the paper fibrous and not quite even."""
    grain = Noise(canvas, (0.9, 16.0)).on(canvas) + 0.7 * canvas.noise(1.2) + 0.8 * canvas.noise(50.0)
    ink = ink * (1.0 - 0.6 * smoothstep(1.9, 3.0, grain))
    paper = palette("f2e8d2")[0] * (1.0 + 0.018 * fractal_noise(canvas, 40.0) + 0.012 * canvas.noise(1.2))[..., None]
    black = palette("1b1613")[0] * (1.0 + 0.12 * canvas.noise(3.0))[..., None]
    return mix(paper, black, ink).clip(0.0, 1.0)
