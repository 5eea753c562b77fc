"""The two photographs that come with scikit-learn."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from sklearn.datasets import load_sample_images

__all__ = ["load_photograph", "load_photographs"]


def load_photographs() -> list[NDArray[np.uint8]]:
    """Load the photographs that come with scikit-learn: a Chinese palace, and a dahlia.

    Returns
    -------
    photographs : list of 2 uint8 arrays (427, 640, 3)
        "china" and "flower", RGB from 0 to 255.

    Examples
    --------
    >>> from skisp.datasets import load_photographs
    >>> [photograph.shape for photograph in load_photographs()]
    [(427, 640, 3), (427, 640, 3)]
    """
    return list(_by_name().values())


def load_photograph(name: str = "china", size: int | None = None) -> NDArray[np.uint8]:
    """Load one of the photographs that come with scikit-learn.

    Parameters
    ----------
    name : {"china", "flower"}
    size : int or None
        Length of the longest side in pixels, at least 1; None keeps the photograph's size,
        (427, 640).

    Returns
    -------
    photograph : uint8 array (H, W, 3)
        RGB from 0 to 255.

    Raises
    ------
    ValueError
        If ``name`` is unknown or ``size`` less than 1.

    Examples
    --------
    >>> from skisp.datasets import load_photograph
    >>> load_photograph("flower", size=320).shape
    (214, 320, 3)
    """
    photographs = _by_name()
    if name not in photographs:
        raise ValueError(f"Unknown photograph {name!r}; known are {', '.join(map(repr, photographs))}.")
    return photographs[name] if size is None else _resized(photographs[name], size)


def _by_name() -> dict[str, NDArray[np.uint8]]:
    bunch: Any = load_sample_images()
    return {Path(path).stem: np.array(image) for path, image in zip(bunch.filenames, bunch.images, strict=True)}


def _resized(photograph: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    if size < 1:
        raise ValueError(f"size must be at least 1 pixel, got {size!r}.")
    height, width = (max(1, round(length * size / max(photograph.shape))) for length in photograph.shape[:2])
    return np.array(PillowImage.fromarray(photograph).resize((width, height), PillowImage.Resampling.LANCZOS))
