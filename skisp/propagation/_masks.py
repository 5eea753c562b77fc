"""Masks: where in an image the style acts."""

from collections.abc import Sequence
from typing import Any

from .._images import Image, as_images

__all__ = ["masks_for"]


def masks_for(images: Sequence[Image], masks: Any) -> list[Image]:
    """Check one mask (H, W) an image and give them as float32 (H, W, 1) in [0, 1].

    Raises
    ------
    ValueError
        If the number of masks, a shape or a value does not fit.
    """
    converted, _ = as_images(masks, name="mask")
    if len(converted) != len(images):
        raise ValueError(f"mask holds {len(converted)} masks for {len(images)} images; give one an image.")
    for i, (image, mask) in enumerate(zip(images, converted, strict=True)):
        if mask.shape != (*image.shape[:2], 1):
            raise ValueError(
                f"mask {i} has shape {mask.shape[:2]} and {mask.shape[2]} channels; expected the image's "
                f"{image.shape[:2]} and one channel."
            )
    return converted
