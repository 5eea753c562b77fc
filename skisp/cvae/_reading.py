"""What a user passes as ``X``, read as validated float32 rows, a slice at a time."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from .._base import flatten_images
from .._chunks import chunk_sizes

__all__ = ["RowSource", "read_rows", "row_source"]


@dataclass(frozen=True)
class RowSource:
    """Rows (n, D) that are validated as they are read.

    Attributes
    ----------
    estimator : CVAETransformer
        Whose ``n_features_in_`` and likelihood the rows must fit.
    data : array-like
        Validated rows, or something to slice where ``in_memory`` is False.
    n_rows, n_features : int
    image_shape : tuple of int or None
        (H, W) or (H, W, C), or None where the data came as rows.
    in_memory : bool
    """

    estimator: BaseEstimator
    data: Any
    n_rows: int
    n_features: int
    image_shape: tuple[int, ...] | None
    in_memory: bool

    def __len__(self) -> int:
        return self.n_rows

    @property
    def rows_a_block(self) -> int:
        """Rows held at once."""
        return self.n_rows if self.in_memory else max(1, chunk_sizes.block_bytes // (4 * self.n_features))

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """Rows ``start:stop`` as a C-ordered float32 array."""
        if self.in_memory:
            rows: NDArray[np.float32] = self.data[start:stop]
            return rows
        return read_rows(self.estimator, self.data[start:stop], reset=False)


def row_source(estimator: BaseEstimator, X: Any, *, reset: bool) -> RowSource:
    """Validate ``X``, whole if it is in memory, else its first row now and all of them as they are read."""
    if not _is_read_by_slices(X):
        flat, image_shape = flatten_images(X)
        rows = read_rows(estimator, flat, reset=reset)
        return RowSource(estimator, rows, len(rows), rows.shape[1], image_shape, in_memory=True)
    shape = tuple(X.shape)
    if not all(side == side and side is not None for side in shape):  # Dask has NaN where it has not computed yet
        raise ValueError(
            f"X has the shape {shape}, of which a part is unknown. Make it known, for a Dask array with "
            "X.compute_chunk_sizes()."
        )
    read_rows(estimator, X[:1], reset=reset)
    image_shape = tuple(int(side) for side in shape[1:]) if 2 < len(shape) < 5 else None
    return RowSource(estimator, X, int(shape[0]), math.prod(shape[1:]), image_shape, in_memory=False)


def read_rows(estimator: BaseEstimator, X: Any, *, reset: bool) -> NDArray[np.float32]:
    """Rows or images as validated rows (n, D); the values are in the likelihood's range."""
    if _slices(X):
        X = np.asarray(X)
    rows: NDArray[np.float32] = validate_data(estimator, flatten_images(X)[0], dtype=np.float32, order="C", reset=reset)
    if getattr(estimator, "likelihood", None) == "bernoulli" and (rows.min() < 0 or rows.max() > 1):
        raise ValueError(
            f"likelihood='bernoulli' needs X in [0, 1], got values from {rows.min():.4g} to {rows.max():.4g}. "
            "Scale X, or use likelihood='collapsed'."
        )
    return rows


def _slices(X: Any) -> bool:
    """Whether ``X`` is an array of another library (Dask, HDF5, Zarr, ...)."""
    if isinstance(X, (np.ndarray, torch.Tensor)) or issparse(X) or hasattr(X, "iloc"):
        return False
    return all(hasattr(X, name) for name in ("shape", "dtype", "__getitem__")) and len(X.shape) > 1


def _is_read_by_slices(X: Any) -> bool:
    """Whether ``X`` is to be read a block at a time: a large memory map, or an array of another library."""
    if isinstance(X, np.memmap):
        return X.ndim > 1 and 4 * X.size > chunk_sizes.block_bytes
    return _slices(X)
