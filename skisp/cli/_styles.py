"""Styles, read, checked and learnt before the first photograph, and the parameters that say so to a propagator."""

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._images import as_images
from .._names import shown
from ..io import read_image
from ..io._kinds import colour_of, of_kind
from ._errors import FAILURES, in_one_line
from ._messages import decoders_silent
from ._parser import UserError
from ._progress import progress_shown

__all__ = ["learn", "read_styles", "style_in_file", "styles_of"]


def styles_of(arguments: Namespace) -> dict[str, Any]:
    """Parameters of the propagator for the pictures given as ``--style``: one style, or several to be mixed."""
    weights = _weights(arguments.style_weights, len(arguments.style))
    images = read_styles(arguments.style, arguments.size)
    styles = [
        learn([image], arguments.seed, Path(path).name, quiet=arguments.quiet)
        for path, image in zip(arguments.style, images, strict=True)
    ]
    return {"style": styles[0]} if len(styles) == 1 else {"style": styles, "style_weights": weights}


def style_in_file(path: str) -> dict[str, Any]:
    """The same for a style that ``skisp fit`` has written."""
    from sklearn.frozen import FrozenEstimator

    from .. import PatchTransformer
    from ..persistence import load_model

    try:
        model = load_model(path)
    except FAILURES as error:
        raise UserError(in_one_line(error, path, "load")) from error
    if not isinstance(model, PatchTransformer) or not getattr(model, "images_", None):
        raise UserError(f"{shown(path)} holds no style of images; make one with skisp fit")
    return {"style": FrozenEstimator(model)}


def read_styles(paths: Sequence[str], size: int | None) -> list[NDArray[Any]]:
    """The pictures of styles, all in colour unless all are grey.

    Raises
    ------
    UserError
        If one cannot be read, or no style can be learnt from it; it names the file.
    """
    images = [_checked(path, size) for path in paths]
    grey = all(colour_of(image).shape[2] == 1 for image in images)
    return [of_kind(image, grey=grey, alpha=np.ndim(image) == 3 and image.shape[2] in (2, 4)) for image in images]


def learn(images: list[NDArray[Any]], seed: int, name: str, *, quiet: bool) -> Any:
    """A style learnt from pictures that look alike, frozen.

    It has the bits that a propagator of this seed would give it, so ``apply`` and ``propagate`` draw the same.
    """
    from sklearn.frozen import FrozenEstimator

    from .._base import draw_seed
    from ..propagation._subestimators import SubEstimators

    try:
        with progress_shown(shown(name), quiet=quiet):
            [style] = SubEstimators(style_images=images, seed=draw_seed(seed)).fitted_for_images()
    except FAILURES as error:
        raise UserError(in_one_line(error, name, "learn the style of")) from error
    return FrozenEstimator(style)


def _checked(path: str, size: int | None) -> NDArray[Any]:
    from .. import PatchTransformer

    least = PatchTransformer().patch_size
    try:
        with decoders_silent():
            image = read_image(path, size=size)
        _, layout = as_images([image], name=shown(path))
    except FAILURES as error:
        raise UserError(in_one_line(error, path, "read")) from error
    height, width = image[layout.seen[0]].shape[:2]
    if min(height, width) < least:
        which = "" if (height, width) == image.shape[:2] else " that can be seen"
        cure = "a larger picture" if size is None else "a larger picture, or a larger --size"
        raise UserError(
            f"the style {shown(path)} has {width} x {height} pixels{which}, too few to learn from; give {cure}"
        )
    return image


def _weights(weights: list[float] | None, n_styles: int) -> list[float]:
    if weights is None:
        return [1.0] * n_styles
    if n_styles == 1:
        raise UserError("--style-weights needs several styles; give --style more than once")
    if len(weights) != n_styles:
        raise UserError(
            f"there are {len(weights)} --style-weights for {n_styles} styles; give one for each style, such as 3,1"
        )
    return weights
