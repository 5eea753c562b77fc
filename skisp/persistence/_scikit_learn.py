"""What must hold of scikit-learn's estimators in a file: pipelines, frozen ones, decompositions and scalers."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from sklearn.decomposition import NMF, PCA, FactorAnalysis, FastICA, IncrementalPCA, TruncatedSVD
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from .._conditions import Schema, floats, require

__all__ = ["SCHEMAS"]

# Attributes of fitted coders: k codes of d features. With "?" it may be None, with "*" missing.
_SHAPES: dict[type, dict[str, str]] = {
    PCA: {"components_": "k d", "mean_": "d", "explained_variance_": "k"},
    IncrementalPCA: {"components_": "k d", "mean_": "d", "explained_variance_": "k"},
    TruncatedSVD: {"components_": "k d"},
    FactorAnalysis: {"components_": "k d", "mean_": "d", "noise_variance_": "d"},
    FastICA: {"components_": "k d", "mixing_": "d k", "mean_": "d *"},
    NMF: {"components_": "k d"},
    MaxAbsScaler: {"scale_": "d", "max_abs_": "d"},
    MinMaxScaler: {"scale_": "d", "min_": "d"},
    RobustScaler: {"center_": "d ?", "scale_": "d ?"},
    StandardScaler: {"mean_": "d ?", "scale_": "d ?", "var_": "d ?"},
}
_LARGEST_WITHOUT_ARRAYS = 1_000_000


def _check_frozen(frozen: FrozenEstimator) -> None:
    require(hasattr(frozen.estimator, "fit"), "what is frozen is not an estimator")


def _check_pipeline(pipeline: Pipeline) -> None:
    pipeline._validate_params()
    pairs = all(type(step) is tuple and len(step) == 2 and type(step[0]) is str for step in pipeline.steps)
    require(pairs, "a step of a pipeline is not a pair of a name and an estimator")
    pipeline._validate_steps()


def _check_shapes(shapes: Mapping[str, str], _: Any, state: Mapping[str, Any]) -> None:
    sizes = {"d": state.get("n_features_in_")}
    for name, axes in shapes.items():
        if (axes.endswith("?") and name in state and state[name] is None) or (axes.endswith("*") and name not in state):
            continue
        letters = axes.strip(" ?*").split()
        array = floats(state.get(name), len(letters), name)
        for letter, size in zip(letters, array.shape, strict=True):
            fits = sizes.setdefault(letter, size) == size
            require(fits, f"{name} has the shape {array.shape}, which does not fit the other attributes")
    has_arrays = any(isinstance(state.get(name), np.ndarray) for name in shapes)
    require(has_arrays or (sizes["d"] or 0) <= _LARGEST_WITHOUT_ARRAYS, "n_features_in_ is out of range")


def _of_coder(shapes: Mapping[str, str]) -> Schema:
    check: Callable[[Any, Mapping[str, Any]], None] = partial(_check_shapes, shapes)
    return Schema(attributes=None, check_state=check)


SCHEMAS: dict[type, Schema] = {
    FrozenEstimator: Schema(check_parameters=_check_frozen),
    Pipeline: Schema(check_parameters=_check_pipeline),
    **{cls: _of_coder(shapes) for cls, shapes in _SHAPES.items()},
}
