"""Laplacian bands: what each level of a pyramid has more than the next coarser one."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

__all__ = ["laplacian_bands"]


def laplacian_bands(levels: Sequence[Any], expand: Callable[[Any, Any], Any]) -> list[Any]:
    """Bands of an image whose halvings are ``levels``, finest first: one less than there are levels.

    .. math:: B_i = L_i - \\text{expand}(L_{i+1})

    Parameters
    ----------
    levels : sequence of array or Tensor
        The image and its halvings.
    expand : callable
        ``expand(coarse, fine)`` gives a level at the size of the next finer one, in new memory or not.

    References
    ----------
    Burt & Adelson, "The Laplacian pyramid as a compact image code", 1983, doi:10.1109/TCOM.1983.1095851.
    """
    return [fine - expand(coarse, fine) for fine, coarse in pairwise(levels)]
