"""The fitted state of the propagation's estimators in files: which attributes there are, and what must hold of them."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._conditions import check_image_shape, check_seed, finite, floats, is_count, is_number, require
from .._math.affine import AffineMap
from .._math.gaussian import Moments
from ._fitted_styles import FittedStyles
from ._image_propagation import ImagePropagation
from ._patch_transformer import PatchTransformer
from ._row_alignment import RowAlignment
from ._row_propagation import RowPropagation
from ._subestimators import check_fit_each_other

__all__ = ["ATTRIBUTES_OF_PATCHES", "ATTRIBUTES_OF_PROPAGATOR", "check_patches", "check_propagator", "check_record"]

ATTRIBUTES_OF_PATCHES = frozenset({"transformer_", "images_", "n_channels_"})
ATTRIBUTES_OF_PROPAGATOR = frozenset({"propagation_"})


def check_record(record: Any) -> None:
    """Check what is kept of distributions and of the maps between them; of no other record."""
    if isinstance(record, AffineMap):
        n_inputs, n_outputs = finite(record.matrix, 2, "a map's matrix").shape
        require(finite(record.offset, 1, "a map's offset").shape == (n_outputs,), "a map has another offset")
        require(min(n_inputs, n_outputs) > 0, "a map is empty")
    elif isinstance(record, Moments):
        n = len(finite(np.asarray(record.mean), 1, "a mean"))
        covariance = finite(np.asarray(record.covariance), 2, "a covariance")
        require(covariance.shape == (n, n), "moments have other shapes")
        require(np.asarray(record.mean).dtype == covariance.dtype == np.float64, "moments are no numbers")
    elif isinstance(record, RowAlignment):
        require(all(isinstance(part, AffineMap) for part in record), "an alignment of rows is no pair of maps")
        require(record.to_style_coder.matrix.shape == record.transport.matrix.shape, "two maps have other shapes")
    elif isinstance(record, FittedStyles):
        _check_styles(record)


def _check_styles(fitted: FittedStyles) -> None:
    lists = (fitted.weights, fitted.colors, fitted.metrics)
    require(all(type(part) is tuple for part in lists), "the parts of the styles are no tuples")
    require(len({len(part) for part in lists}) == 1 and len(fitted.weights) > 0, "the styles differ in number")
    require(all(is_number(weight) and 0 < weight <= 1 for weight in fitted.weights), "a style's weight is no share")
    maps = (*(colors for colors in fitted.colors if colors is not None), fitted.alignment)
    require(all(isinstance(part, AffineMap) for part in maps), "a style's map is none")
    optional = [] if fitted.content_metric is None else [fitted.content_metric]
    for metric in (*fitted.metrics, *optional):
        shape = finite(metric, 2, "a metric of codes").shape
        require(metric.dtype == np.float32 and shape[0] == shape[1], "a metric of codes is not square")


def check_patches(estimator: PatchTransformer, state: Mapping[str, Any]) -> None:
    """Check what a fitted patch transformer keeps."""
    images, n_channels, n_features = state["images_"], state["n_channels_"], state.get("n_features_in_")
    require(type(images) is list, "images_ is no list")
    require(is_count(n_channels, least=1 if images else 0) and n_channels <= 3, "n_channels_ is out of range")
    patch_size = estimator.patch_size
    for image in images:
        shape = floats(image, 3, "an image").shape
        fits = image.dtype == np.float32 and shape[2] == n_channels and min(shape[:2]) >= patch_size
        require(fits, f"an image has the shape {shape}")
    require(not images or n_features == n_channels * patch_size**2, "the images have other patches")
    _width(state["transformer_"])
    require(state["transformer_"].n_features_in_ == n_features, "the transformer codes other patches")


def check_propagator(state: Mapping[str, Any]) -> None:
    """Check what a fitted propagator keeps."""
    propagation = state["propagation_"]
    if isinstance(propagation, RowPropagation):
        _check_rows(propagation, state.get("n_features_in_"))
    else:
        require(isinstance(propagation, ImagePropagation), "a propagation is of no known mode")
        _check_images(propagation)
    check_seed(propagation.seed)


def _check_rows(propagation: RowPropagation, n_features: Any) -> None:
    style, content = propagation.style, propagation.content
    alignment, moments = propagation.row_alignment, propagation.style_moments
    ours = isinstance(alignment, RowAlignment) and isinstance(moments, Moments)
    require(ours, "the alignment of rows is none")
    width, coder = _width(style), style if content is None else content
    require(
        alignment.transport.matrix.shape == (_width(coder, decodes=False), width), "the alignment is of other codes"
    )
    require(len(moments.mean) == width, "the moments are of other codes")
    require(coder.n_features_in_ == n_features, "the content codes other rows")
    check_image_shape(propagation.image_shape, coder.n_features_in_)


def _check_images(propagation: ImagePropagation) -> None:
    styles, content, fitted = propagation.styles, propagation.content, propagation.fitted
    require(len(styles) > 0, "it has no style")
    check_fit_each_other(content, styles)
    require(
        content is None or content.n_features_in_ == styles[0].n_features_in_, "the content codes patches of others"
    )
    shares = floats(propagation.style_weights, 1, "style_weights")
    require(
        shares.shape == (len(styles),) and bool((shares >= 0).all()) and math.isclose(shares.sum(), 1, rel_tol=1e-6),
        "the weights of the styles are no shares",
    )
    chosen: dict[int | None, list[int]] = {None: [i for i, share in enumerate(shares) if share > 0]}
    if len(styles) > 1:
        chosen |= {i: [i] for i in range(len(styles))}
    require(type(fitted) is dict and fitted.keys() == chosen.keys(), "the styles are not all fitted")
    for key, indices in chosen.items():
        _check_fitted(fitted[key], [styles[i] for i in indices], content)


def _check_fitted(fitted: Any, styles: list[Any], content: Any) -> None:
    require(isinstance(fitted, FittedStyles) and len(fitted.weights) == len(styles), "the styles are not all fitted")
    widths = [_width(style.transformer_) for style in styles]
    require([len(metric) for metric in fitted.metrics] == widths, "a metric is of other codes")
    n_channels = styles[0].n_channels_
    for colors in fitted.colors:
        require(colors is None or colors.matrix.shape == (n_channels, n_channels), "a map is of other colours")
    width = sum(widths)
    require((content is None) == (fitted.content_metric is None), "the content is not fitted")
    if content is not None:
        width = _width(content.transformer_)
        require(len(fitted.content_metric) == width, "a metric is of other codes")
    require(fitted.alignment.matrix.shape == (width, sum(widths)), "the alignment is of other codes")


def _width(coder: Any, *, decodes: bool = True) -> int:
    """Number of codes of a fitted coder."""
    require(hasattr(coder, "transform") and (not decodes or hasattr(coder, "inverse_transform")), "a coder cannot code")
    check_is_fitted(coder)
    return len(coder.get_feature_names_out())
