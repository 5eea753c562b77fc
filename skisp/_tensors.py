"""Images as tensors (C, H, W): from arrays (H, W, C) and back, and resized."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ._images import Image

__all__ = ["from_tensor", "resample", "resize", "to_tensor"]


def to_tensor(image: Image) -> Tensor:
    """An image (H, W, C) as a tensor (C, H, W)."""
    return torch.tensor(np.ascontiguousarray(image.transpose(2, 0, 1)))


def from_tensor(image: Tensor) -> Image:
    """A tensor (C, H, W) as an image (H, W, C)."""
    return np.ascontiguousarray(image.detach().cpu().numpy().transpose(1, 2, 0))


def resize(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize an image (C, H, W) to ``size`` (height, width), antialiased where it shrinks."""
    if tuple(image.shape[1:]) == size:
        return image
    resized = functional.interpolate(image[None], size=size, mode="bicubic", antialias=True, align_corners=False)
    return resized[0].clamp_(0.0, 1.0)


def resample(field: Tensor, size: tuple[int, int]) -> Tensor:
    """Values (C, H, W) of any range, bilinearly at ``size`` (height, width), antialiased where it shrinks."""
    return functional.interpolate(field[None], size=size, mode="bilinear", antialias=True, align_corners=False)[0]
