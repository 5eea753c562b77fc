"""One call from a photograph and a picture to the photograph in the picture's style."""

import os
from typing import Any, TypeVar, overload

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from .._images import Stacked
from ..io import ImageMetadata, read_image
from ..io._pillow import as_pillow, described
from ..io._reader import read_images
from ._propagator import StylePropagator

__all__ = ["propagate_style"]

_Scalar = TypeVar("_Scalar", bound=np.generic)


@overload
def propagate_style(
    content: str | os.PathLike[str] | PIL.Image.Image,
    style: Any,
    *,
    strength: float = 1.0,
    size: int | None = None,
    random_state: Any = None,
    **parameters: Any,
) -> PIL.Image.Image: ...


@overload
def propagate_style(
    content: NDArray[_Scalar],
    style: Any,
    *,
    strength: float = 1.0,
    size: int | None = None,
    random_state: Any = None,
    **parameters: Any,
) -> NDArray[_Scalar]: ...


@overload
def propagate_style(
    content: Stacked,
    style: Any,
    *,
    strength: float = 1.0,
    size: int | None = None,
    random_state: Any = None,
    **parameters: Any,
) -> NDArray[Any]: ...


def propagate_style(
    content: Any,
    style: Any,
    *,
    strength: float = 1.0,
    size: int | None = None,
    random_state: Any = None,
    **parameters: Any,
) -> Any:
    """Redraw an image in the style of a picture.

    Parameters
    ----------
    content : path, ndarray (H, W) or (H, W, C), or PIL image
        The photograph.
    style : path, ndarray, PIL image, or list of them
        The picture whose style is wanted.
    strength : float in [0, 1], default=1.0
        0 returns the content, 1 is the full style.
    size : int or None, default=None
        Longest side in pixels of the result, if the content is larger; None keeps its size.
    random_state : int, RandomState instance or None, default=None
        An int gives the same picture every time.
    **parameters
        Other parameters of :class:`StylePropagator`.

    Returns
    -------
    picture : ndarray or PIL image
        For an array, an array with its dtype and channels. For a PIL image or a path, a PIL image: grey
        keeps its 16 bits, colours have 8, the most that Pillow has, and EXIF (upright), profile and
        resolution are in ``picture.info``, so that ``picture.save("picture.jpg", **picture.info)`` keeps them.

    Raises
    ------
    ValueError, OSError
        If an image cannot be read or used; the message names it and the cure.

    Examples
    --------
    >>> from skisp import propagate_style
    >>> from skisp.datasets import load_photograph, make_style_image
    >>> photograph = load_photograph("flower", size=64)
    >>> style = make_style_image("halftone", size=64, random_state=0)
    >>> propagate_style(photograph, style, strength=0, random_state=0).shape == photograph.shape
    True
    """
    image, metadata = _described(content)
    images = read_images([image], size, "[content]")
    propagator = StylePropagator(style_images=style, strength=strength, random_state=random_state, **parameters)
    picture = propagator.fit_transform(images)[0]
    return picture if metadata is None else as_pillow(picture, metadata)


def _described(content: Any) -> tuple[Any, ImageMetadata | None]:
    """The array of a path or Pillow image, and its metadata; anything else unchanged, and None."""
    if isinstance(content, (str, os.PathLike)):
        return read_image(content, return_metadata=True)
    if isinstance(content, PIL.Image.Image):
        return described(content)
    return content, None
