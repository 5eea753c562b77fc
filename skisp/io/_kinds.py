"""Images of one kind: grey or in colour, with alpha or without."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["colour_of", "of_kind"]


def colour_of(image: NDArray[Any]) -> NDArray[Any]:
    """The channels (H, W, 1) or (H, W, 3) of an image (H, W) or (H, W, C), without alpha."""
    channels = np.atleast_3d(image)
    return channels[..., :-1] if channels.shape[2] in (2, 4) else channels


def of_kind(image: NDArray[Any], *, grey: bool, alpha: bool) -> NDArray[Any]:
    """An image with one channel of colour, its first, or with three, and with alpha or without."""
    channels, colour = np.atleast_3d(image), colour_of(image)
    parts = [colour[..., :1] if grey else np.broadcast_to(colour, (*colour.shape[:2], 3))]
    if alpha:
        opaque = np.full_like(channels[..., :1], np.iinfo(image.dtype).max if image.dtype.kind == "u" else 1)
        parts.append(channels[..., -1:] if channels.shape != colour.shape else opaque)
    result = np.concatenate(parts, axis=2)
    return result[..., 0] if result.shape[2] == 1 else result
