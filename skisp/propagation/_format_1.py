"""Propagators of files of format 1, in which their state was a flat list of attributes."""

from typing import Any

from .._conditions import require
from .._math.gaussian import Moments
from ._image_propagation import ImagePropagation
from ._row_propagation import RowPropagation

__all__ = ["upgraded"]

_OF_BOTH = {"_seed", "_models", "_in_row_mode", "style_", "content_"}
_OF_IMAGES = _OF_BOTH | {"style_weights_", "_fitted", "alignment_"}
_OF_ROWS = _OF_BOTH | {"_image_shape", "style_moments_", "row_alignment_"}


def upgraded(parameters: dict[str, Any], state: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters and fitted state of a propagator as they are called now."""
    names = {"bank": "patches"}
    parameters = {names.get(name, name): value for name, value in parameters.items()}
    fitted = {name: state[name] for name in state if name in _OF_IMAGES | _OF_ROWS}
    rest = {name: state[name] for name in state if name not in fitted}
    if not fitted:
        return parameters, rest
    in_row_mode = fitted.get("_in_row_mode")
    require(type(in_row_mode) is bool and "propagation_" not in rest, "a propagator is not of format 1")
    require(fitted.keys() == (_OF_ROWS if in_row_mode else _OF_IMAGES), "attributes of a propagator are missing")
    return parameters, rest | {"propagation_": _rows(fitted) if in_row_mode else _images(fitted)}


def _images(fitted: dict[str, Any]) -> ImagePropagation:
    return ImagePropagation(
        fitted["style_"], fitted["style_weights_"], fitted["content_"], fitted["_fitted"], fitted["_seed"]
    )


def _rows(fitted: dict[str, Any]) -> RowPropagation:
    moments = fitted["style_moments_"]
    require(isinstance(moments, Moments), "style_moments_ are not moments")
    return RowPropagation(
        fitted["style_"],
        fitted["content_"],
        moments.to_tensors().to_arrays(),
        fitted["row_alignment_"],
        fitted["_image_shape"],
        fitted["_seed"],
    )
