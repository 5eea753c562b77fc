"""The Frechet distance of local descriptors: which texture goes with which colour."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from .._images import Image
from .._math.gaussian import Moments, gaussian_distance
from .._math.linalg import matrix_product
from .._threads import one_thread
from ._style import PATCH, RandomState
from ._whitening import Matrix, random_filters, texture_patches, whitening, zca
from ._working import as_tensor, pyramid, working_images

__all__ = ["StyleDescriptors", "frechet_style_distance"]

N_FILTERS = 48
_N_LEVELS = 2
# A smaller level has too few windows for a covariance of 51 numbers.
_MIN_LEVEL_SIDE = 32
_WINDOW = 8


def frechet_style_distance(
    style: NDArray[Any], result: NDArray[Any], *, n_filters: int = N_FILTERS, random_state: RandomState = 0
) -> float:
    """Frechet distance between the local descriptors of two images: texture and colour jointly.

    A descriptor is what an 8x8 window shows on average: its RGB colour, and the square roots of the mean
    magnitudes ``|w_k Z (x - m)|`` of its 7x7 patches x under random filters whitened by the style, as in
    :func:`random_gram_distance`. (By the roots a few strong edges do not outweigh the texture of all the
    rest.) Descriptors are whitened by the style's, and their means and covariances compared,
    ``d^2 = |m_s - m_y|^2 + tr(C_s + C_y - 2 (C_s^1/2 C_y C_s^1/2)^1/2)``, at the working size
    (:func:`style_distance`) and half of it; the figure is the mean of d. Unlike distances of patches it
    sees where textures lie: on which colours, and beside which others.

    Parameters
    ----------
    style, result : ndarray (H, W) or (H, W, C), C = 1 to 4, uint8 or float in [0, 1]
        Sizes may differ; 16 px on the short side at least. What alpha hides plays no part.
    n_filters : int, default=48
        Filters of each level.
    random_state : int, RandomState instance or None, default=0
        Draws the filters.

    Returns
    -------
    distance : float in [0, inf)
        0 for equal images. In standard deviations of the style's descriptors, over all their
        ``n_filters + 3`` dimensions. Not symmetric: the style whitens.

    Raises
    ------
    ValueError
        If an argument is not an image or is smaller than 16 px, or ``n_filters`` is below 1.

    References
    ----------
    Heusel et al., "GANs trained by a two time-scale update rule converge to a local Nash
    equilibrium", NIPS 2017, arXiv:1706.08500 (the distance); Shaham, Dekel and Michaeli, "SinGAN",
    ICCV 2019, arXiv:1905.01164 (within single images, with features of a trained network).

    Examples
    --------
    >>> import numpy as np
    >>> from skisp.metrics import frechet_style_distance
    >>> rng = np.random.default_rng(0)
    >>> grain = rng.random((64, 64, 3))
    >>> round(frechet_style_distance(grain, grain), 6)
    0.0
    >>> flat = np.full((64, 64, 3), 0.5)
    >>> frechet_style_distance(grain, rng.random((64, 64, 3))) < 0.5 * frechet_style_distance(grain, flat)
    True
    """
    style, result = working_images(style=style, result=result)
    return float(np.mean(StyleDescriptors.of(style, n_filters, random_state).distances(result)))


@dataclass(frozen=True)
class StyleDescriptors:
    """What the distance needs of a style, for any number of results."""

    levels: list["_Level"]

    @classmethod
    def of(cls, style: Image, n_filters: int = N_FILTERS, random_state: RandomState = 0) -> "StyleDescriptors":
        filters = random_filters(n_filters, random_state)
        return cls([_Level.of(level, filters) for level in pyramid(style, _N_LEVELS, _MIN_LEVEL_SIDE)])

    def of_part(self, part: Image) -> "StyleDescriptors":
        """The same filters and whitening, but distances to a part of the style, of its scale."""
        levels = zip(self.levels, pyramid(part, len(self.levels), 1), strict=True)
        return StyleDescriptors([level.of_part(image) for level, image in levels])

    def distances(self, result: Image) -> NDArray[np.float64]:
        """The distance to ``result``, at each level of the style; both of one scale."""
        levels = zip(self.levels, pyramid(result, len(self.levels), 1), strict=True)
        return np.array([level.distance(image) for level, image in levels])


@dataclass(frozen=True)
class _Level:
    weight: torch.Tensor
    """Whitened filters (n, 3, 7, 7), blind to the mean of a channel."""
    bias: torch.Tensor
    window: int
    whitening: Matrix
    moments: Moments
    """Of the style's descriptors, whitened."""

    @classmethod
    def of(cls, style: Image, filters: Matrix) -> "_Level":
        weight, bias = _convolution(style, filters)
        window = min(_WINDOW, min(style.shape[:2]) // 2)
        moments = Moments.of(_descriptors(style, weight, bias, window))
        whitens = whitening(moments.covariance)
        return cls(weight, bias, window, whitens, _whitened(moments, whitens))

    def of_part(self, part: Image) -> "_Level":
        return replace(self, moments=self._moments_of(part))

    def distance(self, image: Image) -> float:
        return gaussian_distance(self.moments, self._moments_of(image))

    def _moments_of(self, image: Image) -> Moments:
        return _whitened(Moments.of(_descriptors(image, self.weight, self.bias, self.window)), self.whitening)


def _whitened(moments: Moments, whitens: Matrix) -> Moments:
    """Moments of the rows once they are multiplied by a symmetric matrix."""
    return Moments(moments.mean @ whitens, whitens @ moments.covariance @ whitens)


def _convolution(style: Image, filters: Matrix) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight and bias of x -> w Z (x - m), m and Z of the style's patches less their channels' means."""
    patches = texture_patches(style)
    mean = patches.mean(axis=0, dtype=np.float64)
    whitened = matrix_product(filters, zca(patches - mean)).reshape(len(filters), PATCH * PATCH, 3)
    whitened -= whitened.mean(axis=1, keepdims=True)
    bias = -whitened.reshape(len(filters), -1) @ mean
    weight = whitened.reshape(-1, PATCH, PATCH, 3).transpose(0, 3, 1, 2)
    return torch.from_numpy(weight).float().contiguous(), torch.from_numpy(bias).float()


def _descriptors(image: Image, weight: torch.Tensor, bias: torch.Tensor, window: int) -> Matrix:
    """Roots of mean magnitudes, and mean colours, (n, n_filters + 3) of windows that overlap by half."""
    pixels = as_tensor(image)
    with one_thread():
        magnitudes = F.conv2d(F.pad(pixels, (PATCH // 2,) * 4, mode="reflect"), weight, bias).abs_()
        magnitudes, colours = (F.avg_pool2d(x, window, stride=window // 2) for x in (magnitudes, pixels))
        descriptors = torch.cat([magnitudes.sqrt_(), colours], 1)
        return np.asarray(descriptors[0].flatten(1).T.double().numpy())
