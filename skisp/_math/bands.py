"""Laplacian bands: what each level of a pyramid has more than the next coarser one."""

from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["laplacian_bands"]


def laplacian_bands(levels: Iterable[Any], expand: Callable[[Any, Any], Any]) -> tuple[list[Any], Any]:
    r"""Split an image into bands of detail and the low-pass that remains below them.

    .. math:: B_i = L_i - \operatorname{expand}(L_{i+1})

    At most two levels are held at once where ``levels`` makes them as they are asked for.

    Parameters
    ----------
    levels : iterable of ndarray or Tensor
        The image and its halvings, at least the image.
    expand : callable
        ``expand(coarse, fine)`` gives a level at the size of the next finer one, in new memory: it
        becomes the band.

    Returns
    -------
    bands : list of ndarray or Tensor
        Finest first, one less than there are levels.
    remainder : ndarray or Tensor
        The coarsest level.

    References
    ----------
    Burt & Adelson, "The Laplacian pyramid as a compact image code", 1983, doi:10.1109/TCOM.1983.1095851.

    Examples
    --------
    >>> import numpy as np
    >>> line = np.array([1.0, 3.0, 2.0, 0.0])
    >>> laplacian_bands([line, line[::2]], lambda coarse, fine: coarse.repeat(2))
    ([array([ 0.,  2.,  0., -2.])], array([1., 2.]))
    """
    levels = iter(levels)
    fine, bands = next(levels), []
    for coarse in levels:
        band = expand(coarse, fine)
        band *= -1
        band += fine
        bands.append(band)
        fine = coarse
    return bands, fine
