"""The steps in which a picture is drawn, and where in the style each patch of it was taken."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .._images import Image, as_images
from .._tensors import from_tensor
from .._threads import one_thread
from ._level import Level
from ._patches import PatchGrid
from ._redraw import redraw

if TYPE_CHECKING:
    from ._propagator import StylePropagator

__all__ = ["Step", "propagation_steps", "source_pixels"]


class Step(NamedTuple):
    """A picture as it is when one scale has been drawn.

    Attributes
    ----------
    mapped : ndarray (H, W, C)
        The content in the style's colours, at this scale.
    estimate : ndarray (H, W, C)
        What the patches drew.
    style : ndarray (Hs, Ws, C)
        Where the patches were taken from: the style images at this scale, side by side.
    corners : ndarray (h, w, 2) of int
        Row and column in ``style`` of the top left pixel of the patch at each position of the grid.
    grid : PatchGrid
    """

    mapped: Image
    estimate: Image
    style: Image
    corners: NDArray[np.int64]
    grid: PatchGrid


def propagation_steps(propagator: "StylePropagator", image: Any) -> tuple[list[Step], NDArray[Any]]:
    """Redraw one image (H, W[, C]) by a propagator fitted on images, and keep what is drawn at each scale.

    Returns
    -------
    steps : list of Step
        Coarsest first; empty where nothing is drawn, at strength 0 or in colour only.
    picture : ndarray (H, W[, C])
        What ``propagator.transform([image])[0]`` is.
    """
    [content], layout = as_images([image], name="[image]")
    steps: list[Step] = []

    def keep(level: Level, estimate: Tensor, matches: Tensor) -> None:
        steps.append(_step(level, estimate, matches))

    with one_thread(), torch.inference_mode():
        picture = redraw(
            propagator._tensor(content), propagator._style_model(), propagator._settings(), propagator._seed, keep
        )
    return steps, layout.restore([propagator._finished(content, picture)])[0]


def _step(level: Level, estimate: Tensor, matches: Tensor) -> Step:
    bank = level.bank
    positions = torch.stack([matches // bank.shape[1], matches % bank.shape[1]], dim=1) * bank.stride
    corners = positions.reshape(*level.grid.shape, 2).cpu().numpy().copy()
    mapped, drawn, style = (from_tensor(part).copy() for part in (level.mapped, estimate, bank.canvas))
    return Step(mapped, drawn, style, corners, level.grid)


def source_pixels(step: Step) -> NDArray[np.int64]:
    """Row and column in the style (H, W, 2) of what each pixel shows, by the patch whose centre is nearest."""
    sources = np.empty((*step.grid.size, 2), dtype=np.int64)
    rows, columns = (_nearest_patch(step.grid, axis) for axis in (0, 1))
    nearest = step.corners[rows[0][:, None], columns[0]]
    sources[..., 0] = nearest[..., 0] + rows[1][:, None]
    sources[..., 1] = nearest[..., 1] + columns[1]
    return sources


def _nearest_patch(grid: PatchGrid, axis: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For the pixels along one axis: which patch's centre is nearest, and how far into it the pixel lies."""
    pixels = np.arange(grid.size[axis])
    nearest = np.rint((pixels + grid.margin / 2) / grid.stride).astype(np.int64).clip(0, grid.shape[axis] - 1)
    return nearest, pixels + grid.margin - nearest * grid.stride
