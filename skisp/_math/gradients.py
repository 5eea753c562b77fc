"""Gradients of images."""

from torch import Tensor
from torch.nn import functional

__all__ = ["central_differences"]


def central_differences(image: Tensor) -> tuple[Tensor, Tensor]:
    """Change a pixel of an image (H, W) downwards and to the right, half the difference of the two neighbours.

    The image is continued by its border, where the differences are therefore halved.
    """
    padded = functional.pad(image[None, None], (1, 1, 1, 1), mode="replicate")[0, 0]
    return (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2, (padded[1:-1, 2:] - padded[1:-1, :-2]) / 2
