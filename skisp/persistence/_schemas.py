"""What a file of a model may hold and what must hold of it: the schemas of all packages in one table.

Each package states its own (``cvae._state_checks``, ``propagation._state``). So a new fitted attribute, or a new
record in one, changes its package and nothing here.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from torch import Tensor

from .._conditions import Schema, finite, is_count, require
from .._errors import RefusedError
from .._math.affine import AffineMap
from .._math.gaussian import Moments
from ..cvae import _state_checks as cvae
from ..io import ImageReader
from ..propagation import _state as propagation
from . import _scikit_learn as scikit_learn

__all__ = ["ESTIMATORS", "RECORDS", "check_estimator", "check_record", "upgraded"]

_OUTPUTS = ("default", "pandas", "polars")
# What scikit-learn sets on every estimator.
_OF_EVERY_ESTIMATOR = {"_sklearn_output_config", "_sklearn_version", "n_features_in_", "feature_names_in_"}


def check_record(record: Any) -> None:
    """Check a record that an estimator keeps, such as a map of codes."""
    RECORDS[type(record)](record)


def check_estimator(estimator: Any, state: Mapping[str, Any]) -> None:
    """Check parameters as ``fit`` does, and the attributes an estimator is to get: all that ``fit`` sets, or none.

    Parameters
    ----------
    estimator : estimator
        With its parameters.
    state : mapping of str to values
        As ``__getstate__`` gives it, without the parameters.
    """
    cls = type(estimator)
    schema = ESTIMATORS[cls]
    schema.check_parameters(estimator)
    for name in state:
        fits = type(name) is str and name.isidentifier() and not name.startswith("__")
        # What fit sets may be read through a property of the same name.
        its_own = fits and (name in (schema.attributes or ()) or not hasattr(cls, name))
        require(its_own, f"{cls.__name__} has no attribute {str(name)[:50]!r} of its own")
    _check_what_scikit_learn_sets(state)
    if _is_fitted(cls, schema, state) and schema.check_state is not None:
        schema.check_state(estimator, state)


def upgraded(cls: type, parameters: dict[str, Any], state: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters and state of an estimator of a file of format 1, as they are in the present one."""
    upgrade = ESTIMATORS[cls].upgrade
    if upgrade is None:
        return parameters, state
    parameters, state = upgrade(parameters, state)
    for value in state.values():  # records that were not in the file
        if type(value) in RECORDS:
            check_record(value)
    return parameters, state


def _check_what_scikit_learn_sets(state: Mapping[str, Any]) -> None:
    config = state.get("_sklearn_output_config", {})
    known = type(config) is dict and all(k == "transform" and v in _OUTPUTS for k, v in config.items())
    require(known, "the configuration of the output is unknown")
    require(type(state.get("_sklearn_version", "")) is str, "the version of scikit-learn is not a string")
    n_features = state.get("n_features_in_", 1)
    require(is_count(n_features, least=1), "n_features_in_ is not a number of features")
    names = state.get("feature_names_in_")
    require(
        names is None or (isinstance(names, np.ndarray) and names.dtype == object and names.shape == (n_features,)),
        "the names of the features are not as many as the features",
    )


def _is_fitted(cls: type, schema: Schema, state: Mapping[str, Any]) -> bool:
    """Whether a state has all attributes that ``fit`` sets; not all but some are refused."""
    if schema.attributes is None:
        return not set(state) <= _OF_EVERY_ESTIMATOR - {"n_features_in_"}
    found = set(state) - _OF_EVERY_ESTIMATOR
    different = sorted(found ^ schema.attributes)
    if found and different:
        raise RefusedError(
            f"{cls.__name__} has missing or unknown attributes ({', '.join(name[:50] for name in different[:5])}); "
            "load it with the version of skisp that saved it."
        )
    return bool(found)


def _check_map(affine: AffineMap) -> None:
    n_inputs, n_outputs = finite(affine.matrix, 2, "the matrix of a map").shape
    offset = finite(affine.offset, 1, "the offset of a map")
    require(offset.shape == (n_outputs,), "the offset of a map does not fit its matrix")
    require(min(n_inputs, n_outputs) > 0, "a map is empty")


def _check_moments(moments: Moments) -> None:
    # Tensors in files of format 1.
    require(all(isinstance(part, (np.ndarray, Tensor)) for part in moments), "moments are not arrays")
    mean = finite(np.asarray(moments.mean), 1, "a mean")
    covariance = finite(np.asarray(moments.covariance), 2, "a covariance")
    require(covariance.shape == (len(mean), len(mean)), "a covariance does not fit its mean")
    require(mean.dtype == covariance.dtype == np.float64, "moments are not of double precision")


ESTIMATORS: dict[type, Schema] = {
    ImageReader: Schema(check_parameters=lambda reader: reader.fit([])),
    **cvae.SCHEMAS,
    **propagation.SCHEMAS,
    **scikit_learn.SCHEMAS,
}
RECORDS: dict[type, Callable[[Any], None]] = {
    AffineMap: _check_map,
    Moments: _check_moments,
    **propagation.RECORDS,
}
