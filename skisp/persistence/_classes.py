"""The classes a file of a model may hold: names in a table, never looked up anywhere else."""

import dataclasses
import importlib
from typing import Any

from sklearn.base import BaseEstimator

from .._errors import RefusedError

__all__ = ["class_named", "is_estimator", "name_of", "names_of_fields"]

# Estimators whose fitted state is numbers, strings and arrays, and what is plain in theirs; by their modules.
_MODULES = {
    "skisp.cvae": ["CVAETransformer"],
    "skisp.propagation": ["PatchTransformer", "StylePropagator"],
    "skisp.io": ["ImageReader"],
    "sklearn.pipeline": ["Pipeline"],
    "sklearn.frozen": ["FrozenEstimator"],
    "sklearn.decomposition": ["PCA", "IncrementalPCA", "TruncatedSVD", "FactorAnalysis", "FastICA", "NMF"],
    "sklearn.preprocessing": ["MaxAbsScaler", "MinMaxScaler", "RobustScaler", "StandardScaler"],
    "skisp._math.affine": ["AffineMap"],
    "skisp._math.gaussian": ["Moments"],
    "skisp.propagation._fitted_styles": ["FittedStyles"],
    "skisp.propagation._image_propagation": ["ImagePropagation"],
    "skisp.propagation._row_alignment": ["RowAlignment"],
    "skisp.propagation._row_propagation": ["RowPropagation"],
}
# In a file a class has the name of its package before its own, so that modules may be moved.
_HOMES = {f"{module.partition('.')[0]}.{name}": module for module, names in _MODULES.items() for name in names}


def class_named(name: str) -> type:
    """The class of a name in the table.

    Raises
    ------
    RefusedError
        If there is none.
    """
    if name not in _HOMES:
        raise RefusedError(
            f"it holds the unknown class {name[:80]!r}; update skisp if a later version has saved it, "
            "and do not trust it otherwise."
        )
    cls: type = getattr(importlib.import_module(_HOMES[name]), name.partition(".")[2])
    return cls


def name_of(cls: type) -> str | None:
    """The name of a class in the table; None where it is not there. A subclass is another class."""
    name = f"{cls.__module__.partition('.')[0]}.{cls.__name__}"
    return name if name in _HOMES and class_named(name) is cls else None


def is_estimator(cls: type) -> bool:
    """Whether a class is an estimator of the table."""
    return issubclass(cls, BaseEstimator) and name_of(cls) is not None


def names_of_fields(cls: Any) -> list[str]:
    """Names of what a class of the table is made with: parameters of an estimator, fields of a record."""
    if is_estimator(cls):
        return list(cls._get_param_names())
    return [field.name for field in dataclasses.fields(cls)] if dataclasses.is_dataclass(cls) else list(cls._fields)
