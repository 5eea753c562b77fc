"""Masks: where in an image the style acts, or each of several styles."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._images import Image, as_images

__all__ = ["composite", "masks_for"]


def masks_for(images: Sequence[Image], masks: Any, n_styles: int) -> list[Image]:
    """Check the masks, and convert them to float32 (H, W, 1), or (H, W, n_styles), in [0, 1].

    Parameters
    ----------
    images : sequence of ndarray (H, W, C)
    masks : list of ndarray (H, W), or of (n_styles, H, W), or one array of either
    n_styles : int

    Raises
    ------
    ValueError
        If the number of masks, a shape or a value does not fit.
    """
    if len(masks) != len(images):
        raise ValueError(f"mask holds {len(masks)} masks for {len(images)} images; give one for each image.")
    converted = [_mask(masks[i], i, image.shape[:2], n_styles) for i, image in enumerate(images)]
    if len({mask.shape[2] for mask in converted}) > 1:
        raise ValueError("mask gives some images one mask, others one for each style; give all the same number.")
    return converted


def _mask(mask: Any, i: int, size: tuple[int, ...], n_styles: int) -> Image:
    shape = np.shape(mask)
    is_one_a_style = n_styles > 1 and shape == (n_styles, *size)
    if not is_one_a_style and shape not in (tuple(size), (*size, 1)):
        alternatives = f" or {(n_styles, *size)}, one a style" if n_styles > 1 else ""
        raise ValueError(f"mask {i} has shape {shape}; expected the image's {tuple(size)}{alternatives}.")
    channels, _ = as_images(list(mask) if is_one_a_style else [mask], name=f"mask {i}")
    return np.concatenate(channels, axis=2)


def composite(image: Image, pictures: Sequence[Image], masks: Image) -> Image:
    """Pictures (H, W, C) over an image, each where its mask, a channel of (H, W, K), is.

    If the masks of a pixel sum to more than 1, they are divided by their sum; if they sum to less, the
    image shows for the rest.
    """
    total = masks.sum(axis=2, keepdims=True)
    shares = masks / np.maximum(total, 1.0)
    layers = sum(shares[..., [k]] * picture for k, picture in enumerate(pictures))
    return np.asarray((1 - np.minimum(total, 1.0)) * image + layers)
