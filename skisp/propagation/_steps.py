"""The levels at which a picture is synthesised, and where in the style each of its patches was taken."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .._images import Image, stored_images
from .._tensors import from_tensor
from .synthesis._patches import PatchGrid
from .synthesis._synthesis import Synthesis

if TYPE_CHECKING:
    from ._propagator import StylePropagator

__all__ = ["propagation_steps", "source_pixels"]


class Step(NamedTuple):
    """The picture at the end of one pyramid level.

    Attributes
    ----------
    recolored : ndarray (H, W, C)
        The content in the style's colours, at this level.
    picture : ndarray (H, W, C)
        The vote of the matched patches; at the finest level what is rendered with generated patches.
    style : ndarray (Hs, Ws, C)
        Where the patches were taken from: the style images at this level, side by side.
    corners : ndarray (h, w, 2) of int
        Row and column in ``style`` of the top left pixel of the patch at each position of the grid.
    grid : PatchGrid
    """

    recolored: Image
    picture: Image
    style: Image
    corners: NDArray[np.int64]
    grid: PatchGrid


def propagation_steps(propagator: "StylePropagator", image: Any) -> tuple[list[Step], NDArray[Any]]:
    """Redraw one image (H, W[, C]) by a propagator fitted on images, and keep the picture of each level.

    Returns
    -------
    steps : list of Step
        Coarsest first; empty if nothing is synthesised, at strength 0 or with ``color="only"``.
    picture : ndarray (H, W[, C])
        What ``propagator.transform([image])[0]`` is.
    """
    [content] = stored_images([image], name="[image]").sources
    steps: list[Step] = []

    def keep(synthesis: Synthesis, picture: Tensor) -> None:
        steps.append(_step(synthesis, picture))

    picture = propagator.propagation_.redraw(content, propagator._settings(), watcher=keep)
    return steps, picture


def _step(synthesis: Synthesis, picture: Tensor) -> Step:
    level = synthesis.level
    exemplar, matches = level.exemplar, synthesis.matches
    positions = torch.stack([matches // exemplar.shape[1], matches % exemplar.shape[1]], dim=1) * exemplar.stride
    corners = positions.reshape(*level.grid.shape, 2).cpu().numpy().copy()
    recolored, rendered, style = (from_tensor(part).copy() for part in (level.recolored, picture, exemplar.canvas))
    return Step(recolored, rendered, style, corners, level.grid)


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
