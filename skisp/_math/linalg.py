"""Matrix products, eigenvectors and powers whose bits do not depend on the number of threads."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .._threads import one_thread

__all__ = ["eigenvectors", "matrix_product", "symmetric_power"]


def matrix_product(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """Product of two matrices whose bits do not depend on how many threads there are, as BLAS's do."""
    with one_thread():
        return np.asarray((torch.from_numpy(a) @ torch.from_numpy(b)).numpy())


def eigenvectors(matrix: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Eigenvalues, not below 0, and eigenvectors of a symmetric matrix, the same bits for any number of threads."""
    with one_thread():
        values, vectors = torch.linalg.eigh(torch.from_numpy(matrix))
    return values.clamp_min(0.0).numpy(), vectors.numpy()


def symmetric_power(matrix: Any, power: float) -> Any:
    """``matrix ** power`` of a symmetric positive definite matrix, array or tensor, by its eigenvectors."""
    linalg: Any = torch.linalg if isinstance(matrix, torch.Tensor) else np.linalg
    values, vectors = linalg.eigh(matrix)
    return (vectors * values.clip(1e-30) ** power) @ vectors.T
