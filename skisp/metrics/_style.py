"""How far a result's texture and colours are from a style's."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from .._images import Image
from .._math.linalg import matrix_product
from ._working import pyramid, shape_of, working_images

__all__ = [
    "MIN_LEVEL_SIDE",
    "N_LEVELS",
    "PATCH",
    "Quantiles",
    "RandomState",
    "color_distance",
    "patch_filters",
    "patch_quantiles",
    "quantile_distance",
    "quantiles",
    "sample_patches",
    "style_distance",
]

PATCH = 7
N_LEVELS = 4
N_QUANTILES = 512
MAX_POSITIONS = 20_000
# A 12 px level still has 36 patches; a coarser one says nothing about a distribution.
MIN_LEVEL_SIDE = 12

RandomState = int | np.random.RandomState | None
Quantiles = list[NDArray[np.float32]]


def style_distance(
    style: NDArray[Any],
    result: NDArray[Any],
    *,
    texture_only: bool = False,
    n_projections: int = 96,
    random_state: RandomState = 0,
) -> float:
    """Sliced Wasserstein-1 distance between the 7x7 RGB patches of two images, over four scales.

    Both images are first reduced to a common short side, 256 px or that of the smaller image if
    less, so that from 256 px up the distance depends little on resolution. On each of four levels,
    halving, the patches are projected on random unit vectors; the distance is the mean absolute
    difference of 512 quantiles, averaged over projections and levels. Where are more than 20 000
    patches, a fixed random choice of 20 000 stands for all.

    Parameters
    ----------
    style, result : ndarray (H, W) or (H, W, C), C = 1 to 4, uint8 or float in [0, 1]
        Sizes may differ; 16 px on the short side at least. What alpha hides plays no part.
    texture_only : bool, default=False
        Remove each channel's mean from each projection, so that neither the brightness nor the
        colour cast of a patch counts.
    n_projections : int, default=96
        Random directions; the standard error falls as one over its square root.
    random_state : int, RandomState instance or None, default=0
        Draws the directions. One integer gives one distance, whatever the images.

    Returns
    -------
    distance : float in [0, inf)
        0 for equal images; symmetric in its arguments.

    Raises
    ------
    ValueError
        If an argument is not an image or is smaller than 16 px, or ``n_projections`` is below 1.

    References
    ----------
    Heitz et al., "A sliced Wasserstein loss for neural texture synthesis", CVPR 2021,
    arXiv:2006.07229; Elnekave and Weiss, "Generating natural images with direct patch
    distributions matching", ECCV 2022, arXiv:2203.11862; Karras et al., "Progressive growing of
    GANs", ICLR 2018, arXiv:1710.10196.

    Examples
    --------
    >>> import numpy as np
    >>> from skisp.metrics import style_distance
    >>> rng = np.random.default_rng(0)
    >>> grain = rng.random((64, 64, 3))
    >>> style_distance(grain, grain)
    0.0
    >>> flat = np.full((64, 64, 3), 0.5)
    >>> style_distance(grain, rng.random((64, 64, 3))) < 0.2 * style_distance(grain, flat)
    True
    """
    style, result = working_images(style=style, result=result)
    filters = patch_filters(n_projections, texture_only=texture_only, random_state=random_state)
    return quantile_distance(patch_quantiles(style, filters), patch_quantiles(result, filters))


def color_distance(
    style: NDArray[Any], result: NDArray[Any], *, n_projections: int = 96, random_state: RandomState = 0
) -> float:
    """Sliced Wasserstein-1 distance between the RGB values of two images.

    Both images are reduced to a common short side as in :func:`style_distance`.

    Parameters
    ----------
    style, result : ndarray (H, W) or (H, W, C), C = 1 to 4, uint8 or float in [0, 1]
        Sizes may differ; 16 px on the short side at least. What alpha hides plays no part.
    n_projections : int, default=96
        Random unit vectors of the RGB space.
    random_state : int, RandomState instance or None, default=0
        Draws the vectors.

    Returns
    -------
    distance : float in [0, sqrt(3)]
        0 for equal images; symmetric in its arguments.

    Raises
    ------
    ValueError
        If an argument is not an image or is smaller than 16 px, or ``n_projections`` is below 1.

    References
    ----------
    Bonneel et al., "Sliced and Radon Wasserstein barycenters of measures", JMIV 2015,
    doi:10.1007/s10851-014-0506-3.

    Examples
    --------
    >>> import numpy as np
    >>> from skisp.metrics import color_distance
    >>> red, darker = np.zeros((32, 32, 3)), np.zeros((32, 32, 3))
    >>> red[..., 0], darker[..., 0] = 1.0, 0.5
    >>> color_distance(red, red), 0.2 < color_distance(red, darker) < 0.3
    (0.0, True)
    """
    style, result = working_images(style=style, result=result)
    directions = _unit_rows(_gaussian((n_projections, 3), random_state))
    style_values, result_values = (quantiles(matrix_product(directions, _pixels(image).T)) for image in (style, result))
    return quantile_distance([style_values], [result_values])


def patch_filters(n_projections: int, *, texture_only: bool, random_state: RandomState) -> NDArray[np.float32]:
    """Random unit vectors (n_projections, 147) of the patch space, blind to the mean of a channel or not."""
    filters = _gaussian((n_projections, PATCH * PATCH, 3), random_state)
    if texture_only:
        filters -= filters.mean(axis=1, keepdims=True)
    return _unit_rows(filters.reshape(n_projections, -1))


def patch_quantiles(image: Image, filters: NDArray[np.float32]) -> Quantiles:
    """Quantiles (n_filters, 512) of the projected patches of each level: all the distance needs of an image."""
    return [
        quantiles(matrix_product(filters, sample_patches(level).T))
        for level in pyramid(image, N_LEVELS, MIN_LEVEL_SIDE)
    ]


def quantile_distance(a: Quantiles, b: Quantiles, rows: slice = slice(None)) -> float:
    """Mean absolute difference of quantiles, i.e. the W1 distances averaged over filters and levels."""
    per_level = [np.abs(x[rows] - y[rows]).mean(dtype=np.float64) for x, y in zip(a, b, strict=True)]
    return float(np.mean(per_level))


def sample_patches(image: Image) -> NDArray[np.float32]:
    """Patches (n, 147), channel last, at all positions or a fixed choice of ``MAX_POSITIONS``."""
    height, width = (side - PATCH + 1 for side in shape_of(image))
    windows = np.lib.stride_tricks.sliding_window_view(image, (PATCH, PATCH), axis=(0, 1))
    rows, columns = np.divmod(_positions(height * width), width)
    return windows.transpose(0, 1, 3, 4, 2)[rows, columns].reshape(rows.size, -1)


@lru_cache(maxsize=32)
def _positions(n: int) -> NDArray[np.intp]:
    """Indices below n. The choice depends on n alone: equal images must be compared at equal places."""
    if n <= MAX_POSITIONS:
        return np.arange(n)
    return np.sort(np.random.RandomState(0).permutation(n)[:MAX_POSITIONS])


def quantiles(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """512 linearly interpolated quantiles of each row, on a regular grid from the minimum to the maximum."""
    ordered = np.sort(values, axis=1)
    last = values.shape[1] - 1
    grid = np.linspace(0.0, last, N_QUANTILES)
    low = np.floor(grid).astype(np.intp)
    share = (grid - low).astype(np.float32)
    return np.asarray(ordered[:, low] * (1 - share) + ordered[:, np.minimum(low + 1, last)] * share)


def _pixels(image: Image) -> NDArray[np.float32]:
    pixels = image.reshape(-1, 3)
    return np.asarray(pixels[_positions(len(pixels))])


def _gaussian(shape: tuple[int, ...], random_state: RandomState) -> NDArray[np.float32]:
    if shape[0] < 1:
        raise ValueError(f"the number of random directions is {shape[0]}; expected at least 1, for instance 96.")
    return np.asarray(check_random_state(random_state).standard_normal(shape), dtype=np.float32)


def _unit_rows(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
