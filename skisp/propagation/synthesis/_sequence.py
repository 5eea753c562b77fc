"""Redraw the frames of a sequence so that strokes stay in place where the content does not change."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..._math.affine import AffineMap
from ..._tensors import resample
from ._band_match import PictureMatch
from ._content import Content, ContentStatistics
from ._optical_flow import agreement, optical_flow, warp
from ._postprocess import postprocess, sharpened
from ._raster import RowStore
from ._settings import SynthesisSettings, matched_side
from ._style_model import StyleModel
from ._synthesis import Synthesis, synthesise

__all__ = ["SequenceRedraw"]

# Share of the last picture in the next one where the content is the same.
_KEPT = 0.9
# Mean agreement of two frames below which they show different scenes.
_CUT = 0.4


@dataclass(frozen=True)
class _Frame:
    """A frame that is redrawn, and what the next frame needs of it."""

    image: Tensor
    statistics: ContentStatistics
    synthesis: Synthesis
    match: PictureMatch
    picture: Tensor


class SequenceRedraw:
    """Redraws frame after frame, each starting from the last.

    Parameters
    ----------
    style : StyleModel
    settings : SynthesisSettings
    seed : int
    """

    def __init__(self, style: StyleModel, settings: SynthesisSettings, seed: int) -> None:
        self._style = style
        self._settings = settings
        self._seed = seed
        self._last: _Frame | None = None
        self._statistics: ContentStatistics | None = None

    def redraw(self, image: Tensor) -> Tensor:
        """The picture (C, H, W) of the next frame (C, H, W), at full strength."""
        if self._settings.strength == 0:
            return image
        if self._settings.color == "only":
            content = Content.of(image, self._style, self._statistics)
            self._statistics = content.statistics
            return content.recolored.whole()
        self._last = self._first(image) if self._last is None else self._next(image, self._last)
        return self._last.picture

    def state(self) -> dict[str, NDArray[Any]]:
        """All that the next frame needs, in arrays: a sequence that is resumed with it goes on bit for bit."""
        last = self._last
        statistics = self._statistics if last is None else last.statistics
        arrays = {} if statistics is None else _as_arrays(statistics)
        if last is not None:
            tensors = {"image": last.image, "picture": last.picture, **last.synthesis.state()}
            arrays |= {name: tensor.cpu().numpy() for name, tensor in tensors.items()}
            arrays |= last.match.to_arrays()
        return arrays

    def resume(self, state: Mapping[str, NDArray[Any]], device: torch.device) -> None:
        """Go on after the frame of which :meth:`state` told."""
        if "matrix" not in state:
            return
        colors = AffineMap(*(torch.from_numpy(state[name]) for name in ("matrix", "offset")))
        self._statistics = ContentStatistics(colors, float(state["structure"]))
        if "matches" in state:
            names = ("image", "picture", "matches", "style_potentials", "rendered")
            tensors = {name: torch.from_numpy(state[name]).to(device) for name in names}
            generator = torch.Generator().manual_seed(self._seed)
            synthesis = Synthesis.resumed(tensors, self._style.coder, self._settings, generator)
            match = PictureMatch.from_arrays(state, device)
            self._last = _Frame(tensors["image"], self._statistics, synthesis, match, tensors["picture"])

    def _first(self, image: Tensor) -> _Frame:
        content = Content.of(image, self._style)
        generator = torch.Generator().manual_seed(self._seed)
        synthesis, rendered = synthesise(content, self._style, self._settings, generator)
        picture, match = postprocess(rendered, content, self._style, self._settings)
        return _Frame(image, content.statistics, synthesis, match, picture.whole())

    def _next(self, image: Tensor, last: _Frame) -> _Frame:
        flow = optical_flow(last.image, image)
        same = agreement(last.image, image, flow)
        if float(same.mean()) < _CUT:
            return self._first(image)
        content = Content.of(image, self._style, last.statistics)
        rendered = self._continued(content, last.synthesis, flow)
        redrawn, match = postprocess(rendered, content, self._style, self._settings, last.match)
        fresh = redrawn.whole()
        picture = sharpened(torch.lerp(fresh, warp(last.picture, flow), _KEPT * same), fresh)
        return _Frame(image, last.statistics, last.synthesis, match, picture)

    def _continued(self, content: Content, synthesis: Synthesis, flow: Tensor) -> RowStore:
        """The synthesis of the last frame, warped, searched once more at the finest level, and rendered."""
        side = matched_side(content.short_side)
        level = content.level(side, self._style, self._settings, content.statistics.structure)
        synthesis.warp(level, resample(flow, level.grid.size) * (side / content.short_side))
        synthesis.refine(2)
        return synthesis.render(content.size, self._style)


def _as_arrays(statistics: ContentStatistics) -> dict[str, NDArray[Any]]:
    matrix, offset = (torch.as_tensor(part).cpu().numpy() for part in statistics.colors)
    return {"matrix": matrix, "offset": offset, "structure": np.array(statistics.structure)}
