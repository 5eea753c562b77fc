"""What redraws photographs one at a time, so that memory is bounded, and how it gets its style."""

from argparse import Namespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._names import shown
from ..io import read_image
from ._errors import FAILURES, in_one_line
from ._messages import decoders_silent
from ._parser import UserError

__all__ = ["Redrawer", "learnt_before", "learnt_from", "options_of", "read_style", "style_of"]


class Redrawer:
    """Redraws photographs in a style, which is learnt with the first photograph if it is not learnt yet.

    Parameters
    ----------
    style : dict
        Parameters of :class:`skisp.StylePropagator` that say what the style is.
    options : dict
        Its other parameters.
    """

    def __init__(self, style: dict[str, Any], options: dict[str, Any]) -> None:
        self._style = style
        self._options = options

    def redraw(self, content: NDArray[Any], mask: NDArray[Any] | None = None) -> NDArray[Any]:
        from .. import StylePropagator

        propagator = StylePropagator(**self._style, **self._options).fit([content])
        if "style_images" in self._style:
            self._style = _fitted(self._style, propagator.style_)
        masks = {} if mask is None else {"mask": [mask]}
        result: NDArray[Any] = propagator.transform([content], **masks)[0]
        return result


def learnt_from(arguments: Namespace, images: list[NDArray[Any]]) -> Redrawer:
    """A redrawer in the style of pictures: of one, or of several to be mixed."""
    return Redrawer(style_of(arguments, images), options_of(arguments))


def learnt_before(arguments: Namespace) -> Redrawer:
    """A redrawer in the style of a file that ``skisp fit`` has written."""
    from sklearn.frozen import FrozenEstimator

    from .. import PatchTransformer
    from ..persistence import load_model

    try:
        model = load_model(arguments.model)
    except FAILURES as error:
        raise UserError(in_one_line(error, arguments.model, "load")) from error
    if not isinstance(model, PatchTransformer) or not getattr(model, "images_", None):
        raise UserError(f"{shown(arguments.model)} holds no style of images; make one with skisp fit")
    return Redrawer({"style": FrozenEstimator(model)}, options_of(arguments))


def read_style(path: str, size: int | None) -> NDArray[Any]:
    try:
        with decoders_silent():
            return read_image(path, size=size)
    except FAILURES as error:
        raise UserError(in_one_line(error, path)) from error


def _fitted(style: dict[str, Any], fitted: Any) -> dict[str, Any]:
    from sklearn.frozen import FrozenEstimator

    frozen = [FrozenEstimator(one) for one in fitted] if isinstance(fitted, list) else FrozenEstimator(fitted)
    return {name: value for name, value in style.items() if name != "style_images"} | {"style": frozen}


def _weights(weights: list[float] | None, n_styles: int) -> list[float]:
    if weights is not None and len(weights) != n_styles:
        raise UserError(
            f"there are {len(weights)} --style-weights for {n_styles} styles; give one for each style, such as 3,1"
        )
    return [1.0] * n_styles if weights is None else list(np.asarray(weights, dtype=float))


def style_of(arguments: Namespace, images: list[NDArray[Any]]) -> dict[str, Any]:
    """Parameters of the propagator that say what the style is: the pictures given as ``--style``."""
    style: dict[str, Any] = {"style_images": images}
    if len(images) > 1:
        style["style_weights"] = _weights(arguments.style_weights, len(images))
    elif arguments.style_weights is not None:
        raise UserError("--style-weights needs several styles; give --style more than once")
    return style


def options_of(arguments: Namespace) -> dict[str, Any]:
    """Parameters of the propagator that say how it redraws, from the options of those names."""
    return {
        "strength": arguments.strength,
        "style_scale": arguments.style_scale,
        "color": arguments.color,
        "random_state": arguments.seed,
        "device": _checked_device(arguments.device),
    }


def _checked_device(device: str) -> str:
    from .._base import resolve_device

    try:
        resolve_device(device)
    except ValueError as error:
        raise UserError(in_one_line(error)) from error
    return device
