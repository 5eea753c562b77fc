"""Which share of a content's structure is still there: each place by itself, whatever its colours and contrast."""

from typing import Any

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray

from .._images import Image
from .._torch_state import own_torch_state
from ._content import FLAT, luminance_gradients
from ._working import aligned, as_tensor, box_mean

__all__ = ["structure_kept", "structure_kept_at_scales"]

_N_SCALES = 3
_WINDOW = 7
_REGION = 48
_MIN_REGION = 8
# Share of the mean energy at which structure counts by half.
_HALF = 0.1
# What a region that has lost all still counts, so that one does not decide alone.
_LOST = 0.05


def structure_kept(content: NDArray[Any], result: NDArray[Any]) -> float:
    """Share of the content's structure that the result keeps, at three scales and in every region.

    At the working size (short side at most 256 px) and its two halvings, with a and b the gradients of
    the content's and the result's luminance as in :func:`gradient_correlation`, and sums over the 7x7
    window about a pixel u::

        q(u) = (sum a.b)^2 / (sum a.a  sum b.b)     what the window keeps
        w(u) = E / (E + mean(E) / 10),  E = sum a.a how much there is to keep

    In regions of 48x48 px (at the finest scale; they overlap by half) the mean of q with the weights w
    is r, and the regions' harmonic mean is the figure of the scale, k = 1 / mean(1 / (r + .05)) - .05,
    with the sums of w as weights. The product of the three k is returned. The result is resized to the
    content.

    A face counts as much as a skyline of its size, since w hardly grows any more where there is structure at
    all, and a face that is lost is not made up for by edges elsewhere, since a harmonic mean is ruled by
    the smallest.

    Parameters
    ----------
    content, result : ndarray (H, W) or (H, W, C), C = 1 to 4, uint8 or float in [0, 1]
        Sizes may differ; 16 px on the short side at least. What alpha hides plays no part.

    Returns
    -------
    share : float in [0, 1]
        1 for the content at any brightness and contrast, and for its negative; nearly 1 where its luminance
        is mapped by a smooth curve; about 0 for other pictures; 0 where one image is flat, 1 where both are.

    Raises
    ------
    ValueError
        If an argument is not an image or is smaller than 16 px.

    See Also
    --------
    gradient_correlation : One correlation for the whole image: the strongest edges decide.
    structure_similarity : Correlations of luminance in windows, all of one weight.

    Notes
    -----
    q is the share of the energy of b in the window that a multiple of a explains: the coefficient of determination,
    and the square of the structure term of SSIM, of gradients instead of luminances. Structure that was moved counts
    as lost.

    References
    ----------
    Wang, Simoncelli and Bovik, "Multi-scale structural similarity for image quality assessment",
    Asilomar 2003, doi:10.1109/ACSSC.2003.1292216 (scales, product); Chen, Yang and Xie, "Gradient-based structural
    similarity for image quality assessment", ICIP 2006, doi:10.1109/ICIP.2006.313132 (gradients).

    Examples
    --------
    >>> import numpy as np
    >>> from skisp.metrics import structure_kept
    >>> photo, other = np.random.default_rng(0).random((2, 64, 64, 3))
    >>> round(structure_kept(photo, 0.5 * photo + 0.2), 5), round(structure_kept(photo, 1 - photo), 5)
    (1.0, 1.0)
    >>> structure_kept(photo, other) < 0.01
    True
    """
    return float(np.prod(structure_kept_at_scales(*aligned(content, result))))


def structure_kept_at_scales(content: Image, result: Image) -> list[float]:
    """The factors of :func:`structure_kept` of two images of one working shape, the finest first."""
    gradients = (luminance_gradients(image, _N_SCALES) for image in (content, result))
    return [_kept(a, b, _REGION >> scale) for scale, (a, b) in enumerate(zip(*gradients, strict=True))]


def _kept(a: NDArray[np.float64], b: NDArray[np.float64], region: int) -> float:
    """The regions' harmonic mean for gradient fields (2, H, W)."""
    products = np.stack([(a * b).sum(axis=0), (a * a).sum(axis=0), (b * b).sum(axis=0)], axis=2)
    common, here, there = np.moveaxis(box_mean(products, min(_WINDOW, *a.shape[1:])), 2, 0)
    mean = here.mean()
    if mean < FLAT**2 or there.mean() < FLAT**2:
        return float(mean < FLAT**2 and there.mean() < FLAT**2)
    weights = here / (here + _HALF * mean)
    shares = common**2 / (here * there + FLAT**4)
    sums = _region_means(np.stack([weights, weights * shares], axis=2), max(region, _MIN_REGION))
    kept = sums[1] / np.maximum(sums[0], np.finfo(float).tiny)
    return float(np.clip(1.0 / np.average(1.0 / (kept + _LOST), weights=sums[0]) - _LOST, 0.0, 1.0))


@own_torch_state()
def _region_means(maps: Image, region: int) -> NDArray[np.float64]:
    """Means (C, n) of maps (H, W, C) over regions that overlap by half; those at the border may be smaller."""
    size = min(region, *maps.shape[:2])
    return np.asarray(
        F.avg_pool2d(as_tensor(maps), size, stride=max(size // 2, 1), ceil_mode=True)[0].flatten(1).numpy()
    )
