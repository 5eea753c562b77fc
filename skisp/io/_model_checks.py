"""What must hold of the parts of a loaded model, so that it can be used: names, types, and shapes that agree."""

import math
from collections.abc import Mapping, Set
from typing import Any

import numpy as np
import torch
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from .._conditions import check_image_shape, check_seed, finite, floats, is_count, is_number, require
from .._errors import RefusedError
from .._math.affine import AffineMap
from .._math.gaussian import Moments
from ..cvae import CVAETransformer
from ..cvae._state import ATTRIBUTES
from ..propagation import PatchTransformer, StylePropagator
from ..propagation._parts import check_parts
from ..propagation._row_mode import RowAlignment
from ..propagation._style_model import FittedStyles
from ._model_network import check_cvae
from ._reader import ImageReader

__all__ = ["check_estimator", "check_parameters", "check_record"]

# Attributes of fitted coders of scikit-learn: k codes of d features. With "?" it may be None, with "*" missing.
_SHAPES: dict[str, dict[str, str]] = {
    "PCA": {"components_": "k d", "mean_": "d", "explained_variance_": "k"},
    "IncrementalPCA": {"components_": "k d", "mean_": "d", "explained_variance_": "k"},
    "TruncatedSVD": {"components_": "k d"},
    "FactorAnalysis": {"components_": "k d", "mean_": "d", "noise_variance_": "d"},
    "FastICA": {"components_": "k d", "mixing_": "d k", "mean_": "d *"},
    "NMF": {"components_": "k d"},
    "MaxAbsScaler": {"scale_": "d", "max_abs_": "d"},
    "MinMaxScaler": {"scale_": "d", "min_": "d"},
    "RobustScaler": {"center_": "d ?", "scale_": "d ?"},
    "StandardScaler": {"mean_": "d ?", "scale_": "d ?", "var_": "d ?"},
}
_LARGEST_WITHOUT_ARRAYS = 1_000_000
_OUTPUTS = ("default", "pandas", "polars")
_ALWAYS_ALLOWED = {"_sklearn_output_config", "_sklearn_version", "n_features_in_", "feature_names_in_"}
_OF_PATCHES = {"transformer_", "images_", "n_channels_"}
_OF_PROPAGATOR = {"_seed", "_models", "_in_row_mode", "style_", "content_"}
_OF_IMAGES = _OF_PROPAGATOR | {"style_weights_", "_fitted", "alignment_"}
_OF_ROWS = _OF_PROPAGATOR | {"_image_shape", "style_moments_", "row_alignment_"}


def check_parameters(estimator: Any) -> None:
    """Validate the parameters of an estimator as its ``fit`` does."""
    if isinstance(estimator, ImageReader):
        estimator.fit([])
    elif isinstance(estimator, FrozenEstimator):
        require(hasattr(estimator.estimator, "fit"), "what is frozen is no estimator")
    else:
        estimator._validate_params()
    if isinstance(estimator, CVAETransformer):
        estimator._check_parameters()
    if isinstance(estimator, Pipeline):
        pairs = all(type(step) is tuple and len(step) == 2 and type(step[0]) is str for step in estimator.steps)
        require(pairs, "a step of a pipeline is no pair of a name and an estimator")
        estimator._validate_steps()


def check_record(record: Any) -> None:
    """Check what is kept of distributions and of the maps between them."""
    if isinstance(record, AffineMap):
        n_inputs, n_outputs = finite(record.matrix, 2, "a map's matrix").shape
        require(finite(record.offset, 1, "a map's offset").shape == (n_outputs,), "a map has another offset")
        require(min(n_inputs, n_outputs) > 0, "a map is empty")
    elif isinstance(record, Moments):
        ours = isinstance(record.mean, torch.Tensor) and isinstance(record.covariance, torch.Tensor)
        require(ours and record.mean.dtype == record.covariance.dtype == torch.float64, "moments are no numbers")
        n = len(record.mean)
        require(bool(record.mean.isfinite().all() and record.covariance.isfinite().all()), "moments are not finite")
        require(record.mean.shape == (n,) and record.covariance.shape == (n, n), "moments have other shapes")
    elif isinstance(record, RowAlignment):
        require(all(isinstance(part, AffineMap) for part in record), "an alignment of rows is no pair of maps")
        require(record.to_style_coder.matrix.shape == record.transport.matrix.shape, "two maps have other shapes")
    else:
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


def check_estimator(estimator: Any, state: Mapping[str, Any]) -> None:
    """Check the attributes an estimator is to get: all or none of those that ``fit`` gives, that agree.

    Parameters
    ----------
    estimator : estimator
        With its parameters.
    state : mapping of str to values
        As ``__getstate__`` gives it, without the parameters.
    """
    cls = type(estimator)
    flat = ATTRIBUTES if isinstance(estimator, CVAETransformer) else frozenset()  # of them properties are made
    for name in state:
        fits = type(name) is str and name.isidentifier() and not name.startswith("__")
        require(
            fits and (name in flat or not hasattr(cls, name)),
            f"{cls.__name__} has no attribute {str(name)[:50]!r} of its own",
        )
    _check_common(state)
    if isinstance(estimator, CVAETransformer):
        if _has_all_or_none(cls, state, ATTRIBUTES):
            check_cvae(state)
    elif isinstance(estimator, PatchTransformer):
        if _has_all_or_none(cls, state, _OF_PATCHES):
            _check_patches(estimator, state)
    elif isinstance(estimator, StylePropagator):
        in_row_mode = state.get("_in_row_mode") is True
        if _has_all_or_none(cls, state, _OF_ROWS if in_row_mode else _OF_IMAGES):
            (_check_row_mode if in_row_mode else _check_image_mode)(state)
    elif cls.__name__ in _SHAPES:
        _check_shapes(_SHAPES[cls.__name__], state)
    else:
        _has_all_or_none(cls, state, set())


def _check_common(state: Mapping[str, Any]) -> None:
    config = state.get("_sklearn_output_config", {})
    known = type(config) is dict and all(k == "transform" and v in _OUTPUTS for k, v in config.items())
    require(known, "the configuration of the output is unknown")
    require(type(state.get("_sklearn_version", "")) is str, "the version of scikit-learn is no string")
    n_features = state.get("n_features_in_", 1)
    require(is_count(n_features, least=1), "n_features_in_ is no number of features")
    names = state.get("feature_names_in_")
    require(
        names is None or (isinstance(names, np.ndarray) and names.dtype == object and names.shape == (n_features,)),
        "the names of the features are not as many as the features",
    )


def _has_all_or_none(cls: type, state: Mapping[str, Any], expected: Set[str]) -> bool:
    found = set(state) - _ALWAYS_ALLOWED
    different = sorted(found ^ expected)
    if found and different:
        raise RefusedError(
            f"{cls.__name__} lacks, or has too much, {', '.join(name[:50] for name in different[:5])}; "
            "load it with the version of skisp that saved it."
        )
    return bool(found)


def _check_shapes(shapes: Mapping[str, str], state: Mapping[str, Any]) -> None:
    if set(state) <= _ALWAYS_ALLOWED - {"n_features_in_"}:
        return  # not fitted
    sizes = {"d": state.get("n_features_in_")}
    for name, axes in shapes.items():
        if (axes.endswith("?") and name in state and state[name] is None) or (axes.endswith("*") and name not in state):
            continue
        letters = axes.strip(" ?*").split()
        array = floats(state.get(name), len(letters), name)
        for letter, size in zip(letters, array.shape, strict=True):
            require(sizes.setdefault(letter, size) == size, f"{name} has the shape {array.shape}, other parts do not")
    has_arrays = any(isinstance(state.get(name), np.ndarray) for name in shapes)
    require(has_arrays or (sizes["d"] or 0) <= _LARGEST_WITHOUT_ARRAYS, "n_features_in_ is out of range")


def _check_patches(estimator: PatchTransformer, state: Mapping[str, Any]) -> None:
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


def _check_row_mode(state: Mapping[str, Any]) -> None:
    style, content = state["style_"], state["content_"]
    alignment, moments = state["row_alignment_"], state["style_moments_"]
    ours = isinstance(alignment, RowAlignment) and isinstance(moments, Moments)
    require(ours, "the alignment of rows is none")
    width, coder = _width(style), style if content is None else content
    require(
        alignment.transport.matrix.shape == (_width(coder, decodes=False), width), "the alignment is of other codes"
    )
    require(len(moments.mean) == width, "the moments are of other codes")
    require(coder.n_features_in_ == state.get("n_features_in_"), "the content codes other rows")
    check_image_shape(state["_image_shape"], coder.n_features_in_)
    check_seed(state["_seed"])
    require(state["_models"] == {}, "it holds banks of patches")


def _check_image_mode(state: Mapping[str, Any]) -> None:
    styles = state["style_"] if type(state["style_"]) is list else [state["style_"]]
    content, weights, fitted = state["content_"], state["style_weights_"], state["_fitted"]
    require(state["_in_row_mode"] is False and state["_models"] == {}, "it holds banks of patches")
    check_seed(state["_seed"])
    require(len(styles) > 0, "it has no style")
    check_parts(content, styles)
    require(
        content is None or content.n_features_in_ == styles[0].n_features_in_, "the content codes patches of others"
    )
    shares = floats(weights, 1, "style_weights_")
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
    alignment = state["alignment_"]
    same = isinstance(alignment, AffineMap) and alignment.matrix.shape == fitted[None].alignment.matrix.shape
    require(same, "the alignment is of other codes")


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
