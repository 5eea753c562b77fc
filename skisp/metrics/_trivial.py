"""Trivial answers to a task of style propagation: what a score must not reward."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from .._images import Image
from ._color_match import gaussian_transport, match_histograms, match_lab_moments, transfer_distribution
from ._style import RandomState
from ._working import as_rgb, box_mean, resize, shape_of

__all__ = ["trivial_answers"]

_CONTRASTS = (0.5, 0.8, 1.2, 1.5)
_SHARPENINGS = (-0.9, -0.5, 0.5, 1.0, 2.0)
_FADES = (0.15, 0.3, 0.5)
_BLOCK = 16
_HIGH_PASS = 8


def trivial_answers(
    content: NDArray[Any], style: NDArray[Any], random_state: RandomState = 0
) -> dict[str, NDArray[np.float32]]:
    """Answers to "redraw the content in this style" that redraw nothing.

    Four recolourings of the content (histogram matching, the Monge map of RGB mean and covariance,
    CIELAB moments, transfer of the joint distribution), each also with four contrasts and five
    degrees of blurring or sharpening; cross-fades with the style; the style's high-pass added to the
    matched content; shuffled blocks of the style; noise and a flat colour. A useful figure of merit
    gives none of them a good score, and a method is worth something if it does better than the best.

    Parameters
    ----------
    content, style : ndarray (H, W) or (H, W, C), C = 1 to 4, uint8 or float in [0, 1]
        Sizes may differ; 16 px on the short side at least. What alpha hides plays no part.
    random_state : int, RandomState instance or None, default=0
        Draws the noise and the order of the blocks.

    Returns
    -------
    answers : dict of str to ndarray (H, W, 3), float32 in [0, 1]
        Each of the content's size, the style resized to it.

    Raises
    ------
    ValueError
        If an argument is not an image or is smaller than 16 px.

    References
    ----------
    Pitie and Kokaram, "The linear Monge-Kantorovitch linear colour mapping", CVMP 2007,
    doi:10.1049/cp:20070055; Reinhard et al., "Color transfer between images", IEEE CG&A 2001,
    doi:10.1109/38.946629; Pitie, Kokaram and Dahyot, "N-dimensional probability density function
    transfer", ICCV 2005, doi:10.1109/ICCV.2005.166.

    Examples
    --------
    >>> import numpy as np
    >>> from skisp.metrics import trivial_answers
    >>> rng = np.random.default_rng(0)
    >>> answers = trivial_answers(rng.random((32, 48)), rng.random((40, 40, 3)))
    >>> len(answers), answers["histogram"].shape
    (52, (32, 48, 3))
    """
    rng = check_random_state(random_state)
    content, style = as_rgb(content, "content"), as_rgb(style, "style")
    # Colours are matched to the style as it is: resized, it has lost some of its extremes.
    recoloured = _recolourings(content, style)
    fitted = resize(style, shape_of(content))
    answers = {"content": content, "style": fitted, **recoloured}
    for name, image in recoloured.items():
        answers.update(_retouched(name, image))
    answers.update(_faded(content, fitted, recoloured["histogram"]))
    answers.update(_textured(fitted, recoloured["histogram"], rng))
    answers.update(_contentless(fitted, recoloured["histogram"], rng))
    return {name: np.asarray(image, dtype=np.float32).clip(0.0, 1.0) for name, image in answers.items()}


def _recolourings(content: Image, style: Image) -> dict[str, Image]:
    return {
        "histogram": match_histograms(content, style),
        "monge": gaussian_transport(content, style).astype(np.float32).clip(0.0, 1.0),
        "reinhard": match_lab_moments(content, style),
        "distribution": transfer_distribution(content, style),
    }


def _retouched(name: str, image: Image) -> dict[str, Image]:
    mean, detail = image.mean(axis=(0, 1)), image - box_mean(image, 3)
    contrasts = {f"{name}, contrast {factor:g}": mean + factor * (image - mean) for factor in _CONTRASTS}
    return contrasts | {f"{name}, sharpen {amount:g}": image + amount * detail for amount in _SHARPENINGS}


def _faded(content: Image, style: Image, matched: Image) -> dict[str, Image]:
    fades = {f"histogram, {share:.0%} style": (1 - share) * matched + share * style for share in _FADES}
    return fades | {"content, 50% style": 0.5 * content + 0.5 * style}


def _textured(style: Image, matched: Image, rng: np.random.RandomState) -> dict[str, Image]:
    shuffled = _shuffle_blocks(style, rng)
    return {
        "shuffled style": shuffled,
        "histogram + high-pass": matched + style - box_mean(style, _HIGH_PASS),
        "histogram + shuffled high-pass": matched + shuffled - box_mean(shuffled, _HIGH_PASS),
    }


def _contentless(style: Image, matched: Image, rng: np.random.RandomState) -> dict[str, Image]:
    return {
        "noise": rng.uniform(size=style.shape),
        "histogram + noise": matched + rng.normal(scale=0.1, size=style.shape),
        "flat": np.broadcast_to(style.mean(axis=(0, 1)), style.shape),
    }


def _shuffle_blocks(image: Image, rng: np.random.RandomState) -> Image:
    """The 16 px blocks of an image in random order; incomplete ones are filled by mirroring."""
    height, width = shape_of(image)
    padded = np.pad(image, [(0, -height % _BLOCK), (0, -width % _BLOCK), (0, 0)], mode="symmetric")
    rows, columns = padded.shape[0] // _BLOCK, padded.shape[1] // _BLOCK
    blocks = padded.reshape(rows, _BLOCK, columns, _BLOCK, 3).transpose(0, 2, 1, 3, 4).reshape(-1, _BLOCK, _BLOCK, 3)
    grid = blocks[rng.permutation(len(blocks))].reshape(rows, columns, _BLOCK, _BLOCK, 3)
    return grid.transpose(0, 2, 1, 3, 4).reshape(padded.shape)[:height, :width]
