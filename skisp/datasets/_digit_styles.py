"""Digits in two hands, upright against slanted and thick, and figures that distinguish the hands."""

import math
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from sklearn.datasets import load_digits
from sklearn.utils import Bunch, check_array, check_consistent_length, check_random_state

__all__ = ["digit_slant", "digit_thickness", "make_digit_styles"]

Images = NDArray[np.float64]

_ENLARGEMENT = 2.5  # of scikit-learn's 8x8 digits: to the 20x20 pixels that a digit of MNIST has,
_MARGIN = 4  # and to its margin, which slanted strokes need
_DIRECTIONS = 16  # in which a stroke grows
_LEAST_INK = 1e-9


def make_digit_styles(
    n_samples: int = 600,
    *,
    images: ArrayLike | None = None,
    target: ArrayLike | None = None,
    slant: float = 0.5,
    thickness: float = 1.5,
    variation: float = 0.3,
    random_state: Any = None,
) -> Bunch:
    """Make two sets of handwritten digits: upright ones, and others slanted and with thick strokes.

    No digit is in both sets, so no digit is known in both hands. A third set, in the slanted hand, is
    for a judge: a classifier that has seen neither of the two.

    Parameters
    ----------
    n_samples : int, default=600
        Digits of each of the two sets.
    images : array-like (n, H, W) or None, default=None
        Digits to choose from, more than ``2 * n_samples``: ink is greater than 0, paper 0, and uint8
        goes up to 255, other types to 1. None takes the 1,797 that come with scikit-learn, enlarged
        from 8x8 to 28x28 pixels.
    target : array-like (n,) or None, default=None
        Which digit each image shows; only with ``images``.
    slant : float, default=0.5
        Mean slant of the slanted hand: the tangent of its angle to the vertical, greater than 0 to
        the right.
    thickness : float, default=1.5
        Pixels by which the slanted hand's strokes are thicker, at least 0.
    variation : float, default=0.3
        Share of each digit's own deviation from the mean slant that the slanted hand keeps; the
        upright hand keeps none.
    random_state : int, RandomState instance or None, default=None
        Chooses the digits.

    Returns
    -------
    digits : Bunch
        content, style : ndarray (n_samples, H, W), float32 in [0, 1]
            Upright digits, and slanted ones.
        held_out : ndarray (m, H, W), float32 in [0, 1]
            Slanted digits of neither set: the remaining ones, at most ``2 * n_samples``.
        content_target, style_target, held_out_target : ndarray (n_samples,) or (m,)
            Which digit each image shows; None if ``images`` were given without a target.

    Raises
    ------
    ValueError
        If there are not enough images, one is empty, or a parameter is out of range.

    References
    ----------
    LeCun et al., "Gradient-based learning applied to document recognition", Proc. IEEE 1998
    (deslanting by moments of inertia); Castro et al., "Morpho-MNIST: quantitative assessment and
    diagnostics for representation learning", JMLR 2019, arXiv:1809.10780.

    Examples
    --------
    >>> from skisp.datasets import digit_slant, make_digit_styles
    >>> digits = make_digit_styles(100, random_state=0)
    >>> digits.content.shape, digits.style_target.shape
    ((100, 28, 28), (100,))
    >>> digit_slant(digits.content).mean().round(1) + 0.0, digit_slant(digits.style).mean().round(1)
    (np.float64(0.0), np.float64(0.5))
    """
    _check_numbers(n_samples, slant, thickness, variation)
    if images is None:
        if target is not None:
            raise ValueError("target is given without images; give both, or neither for scikit-learn's digits.")
        images, target = _enlarged_digits()
    pictures, target = _checked(images, target, n_samples)
    chosen = check_random_state(random_state).permutation(len(pictures))
    ends = [n_samples, 2 * n_samples, 4 * n_samples]
    upright, slanted, others = np.split(chosen, ends)[:3]
    mean_slant = float(digit_slant(pictures).mean())

    def in_slanted_hand(some: NDArray[np.intp]) -> Images:
        return slanted_and_thick(pictures[some], slant, thickness, variation, mean_slant)

    sets = {
        "content": (upright, deslanted(pictures[upright])),
        "style": (slanted, in_slanted_hand(slanted)),
        "held_out": (others, in_slanted_hand(others)),
    }
    digits = {name: picture.astype(np.float32) for name, (_, picture) in sets.items()}
    targets = {f"{name}_target": None if target is None else target[some] for name, (some, _) in sets.items()}
    return Bunch(**digits, **targets)


def digit_slant(images: ArrayLike) -> Images:
    r"""Slant of the ink in images (n, H, W): the tangent of its angle to the vertical.

    .. math:: - \mu_{11} / \mu_{02}

    with :math:`\mu_{11}` the covariance of column and row under the ink, and :math:`\mu_{02}` the
    rows' variance; greater than 0 to the right. A shear by s adds s.

    Parameters
    ----------
    images : array-like (n, H, W)
        Ink is greater than 0, paper 0.

    Returns
    -------
    slant : ndarray (n,)
        Shift to the right per row upwards; 0 is upright.

    References
    ----------
    LeCun et al., "Gradient-based learning applied to document recognition", Proc. IEEE 1998.

    Examples
    --------
    >>> import numpy as np
    >>> from skisp.datasets import digit_slant
    >>> digit_slant(np.stack([np.eye(5)[::-1], np.eye(5)]))
    array([ 1., -1.])
    """
    ink = _as_images(images)
    weights = ink / np.maximum(ink.sum(axis=(1, 2), keepdims=True), _LEAST_INK)
    rows, columns = np.arange(ink.shape[1]), np.arange(ink.shape[2])
    from_middle = rows - _middle_row(ink)[:, None]
    of_rows = weights.sum(axis=2)
    covariance = np.einsum("nij,ni,j->n", weights, from_middle, columns)
    return -covariance / np.maximum((of_rows * from_middle**2).sum(axis=1), _LEAST_INK)


def digit_thickness(images: ArrayLike) -> Images:
    r"""Mean thickness of the strokes in images (n, H, W), in pixels: twice the ink over its outline.

    .. math:: 2 \sum_x I(x) / \sum_x \|\nabla I(x)\|

    The denominator, the total variation, is the length of the outline of black ink on white paper:
    a stroke of length l and thickness t has ink l t and an outline of about 2 l. Both are proportional
    to the greys, so pale strokes do not count as thin. Strokes of less than 2 pixels, which pixels can
    show only as paler ones, count as 2.

    Parameters
    ----------
    images : array-like (n, H, W)
        Ink is greater than 0, paper 0.

    Returns
    -------
    thickness : ndarray (n,)
        In pixels.

    References
    ----------
    Rudin, Osher & Fatemi, "Nonlinear total variation based noise removal algorithms", Physica D
    1992 (the total variation); by the coarea formula it is the mean length of the outlines of all
    greys.

    Examples
    --------
    >>> import numpy as np
    >>> from skisp.datasets import digit_thickness
    >>> strokes = np.zeros((2, 28, 28))
    >>> strokes[0, 4:24, 12:14] = strokes[1, 4:24, 12:16] = 1
    >>> digit_thickness(strokes).round(1)
    array([1.8, 3.4])
    """
    ink = _as_images(images)
    padded = np.pad(ink, ((0, 0), (1, 1), (1, 1)))
    down, right = np.diff(padded, axis=1)[:, :, :-1], np.diff(padded, axis=2)[:, :-1]
    outline = np.hypot(down, right).sum(axis=(1, 2))
    return 2 * ink.sum(axis=(1, 2)) / np.maximum(outline, _LEAST_INK)


def deslanted(images: Images) -> Images:
    """Images (n, H, W) with a slant of 0."""
    return _sheared(images, -digit_slant(images))


def slanted_and_thick(images: Images, slant: float, thickness: float, variation: float, mean_slant: float) -> Images:
    """Images (n, H, W) in the slanted hand, which keeps a share of how their slant deviates from ``mean_slant``."""
    own = digit_slant(images)
    return _thickened(_sheared(images, slant + variation * (own - mean_slant) - own), thickness)


def _sheared(images: Images, by: Images) -> Images:
    """Images (n, H, W) with ``by`` (n,) added to their slant, about the middle row of their ink."""
    if len(images) == 0:
        return images
    sheared = [
        ndimage.affine_transform(image, [[1, 0], [shear, 1]], offset=[0, -shear * middle], order=1)
        for image, shear, middle in zip(images, by, _middle_row(images), strict=True)
    ]
    return np.stack(sheared)


def _thickened(images: Images, by: float) -> Images:
    """Images whose strokes are ``by`` pixels thicker: grey dilation by a circle, between pixels by interpolation."""
    height, width = images.shape[1:]
    margin = math.ceil(by / 2) + 1
    padded = np.pad(images, ((0, 0), (margin, margin), (margin, margin)))
    thicker = images
    for angle in np.arange(_DIRECTIONS) * (2 * np.pi / _DIRECTIONS):
        (down, top), (right, left) = (math.modf(margin + by / 2 * step) for step in (np.sin(angle), np.cos(angle)))
        moved = _window(padded, int(top), int(left), height + 1, width + 1)
        moved = (1 - down) * moved[:, :-1] + down * moved[:, 1:]
        thicker = np.maximum(thicker, (1 - right) * moved[:, :, :-1] + right * moved[:, :, 1:])
    return thicker


def _window(images: Images, top: int, left: int, height: int, width: int) -> Images:
    return images[:, top : top + height, left : left + width]


def _middle_row(images: Images) -> Images:
    """Mean row of the ink (n,)."""
    of_rows = images.sum(axis=2)
    return of_rows @ np.arange(images.shape[1]) / np.maximum(of_rows.sum(axis=1), _LEAST_INK)


def _enlarged_digits() -> tuple[Images, NDArray[np.int64]]:
    """scikit-learn's digits, enlarged from 8x8 to 28x28 pixels, and which digit each is."""
    digits: Any = load_digits()
    # Cubic splines are linear in the pixels and work along one axis after the other.
    splines = ndimage.zoom(np.eye(8), (_ENLARGEMENT, 1), order=3, mode="grid-constant", grid_mode=True)
    larger = (splines @ (digits.images / 16) @ splines.T).clip(0, 1)
    return np.pad(larger, ((0, 0), (_MARGIN, _MARGIN), (_MARGIN, _MARGIN))), digits.target


def _as_images(images: ArrayLike) -> Images:
    pictures = np.asarray(images)
    if pictures.ndim != 3:
        raise ValueError(f"images has shape {pictures.shape}; expected grey images (n, H, W).")
    return np.asarray(check_array(pictures, dtype=np.float64, allow_nd=True))


def _checked(images: ArrayLike, target: ArrayLike | None, n_samples: int) -> tuple[Images, NDArray[Any] | None]:
    """Images in [0, 1] and their target, checked, and enough of them."""
    pictures = _as_images(images) / (255 if getattr(images, "dtype", None) == np.uint8 else 1)
    if pictures.min() < 0 or pictures.max() > 1:
        raise ValueError(f"images has values from {pictures.min()} to {pictures.max()}; expected uint8, or 0 to 1.")
    if len(pictures) <= 2 * n_samples:
        raise ValueError(f"n_samples={n_samples} needs more than {2 * n_samples} images, got {len(pictures)}.")
    empty = np.flatnonzero(pictures.sum(axis=(1, 2)) == 0)
    if len(empty) > 0:
        raise ValueError(f"Image {empty[0]} of images has no ink; leave it out.")
    if target is None:
        return pictures, None
    check_consistent_length(pictures, target)
    return pictures, np.asarray(target)


def _check_numbers(n_samples: Any, slant: Any, thickness: Any, variation: Any) -> None:
    if not isinstance(n_samples, Integral) or n_samples < 1:
        raise ValueError(f"n_samples={n_samples!r}; expected a whole number of at least 1.")
    for name, value, least in (("slant", slant, -np.inf), ("thickness", thickness, 0), ("variation", variation, 0)):
        if not isinstance(value, Real) or not math.isfinite(value) or value < least:
            at_least = "" if least < 0 else f" of at least {least}"
            raise ValueError(f"{name}={value!r}; expected a finite number{at_least}.")
