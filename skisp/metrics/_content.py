"""How much of a content image's layout a result keeps, whatever its colours."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from .._images import Image
from .._math.color import luminance
from .._math.linalg import matrix_product
from .._torch_state import own_torch_state
from ._working import aligned, pyramid

__all__ = [
    "FLAT",
    "content_similarity",
    "gradient_agreement",
    "gradient_correlation",
    "luminance_gradients",
    "self_similarity",
    "self_similarity_distance",
    "structure_similarity",
]

Grid = NDArray[np.float64]

# Weights of levels 2 to 5 of the multi-scale SSIM; the finest level is left to the style.
_STRUCTURE_WEIGHTS = (0.2856, 0.3001, 0.2363, 0.1333)
_STRUCTURE_WINDOW = 7
_STRUCTURE_CONSTANT = 4.5e-4
_SELF_SIMILARITY_PATCH = 9
_GRADIENT_SCALES = 3
_BINOMIAL = np.array([1, 4, 6, 4, 1]) / 16
# A gradient of a hundredth of an 8-bit level is rounding, not an edge.
FLAT = 0.01 / 255


def structure_similarity(content: NDArray[Any], result: NDArray[Any]) -> float:
    """Structure term of the multi-scale SSIM of the luminances, without the finest scale.

    Locally (cov + k) / (std_c std_r + k) in 7x7 windows, k = 4.5e-4, averaged over the image at the
    2nd to 5th level of a pyramid that starts at a short side of at most 256 px, and over the levels
    with their MS-SSIM weights. The result is resized to the content.

    Parameters
    ----------
    content, result : ndarray (H, W) or (H, W, C), C = 1 to 4, uint8 or float in [0, 1]
        Sizes may differ; 16 px on the short side at least. What alpha hides plays no part.

    Returns
    -------
    similarity : float in [-1, 1]
        1 for equal images and for results that differ in brightness alone.

    Raises
    ------
    ValueError
        If an argument is not an image or is smaller than 16 px.

    Notes
    -----
    Where either image is flat both terms of the ratio are near k and the window counts as similar,
    so that a blank result is *not* penalised: :func:`gradient_correlation` gives it 0.

    References
    ----------
    Wang, Simoncelli and Bovik, "Multi-scale structural similarity for image quality assessment",
    Asilomar 2003, doi:10.1109/ACSSC.2003.1292216.

    Examples
    --------
    >>> import numpy as np
    >>> from skisp.metrics import structure_similarity
    >>> ramp = np.tile(np.linspace(0, 1, 64) ** 2, (64, 1))
    >>> round(structure_similarity(ramp, ramp), 6), structure_similarity(ramp, 1 - ramp) < 0
    (1.0, True)
    """
    return _structure(*aligned(content, result))


def self_similarity_distance(content: NDArray[Any], result: NDArray[Any]) -> float:
    """Distance between the self-similarities of the luminance patches of two images.

    Each 9x9 patch of the luminance (short side at most 256 px, pooled by 2) gets the feature
    [patch - mean, 3 mean - 1.5] over its norm + 1e-3; D = 1 - cosine between all patches of a grid of
    about 24 x 24, columns scaled to sum 1. The distance is the L1 difference of the two matrices,
    averaged over columns. The result is resized to the content.

    Parameters
    ----------
    content, result : ndarray (H, W) or (H, W, C), C = 1 to 4, uint8 or float in [0, 1]
        Sizes may differ; 16 px on the short side at least. What alpha hides plays no part.

    Returns
    -------
    distance : float in [0, 2]
        0 for equal images; two unrelated photographs have about 0.7.

    Raises
    ------
    ValueError
        If an argument is not an image or is smaller than 16 px.

    References
    ----------
    Kolkin, Salavon and Shakhnarovich, "Style transfer by relaxed optimal transport and
    self-similarity", CVPR 2019, arXiv:1904.12785; here on patches instead of network features.

    Examples
    --------
    >>> import numpy as np
    >>> from skisp.metrics import self_similarity_distance
    >>> ramp = np.tile(np.linspace(0, 1, 64), (64, 1))
    >>> self_similarity_distance(ramp, ramp), self_similarity_distance(ramp, ramp.T) > 0.5
    (0.0, True)
    """
    return _column_distance(*(self_similarity(image) for image in aligned(content, result)))


def gradient_correlation(content: NDArray[Any], result: NDArray[Any]) -> float:
    """Correlation of the luminance gradients of two images, the mean of three scales.

    At the working size (short side at most 256 px) and its two halvings the luminance is smoothed by
    the binomial filter [1 4 6 4 1] / 16 and differentiated; with g and h the two gradient fields the
    figure is sum g.h / sqrt(sum g.g sum h.h): Pearson's correlation of the components about zero, as
    a gradient has no offset to remove. The result is resized to the content.

    Parameters
    ----------
    content, result : ndarray (H, W) or (H, W, C), C = 1 to 4, uint8 or float in [0, 1]
        Sizes may differ; 16 px on the short side at least. What alpha hides plays no part.

    Returns
    -------
    correlation : float in [-1, 1]
        1 for equal images and for any increasing linear change of brightness, -1 for the negative;
        0 where one image is flat, 1 where both are.

    Raises
    ------
    ValueError
        If an argument is not an image or is smaller than 16 px.

    Examples
    --------
    >>> import numpy as np
    >>> from skisp.metrics import gradient_correlation
    >>> photo = np.random.default_rng(0).random((32, 32, 3))
    >>> round(gradient_correlation(photo, 0.5 * photo + 0.2), 5)
    1.0
    >>> round(gradient_correlation(photo, 1 - photo), 5)
    -1.0
    """
    return gradient_agreement(*aligned(content, result))


def content_similarity(content: NDArray[Any], result: NDArray[Any]) -> float:
    """How much of the content's layout the result keeps, one figure from three.

    The geometric mean of structure, gradient correlation and 1 - self-similarity distance, each cut
    to [0, 1], so a result must keep something by all three.

    Parameters
    ----------
    content, result : ndarray (H, W) or (H, W, C), C = 1 to 4, uint8 or float in [0, 1]
        Sizes may differ; 16 px on the short side at least. What alpha hides plays no part.

    Returns
    -------
    similarity : float in [0, 1]
        1 for equal images, 0 for a blank result.

    Raises
    ------
    ValueError
        If an argument is not an image or is smaller than 16 px.

    See Also
    --------
    structure_similarity, gradient_correlation, self_similarity_distance : The three terms.

    Examples
    --------
    >>> import numpy as np
    >>> from skisp.metrics import content_similarity
    >>> photo = np.random.default_rng(0).random((32, 32, 3))
    >>> round(content_similarity(photo, photo), 5), content_similarity(photo, np.full_like(photo, 0.5))
    (1.0, 0.0)
    """
    content, result = aligned(content, result)
    terms = (
        _structure(content, result),
        gradient_agreement(content, result),
        1.0 - _column_distance(self_similarity(content), self_similarity(result)),
    )
    return float(np.cbrt(np.prod(np.clip(terms, 0.0, 1.0))))


def _structure(content: Image, result: Image) -> float:
    """:func:`structure_similarity` of two images of one working shape."""
    n_levels = len(_STRUCTURE_WEIGHTS) + 1
    pyramids = [list(pyramid(luminance(image), n_levels, 4))[1:] for image in (content, result)]
    levels = [_local_structure(a, b) for a, b in zip(*pyramids, strict=True)]
    return float(np.average(levels, weights=_STRUCTURE_WEIGHTS[: len(levels)]))


def gradient_agreement(content: Image, result: Image) -> float:
    """:func:`gradient_correlation` of two images of one working shape."""
    return float(np.mean(gradient_correlations(content, result)))


def gradient_correlations(content: Image, result: Image, n_scales: int = _GRADIENT_SCALES) -> list[float]:
    """The correlation of the luminance gradients at each of ``n_scales`` scales, the finest first."""
    gradients = (luminance_gradients(image, n_scales) for image in (content, result))
    return [_correlation(a, b) for a, b in zip(*gradients, strict=True)]


def luminance_gradients(image: Image, n_scales: int) -> Iterator[Grid]:
    """Both components (2, H, W) of the smoothed luminance's gradient, at an image's size and its halvings."""
    return (_gradient(level) for level in pyramid(luminance(image), n_scales, 8))


@own_torch_state()
def self_similarity(image: Image) -> Grid:
    """Distances (n, n) between the luminance patches of one image, columns of sum 1."""
    grey = F.avg_pool2d(torch.from_numpy(luminance(image)).double().permute(2, 0, 1)[None], 2)
    patch = min(_SELF_SIMILARITY_PATCH, min(grey.shape[2:]) // 2)
    strides = tuple(max(1, (side - patch) // 23) for side in grey.shape[2:])
    patches = F.unfold(grey, patch, stride=strides)[0].T.numpy()
    means = patches.mean(axis=1, keepdims=True)
    features = np.concatenate([patches - means, 3 * means - 1.5], axis=1)
    features /= np.linalg.norm(features, axis=1, keepdims=True) + 1e-3
    distances = 1.0 - matrix_product(features, features.T)
    return np.asarray(distances / distances.sum(axis=0))


def _column_distance(a: Grid, b: Grid) -> float:
    """L1 difference of two self-similarities, averaged over columns."""
    return float(np.abs(a - b).sum(axis=0).mean())


def _local_structure(a: Image, b: Image) -> float:
    """Mean of (cov + k) / (std std + k) over the windows; float64 keeps equal images at 1."""
    window = min(_STRUCTURE_WINDOW, *a.shape[:2])
    x, y = (torch.from_numpy(image).double().permute(2, 0, 1)[None] for image in (a, b))
    mean_x, mean_y, xx, yy, xy = (F.avg_pool2d(t, window, stride=1) for t in (x, y, x * x, y * y, x * y))
    deviations = ((xx - mean_x**2).clamp_min(0) * (yy - mean_y**2).clamp_min(0)).sqrt()
    local = (xy - mean_x * mean_y + _STRUCTURE_CONSTANT) / (deviations + _STRUCTURE_CONSTANT)
    return float(local.mean())


def _gradient(grey: Image) -> Grid:
    """Both components (2, H, W) of the gradient of the smoothed luminance."""
    smooth: Grid = grey[..., 0].astype(np.float64)
    for axis in (0, 1):
        padded = np.pad(smooth, [(2, 2) if axis == i else (0, 0) for i in (0, 1)], mode="reflect")
        windows = np.lib.stride_tricks.sliding_window_view(padded, _BINOMIAL.size, axis=axis)
        smooth = np.asarray(windows @ _BINOMIAL)
    return np.asarray(np.gradient(smooth))


def _correlation(g: Grid, h: Grid) -> float:
    g_size, h_size = np.sqrt((g * g).mean()), np.sqrt((h * h).mean())
    if g_size < FLAT or h_size < FLAT:
        return float(g_size < FLAT and h_size < FLAT)
    return float(np.clip((g * h).mean() / (g_size * h_size), -1.0, 1.0))
