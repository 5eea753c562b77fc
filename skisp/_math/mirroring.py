"""Fill what is missing of an image with what lies around it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["fill_by_mirroring"]

# Each fills up to twice as far as the one before it; what is left then gets the nearest pixel.
_MOST_ROUNDS = 8


def fill_by_mirroring(image: NDArray[Any], missing: NDArray[np.bool_]) -> NDArray[Any]:
    """The image (H, W, C) with other pixels where ``missing`` (H, W) is true, which depend on none of those there.

    Each pixel becomes the one opposite, seen in a mirror at the nearest pixel that is not missing; so colours and
    textures go on as they are beside it. Where all are missing, all become 0.

    Examples
    --------
    >>> import numpy as np
    >>> row = np.array([1, 2, 3, 9, 9, 9, 9])[None, :, None]
    >>> fill_by_mirroring(row, row[..., 0] == 9)[..., 0]
    array([[1, 2, 3, 2, 1, 2, 3]])
    """
    if missing.all():
        return np.zeros_like(image)
    filled, missing = image.copy(), missing.copy()
    for _ in range(_MOST_ROUNDS):
        at = np.nonzero(missing)
        _, opposite, is_there = _mirrored(missing, at)
        if not is_there.any():
            break
        mirrored = tuple(axis[is_there] for axis in at)
        filled[mirrored] = filled[tuple(opposite[:, is_there])]
        missing[mirrored] = False
    at = np.nonzero(missing)
    filled[at] = filled[tuple(_mirrored(missing, at)[0])]
    return filled


def _mirrored(
    missing: NDArray[np.bool_], at: tuple[NDArray[np.intp], ...]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
    """Of the pixels ``at``: the nearest that is there, the one opposite, and whether that is there too."""
    from scipy.ndimage import distance_transform_edt  # a quarter of a second, and few images have what is missing

    nearest = distance_transform_edt(missing, return_distances=False, return_indices=True)[:, at[0], at[1]]
    opposite = 2 * nearest - np.stack(at)
    last = np.array(missing.shape)[:, None] - 1
    within = opposite.clip(0, last)
    is_there = np.all(within == opposite, axis=0) & ~missing[within[0], within[1]]
    return nearest, within, is_there
