"""The first step of a pipeline: paths to arrays."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self

import PIL.Image
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags

from .._batches import as_sequence, to_array
from ._images import read_image
from ._resize import check_size, resize_longest

__all__ = ["ImageReader", "read_images", "read_item"]

_PATHS = (str, os.PathLike)


class ImageReader(TransformerMixin, BaseEstimator):
    """Read image files, so that a pipeline can start from paths.

    Stateless: ``fit`` only checks the parameters, and ``transform`` works without it.

    Parameters
    ----------
    size : int or None, default=None
        Longest side in pixels to which larger images are shrunk; smaller images are not changed.

    See Also
    --------
    skisp.io.read_image : Read one file.

    Examples
    --------
    >>> import numpy as np
    >>> from skisp.io import ImageReader
    >>> images = ImageReader(size=10).transform([np.zeros((20, 30), dtype=np.uint8)])
    >>> images[0].shape
    (7, 10)
    """

    def __init__(self, size: int | None = None) -> None:
        self.size = size

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the parameters; nothing is learnt and no file is read.

        Parameters
        ----------
        X : sequence
            Ignored.
        y : None
            Ignored.

        Returns
        -------
        self : ImageReader
            The estimator itself.

        Raises
        ------
        ValueError
            If ``size`` is not a positive integer or None.
        """
        check_size(self.size)
        return self

    if TYPE_CHECKING:  # scikit-learn's mixin has no types

        def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> list[NDArray[Any]]: ...

    def transform(self, X: Any) -> list[NDArray[Any]]:
        """Read every item.

        Parameters
        ----------
        X : sequence or iterator of paths, Pillow images or arrays, or a table with a column of them
            In any mixture. Arrays (H, W) or (H, W, C) are only shrunk, and keep their dtype.

        Returns
        -------
        images : list of ndarray (H, W) or (H, W, C)
            As :func:`skisp.io.read_image` returns them.

        Raises
        ------
        TypeError
            If ``X`` is a single item, or an item is of another kind.
        ValueError, OSError
            If ``X`` is empty or a file cannot be read; the message names the item.
        """
        return read_images(X, self.size)

    def set_output(self, *, transform: str | None = None) -> Self:
        """Do nothing, so that a pipeline's ``set_output`` reaches the other steps: images are not a table.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None, default=None
            Ignored.

        Returns
        -------
        self : ImageReader
            The estimator itself.
        """
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.no_validation = True
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


# An error is raised again as the nearest of these, with the item named: subclasses may need more than a message.
_KINDS = (FileNotFoundError, IsADirectoryError, PermissionError, OSError, TypeError, ValueError)


def read_images(X: Any, size: int | None = None, name: str = "X") -> list[NDArray[Any]]:
    """Read paths, Pillow images and arrays, as :class:`ImageReader` does; messages call the batch ``name``."""
    check_size(size)
    if isinstance(X, (str, bytes, os.PathLike, PIL.Image.Image)):
        raise TypeError(
            f"{name} must be a list of paths, Pillow images or arrays, got one {type(X).__name__}; pass [{name}]."
        )
    items = list(X) if isinstance(X, Iterator) else as_sequence(X, name)
    if len(items) == 0:
        raise ValueError(f"{name} holds no images; expected at least one path, Pillow image or array.")
    return [read_item(item, size, f"item {i} of {name}") for i, item in enumerate(items)]


def read_item(item: Any, size: int | None, name: str) -> NDArray[Any]:
    """Read one item of a batch; messages call it ``name``."""
    try:
        return read_image(item, size=size) if isinstance(item, _PATHS) else resize_longest(_checked(item), size)
    except (OSError, TypeError, ValueError) as error:
        kind = next(kind for kind in _KINDS if isinstance(error, kind))
        raise kind(f"{name}: {error}") from error


def _checked(item: Any) -> NDArray[Any]:
    array = to_array(item)
    if array.dtype.kind not in "buif":
        kind = f"an array of dtype {array.dtype}" if array is item else type(item).__name__
        raise TypeError(f"expected a path, a Pillow image or an array of numbers, got {kind}.")
    if array.ndim not in (2, 3) or 0 in array.shape:
        raise ValueError(f"an array of shape {array.shape} is not an image; expected (H, W) or (H, W, C).")
    return array
