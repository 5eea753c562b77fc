"""What a display asks of its estimator, and messages that say what to give instead."""

from typing import Any

from sklearn.utils.validation import check_is_fitted

from .._base import unfrozen
from ..cvae import CVAETransformer
from ..propagation import PatchTransformer, StylePropagator
from ..propagation._image_propagation import ImagePropagation

__all__ = ["check_number", "fitted_cvae", "fitted_in_image_mode", "fitted_propagator", "fitted_transformer"]


def fitted_cvae(estimator: Any, caller: str) -> CVAETransformer:
    """The fitted C-VAE of an estimator: itself, or what a patch transformer or a frozen estimator holds.

    Raises
    ------
    TypeError
        If there is none.
    NotFittedError
        If it is not fitted.
    """
    inner = unfrozen(estimator)
    if isinstance(inner, PatchTransformer):
        check_is_fitted(inner)
        inner = unfrozen(inner.transformer_)
    if not isinstance(inner, CVAETransformer):
        raise TypeError(
            f"{caller} shows a CVAETransformer, or a PatchTransformer of one, got {type(inner).__name__}. "
            "Of another transformer ReconstructionDisplay and LatentMapDisplay show what it does."
        )
    check_is_fitted(inner)
    return inner


def fitted_transformer(estimator: Any, caller: str, *methods: str) -> Any:
    """A fitted estimator that has the methods.

    Raises
    ------
    TypeError
        If it lacks one.
    NotFittedError
        If it is not fitted.
    """
    missing = [name for name in methods if not hasattr(estimator, name)]
    if missing:
        raise TypeError(
            f"{caller} needs an estimator with {' and '.join(methods)}; {type(estimator).__name__} has no "
            f"{' and no '.join(missing)}. Give a CVAETransformer, a PCA, or another transformer that has."
        )
    check_is_fitted(estimator)
    return estimator


def fitted_propagator(estimator: Any, caller: str) -> StylePropagator:
    """A fitted ``StylePropagator``, frozen or not.

    Raises
    ------
    TypeError
        If it is something else.
    NotFittedError
        If it is not fitted.
    """
    propagator = unfrozen(estimator)
    if not isinstance(propagator, StylePropagator):
        raise TypeError(
            f"{caller} shows a StylePropagator, got {type(propagator).__name__}. "
            "Of a pipeline give the step: pipeline[-1]."
        )
    check_is_fitted(propagator)
    return propagator


def fitted_in_image_mode(estimator: Any, caller: str) -> StylePropagator:
    """The same, fitted on images rather than rows.

    Raises
    ------
    ValueError
        If it redraws rows.
    """
    propagator = fitted_propagator(estimator, caller)
    if not isinstance(propagator.propagation_, ImagePropagation):
        raise ValueError(
            f"{caller} shows how images are drawn patch by patch, but this propagator was fitted on rows, which are "
            "decoded at once. Fit one whose style is a PatchTransformer, or use StyleGridDisplay."
        )
    return propagator


def check_number(name: str, value: Any, least: int) -> int:
    """An integer of at least ``least``.

    Raises
    ------
    ValueError
        If it is not.
    """
    if isinstance(value, bool) or not hasattr(value, "__index__") or int(value) < least:
        raise ValueError(f"{name}={value!r}; expected an integer of at least {least}.")
    return int(value)
