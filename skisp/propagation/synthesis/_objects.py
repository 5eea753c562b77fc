"""Objects of a style that stand alone amid something plain: a seal, a signature, a bird, the mouth in a face."""

from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from ..._math.gradients import gradient_rms
from ..._tensors import resize
from ._pyramid import size_with_short_side

__all__ = ["isolated_objects"]

# Short side in pixels at which objects are looked for.
_SIDE = 128
# Shares of the gradient that counts as all of the structure, above which a pixel is not plain; and half of the plain
# distance, as a share of the short side, that must be between an object and all else.
_LEVELS = (0.15, 0.25, 0.4, 0.6, 0.8)
_GAPS = (0.008, 0.016, 0.024)
# Longest side of an object, as a share of the short side.
_LONGEST = 0.3
# Of the fifteen ways to separate objects from what is plain, in how many one must stand alone. Of thirteen paintings
# that finds the two inscriptions of The Great Wave, a mouth and a cat's eyes, and little specks; with three, strokes.
_LEAST_WAYS = 4
# More objects are what the style is made of, as dots are.
_MOST_OBJECTS = 6


def isolated_objects(image: Tensor) -> Tensor:
    """Where an image (C, H, W) shows an object that stands alone, (1, h, w) of 0 and 1, at a smaller size.

    An object is a connected part of what is not plain, not large, and not cut by the border. How much structure is not
    plain, and how far objects are apart, differs from style to style: what counts is what stands alone by several of
    these limits, as maximally stable regions do. Where there are many, they are no exception, and none is found.

    References
    ----------
    Matas et al., "Robust wide baseline stereo from maximally stable extremal regions", BMVC 2002,
    doi:10.5244/C.16.36.
    """
    small = resize(image, size_with_short_side(image.shape[1:], min(_SIDE, *image.shape[1:])))
    structure = gradient_rms(small, 3)[0].cpu().numpy()
    reference = np.quantile(structure, 0.9)
    ways = np.zeros(structure.shape, dtype=np.int64)
    for level, gap in product(_LEVELS, _GAPS):
        ways += _standing_alone(structure > max(level * reference, 1e-4), gap * min(structure.shape))
    found = ways >= _LEAST_WAYS
    if ndimage.label(found)[1] > _MOST_OBJECTS:
        found[:] = False
    return torch.from_numpy(np.float32(found)).to(image.device)[None]


def _standing_alone(shown: NDArray[np.bool_], gap: float) -> NDArray[np.bool_]:
    """The parts of a mask (H, W) that are twice a gap from all else and from the border, and not large."""
    margin = max(1, round(gap))
    grown = ndimage.maximum_filter(shown, 2 * margin + 1)
    labels, n_parts = ndimage.label(grown)
    is_object = np.zeros(n_parts + 1, dtype=bool)
    for i, part in enumerate(ndimage.find_objects(labels), start=1):
        inside = all(s.start > 0 and s.stop < side for s, side in zip(part, grown.shape, strict=True))
        longest = max(s.stop - s.start for s in part) - 2 * margin
        is_object[i] = inside and longest <= _LONGEST * min(grown.shape)
    return is_object[labels]
