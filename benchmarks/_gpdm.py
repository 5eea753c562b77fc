"""A patch-distribution optimiser, written from the published description of GPDM, to compare with.

The picture starts as the content and is optimised, coarse to fine, until the distribution of all its
patches is the style's. The distance of two distributions is the sliced Wasserstein distance,

    SWD(y, s) = 1/R sum_r 1/N sum_i | sort(w_r * y)_i - sort(w_r * s)_i |,

of R random directions w_r of unit norm, drawn anew at every step; a convolution with w_r projects
every patch at once. The content survives only as the start.

Reference: Elnekave & Weiss, "Generating natural images with direct patch distributions matching",
ECCV 2022, arXiv:2203.11862. This is not the authors' program, and few steps understate the method:
they take 300 a scale.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

__all__ = ["gpdm"]


def gpdm(
    content: NDArray[np.uint8],
    style: NDArray[np.uint8],
    *,
    n_steps: int = 20,
    patch_size: int = 7,
    n_directions: int = 64,
    learning_rate: float = 0.05,
    ratio: float = 0.85,
    coarsest: int = 64,
    random_state: int = 0,
) -> Any:
    """Redraw ``content`` (H, W, 3) with the patch distribution of ``style``.

    Parameters
    ----------
    content, style : ndarray (H, W, 3) of uint8
    n_steps : int
        Of Adam, at every scale. Published: 300.
    patch_size, n_directions : int
        Published: 7 and 64.
    learning_rate : float
        For values in [-1, 1]. Published: 0.01, in the tables 0.05.
    ratio : float
        Of the sizes of neighbouring scales.
    coarsest : int
        Least short side in pixels: the smaller, the less of the content survives.
    random_state : int

    Returns
    -------
    picture : ndarray (H, W, 3) of float32 in [0, 1]
    """
    generator = torch.Generator().manual_seed(random_state)
    start, goal = _tensor(content), _tensor(style)
    picture = start
    for side in _short_sides(min(content.shape[:2]), coarsest, ratio):
        target = _resize(goal, min(side, *goal.shape[2:]))
        picture = _resize(picture, side, exactly=start.shape if side == min(content.shape[:2]) else None)
        picture = _optimise(picture, target, n_steps, patch_size, n_directions, learning_rate, generator)
    return ((picture[0].permute(1, 2, 0) + 1) / 2).clamp(0, 1).numpy()


def _optimise(
    picture: Tensor,
    target: Tensor,
    n_steps: int,
    patch_size: int,
    n_directions: int,
    learning_rate: float,
    generator: torch.Generator,
) -> Tensor:
    """Move the pixels down the gradient of the distance, at one scale."""
    picture = picture.clone().requires_grad_()
    optimiser = torch.optim.Adam([picture], lr=learning_rate)
    for _ in range(n_steps):
        directions = torch.randn(n_directions, picture.shape[1], patch_size, patch_size, generator=generator)
        directions /= directions.flatten(1).norm(dim=1)[:, None, None, None]
        optimiser.zero_grad()
        sliced_wasserstein(picture, target, directions, generator).backward()
        optimiser.step()
    return picture.detach().clamp(-1, 1)


def sliced_wasserstein(picture: Tensor, target: Tensor, directions: Tensor, generator: torch.Generator) -> Tensor:
    """Mean absolute difference of the sorted projections of all patches (1, C, H, W)."""
    own, wanted = (functional.conv2d(image, directions)[0].flatten(1) for image in (picture, target))
    size = max(own.shape[1], wanted.shape[1])
    own, wanted = _repeated(own, size, generator), _repeated(wanted, size, generator)
    return (own.sort(dim=1).values - wanted.sort(dim=1).values).abs().mean()


def _repeated(projections: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """As many values as the longer list has: the shorter is repeated, the rest drawn of it."""
    n = projections.shape[1]
    if n == size:
        return projections
    rest = torch.randperm(n, generator=generator)[: size % n]
    return torch.cat([*[projections] * (size // n), projections[:, rest]], dim=1)


def _short_sides(finest: int, coarsest: int, ratio: float) -> list[int]:
    sides = [float(finest)]
    while sides[-1] * ratio >= coarsest:
        sides.append(sides[-1] * ratio)
    return [round(side) for side in reversed(sides)]


def _resize(image: Tensor, short_side: int, exactly: Any = None) -> Tensor:
    factor = short_side / min(image.shape[2:])
    size = [round(side * factor) for side in image.shape[2:]] if exactly is None else list(exactly[2:])
    return functional.interpolate(image, size=size, mode="bicubic", antialias=True).clamp(-1, 1)


def _tensor(image: NDArray[np.uint8]) -> Tensor:
    return torch.tensor(image, dtype=torch.float32).permute(2, 0, 1)[None] / 127.5 - 1
