"""Conditions that what is read from a file must meet, each with an error of its own."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._base import LARGEST_SEED
from ._errors import RefusedError

__all__ = [
    "Schema",
    "are_counts",
    "check_image_shape",
    "check_seed",
    "finite",
    "floats",
    "is_count",
    "is_number",
    "require",
]


def _check_parameters(estimator: Any) -> None:
    estimator._validate_params()


@dataclass(frozen=True)
class Schema:
    """What a package states of an estimator of its own, so that it can be saved and loaded.

    Attributes
    ----------
    attributes : frozenset of str, or None
        What ``fit`` sets: a state has all of it, or nothing. None for scikit-learn's, which set more
        than is checked.
    check_state : callable of (estimator, state), or None
        Refuses values that do not agree with each other, and with the parameters. It is called with a fitted
        state, before the estimator gets it.
    check_parameters : callable of (estimator)
        Validates the parameters as ``fit`` does.
    upgrade : callable of (parameters, state), or None
        Turns both, of a file of format 1 and not checked yet, into those of the present format.
    """

    attributes: frozenset[str] | None = frozenset()
    check_state: Callable[[Any, Mapping[str, Any]], None] | None = None
    check_parameters: Callable[[Any], None] = _check_parameters
    upgrade: Callable[[dict[str, Any], dict[str, Any]], tuple[dict[str, Any], dict[str, Any]]] | None = None


def check_image_shape(shape: Any, n_features: int) -> None:
    fits = shape is None or (type(shape) is tuple and 2 <= len(shape) <= 3 and are_counts(list(shape), 3))
    require(
        fits and (shape is None or math.prod(shape) == n_features),
        "the shape of the images does not fit",
    )


def check_seed(seed: Any) -> None:
    require(is_count(seed, least=0) and seed <= LARGEST_SEED, "a seed is out of range")


def floats(array: Any, n_axes: int, name: str) -> Any:
    require(
        isinstance(array, np.ndarray) and array.dtype.kind == "f" and array.ndim == n_axes,
        f"{name} is not an array of floats with {n_axes} axes",
    )
    return array


def finite(array: Any, n_axes: int, name: str) -> Any:
    """The same without NaN or infinity, of which no decomposition can be taken."""
    require(bool(np.isfinite(floats(array, n_axes, name)).all()), f"{name} is not finite")
    return array


def is_number(value: Any) -> bool:
    return type(value) is float or isinstance(value, np.floating)


def is_count(value: Any, *, least: int) -> bool:
    return (type(value) is int or isinstance(value, np.integer)) and bool(value >= least)


def are_counts(values: Any, most: int) -> bool:
    return type(values) is list and len(values) <= most and all(is_count(value, least=1) for value in values)


def require(condition: bool, reason: str) -> None:
    if not condition:
        raise RefusedError(f"{reason}; it is damaged or was changed, so save the model again.")
