"""Styles, read and checked at once, learnt before the first photograph, and the parameters that tell a propagator."""

from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._files import opened
from .._images import as_images
from .._names import shown
from ..io import read_image
from ..io._kinds import colour_of, of_kind
from ._errors import FAILURES, UserError, in_one_line
from ._imports import import_estimators
from ._messages import decoders_silent
from ._progress import progress_shown

__all__ = ["given_styles", "learn", "read_styles"]


def given_styles(arguments: Namespace) -> tuple[list[str], Callable[[], dict[str, Any]]]:
    """The files of the styles that were given, checked, and what learns or loads them.

    Returns
    -------
    files : list of str
    learnt : callable
        Gives the parameters of a propagator that say so: one style, or several to be mixed.
    """
    styles = getattr(arguments, "style", None)
    weights = _weights(getattr(arguments, "style_weights", None), len(styles or [""]))
    if styles is None:
        model: str = arguments.model
        try:
            opened(model, "*.skisp").close()
        except FAILURES as error:
            raise UserError(in_one_line(error, model, "read", "the style")) from error
        return [model], lambda: {"style": _loaded(model)}
    images = read_styles(styles, arguments.size)

    def learnt() -> dict[str, Any]:
        several = [learn([image], [path], arguments) for path, image in zip(styles, images, strict=True)]
        return {"style": several[0]} if len(several) == 1 else {"style": several, "style_weights": weights}

    return styles, learnt


def read_styles(paths: Sequence[str], size: int | None) -> list[NDArray[Any]]:
    """The pictures of styles, all in colour unless all are grey.

    Raises
    ------
    UserError
        If one cannot be read; it names the file.
    """
    images = [_checked(path, size) for path in paths]
    grey = all(colour_of(image).shape[2] == 1 for image in images)
    return [of_kind(image, grey=grey, alpha=np.ndim(image) == 3 and image.shape[2] in (2, 4)) for image in images]


def learn(images: list[NDArray[Any]], paths: Sequence[str], arguments: Namespace) -> Any:
    """A style learnt from pictures that look alike, frozen.

    It has the bits that a propagator of this seed would give it, so ``apply`` and ``propagate`` draw the same.

    Raises
    ------
    UserError
        If no style can be learnt from one of them; it names the file.
    """
    import_estimators()
    from sklearn.frozen import FrozenEstimator

    from .._base import draw_seed
    from ..propagation._subestimators import SubEstimators

    for image, path in zip(images, paths, strict=True):
        _check_large_enough(image, path, arguments.size)
    names = " and ".join(shown(Path(path).name) for path in paths[:2])
    what = f"the painting {names}" if len(paths) == 1 else f"the paintings {names if len(paths) == 2 else len(paths)}"
    try:
        with progress_shown(f"learning {what}", arguments):
            seed = draw_seed(arguments.seed)
            [style] = SubEstimators(style_images=images, seed=seed).fitted_for_images()
    except FAILURES as error:
        raise UserError(in_one_line(error, " and ".join(paths), "learn the style of")) from error
    return FrozenEstimator(style)


def _loaded(path: str) -> Any:
    """A style that ``skisp fit`` has written, frozen."""
    from sklearn.frozen import FrozenEstimator

    from .. import PatchTransformer
    from ..persistence import load_model

    try:
        model = load_model(path)
    except FAILURES as error:
        raise UserError(in_one_line(error, path, "load", "the style")) from error
    if not isinstance(model, PatchTransformer) or not getattr(model, "images_", None):
        raise UserError(f"{shown(path)} holds no style of images; make one with skisp fit")
    return FrozenEstimator(model)


def _checked(path: str, size: int | None) -> NDArray[Any]:
    try:
        with decoders_silent():
            image = read_image(path, size=size)
        as_images([image])
    except FAILURES as error:
        raise UserError(in_one_line(error, path, "read", "the style")) from error
    return image


def _check_large_enough(image: NDArray[Any], path: str, size: int | None) -> None:
    from .. import PatchTransformer

    _, layout = as_images([image], name=shown(path))
    height, width = image[layout.seen[0]].shape[:2]
    if min(height, width) < PatchTransformer().patch_size:
        which = "" if (height, width) == image.shape[:2] else " that can be seen"
        cure = "a larger picture" if size is None else "a larger picture, or a larger --size"
        raise UserError(
            f"the style {shown(path)} has {width} x {height} pixels{which}, too few to learn from; give {cure}"
        )


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
