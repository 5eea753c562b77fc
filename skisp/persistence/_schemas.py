"""What must hold of a loaded estimator: known attributes, all or none, whose types and shapes agree.

Each package states what its own estimators keep (``cvae``, ``propagation``); here are scikit-learn's.
"""

from collections.abc import Mapping, Set
from typing import Any

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from .._conditions import floats, is_count, require
from .._errors import RefusedError
from ..cvae import CVAETransformer
from ..cvae._state import ATTRIBUTES as ATTRIBUTES_OF_CVAE
from ..cvae._state_checks import check_state as check_cvae
from ..io import ImageReader
from ..propagation import PatchTransformer, StylePropagator
from ..propagation import _format_1 as propagators_of_format_1
from ..propagation._state import (
    ATTRIBUTES_OF_PATCHES,
    ATTRIBUTES_OF_PROPAGATOR,
    check_patches,
    check_propagator,
    check_record,
)

__all__ = ["check_estimator", "check_parameters", "check_record", "upgraded"]

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


def upgraded(cls: type, parameters: dict[str, Any], state: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters and state of an estimator of a file of format 1, as they are in the present one."""
    if cls is CVAETransformer:
        return {"init": "random", **parameters}, state
    return propagators_of_format_1.upgraded(parameters, state) if cls is StylePropagator else (parameters, state)


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
    flat = ATTRIBUTES_OF_CVAE if cls is CVAETransformer else frozenset()  # which become properties
    for name in state:
        fits = type(name) is str and name.isidentifier() and not name.startswith("__")
        its_own = fits and (name in flat or not hasattr(cls, name))
        require(its_own, f"{cls.__name__} has no attribute {str(name)[:50]!r} of its own")
    _check_common(state)
    if isinstance(estimator, CVAETransformer):
        if _has_all_or_none(cls, state, ATTRIBUTES_OF_CVAE):
            check_cvae(state)
    elif isinstance(estimator, PatchTransformer):
        if _has_all_or_none(cls, state, ATTRIBUTES_OF_PATCHES):
            check_patches(estimator, state)
    elif isinstance(estimator, StylePropagator):
        if _has_all_or_none(cls, state, ATTRIBUTES_OF_PROPAGATOR):
            check_propagator(state)
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
