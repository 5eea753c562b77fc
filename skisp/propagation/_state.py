"""The fitted state of the propagation's estimators in files: which attributes there are, and what must hold of them."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._conditions import Schema, check_image_shape, check_seed, finite, floats, is_count, is_number, require
from .._math.affine import AffineMap
from .._math.gaussian import Moments
from ._fitted_styles import FittedStyles
from ._format_1 import upgraded
from ._image_propagation import ImagePropagation
from ._patch_transformer import PatchTransformer
from ._propagator import StylePropagator
from ._row_alignment import RowAlignment
from ._row_propagation import RowPropagation
from ._subestimators import check_fit_each_other

__all__ = ["RECORDS", "SCHEMAS"]


def _check_row_alignment(alignment: RowAlignment) -> None:
    require(all(isinstance(part, AffineMap) for part in alignment), "an alignment of rows is not a pair of maps")
    same = alignment.to_style_coder.matrix.shape == alignment.transport.matrix.shape
    require(same, "the two maps of an alignment of rows have different shapes")


def _check_fitted_styles(fitted: FittedStyles) -> None:
    lists = (fitted.weights, fitted.colors, fitted.metrics)
    require(all(type(part) is tuple for part in lists), "weights, colors or metrics of the styles are not tuples")
    require(len({len(part) for part in lists}) == 1 and len(fitted.weights) > 0, "the styles differ in number")
    shares = all(is_number(weight) and 0 < weight <= 1 for weight in fitted.weights)
    require(shares, "the weight of a style is not between 0 and 1")
    maps = (*(colors for colors in fitted.colors if colors is not None), fitted.alignment)
    require(all(isinstance(part, AffineMap) for part in maps), "colors or alignment of the styles are not maps")
    optional = [] if fitted.content_metric is None else [fitted.content_metric]
    for metric in (*fitted.metrics, *optional):
        shape = finite(metric, 2, "a metric of codes").shape
        require(metric.dtype == np.float32 and shape[0] == shape[1], "a metric of codes is not square and float32")


def _check_patches(estimator: PatchTransformer, state: Mapping[str, Any]) -> None:
    images, n_channels, n_features = state["images_"], state["n_channels_"], state.get("n_features_in_")
    require(type(images) is list, "images_ is not a list")
    require(is_count(n_channels, least=1 if images else 0) and n_channels <= 3, "n_channels_ is out of range")
    patch_size = estimator.patch_size
    for image in images:
        shape = floats(image, 3, "an image").shape
        fits = image.dtype == np.float32 and shape[2] == n_channels and min(shape[:2]) >= patch_size
        require(fits, f"an image has the shape {shape}, which does not fit patch_size and n_channels_")
    fits = not n_channels or n_features == n_channels * patch_size**2
    require(fits, "patch_size and n_channels_ do not fit n_features_in_")
    _width(state["transformer_"])
    require(state["transformer_"].n_features_in_ == n_features, "transformer_ codes patches of another size")


def _check_propagator(_: StylePropagator, state: Mapping[str, Any]) -> None:
    propagation = state["propagation_"]
    require(isinstance(propagation, (ImagePropagation, RowPropagation)), "propagation_ is of no known mode")
    if isinstance(propagation, RowPropagation):
        require(_coder(propagation).n_features_in_ == state.get("n_features_in_"), "the content codes other rows")


def _check_rows(propagation: RowPropagation) -> None:
    style, alignment, moments = propagation.style, propagation.row_alignment, propagation.style_moments
    require(isinstance(alignment, RowAlignment), "row_alignment is not an alignment of rows")
    require(isinstance(moments, Moments) and isinstance(moments.mean, np.ndarray), "style_moments are not arrays")
    width, coder = _width(style), _coder(propagation)
    shape = (_width(coder, decodes=False), width)
    require(alignment.transport.matrix.shape == shape, "the alignment of rows does not fit the coders")
    require(len(moments.mean) == width, "style_moments do not fit the style's coder")
    check_image_shape(propagation.image_shape, coder.n_features_in_)
    check_seed(propagation.seed)


def _coder(propagation: RowPropagation) -> Any:
    """What codes the content."""
    return propagation.style if propagation.content is None else propagation.content


def _check_images(propagation: ImagePropagation) -> None:
    styles, content, fitted = propagation.styles, propagation.content, propagation.fitted
    require(len(styles) > 0, "it has no style")
    check_fit_each_other(content, styles)
    same = content is None or content.n_features_in_ == styles[0].n_features_in_
    require(same, "the content codes patches of another size than the style")
    shares = floats(propagation.style_weights, 1, "style_weights")
    require(
        shares.shape == (len(styles),) and bool((shares >= 0).all()) and math.isclose(shares.sum(), 1, rel_tol=1e-6),
        "style_weights are not as many as the styles, or do not sum to 1",
    )
    chosen: dict[int | None, list[int]] = {None: [i for i, share in enumerate(shares) if share > 0]}
    if len(styles) > 1:
        chosen |= {i: [i] for i in range(len(styles))}
    require(type(fitted) is dict and fitted.keys() == chosen.keys(), "the styles are not all fitted")
    for key, indices in chosen.items():
        _check_fitted(fitted[key], [styles[i] for i in indices], content)
    check_seed(propagation.seed)


def _check_fitted(fitted: Any, styles: list[Any], content: Any) -> None:
    require(isinstance(fitted, FittedStyles) and len(fitted.weights) == len(styles), "the styles are not all fitted")
    widths = [_width(style.transformer_) for style in styles]
    require([len(metric) for metric in fitted.metrics] == widths, "a metric of codes does not fit its coder")
    n_channels = styles[0].n_channels_
    for colors in fitted.colors:
        fits = colors is None or colors.matrix.shape == (n_channels, n_channels)
        require(fits, "a map of colors does not fit n_channels_")
    width = sum(widths)
    require((content is None) == (fitted.content_metric is None), "the content is not fitted")
    if content is not None:
        width = _width(content.transformer_)
        require(len(fitted.content_metric) == width, "a metric of codes does not fit its coder")
    require(fitted.alignment.matrix.shape == (width, sum(widths)), "the alignment does not fit the coders")


def _width(coder: Any, *, decodes: bool = True) -> int:
    """Number of codes of a fitted coder."""
    needed = ("transform", "inverse_transform") if decodes else ("transform",)
    require(all(hasattr(coder, name) for name in needed), f"a coder lacks {' or '.join(needed)}")
    check_is_fitted(coder)
    return len(coder.get_feature_names_out())


SCHEMAS: dict[type, Schema] = {
    PatchTransformer: Schema(frozenset({"transformer_", "images_", "n_channels_"}), _check_patches),
    StylePropagator: Schema(frozenset({"propagation_"}), _check_propagator, upgrade=upgraded),
}
# Built from their fields when they are read; each is checked before anything uses it.
RECORDS: dict[type, Callable[[Any], None]] = {
    FittedStyles: _check_fitted_styles,
    ImagePropagation: _check_images,
    RowAlignment: _check_row_alignment,
    RowPropagation: _check_rows,
}
