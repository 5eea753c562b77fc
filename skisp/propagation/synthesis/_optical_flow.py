"""Optical flow: how the content of one frame has moved to the next, and images warped along with it."""

import torch
from torch import Tensor
from torch.nn import functional

from ..._math.box_means import box_mean
from ..._math.gradients import central_differences
from ..._tensors import resize
from ._pyramid import size_with_short_side

__all__ = ["agreement", "optical_flow", "warp"]

# Short side in pixels at which flow is estimated: flow is smooth, and frames may be large.
_WORKING_SIDE = 256
_COARSEST_SIDE = 12
_N_STEPS = 4
_WINDOW = 15
# Squared gradient, in shares of the full range per pixel, below which a place is too flat to show flow.
_FLAT = 4e-4


def optical_flow(previous: Tensor, current: Tensor) -> Tensor:
    r"""Optical flow (2, H, W) between frames (C, H, W): what is at x in the current was at x + m(x) in the previous.

    Steps of Lucas and Kanade, coarse to fine. With g the gradient, and e the current frame minus the
    previous one warped by the present m, m changes by

    .. math:: \Bigl( \sum g g^T + \lambda I \Bigr)^{-1} \sum g e

    with sums over windows of 15 pixels. Because of the small ridge, flat places take the flow of their wider
    surroundings.

    Returns
    -------
    flow : Tensor (2, H, W)
        Down and right, in pixels.

    References
    ----------
    Lucas & Kanade, "An iterative image registration technique with an application to stereo
    vision", IJCAI 1981; Bouguet, "Pyramidal implementation of the Lucas Kanade feature tracker",
    Intel 2000.
    """
    size = (current.shape[1], current.shape[2])
    frames = [_working(frame) for frame in (previous, current)]
    flow = frames[0].new_zeros(2, *frames[0].shape[1:])
    for before, after in zip(*(_pyramid(frame) for frame in frames), strict=True):
        flow = _resized(flow, (after.shape[1], after.shape[2]))
        for _ in range(_N_STEPS):
            flow = _smooth(flow + _step(warp(before, flow), after))
    return _resized(flow, size)


def warp(image: Tensor, flow: Tensor) -> Tensor:
    """The image (C, H, W) whose pixel x is that of ``image`` at x + m(x); beyond the border, that of the border."""
    height, width = image.shape[1:]
    rows = torch.arange(height, device=image.device)[:, None] + flow[0]
    columns = torch.arange(width, device=image.device) + flow[1]
    at = torch.stack([2 * columns / max(1, width - 1) - 1, 2 * rows / max(1, height - 1) - 1], dim=-1)
    moved = functional.grid_sample(image[None], at[None], mode="bicubic", padding_mode="border", align_corners=True)
    return moved[0].clamp_(0.0, 1.0)


def agreement(previous: Tensor, current: Tensor, flow: Tensor, tolerance: float = 0.06) -> Tensor:
    """Where the warped previous frame shows the same as the current one, (1, H, W): from 1 down to 0.

    exp(-(d / tolerance)^2), d being the mean absolute difference in windows of 5 pixels; 0 where the
    flow comes from beyond the border.
    """
    difference = (warp(previous, flow) - current).abs().mean(dim=0, keepdim=True)
    local = box_mean(difference, 5)
    return torch.exp(-((local / tolerance) ** 2)) * _comes_from_inside(flow)


def _comes_from_inside(flow: Tensor) -> Tensor:
    height, width = flow.shape[1:]
    rows = torch.arange(height, device=flow.device)[:, None] + flow[0]
    columns = torch.arange(width, device=flow.device) + flow[1]
    # With a tolerance of half a pixel: flow is never exact.
    return (rows > -0.5) & (rows < height - 0.5) & (columns > -0.5) & (columns < width - 0.5)


def _working(frame: Tensor) -> Tensor:
    """Mean of the channels (1, h, w), of a size to work with."""
    grey = frame.mean(dim=0, keepdim=True)
    side = min(_WORKING_SIDE, *grey.shape[1:])
    return _smooth(resize(grey, size_with_short_side(grey.shape[1:], side)), window=3)


def _pyramid(frame: Tensor) -> list[Tensor]:
    """The frame and its halves, coarsest first."""
    levels = [frame]
    while min(levels[-1].shape[1:]) >= 2 * _COARSEST_SIDE:
        levels.append(resize(levels[-1], tuple(-(-side // 2) for side in levels[-1].shape[1:])))  # type: ignore[arg-type]
    return levels[::-1]


def _step(before: Tensor, after: Tensor) -> Tensor:
    """Change of the flow (2, h, w) that takes ``before`` to ``after``, by least squares in windows."""
    down, right = central_differences(before[0])
    error = (after - before)[0]
    products = torch.stack([down * down, right * right, down * right, down * error, right * error])
    dd, rr, dr, de, re = _smooth(products)
    dd, rr = dd + _FLAT, rr + _FLAT
    return torch.stack([rr * de - dr * re, dd * re - dr * de]) / (dd * rr - dr * dr)


def _resized(flow: Tensor, size: tuple[int, int]) -> Tensor:
    """The flow for another size of the frames."""
    factors = [new / old for new, old in zip(size, flow.shape[1:], strict=True)]
    resized = functional.interpolate(flow[None], size=size, mode="bilinear", align_corners=False)[0]
    return resized * flow.new_tensor(factors)[:, None, None]


def _smooth(image: Tensor, window: int = _WINDOW) -> Tensor:
    """Mean over windows of pixels, of those inside the image."""
    window = min(window, 2 * ((min(image.shape[1:]) - 1) // 2) + 1)
    return box_mean(image, window)
