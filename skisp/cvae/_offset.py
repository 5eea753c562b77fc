"""Numbers far from zero: what is subtracted in double precision before rows become float32."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._chunks import chunk_sizes

__all__ = ["as_float32_less", "fits_float32", "offset_of"]

# Float32 keeps seven digits: of numbers farther out than that, in standard deviations, four or fewer are left to tell
# them apart.
_FAR = 1e3
# Means nearer to zero are left as they are, however little their column varies: a constant picture is not far out.
_LEAST_FAR = 1e3


def fits_float32(dtype: Any) -> bool:
    """Whether numbers of a dtype are float32 without loss: their digits are gone, or they have few."""
    kind, size = getattr(dtype, "kind", None), getattr(dtype, "itemsize", 0)
    return kind == "b" or (kind in ("i", "u") and size <= 2) or (kind == "f" and size <= 4)


def offset_of(rows: NDArray[Any], weight: NDArray[np.float64] | None = None) -> NDArray[np.float64] | None:
    r"""The offset (D,) of rows (n, D): the mean of columns that are far from zero, 0 for the others.

    Far is :math:`|m| > 1000 \max(s, 1)`, with the weighted mean m and standard deviation s of a column.

    Parameters
    ----------
    rows : ndarray (n, D)
        Finite numbers of any type.
    weight : ndarray (n,) or None
        How much each row counts; where all are 0, as in a first block, each counts the same.

    Returns
    -------
    offset : ndarray (D,), float64, or None
        None where no column is far from zero, and where the type of the rows fits float32.

    References
    ----------
    Chan, Golub & LeVeque, "Algorithms for computing the sample variance: analysis and recommendations",
    The American Statistician 1983, doi:10.1080/00031305.1983.10483115 (shifted data).
    """
    if fits_float32(rows.dtype):
        return None
    if weight is None or not weight.any():
        weight = np.ones(len(rows))
    shift = rows[int(np.argmax(weight > 0))].astype(np.float64)
    first, second = np.zeros_like(shift), np.zeros_like(shift)
    with np.errstate(over="ignore", invalid="ignore"):  # columns of infinite variance are not far from zero
        for start, stop in _pieces(rows):
            delta = rows[start:stop].astype(np.float64) - shift
            weighted = weight[start:stop, None] * delta
            first += weighted.sum(axis=0)
            second += (weighted * delta).sum(axis=0)
        first /= weight.sum()
        mean = shift + first
        deviation = np.sqrt(np.maximum(second / weight.sum() - first**2, 0))
        far = np.abs(mean) > np.maximum(_FAR * deviation, _LEAST_FAR)
    return np.where(far, mean, 0.0) if far.any() else None


def as_float32_less(rows: NDArray[Any], offset: NDArray[np.float64] | None) -> NDArray[np.float32]:
    """Rows (n, D) less the offset (D,), subtracted in float64, as C-ordered float32; the same array if it is that.

    Infinite where a number is too large for float32.
    """
    if offset is None and rows.dtype == np.float32:
        return np.ascontiguousarray(rows)
    result = np.empty(rows.shape, np.float32)
    with np.errstate(over="ignore"):
        for start, stop in _pieces(rows):
            # In pieces, so that there is no second array of doubles.
            piece = rows[start:stop]
            result[start:stop] = piece if offset is None else piece.astype(np.float64) - offset
    return result


def _pieces(rows: NDArray[Any]) -> Iterator[tuple[int, int]]:
    step = max(1, chunk_sizes.values // max(1, rows.shape[1]))
    for start in range(0, len(rows), step):
        yield start, min(start + step, len(rows))
