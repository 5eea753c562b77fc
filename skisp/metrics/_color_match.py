"""Give one image the colours of another: the recolourings a style method has to beat."""

import numpy as np
from numpy.typing import NDArray

from .._images import Image
from .._math.color import lab_to_rgb, rgb_to_lab
from .._math.gaussian import Moments, transport_matrix
from ._style import quantiles

__all__ = ["gaussian_transport", "match_histograms", "match_lab_moments", "transfer_distribution"]

Array = NDArray[np.float64]

# A thousandth squared, below the rounding of 8 bits: directions in which a picture has no colour
# must not amplify that rounding.
_RIDGE = 1e-6

_N_ROTATIONS = 8


def match_histograms(content: Image, style: Image) -> Image:
    """Content (H, W, 3) with the distribution of each RGB channel of the style, ties kept equal."""
    channels = [_match_values(content[..., i], style[..., i]) for i in range(3)]
    return np.stack(channels, axis=2).astype(np.float32)


def gaussian_transport(content: Image, style: Image) -> Array:
    """Content (H, W, 3) with the RGB mean and covariance of the style, by the Monge map; not clipped.

    y = m_s + A (x - m_c), A the transport matrix of the covariances (Pitie and Kokaram, "The linear
    Monge-Kantorovitch linear colour mapping", CVMP 2007, doi:10.1049/cp:20070055).
    """
    source, target = (Moments.of(image.reshape(-1, 3).astype(np.float64)) for image in (content, style))
    ridge = _RIDGE * np.eye(3)
    linear = transport_matrix(source.covariance + ridge, target.covariance + ridge)
    return np.asarray((content - source.mean) @ linear + target.mean)


def match_lab_moments(content: Image, style: Image) -> Image:
    """Content (H, W, 3) with the mean and standard deviation of each CIELAB channel of the style, clipped.

    Reinhard et al., "Color transfer between images", IEEE CG&A 2001, doi:10.1109/38.946629, in
    CIELAB in place of their l-alpha-beta.
    """
    source, target = rgb_to_lab(content), rgb_to_lab(style)
    scale = target.std(axis=(0, 1)) / np.maximum(source.std(axis=(0, 1)), 1e-3)
    matched = (source - source.mean(axis=(0, 1))) * scale + target.mean(axis=(0, 1))
    return lab_to_rgb(matched).astype(np.float32)


def transfer_distribution(content: Image, style: Image) -> Image:
    """Content (H, W, 3) with nearly the style's joint distribution of colours, clipped.

    The quantiles of the colours along the axes of one random rotation of the RGB space after another
    are moved to the style's (Pitie, Kokaram and Dahyot, "N-dimensional probability density function
    transfer and its application to colour transfer", ICCV 2005, doi:10.1109/ICCV.2005.166).
    """
    rng = np.random.RandomState(0)
    moved, target = content.reshape(-1, 3), style.reshape(-1, 3)
    for _ in range(_N_ROTATIONS):
        axes = np.linalg.qr(rng.standard_normal((3, 3)))[0].astype(np.float32)
        rotated, wanted = moved @ axes, target @ axes
        moved = np.stack([_match_quantiles(rotated[:, i], wanted[:, i]) for i in range(3)], axis=1) @ axes.T
    return moved.reshape(content.shape).astype(np.float32).clip(0.0, 1.0)


def _match_quantiles(values: Image, target: Image) -> Image:
    return np.interp(values, *quantiles(np.stack([values])), *quantiles(np.stack([target]))).astype(np.float32)


def _match_values(values: Image, target: Image) -> Array:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - 0.5 * counts) / values.size
    target_ranks = (np.arange(target.size) + 0.5) / target.size
    return np.interp(ranks, target_ranks, np.sort(target, axis=None))[inverse].reshape(values.shape)
