"""Shrinking of images, for any layout and dtype that the package takes."""

from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

__all__ = ["check_size", "resize_longest"]


def resize_longest(image: NDArray[Any], size: int | None) -> NDArray[Any]:
    """Shrink an image so that its longest side is ``size``; a smaller image is not changed.

    Lanczos resampling over the whole footprint of each new pixel (antialiased). Colours are weighted
    by the alpha channel if there is one, so that what it hides plays no part. Values stay within the
    range of what can be seen of the image.

    Parameters
    ----------
    image : ndarray (H, W) or (H, W, C)
        bool, any integers or floats; with C = 2 or 4 the last channel is alpha.
    size : int or None
        Longest side in pixels, at least 1; with None no image is changed.

    Returns
    -------
    image : ndarray (h, w) or (h, w, C), max(h, w) <= size
        Of the dtype of ``image``.

    Raises
    ------
    ValueError
        If ``size`` is not a positive integer.

    Examples
    --------
    >>> import numpy as np
    >>> from skisp.io import resize_longest
    >>> resize_longest(np.zeros((40, 60, 3), dtype=np.uint8), 30).shape
    (20, 30, 3)
    """
    check_size(size)
    height, width = image.shape[:2]
    if size is None or max(height, width) <= size:
        return image
    scale = size / max(height, width)
    new_size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if image.dtype == np.uint8 and image.shape[2:] in ((), (3,)):
        values = np.asarray(PIL.Image.fromarray(image).resize(new_size, PIL.Image.Resampling.LANCZOS))
        return values.clip(image.min(), image.max())
    values = _resize_values(np.atleast_3d(image).astype(np.float32), new_size)
    return _like(values.reshape(values.shape[:2] + image.shape[2:]), image)


def check_size(size: Any) -> None:
    """Raise ValueError unless ``size`` is None or a positive integer."""
    if size is None or (isinstance(size, (int, np.integer)) and not isinstance(size, bool) and size > 0):
        return
    raise ValueError(f"size must be a positive number of pixels (an int) or None, got {size!r}.")


def _resize_values(values: NDArray[np.float32], new_size: tuple[int, int]) -> NDArray[np.float32]:
    """Resize float values (H, W, C), the colours weighted by alpha where there is one."""
    if values.shape[2] not in (2, 4):
        return _resize_channels(values, new_size)
    colour, alpha = values[..., :-1], values[..., -1:]
    resized = _resize_channels(alpha, new_size)
    seen = colour[alpha[..., 0] > 0]
    if seen.size == 0:
        return np.zeros((*resized.shape[:2], values.shape[2]), np.float32)
    colour = _lanczos(colour * alpha, new_size) / np.maximum(resized, 1e-6 * alpha.max())
    return np.concatenate([np.where(resized > 0, colour.clip(seen.min(), seen.max()), 0), resized], axis=2)


def _resize_channels(values: NDArray[np.float32], new_size: tuple[int, int]) -> NDArray[np.float32]:
    """The same without weights, within the range of the values; Lanczos overshoots at edges."""
    return _lanczos(values, new_size).clip(values.min(), values.max())


def _lanczos(values: NDArray[np.float32], new_size: tuple[int, int]) -> NDArray[np.float32]:
    channels = [
        PIL.Image.fromarray(np.ascontiguousarray(channel)).resize(new_size, PIL.Image.Resampling.LANCZOS)
        for channel in np.moveaxis(values, 2, 0)
    ]
    return np.stack([np.asarray(channel) for channel in channels], axis=2)


def _like(values: NDArray[np.float32], image: NDArray[Any]) -> NDArray[Any]:
    """Give resized values the dtype of ``image``."""
    if image.dtype == bool:
        return values >= 0.5
    return (values if image.dtype.kind == "f" else np.rint(values)).astype(image.dtype)
