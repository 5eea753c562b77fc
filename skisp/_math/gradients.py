"""Gradients of images."""

from torch import Tensor
from torch.nn import functional

from .box_means import box_mean

__all__ = ["central_differences", "gradient_rms"]


def central_differences(image: Tensor) -> tuple[Tensor, Tensor]:
    """Change a pixel of an image (H, W) downwards and to the right, half the difference of the two neighbours.

    The image is continued by its border, where the differences are therefore halved.
    """
    padded = functional.pad(image[None, None], (1, 1, 1, 1), mode="replicate")[0, 0]
    return (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2, (padded[1:-1, 2:] - padded[1:-1, :-2]) / 2


def gradient_rms(image: Tensor, window: int) -> Tensor:
    """Root mean square of the gradient of an image's (C, H, W) mean channel, in windows about each pixel, (1, H, W)."""
    down, across = central_differences(image.mean(dim=0))
    return box_mean((down.square_() + across.square_())[None], window).sqrt_()
