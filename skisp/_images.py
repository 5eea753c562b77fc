"""What an image is: any layout a user has, to a list of float arrays, and back.

Inside the package an image is a float32 array (H, W, C), C = 1 or 3, with values in [0, 1].
Outside it may be uint8, uint16 or float, (H, W) or (H, W, C) with C = 1 to 4, alone in a list or
stacked in an array. :func:`as_images` goes in, :meth:`ImageLayout.restore` comes back out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from os import PathLike
from typing import Any, Protocol

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from ._batches import as_sequence, to_array
from ._math.color import luminance
from ._math.mirroring import fill_by_mirroring

__all__ = [
    "Image",
    "ImageLayout",
    "Pictures",
    "Stacked",
    "StoredImage",
    "as_images",
    "stored_images",
    "to_channels",
    "to_unit",
]

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
class StoredImage:
    """An image in its own dtype, which gives its colours as floats, some rows at a time, and takes a picture's.

    Attributes
    ----------
    values : ndarray (H, W, C)
        As it came, with alpha if it has one.
    is_flat : bool
        Whether it came without an axis of channels.
    filled : ndarray (H, W, 1) or (H, W, 3) or None
        Colours where alpha hides some: there the image is mirrored at what can be seen.
    """

    values: NDArray[Any]
    is_flat: bool
    filled: Image | None = None

    @classmethod
    def of(cls, array: NDArray[Any]) -> "StoredImage":
        """An array (H, W) or (H, W, C) whose shape and values have been checked."""
        image = cls(np.atleast_3d(array), array.ndim == 2)
        hidden = image._hidden(slice(None))
        if hidden is None or not hidden.any():
            return image
        return replace(image, filled=fill_by_mirroring(image._colors(slice(None)), hidden[..., 0]))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels, without alpha."""
        return self.values.shape[0], self.values.shape[1], 1 if self.values.shape[2] < 3 else 3

    @property
    def seen(self) -> tuple[slice, slice]:
        """Rows and columns that hold all that can be seen of it; empty where that is nothing."""
        if self.filled is None:
            return slice(None), slice(None)
        is_seen = ~np.asarray(self._hidden(slice(None)))[..., 0]
        rows, columns = (np.flatnonzero(is_seen.any(axis=axis)) for axis in (1, 0))
        return (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)) if len(rows) else (slice(0), slice(0))

    def rows(self, start: int, stop: int) -> Image:
        """Colours (stop - start, W, C) in [0, 1], C = 1 or 3."""
        rows = slice(start, stop)
        return self._colors(rows) if self.filled is None else self.filled[rows]

    def whole(self) -> Image:
        """All colours (H, W, C) in [0, 1]."""
        return self.rows(0, len(self.values))

    def blank(self, size: tuple[int, ...] | None = None) -> NDArray[Any]:
        """Room for a picture in the form of the image, of its size or of another one."""
        channels = () if self.is_flat else self.values.shape[2:]
        return np.empty((*(size or self.shape[:2]), *channels), self.values.dtype)

    def put(self, target: NDArray[Any], start: int, colors: Image) -> None:
        """Write rows (n, W, C) of a picture in the form of the image: in its channels, its dtype and with its alpha."""
        rows = slice(start, start + len(colors))
        colors = to_channels(colors, self.shape[2])
        hidden = None if self.filled is None else self._hidden(rows)
        if hidden is not None:
            colors = np.where(hidden, self._colors(rows), colors)
        alpha = self._alpha(rows)
        values = np.concatenate([colors] if alpha is None else [colors, alpha], axis=2).clip(0.0, 1.0)
        target[rows] = _from_unit(values[..., 0] if self.is_flat else values, self.values.dtype)

    def restore(self, image: Image) -> NDArray[Any]:
        """A picture (H, W, C) in the form of the image."""
        target = self.blank(image.shape[:2])
        self.put(target, 0, image)
        return target

    def _colors(self, rows: slice) -> Image:
        return _to_unit(self.values[rows, :, : self.shape[2]])

    def _alpha(self, rows: slice) -> Image | None:
        return _to_unit(self.values[rows, :, -1:]) if self.values.shape[2] in (2, 4) else None

    def _hidden(self, rows: slice) -> NDArray[np.bool_] | None:
        """Where it cannot be seen, (n, W, 1); None if it has no alpha."""
        alpha = self._alpha(rows)
        return None if alpha is None else alpha < _LEAST_ALPHA


@dataclass(frozen=True)
class ImageLayout:
    """The layout of a batch of images: one array or a list, and how each image was stored."""

    stacked: bool
    sources: tuple[StoredImage, ...]

    @property
    def seen(self) -> list[tuple[slice, slice]]:
        """Rows and columns of each image that hold all that can be seen of it; empty where that is nothing."""
        return [source.seen for source in self.sources]

    def restore(self, images: Sequence[Image]) -> Any:
        """Give ``images`` the container, channels, alpha and dtype of the original batch.

        Parameters
        ----------
        images : sequence of (H, W, C) float32 arrays in [0, 1]
            One for each image of the original batch, of the original height and width.

        Returns
        -------
        images : ndarray (n, H, W[, C]) or list of ndarray (H, W[, C])
        """
        return self.gathered([source.restore(image) for source, image in zip(self.sources, images, strict=True)])

    def gathered(self, pictures: Sequence[NDArray[Any]]) -> Any:
        """Give pictures in the form of their images the container of the original batch."""
        return np.stack(pictures) if self.stacked else list(pictures)


def stored_images(X: Any, *, name: str = "X") -> ImageLayout:
    """Validate a batch of images, as :func:`as_images` does; none is converted yet."""
    items = as_sequence(X, name)
    if len(items) == 0:
        raise ValueError(f"{name} holds no images; expected at least one (H, W) or (H, W, C) array.")
    sources = tuple(StoredImage.of(_checked(item, f"image {i} of {name}")) for i, item in enumerate(items))
    return ImageLayout(isinstance(X, np.ndarray) and X.dtype != object, sources)


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
    layout = stored_images(X, name=name)
    return [source.whole() for source in layout.sources], layout


def to_channels(image: Image, n_channels: int) -> Image:
    """Convert an image (H, W, C) to 1 channel (its luminance) or 3 (grey repeated)."""
    if image.shape[2] == n_channels:
        return image
    return luminance(image) if n_channels == 1 else np.repeat(image, 3, axis=2)


def to_unit(array: NDArray[Any], name: str) -> Image:
    """Floats in [0, 1] from the values of an image of any dtype that images have; others are refused by name."""
    _check_values(array, name)
    return _to_unit(array)


def _checked(item: Any, name: str) -> NDArray[Any]:
    """One image as an array of the machine's own byte order, of a shape, a dtype and values that an image has."""
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
    _check_values(array, name)
    return array


def _check_values(array: NDArray[Any], name: str) -> None:
    if array.dtype == bool or array.dtype in _INTEGER_RANGE:
        return
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


def _to_unit(values: NDArray[Any]) -> Image:
    """Floats in [0, 1] from uint8, uint16, bool or float values."""
    if values.dtype in _INTEGER_RANGE:
        return values.astype(np.float32, order="C") / np.float32(_INTEGER_RANGE[values.dtype])
    floats = values.astype(np.float32, order="C")
    return floats if values.dtype == bool else floats.clip(0.0, 1.0)


def _from_unit(values: Image, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Invert :func:`_to_unit`, rounding to the nearest level of an integer dtype."""
    if dtype == bool:
        return values >= 0.5
    if dtype in _INTEGER_RANGE:
        return np.rint(values * _INTEGER_RANGE[dtype]).astype(dtype)
    return values.astype(dtype)
