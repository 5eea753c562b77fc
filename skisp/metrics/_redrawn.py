"""How much of a result was drawn anew, rather than retouched."""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from .._images import Image
from .._math.color import luminance
from .._threads import one_thread
from ._color_match import match_histograms, transfer_distribution
from ._working import as_tensor, bands_between, box_mean, pyramid, resize, shape_of, working_images

__all__ = ["Bands", "luminance_bands", "redrawn_share", "retouched_bands", "share_not_explained"]

Bands = list[torch.Tensor]

_N_BANDS = 3
_MIN_LEVEL_SIDE = 8
_WINDOW = 9
_STRIDE = 4
# The squared rounding of 8 bits: a band with less must not be explained by, or explain, anything.
_ROUNDING = (1 / 255) ** 2


def redrawn_share(content: NDArray[Any], style: NDArray[Any], result: NDArray[Any]) -> float:
    """Share of the result's local contrast that no retouching of the content explains.

    Retouching changes pixels where they are: it recolours, brightens, sharpens, or fades another
    picture in. Within a small window the luminance y of such a result is nearly a linear
    combination of the content's, of the same blurred (3x3 means), of the content's with the style's
    histograms or its joint distribution of colours, and of the style's at the same place. The figure
    is the energy of what is left by the least squares fit of y to these five, over the energy of y,
    both summed over all 9x9 windows (a grid of step 4) of the three finest Laplacian bands. The
    result and the style are resized to the content.

    Parameters
    ----------
    content, style, result : ndarray (H, W) or (H, W, C), C = 1 to 4, uint8 or float in [0, 1]
        Sizes may differ; 16 px on the short side at least. What alpha hides plays no part.

    Returns
    -------
    share : float in [0, 1]
        0 for the content, recolourings of it and the style itself; near 1 for noise and other
        pictures; also 0 for a flat result, which has no contrast.

    Raises
    ------
    ValueError
        If an argument is not an image or is smaller than 16 px.

    Notes
    -----
    Says nothing of *what* was drawn: noise is new as well. It is a factor of
    :func:`propagation_score`, beside the style gained and the content kept.

    Examples
    --------
    >>> import numpy as np
    >>> from skisp.metrics import redrawn_share
    >>> rng = np.random.default_rng(0)
    >>> content, style, other = rng.random((3, 64, 64, 3))
    >>> redrawn_share(content, style, 0.2 + 0.6 * content) < 0.02
    True
    >>> redrawn_share(content, style, 0.7 * content + 0.3 * style) < 0.2
    True
    >>> redrawn_share(content, style, other) > 0.9
    True
    """
    content, style, result = working_images(content=content, style=style, result=result)
    recoloured = [recolour(content, style) for recolour in (match_histograms, transfer_distribution)]
    explaining = retouched_bands(content, recoloured, style)
    return share_not_explained(luminance_bands(resize(result, shape_of(content))), explaining)


def retouched_bands(content: Image, recoloured: list[Image], style: Image) -> list[Bands]:
    """Bands of what a retouching is made of: content, blurred and recoloured content, and the style in place."""
    images = [content, box_mean(content, 3), *recoloured, resize(style, shape_of(content))]
    return [luminance_bands(image) for image in images]


def luminance_bands(image: Image) -> Bands:
    """The finest Laplacian bands (1, 1, H, W) of an image's luminance, float64."""
    bands, _ = bands_between(pyramid(luminance(image), _N_BANDS + 1, _MIN_LEVEL_SIDE))
    return [as_tensor(band).double() for band in bands]


def share_not_explained(result: Bands, explaining: list[Bands]) -> float:
    """Energy left by local linear fits over the energy there was, of all bands together; 0 where there is none."""
    with one_thread():
        energies = [_energies(band, torch.cat(others, 1)) for band, *others in zip(result, *explaining, strict=True)]
    left, total = np.sum(energies, axis=0)
    return float(np.clip(left / total, 0.0, 1.0)) if total > _ROUNDING else 0.0


def _energies(y: torch.Tensor, x: torch.Tensor) -> tuple[float, float]:
    """Mean over windows of |y - X b|^2, b of least squares, and of |y|^2, for y (1, 1, H, W) and X (1, p, H, W)."""
    n = x.shape[1]
    pairs = torch.cat([x.repeat_interleave(n, 1) * x.repeat(1, n, 1, 1), x * y, y * y], 1)
    window = min(_WINDOW, *y.shape[2:])
    means = F.avg_pool2d(pairs, window, stride=_STRIDE)[0].flatten(1).T
    xx, xy, yy = means[:, : n * n].reshape(-1, n, n), means[:, n * n : -1, None], means[:, -1]
    b = torch.linalg.solve(xx + _ROUNDING * torch.eye(n, dtype=xx.dtype), xy)
    return float((yy - (xy * b).sum((1, 2))).mean()), float(yy.mean())
