"""The sliced Wasserstein distance of standardised Laplacian bands: texture at any contrast and colour."""

import numpy as np
from numpy.typing import NDArray

from .._images import Image
from .._math.linalg import matrix_product
from ._style import MIN_LEVEL_SIDE, N_LEVELS, Quantiles, quantiles, sample_patches
from ._working import bands_between, pyramid

__all__ = ["band_quantiles"]

# A tenth of an 8-bit level: a band with less is rounding, not texture, and is not amplified.
_FLAT = 0.1 / 255


def band_quantiles(image: Image, filters: NDArray[np.float32]) -> Quantiles:
    """Quantiles of the projected patches of each Laplacian band, each channel of a band at mean 0, deviation 1.

    The statistics of Karras et al., "Progressive growing of GANs", ICLR 2018, arXiv:1710.10196: up to
    three bands and the remaining low-pass. A change of colour or contrast hardly moves them.
    """
    bands, low_pass = bands_between(pyramid(image, N_LEVELS, MIN_LEVEL_SIDE))
    return [quantiles(matrix_product(filters, sample_patches(_standardised(band)).T)) for band in (*bands, low_pass)]


def _standardised(band: Image) -> Image:
    mean, deviation = band.mean(axis=(0, 1), dtype=np.float64), band.std(axis=(0, 1), dtype=np.float64)
    return ((band - mean) / np.maximum(deviation, _FLAT)).astype(np.float32)
