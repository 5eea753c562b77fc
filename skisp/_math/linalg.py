"""Matrix products, eigenvectors and powers whose bits do not depend on the number of threads."""

from typing import Any

import torch
from torch import Tensor

from .._threads import one_thread

__all__ = ["eigenvectors", "matrix_product", "symmetric_power"]


def matrix_product(a: Any, b: Any) -> Any:
    """Product of two matrices, arrays or tensors, whose bits do not depend on the number of threads, as BLAS's do."""
    with one_thread():
        return a @ b if isinstance(a, Tensor) else (torch.from_numpy(a) @ torch.from_numpy(b)).numpy()


def eigenvectors(matrix: Any) -> tuple[Any, Any]:
    """Eigenvalues (d,), not below 0, and eigenvectors (d, d), in columns, of a symmetric matrix, array or tensor."""
    with one_thread():
        values, vectors = torch.linalg.eigh(torch.as_tensor(matrix))
    values.clamp_min_(0.0)
    return (values, vectors) if isinstance(matrix, Tensor) else (values.numpy(), vectors.numpy())


def symmetric_power(matrix: Any, power: float) -> Any:
    """``matrix ** power`` of a symmetric positive definite matrix, array or tensor, by its eigenvectors."""
    values, vectors = eigenvectors(matrix)
    return matrix_product(vectors * values.clip(1e-30) ** power, vectors.T)
