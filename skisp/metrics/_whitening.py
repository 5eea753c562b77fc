"""Random filters whitened by a style: every direction of its texture counts alike."""

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from .._images import Image
from .._math.linalg import eigenvectors, matrix_product
from ._style import PATCH, RandomState, sample_patches

__all__ = ["Matrix", "random_filters", "texture_patches", "whitening", "zca"]

Matrix = NDArray[np.float64]
# Share of the mean patch variance added before whitening: the style's finest directions carry
# hardly any variance, and dividing by it would leave nothing but noise.
_RIDGE = 1e-2
# Variance of a tenth of an 8-bit level, so that a flat style can be whitened as well.
_FLOOR = (0.1 / 255) ** 2


def texture_patches(image: Image) -> NDArray[np.float32]:
    """Patches (n, 147) less their mean in each channel."""
    patches = sample_patches(image).reshape(-1, PATCH * PATCH, 3)
    return np.asarray((patches - patches.mean(axis=1, keepdims=True)).reshape(len(patches), -1))


def random_filters(n_filters: int, random_state: RandomState) -> Matrix:
    """Random unit vectors (n_filters, 147)."""
    if n_filters < 1:
        raise ValueError(f"n_filters is {n_filters}; expected at least 1, for instance 128.")
    filters = check_random_state(random_state).standard_normal((n_filters, PATCH * PATCH * 3))
    return np.asarray(filters / np.linalg.norm(filters, axis=1, keepdims=True))


def zca(centred: Matrix) -> Matrix:
    """Whitening matrix E (L + ridge)^-1/2 E^T of samples with mean 0, E L E^T their covariance."""
    return whitening(matrix_product(centred.T, centred) / len(centred))


def whitening(covariance: Matrix) -> Matrix:
    """E (L + ridge)^-1/2 E^T of a covariance E L E^T."""
    values, vectors = eigenvectors(covariance)
    ridge = _RIDGE * values.mean() + _FLOOR
    return matrix_product(vectors / np.sqrt(values + ridge), vectors.T)
