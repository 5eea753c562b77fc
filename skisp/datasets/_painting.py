"""Pictures painted stroke by stroke: oil with a bristle brush, and dots of pure colour."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._canvas import Canvas, Floats, Noise, jittered_grid, mix, palette, smoothstep
from ._landscape import MOODS, SUN, TREE, Scene, paint_landscape

__all__ = ["brush_strokes", "pointillism"]

_LIGHT = (-0.75, -0.66)  # the light on the paint comes from above and from the left
_TRACE_STEPS = 13
_N_BRISTLES = 32


@dataclass(frozen=True)
class _Brush:
    """How far apart its strokes start, how long and how wide they are, in units."""

    spacing: float
    length: float
    width: float


_BRUSHES = (_Brush(12.5, 40.0, 12.0), _Brush(7.2, 30.0, 6.4), _Brush(4.4, 19.0, 3.7))
_DOTS = ((5.0, 5.4), (4.4, 4.4), (4.6, 3.2))  # spacing and width in units
# Steps from a colour towards orange or blue, red or green, yellow or violet.
_COMPLEMENTS = np.array([[0.20, 0.04, -0.18], [0.17, -0.10, 0.0], [0.10, 0.10, -0.14]], dtype=np.float32)


@dataclass(frozen=True)
class _Marks:
    """What the last stroke over each pixel left there, each (H, W).

    ``stroke`` is its index or -1; ``along`` goes from 0 at its start to 1 at its end, ``across`` from
    its one side to the other.
    """

    stroke: NDArray[np.int32]
    along: Floats
    across: Floats


@dataclass
class _Paint:
    """What lies on the canvas at each pixel: its colour (H, W, 3) and its thickness (H, W)."""

    colour: Floats
    thickness: Floats


def brush_strokes(canvas: Canvas) -> Floats:
    """Oil paint laid on in curved strokes that follow wind, hills and trees, wet in wet."""
    guide = canvas.at_scale(1.0)
    scene = paint_landscape(guide, MOODS[canvas.random.randint(len(MOODS))])
    # Between the strokes shows a thin first coat, browner than the subject.
    coat = mix(scene.colour, palette("6b4a2c")[0], 0.35)[guide.pixel(canvas.y, canvas.x)]
    paint = _Paint(coat, np.zeros(coat.shape[:2], dtype=np.float32))
    for brush in _BRUSHES:
        _lay_strokes(canvas, guide, scene, brush, paint)
    return _light_paint(canvas, paint)


def _lay_strokes(canvas: Canvas, guide: Canvas, scene: Scene, brush: _Brush, paint: _Paint) -> None:
    """Cover ``paint`` with the strokes of one brush, each over those before it."""
    starts = _starts(canvas, brush.spacing)
    starts = starts[_is_worked(canvas, guide, scene, starts, brush)]
    random, n = canvas.random, len(starts)
    place = guide.pixel(*starts.T)
    # Trees and the sun are small: long strokes would smear them over what is around.
    small = np.isin(scene.region[place], (TREE, SUN))
    lengths = brush.length * random.uniform(0.6, 1.15, n) * np.where(small, 0.55, 1.0)
    widths = brush.width * random.uniform(0.7, 1.25, n)
    bristles = random.normal(size=(n, _N_BRISTLES)).astype(np.float32)
    lift = random.uniform(0.0, 1.0, n).astype(np.float32)
    pigments = _two_colours(canvas, scene.colour[place])
    marks = _splat(canvas, _trace(guide, scene.angle, starts, lengths), widths, brush)
    _brush_on(paint, marks, brush, bristles, lift, pigments)


def _starts(canvas: Canvas, spacing: float) -> Floats:
    """Middles of strokes (n, 2) in the order in which they are laid."""
    starts = jittered_grid(canvas, spacing)
    return starts[canvas.random.permutation(len(starts))]


def _brush_on(
    paint: _Paint, marks: _Marks, brush: _Brush, bristles: Floats, lift: Floats, pigments: tuple[Floats, Floats]
) -> None:
    """Put streaks of the two pigments of each stroke where its marks are, but for its ragged ends."""
    hair = np.zeros(marks.along.shape, dtype=np.float32)
    there = marks.stroke >= 0
    hair[there] = _hair(bristles, marks.stroke[there], marks.across[there], brush.width)
    there &= (marks.along < 0.9 + 0.12 * hair) & (marks.along > 0.03 + 0.03 * hair)
    stroke, along, across, hair = marks.stroke[there], marks.along[there], marks.across[there], hair[there]
    streak = smoothstep(-1.3, 1.3, hair + 1.5 * (across - 0.5))
    paint.colour[there] = mix(pigments[0][stroke], pigments[1][stroke], streak)
    # Paint is pushed to the sides of a stroke and piles up where the brush is lifted.
    rim = np.abs(2 * across - 1) ** 4 + 0.8 * smoothstep(0.75, 0.95, along)
    paint.thickness[there] = brush.width**0.5 * (0.25 * hair + 0.55 * rim + 0.9 * lift[stroke])


def _is_worked(canvas: Canvas, guide: Canvas, scene: Scene, starts: Floats, brush: _Brush) -> NDArray[np.bool_]:
    """Where a brush paints: the fine one on small things, elsewhere in patches, so that broad strokes stay visible."""
    if brush.width > 5.0:
        return np.ones(len(starts), dtype=bool)
    small = np.isin(scene.region[guide.pixel(*starts.T)], (TREE, SUN))
    return small | (Noise(canvas, (28.0, 28.0)).at(*starts.T) > 0.1)


def _trace(guide: Canvas, angle: Floats, starts: Floats, lengths: Floats) -> Floats:
    """Walk from each start along ``angle``, both ways; gives lines (n, steps, 2)."""
    half = _TRACE_STEPS // 2
    step = (lengths / (2 * half))[:, None].astype(np.float32)
    sides = []
    for sign in (-1.0, 1.0):
        points = [starts]
        heading = None
        for _ in range(half):
            turn = angle[guide.pixel(*points[-1].T)]
            ahead = sign * np.stack([np.sin(turn), np.cos(turn)], axis=-1)
            if heading is not None:
                # A direction has no sign: keep going rather than turning back where it flips.
                ahead *= np.where((ahead * heading).sum(axis=1) < 0, -1.0, 1.0)[:, None]
                ahead = 0.5 * ahead + 0.5 * heading
            heading = ahead
            points.append(points[-1] + step * ahead.astype(np.float32))
        sides.append(points)
    return np.stack(sides[0][:0:-1] + sides[1], axis=1)


def _two_colours(canvas: Canvas, colours: Floats) -> tuple[Floats, Floats]:
    """The two pigments on the brush of each stroke: lighter and darker than ``colours``, and another hue."""
    n = len(colours)
    value = canvas.random.normal(0.0, 0.055, (n, 1)).astype(np.float32)
    hue = canvas.random.normal(0.0, 0.045, (n, 3)).astype(np.float32)
    base = _vivid(colours, 1.12) + value + hue
    other = canvas.random.normal(0.0, 0.05, (n, 3)).astype(np.float32)
    return (base - 0.05 - other).clip(0.0, 1.0), (base + 0.07 + other).clip(0.0, 1.0)


def _vivid(colours: Floats, gain: float) -> Floats:
    """Colours farther from grey by ``gain``."""
    grey = colours.mean(axis=-1, keepdims=True)
    return np.asarray(grey + np.float32(gain) * (colours - grey))


def _splat(canvas: Canvas, lines: Floats, widths: Floats, brush: _Brush) -> _Marks:
    """Sweep a brush along each line (n, steps, 2), which is ``widths`` (n,) wide."""
    n_along = max(math.ceil(1.2 * brush.length * canvas.scale), _TRACE_STEPS)
    n_across = max(math.ceil(1.4 * brush.width * canvas.scale), 3)
    weights = _resampling(lines.shape[1], n_along)
    across = (np.arange(n_across, dtype=np.float32) + 0.5) / n_across
    points = np.einsum("sk,nkc->nsc", weights, lines)
    ahead = np.gradient(points, axis=1)
    ahead /= np.linalg.norm(ahead, axis=2, keepdims=True) + 1e-6
    along = np.linspace(0.0, 1.0, n_along, dtype=np.float32)
    # A round tip: the ends of a stroke are narrower than its middle.
    width = widths[:, None] * np.minimum(1.0, np.sqrt(0.25 + 6.0 * along * (1.02 - along)))
    offset = (across - 0.5)[None, None] * width[..., None].astype(np.float32)
    row = ((points[..., :1] + ahead[..., 1:] * offset) * canvas.scale).astype(np.int32)
    column = ((points[..., 1:] - ahead[..., :1] * offset) * canvas.scale).astype(np.int32)
    inside = (row >= 0) & (row < canvas.height) & (column >= 0) & (column < canvas.width)
    sample = np.full((canvas.height, canvas.width), -1, dtype=np.int64)
    # Where samples meet, assignment keeps the last one: the stroke on top.
    sample[row[inside], column[inside]] = np.flatnonzero(inside)
    stroke, rest = np.divmod(sample, n_along * n_across)
    return _Marks(stroke.astype(np.int32), along[rest // n_across], across[rest % n_across])


def _resampling(n_from: int, n_to: int) -> Floats:
    """Weights (n_to, n_from) of linear interpolation between ``n_from`` points in equal steps."""
    where = np.linspace(0.0, n_from - 1.0, n_to)
    return (1.0 - np.abs(where[:, None] - np.arange(n_from))).clip(0.0).astype(np.float32)


def _hair(bristles: Floats, stroke: NDArray[np.int32], across: Floats, width: float) -> Floats:
    """How much paint the bristles carry: noise (n, 64) of each stroke, read across it."""
    where = across * min(width * 1.6, _N_BRISTLES - 2.0)
    first = where.astype(np.intp)
    rest = where - first
    return bristles[stroke, first] * (1.0 - rest) + bristles[stroke, first + 1] * rest


def _light_paint(canvas: Canvas, paint: _Paint) -> Floats:
    """The paint in raking light: each ridge has a bright and a dark side, and wet paint shines."""
    down, right = canvas.gradient(paint.thickness)
    slope = np.tanh(0.55 * (_LIGHT[0] * -down + _LIGHT[1] * -right))
    shaded = paint.colour * (1.0 + 0.13 * slope)[..., None]
    shine = 0.10 * slope.clip(0.0) ** 3
    return (shaded + shine[..., None]).clip(0.0, 1.0)


def pointillism(canvas: Canvas) -> Floats:
    """Dots of pure colour that blend in the eye: a lake under a wide sky, in the manner of Seurat and Signac."""
    guide = canvas.at_scale(1.0)
    scene = paint_landscape(guide, MOODS[1 + canvas.random.randint(len(MOODS) - 1)], lake=True)
    ground = mix(scene.colour, palette("f1e6cf")[0], 0.45)[guide.pixel(canvas.y, canvas.x)]
    paint = _Paint(ground, np.zeros(ground.shape[:2], dtype=np.float32))
    for spacing, size in _DOTS:
        _lay_dots(canvas, guide, scene, spacing, size, paint)
    return _light_paint(canvas, paint)


def _lay_dots(canvas: Canvas, guide: Canvas, scene: Scene, spacing: float, size: float, paint: _Paint) -> None:
    """Dab dots about ``size`` units wide over ``paint``, a little longer along the form."""
    brush = _Brush(spacing, 1.5 * size, 1.2 * size)
    starts = _starts(canvas, spacing)
    place = guide.pixel(*starts.T)
    widths = size * canvas.random.uniform(0.8, 1.2, len(starts))
    colours = _divided(canvas, scene.colour[place])
    lines = _trace(guide, scene.angle, starts, widths * canvas.random.uniform(1.0, 1.25, len(starts)))
    marks = _splat(canvas, lines, widths, brush)
    radius = np.hypot(2 * marks.along - 1, 2 * marks.across - 1)
    there = (marks.stroke >= 0) & (radius < 1.0)
    paint.colour[there] = colours[marks.stroke[there]]
    paint.thickness[there] = 1.2 - 0.9 * radius[there] ** 2


def _divided(canvas: Canvas, colours: Floats) -> Floats:
    """Pure colours (n, 3) that are ``colours`` (n, 3) on average, each dot far from it to one side."""
    n = len(colours)
    pair = _COMPLEMENTS[canvas.random.randint(len(_COMPLEMENTS), size=n)]
    apart = pair * canvas.random.normal(0.0, 1.0, (n, 1)).clip(-1.7, 1.7).astype(np.float32)
    light = canvas.random.normal(0.0, 0.05, (n, 1)).astype(np.float32)
    return (_vivid(colours, 1.35) + apart + light).clip(0.0, 1.0)
