"""What a batch of images may come in: arrays, lists, columns of tables, and images of other libraries."""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import singledispatch
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["as_sequence", "flatten_images", "to_array"]


@singledispatch
def to_array(image: Any) -> NDArray[Any]:
    """Convert anything that is an image to an array (H, W) or (H, W, C), the one door for all.

    Images of other libraries are not always what their pixels say (palettes, orientation, CMYK); so who knows
    how to read them registers a function for their class, as skisp.io does for Pillow's.
    """
    return np.asarray(image)


def as_sequence(X: Any, name: str) -> Sequence[Any]:
    """The items of a batch: an array of three or four axes, or a list of whatever a list, a column or its like holds.

    Raises
    ------
    TypeError, ValueError
        If ``X`` is a single item, or has no order or no length, or has several columns.
    """
    if isinstance(X, Iterator):
        raise TypeError(f"{name} is a {type(X).__name__}, which can be read once only; make it a list: list({name}).")
    is_path = isinstance(X, (str, bytes, PathLike))
    if is_path or isinstance(X, Mapping) or not all(hasattr(X, method) for method in ("__len__", "__getitem__")):
        raise TypeError(
            f"{name} must be an array (n, H, W[, C]) or a list of (H, W[, C]) arrays, got {type(X).__name__}. "
            + (
                "Read files first, for instance with skisp.ImageReader."
                if is_path
                else "Put an image in a list: [image]."
            )
        )
    shape = getattr(X, "shape", None)
    if shape is None:
        return list(X)
    if _holds_objects(X):
        return _column(X, name) if len(shape) == 2 else list(X)
    if len(shape) == 2 or (len(shape) == 3 and 0 < shape[2] <= 4 < shape[0]):
        raise ValueError(f"{name} looks like a single image of shape {tuple(shape)}; put it in a list: [image].")
    if len(shape) not in (3, 4):
        raise ValueError(f"{name} has shape {tuple(shape)}; expected (n, H, W) or (n, H, W, C).")
    batch: Sequence[Any] = np.asarray(X)  # type: ignore[assignment]
    return batch


def flatten_images(X: Any) -> tuple[Any, tuple[int, ...] | None]:
    """Flatten images (n, H, W[, C]), an array or a list of them, to rows (n, H * W * C); leave anything else as it is.

    Returns
    -------
    X : array-like
    image_shape : tuple of int or None
        (H, W) or (H, W, C), or None where ``X`` came as rows.

    Raises
    ------
    ValueError
        If images in a list differ in shape or type.
    TypeError
        If ``X`` can be read once only.
    """
    if isinstance(X, Iterator) or _lists_images(X):
        X = _stacked([to_array(item) for item in as_sequence(X, "X")])
    shape: tuple[int, ...] = getattr(X, "shape", ())
    if not 2 < len(shape) < 5:
        return X, None
    # No -1: it is ambiguous where there are no images.
    return X.reshape(shape[0], math.prod(shape[1:])), tuple(int(side) for side in shape[1:])


def _lists_images(X: Any) -> bool:
    shape = getattr(X, "shape", None)
    is_list = isinstance(X, (list, tuple)) if shape is None else len(shape) == 1 and _holds_objects(X)
    return is_list and len(X) > 0 and np.ndim(next(iter(X))) in (2, 3)


def _stacked(images: list[NDArray[Any]]) -> NDArray[Any]:
    first = images[0]
    for i, image in enumerate(images):
        if (image.shape, image.dtype) != (first.shape, first.dtype):
            raise ValueError(
                f"image {i} of X has shape {image.shape} and dtype {image.dtype}, image 0 {first.shape} and "
                f"{first.dtype}; whole images are coded as rows, which needs all of one shape and dtype. "
                "Crop or resize them to one, or code them patch by patch with PatchTransformer."
            )
    return np.stack(images)


def _holds_objects(X: Any) -> bool:
    """Whether an array, a column or a table holds texts or other objects, such as paths or images, not numbers."""
    return np.asarray(X[:1]).dtype.kind in "OSU"


def _column(X: Any, name: str) -> list[Any]:
    """The items of a table's only column."""
    if X.shape[1] != 1:
        raise ValueError(f"{name} has {X.shape[1]} columns; give the one that holds the images or their paths.")
    return list(X[X.columns[0]] if hasattr(X, "columns") else X[:, 0])
