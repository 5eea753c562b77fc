"""Redraw the frames of a sequence so that the strokes stay where the content stays."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ._field import carry_along
from ._level import Level
from ._motion import agreement, estimate_motion, move
from ._redraw import Drawing, Statistics, draw, finish, last_picture, statistics_of
from ._settings import RedrawSettings
from ._style_model import StyleModel, recolor

__all__ = ["SequenceRedraw"]

# Share of the last picture in the next one where the content is the same.
_KEPT = 0.9
# Mean agreement of two frames below which they show different scenes.
_CUT = 0.4


@dataclass(frozen=True)
class _Frame:
    """A frame that is drawn, and what the next one needs of it."""

    content: Tensor
    statistics: Statistics
    drawing: Drawing
    factors: list[float]
    picture: Tensor


class SequenceRedraw:
    """Redraws frame after frame, each starting from the last.

    Parameters
    ----------
    model : StyleModel
    settings : RedrawSettings
    seed : int
    """

    def __init__(self, model: StyleModel, settings: RedrawSettings, seed: int) -> None:
        self._model = model
        self._settings = settings
        self._seed = seed
        self._last: _Frame | None = None
        self._statistics: Statistics | None = None

    def redraw(self, content: Tensor) -> Tensor:
        """The picture (C, H, W) of the next frame (C, H, W), all of it style."""
        if self._settings.strength == 0:
            return content
        if self._settings.color == "only":
            self._statistics = self._statistics or statistics_of(content, self._model)
            return recolor(content, self._statistics.colors)
        self._last = self._first(content) if self._last is None else self._next(content, self._last)
        return self._last.picture

    def _first(self, content: Tensor) -> _Frame:
        statistics = statistics_of(content, self._model)
        mapped = recolor(content, statistics.colors)
        drawing = draw(self._own(content), mapped, self._model, self._settings, self._generator())
        picture, factors = finish(drawing, statistics, self._model, self._settings)
        return _Frame(content, statistics, drawing, factors, picture)

    def _next(self, content: Tensor, last: _Frame) -> _Frame:
        motion = estimate_motion(last.content, content)
        same = agreement(last.content, content, motion)
        if float(same.mean()) < _CUT:
            return self._first(content)
        drawing = self._continued(content, last, motion)
        picture, _ = finish(drawing, last.statistics, self._model, self._settings, last.factors)
        picture = torch.lerp(picture, move(last.picture, motion), _KEPT * same)
        return _Frame(content, last.statistics, drawing, last.factors, picture)

    def _continued(self, content: Tensor, last: _Frame, motion: Tensor) -> Drawing:
        """The last drawing, moved, and searched once more at the finest scale."""
        mapped = recolor(content, last.statistics.colors)
        short_side = min(content.shape[1:])
        level = Level(self._own(content), mapped, short_side, self._model, self._settings, last.statistics.structure)
        matches = carry_along(last.drawing.matches, motion, level.grid, level.bank)
        excess = last.drawing.excess.clone()
        estimate, matches = last_picture(
            level, move(last.drawing.estimate, motion), matches, excess, 1, self._generator()
        )
        return Drawing(mapped, estimate, matches, excess)

    def _own(self, content: Tensor) -> Tensor | None:
        """The content where a coder of its own asks for it."""
        return None if self._model.content_codec is None else content

    def _generator(self) -> torch.Generator:
        return torch.Generator().manual_seed(self._seed)
