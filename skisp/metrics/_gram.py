"""Second moments of random filter responses: a style figure that no patch-matching method optimises."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._math.linalg import matrix_product
from ._style import N_LEVELS, RandomState
from ._whitening import Matrix, random_filters, texture_patches, zca
from ._working import pyramid, working_images

__all__ = ["random_gram_distance"]

# A level needs more patches than a patch has values (147), or whitening fits its sampling noise.
_MIN_LEVEL_SIDE = 24


def random_gram_distance(
    style: NDArray[Any], result: NDArray[Any], *, n_filters: int = 128, random_state: RandomState = 0
) -> float:
    """Distance between the Gram matrices of rectified random filter responses of two images.

    With x a 7x7 RGB patch less its mean in each channel (colour has its own figure,
    :func:`color_distance`), m and Z the mean and ZCA whitening of the style's patches and w_k random
    unit vectors, F_k = max(0, w_k Z (x - m)) and G = mean of F F^T over patches. The distance is
    ||G_style - G_result|| / (||G_style|| + ||G_result||) in Frobenius norm, averaged over four
    levels, halving, so the filters span 7 to 56 px of the working size (:func:`style_distance`).

    Parameters
    ----------
    style, result : ndarray (H, W) or (H, W, C), C = 1 to 4, uint8 or float in [0, 1]
        Sizes may differ; 16 px on the short side at least. What alpha hides plays no part.
    n_filters : int, default=128
        Filters of each level.
    random_state : int, RandomState instance or None, default=0
        Draws the filters.

    Returns
    -------
    distance : float in [0, 1]
        0 for equal images. Not symmetric: the style whitens.

    Raises
    ------
    ValueError
        If an argument is not an image or is smaller than 16 px, or ``n_filters`` is below 1.

    References
    ----------
    Ustyuzhaninov et al., "Texture synthesis using shallow convolutional networks with random
    filters", 2016, arXiv:1606.00021; He, Wang and Hopcroft, "A powerful generative model using
    random weights for the deep image representation", NIPS 2016, arXiv:1606.04801.

    Examples
    --------
    >>> import numpy as np
    >>> from skisp.metrics import random_gram_distance
    >>> rng = np.random.default_rng(0)
    >>> grain = rng.random((64, 64, 3))
    >>> random_gram_distance(grain, grain)
    0.0
    >>> random_gram_distance(grain, rng.random((64, 64, 3))) < 0.2
    True
    >>> random_gram_distance(grain, np.full((64, 64, 3), 0.5)) > 0.8
    True
    """
    style, result = working_images(style=style, result=result)
    filters = random_filters(n_filters, random_state)
    levels = zip(
        pyramid(style, N_LEVELS, _MIN_LEVEL_SIDE),
        pyramid(result, N_LEVELS, _MIN_LEVEL_SIDE),
        strict=True,
    )
    return float(np.mean([_level_distance(texture_patches(s), texture_patches(r), filters) for s, r in levels]))


def _level_distance(style: NDArray[np.float32], result: NDArray[np.float32], filters: Matrix) -> float:
    mean = style.mean(axis=0, dtype=np.float64)
    whitened = matrix_product(filters, zca(style - mean)).astype(np.float32)
    style_gram, result_gram = (
        _gram(matrix_product((x - mean).astype(np.float32), whitened.T)) for x in (style, result)
    )
    size = _norm(style_gram) + _norm(result_gram)
    return _norm(style_gram - result_gram) / size if size > 0 else 0.0


def _norm(matrix: Matrix) -> float:
    """Frobenius norm; numpy's own leaves the sum to BLAS, whose bits depend on the threads."""
    return float(np.sqrt(np.square(matrix).sum()))


def _gram(responses: NDArray[np.float32]) -> Matrix:
    rectified = responses.clip(0.0)
    return np.asarray(matrix_product(rectified.T, rectified) / np.float32(len(rectified)), dtype=np.float64)
