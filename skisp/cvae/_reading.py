"""What a user passes as ``X``, read as validated float32 rows, a slice at a time."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import validate_data

from .._batches import flatten_images
from .._chunks import chunk_sizes
from ._offset import as_float32_less, fits_float32, offset_of

__all__ = ["RowSource", "row_source"]


@dataclass(frozen=True)
class RowSource:
    """Rows (n, D) that are validated as they are read.

    Attributes
    ----------
    estimator : CVAETransformer
        Whose ``n_features_in_`` and likelihood the rows must fit.
    data : array-like
        Validated rows of any numeric type, or something to slice where ``in_memory`` is False.
    n_rows, n_features : int
    image_shape : tuple of int or None
        (H, W) or (H, W, C), or None where the data came as rows.
    in_memory : bool
    offset : ndarray (D,), float64, or None
        Subtracted from the rows before they become float32.
    """

    estimator: BaseEstimator
    data: Any
    n_rows: int
    n_features: int
    image_shape: tuple[int, ...] | None
    in_memory: bool
    offset: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return self.n_rows

    @property
    def rows_a_block(self) -> int:
        """Rows held at once."""
        return self.n_rows if self.in_memory else max(1, _block_bytes(self.data) // (4 * self.n_features))

    @property
    def is_slow(self) -> bool:
        """Whether rows are computed or decoded as they are read."""
        return not self.in_memory and not isinstance(self.data, np.memmap)

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """Rows ``start:stop``, less the offset, as a C-ordered float32 array."""
        rows = self.data[start:stop]
        if not self.in_memory:
            rows = read_rows(self.estimator, rows, reset=False)
        result = as_float32_less(rows, self.offset)
        if not fits_float32(rows.dtype):
            assert_all_finite(result, estimator_name=type(self.estimator).__name__, input_name="X")
        return result

    def centred(self, weight: NDArray[np.float64] | None) -> "RowSource":
        """The same rows less an offset of their own, if they are far from zero: that of the first block, by weights."""
        if fits_float32(self.data.dtype) or getattr(self.estimator, "likelihood", None) == "bernoulli":
            return self
        stop = min(self.rows_a_block, self.n_rows)
        block = self.data if self.in_memory else read_rows(self.estimator, self.data[:stop], reset=False)
        return replace(self, offset=offset_of(block, None if weight is None else weight[:stop]))

    def loaded(self) -> "RowSource":
        """The same rows; those in memory as one float32 array, of which all who read share the values."""
        if not self.in_memory:
            return self
        return replace(self, data=self.read(0, self.n_rows), offset=None)


def row_source(
    estimator: BaseEstimator, X: Any, *, reset: bool, offset: NDArray[np.float64] | None = None
) -> RowSource:
    """Validate ``X``, whole if it is in memory, else its first row now and all of them as they are read."""
    if not _is_read_by_slices(X):
        flat, image_shape = flatten_images(X)
        rows = read_rows(estimator, flat, reset=reset)
        return RowSource(estimator, rows, len(rows), rows.shape[1], image_shape, in_memory=True, offset=offset)
    shape = tuple(X.shape)
    if not all(side == side and side is not None for side in shape):  # Dask has NaN where it has not computed yet
        raise ValueError(
            f"X has the shape {shape}, of which a part is unknown. Make it known, for a Dask array with "
            "X.compute_chunk_sizes()."
        )
    read_rows(estimator, X[:1], reset=reset)
    image_shape = tuple(int(side) for side in shape[1:]) if 2 < len(shape) < 5 else None
    return RowSource(estimator, X, int(shape[0]), math.prod(shape[1:]), image_shape, in_memory=False, offset=offset)


def read_rows(estimator: BaseEstimator, X: Any, *, reset: bool) -> NDArray[Any]:
    """Rows or images as validated rows (n, D) of any numeric type; the values are in the likelihood's range."""
    if _slices(X):
        X = np.asarray(X)
    rows: NDArray[Any] = validate_data(estimator, flatten_images(X)[0], dtype=_numeric_dtype(X), reset=reset)
    if getattr(estimator, "likelihood", None) == "bernoulli":
        _check_probabilities(rows)
    return rows


def _numeric_dtype(X: Any) -> Any:
    """What scikit-learn is to make of ``X``: numbers as they are, and float64 of anything else."""
    kind = getattr(getattr(X, "dtype", None), "kind", "f")  # frames and tensors have none
    return np.float64 if isinstance(X, (list, tuple)) or kind not in "biuf" else "numeric"


def _check_probabilities(rows: NDArray[Any]) -> None:
    least, greatest = np.float32(rows.min()), np.float32(rows.max())  # what rounding puts above 1 is 1
    if least < 0 or greatest > 1:
        raise ValueError(
            f"likelihood='bernoulli' needs X in [0, 1], got values from {least:.4g} to {greatest:.4g}. "
            "Scale X, or use likelihood='collapsed'."
        )


def _slices(X: Any) -> bool:
    """Whether ``X`` is an array of another library (Dask, HDF5, Zarr, ...)."""
    if isinstance(X, (np.ndarray, torch.Tensor)) or issparse(X) or hasattr(X, "iloc"):
        return False
    return all(hasattr(X, name) for name in ("shape", "dtype", "__getitem__")) and len(X.shape) > 1


def _is_read_by_slices(X: Any) -> bool:
    """Whether ``X`` is to be read a block at a time: a large memory map, or an array of another library."""
    if isinstance(X, np.memmap):
        return X.ndim > 1 and 4 * X.size > _block_bytes(X)
    return _slices(X)


def _block_bytes(X: Any) -> int:
    """Bytes of float32 values of ``X`` that are held at once."""
    in_chunks = getattr(X, "chunks", None) is not None  # as Dask, HDF5 and Zarr say it
    return chunk_sizes.block_bytes if in_chunks else min(chunk_sizes.block_bytes, chunk_sizes.row_bytes)
