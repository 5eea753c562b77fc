"""Masks: where in an image the style acts, or each of several styles."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._batches import as_sequence, to_array
from .._images import Image, StoredImage, as_images, to_channels

__all__ = ["composite", "masked", "masks_for", "shares_of"]


def masks_for(images: Sequence[StoredImage], masks: Any, n_styles: int) -> list[Image]:
    """Check the masks, and convert them to float32 (H, W, 1), or (H, W, n_styles), in [0, 1].

    Parameters
    ----------
    images : sequence of StoredImage
    masks : list of ndarray (H, W), or of (n_styles, H, W), or one array of either; or of other images
    n_styles : int

    Raises
    ------
    ValueError
        If the number of masks, a shape or a value does not fit.
    """
    masks = as_sequence(masks, "mask")
    if len(masks) != len(images):
        raise ValueError(f"mask holds {len(masks)} masks for {len(images)} images; give one for each image.")
    converted = [_mask(masks[i], i, image.shape[:2], n_styles) for i, image in enumerate(images)]
    if len({mask.shape[2] for mask in converted}) > 1:
        raise ValueError("mask gives some images one mask, others one for each style; give all the same number.")
    return converted


def _mask(mask: Any, i: int, size: tuple[int, ...], n_styles: int) -> Image:
    layers = [_plain(layer, f"mask {i}") for layer in _layers(mask, (n_styles, *size))]
    if len(layers) not in (1, n_styles) or any(layer.shape not in (size, (*size, 1)) for layer in layers):
        found = ", ".join(str(layer.shape) for layer in layers)
        alternatives = f" or {(n_styles, *size)}, one a style" if n_styles > 1 else ""
        raise ValueError(f"mask {i} has shape {found}; expected the image's {tuple(size)}{alternatives}.")
    return np.concatenate([shares_of(layer, f"mask {i}") for layer in layers], axis=2)


def _layers(mask: Any, one_a_style: tuple[int, ...]) -> list[Any]:
    """One mask, or one for each style."""
    is_list = isinstance(mask, (list, tuple)) and len(mask) > 0 and np.ndim(mask[0]) > 1
    return list(mask) if is_list or (one_a_style[0] > 1 and np.shape(mask) == one_a_style) else [mask]


def _plain(mask: Any, name: str) -> NDArray[Any]:
    """A mask as an array. One with channels is left alone: those may be styles, the wrong way round."""
    is_array = isinstance(mask, (np.ndarray, list, tuple))
    return np.asarray(mask) if is_array else shares_of(mask, name)


def shares_of(mask: Any, name: str) -> Image:
    """One mask, anything that is an image, as float32 (H, W, 1) in [0, 1].

    Whole numbers that are all 0 or 1 stay so, of any type, whatever the alpha beside them; others are levels, as of
    an image. Of colours the luminance counts, and what is transparent is 0.
    """
    array = to_array(mask)
    if array.ndim == 3 and array.shape[2] in (2, 4):
        return np.asarray(shares_of(array[..., :-1], name) * shares_of(array[..., -1:], name))
    if array.dtype.kind in "iu" and np.isin(array, (0, 1)).all():
        array = array.astype(bool)
    [image], _ = as_images([array], name=name)
    return to_channels(image, 1)


def masked(image: NDArray[Any], picture: NDArray[Any], mask: NDArray[Any]) -> NDArray[Any]:
    """A picture over the image (H, W[, C]) of which it was made, where a mask (H, W) is; both of one dtype."""
    [content, redrawn], layout = as_images([image, picture])
    result = composite(content, [redrawn], mask[..., None])
    return np.asarray(layout.restore([result, result])[0])


def composite(image: Image, pictures: Sequence[Image], masks: Image) -> Image:
    """Pictures (H, W, C) over an image, each where its mask, a channel of (H, W, K), is.

    If the masks of a pixel sum to more than 1, they are divided by their sum; if they sum to less, the
    image shows for the rest.
    """
    total = masks.sum(axis=2, keepdims=True)
    shares = masks / np.maximum(total, 1.0)
    layers = sum(shares[..., [k]] * picture for k, picture in enumerate(pictures))
    return np.asarray((1 - np.minimum(total, 1.0)) * image + layers)
