"""What an image is: any layout a user has, to a list of float arrays, and back.

Inside the package an image is a float32 array (H, W, C), C = 1 or 3, with values in [0, 1].
Outside it may be uint8, uint16 or float, (H, W) or (H, W, C) with C = 1 to 4, alone in a list or
stacked in an array. :func:`as_images` goes in, :meth:`ImageLayout.restore` comes back out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, Protocol

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from ._batches import as_sequence, to_array
from ._math.color import luminance
from ._math.mirroring import fill_by_mirroring

__all__ = ["Image", "ImageLayout", "Pictures", "Stacked", "as_images", "to_channels", "to_unit"]

Image = NDArray[np.float32]


class _Array(Protocol):
    """An array or a table of any library."""

    def __array__(self) -> NDArray[Any]: ...


# What results are arrays for, and for what lists. A type checker must see that nothing is both.
Stacked = _Array | Sequence[Sequence[float]]
Pictures = Sequence[NDArray[Any]] | Sequence[PIL.Image.Image]

_INTEGER_RANGE = {np.dtype(np.uint8): 255.0, np.dtype(np.uint16): 65535.0}
_FLOAT_TOLERANCE = 1e-3
# Alpha of less than half a level of 8 bits shows nothing.
_LEAST_ALPHA = 0.5 / 255


@dataclass(frozen=True)
class _Source:
    """How one image came in: its shape, dtype and alpha channel (or None), and its colours if alpha hides some."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    alpha: Image | None
    colors: Image | None

    @property
    def is_grey(self) -> bool:
        return len(self.shape) == 2 or self.shape[2] in (1, 2)

    @property
    def seen(self) -> tuple[slice, slice]:
        if self.colors is None:
            return slice(None), slice(None)
        is_seen = ~_is_hidden(self.alpha)[..., 0]
        rows, columns = (np.flatnonzero(is_seen.any(axis=axis)) for axis in (1, 0))
        return (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)) if len(rows) else (slice(0), slice(0))

    def restore(self, image: Image) -> NDArray[Any]:
        channels = [to_channels(image, 1 if self.is_grey else 3)]
        if self.colors is not None:
            channels = [np.where(_is_hidden(self.alpha), self.colors, channels[0])]
        if self.alpha is not None:
            channels.append(self.alpha)
        values = np.concatenate(channels, axis=2).clip(0.0, 1.0)
        return _from_unit(values[..., 0] if len(self.shape) == 2 else values, self.dtype)


@dataclass(frozen=True)
class ImageLayout:
    """The layout of a batch of images: one array or a list, and how each image was stored."""

    stacked: bool
    sources: tuple[_Source, ...]

    @property
    def seen(self) -> list[tuple[slice, slice]]:
        """Rows and columns of each image that hold all that can be seen of it; empty where that is nothing."""
        return [source.seen for source in self.sources]

    def restore(self, images: Sequence[Image]) -> Any:
        """Give ``images`` the container, channels, alpha and dtype of the original batch.

        Parameters
        ----------
        images : sequence of (H, W, C) float32 arrays in [0, 1]
            One for each image of the original batch, of the original height and width where
            that image had an alpha channel.

        Returns
        -------
        images : ndarray (n, H, W[, C]) or list of ndarray (H, W[, C])
        """
        restored = [source.restore(image) for source, image in zip(self.sources, images, strict=True)]
        return np.stack(restored) if self.stacked else restored


def as_images(X: Any, *, name: str = "X") -> tuple[list[Image], ImageLayout]:
    """Validate a batch of images and convert it to float32 arrays in [0, 1].

    Parameters
    ----------
    X : ndarray (n, H, W) or (n, H, W, C), or sequence of ndarray (H, W) or (H, W, C), or of Pillow images
        uint8, uint16, bool, or floats in [0, 1]; C = 1 (grey), 2 (grey and alpha), 3 (RGB) or 4
        (RGB and alpha).
    name : str
        What the error messages call the batch.

    Returns
    -------
    images : list of float32 arrays (H, W, C), C = 1 or 3
        Without alpha. Colours that it hides are not used: there the image is mirrored at what can be seen.
    layout : ImageLayout
        What :meth:`ImageLayout.restore` needs to give results the form of ``X``.

    Raises
    ------
    ValueError
        If there is no image, a shape is not an image's, or a value is not finite or out of range.
    TypeError
        If ``X`` is not a collection of arrays, or of a dtype without a known range.

    Examples
    --------
    >>> import numpy as np
    >>> images, layout = as_images([np.zeros((4, 5), dtype=np.uint8)])
    >>> images[0].shape, images[0].dtype
    ((4, 5, 1), dtype('float32'))
    >>> layout.restore(images)[0].shape
    (4, 5)
    """
    items = as_sequence(X, name)
    if len(items) == 0:
        raise ValueError(f"{name} holds no images; expected at least one (H, W) or (H, W, C) array.")
    converted = [_as_image(item, f"image {i} of {name}") for i, item in enumerate(items)]
    stacked = isinstance(X, np.ndarray) and X.dtype != object
    return [image for image, _ in converted], ImageLayout(stacked, tuple(source for _, source in converted))


def to_channels(image: Image, n_channels: int) -> Image:
    """Convert an image (H, W, C) to 1 channel (its luminance) or 3 (grey repeated)."""
    if image.shape[2] == n_channels:
        return image
    return luminance(image) if n_channels == 1 else np.repeat(image, 3, axis=2)


def _as_image(item: Any, name: str) -> tuple[Image, _Source]:
    if isinstance(item, (str, bytes, PathLike)):
        raise TypeError(f"{name} is a path, {item!r}. Read files first, for instance with skisp.ImageReader.")
    try:
        array = to_array(item)
    except (OSError, ValueError) as error:
        raise ValueError(f"{name} cannot be read: {error}") from error
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 2, 3, 4)):
        raise ValueError(
            f"{name} has shape {array.shape}; expected (H, W), or (H, W, C) with C = 1 (grey), "
            "2 (grey and alpha), 3 (RGB) or 4 (RGB and alpha)."
        )
    if 0 in array.shape:
        raise ValueError(f"{name} is empty: shape {array.shape}.")
    values = to_unit(array, name)
    values = values[..., None] if array.ndim == 2 else values
    has_alpha = values.shape[2] in (2, 4)
    alpha = values[..., -1:] if has_alpha else None
    colour = values[..., :-1] if has_alpha else values
    hidden = _is_hidden(alpha)
    if not hidden.any():
        return np.ascontiguousarray(colour), _Source(array.shape, array.dtype, alpha, None)
    return fill_by_mirroring(colour, hidden[..., 0]), _Source(array.shape, array.dtype, alpha, colour)


def _is_hidden(alpha: Image | None) -> NDArray[np.bool_]:
    """Where an image (H, W) cannot be seen, (H, W, 1)."""
    return np.zeros((1, 1, 1), bool) if alpha is None else alpha < _LEAST_ALPHA


def to_unit(array: NDArray[Any], name: str) -> Image:
    """Floats in [0, 1] from uint8, uint16, bool or float values."""
    if array.dtype == bool:
        return array.astype(np.float32)
    if array.dtype in _INTEGER_RANGE:
        return array.astype(np.float32) / np.float32(_INTEGER_RANGE[array.dtype])
    if array.dtype.kind != "f":
        raise TypeError(
            f"{name} has dtype {array.dtype}; expected uint8, uint16 or floats in [0, 1]. "
            "Convert it: values from 0 to 255 with .astype(np.uint8), 0 and 1 with .astype(bool)."
        )
    if not np.isfinite(array).all():
        raise ValueError(f"{name} contains NaN or infinite values; remove or fill them first.")
    low, high = float(array.min()), float(array.max())
    if low < -_FLOAT_TOLERANCE or high > 1.0 + _FLOAT_TOLERANCE:
        raise ValueError(
            f"{name} has float values from {low:.3g} to {high:.3g}; floats must lie in [0, 1]. "
            "Divide by 255, or pass uint8."
        )
    return array.astype(np.float32).clip(0.0, 1.0)


def _from_unit(values: Image, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Invert :func:`to_unit`, rounding to the nearest level of an integer dtype."""
    if dtype == bool:
        return values >= 0.5
    if dtype in _INTEGER_RANGE:
        return np.rint(values * _INTEGER_RANGE[dtype]).astype(dtype)
    return values.astype(dtype)
