"""The classes a file of a model may hold: names in a table, never looked up anywhere else."""

import dataclasses
from typing import Any

from .._errors import RefusedError
from ._schemas import ESTIMATORS, RECORDS

__all__ = ["class_named", "is_estimator", "name_of", "names_of_fields"]

# In a file a class has the name of its package before its own, so that modules may be moved.
_CLASSES = {f"{cls.__module__.partition('.')[0]}.{cls.__name__}": cls for cls in (*ESTIMATORS, *RECORDS)}
_NAMES = {cls: name for name, cls in _CLASSES.items()}


def class_named(name: str) -> type:
    """The class of a name in the table.

    Raises
    ------
    RefusedError
        If there is none.
    """
    if name not in _CLASSES:
        raise RefusedError(
            f"it holds the unknown class {name[:80]!r}; update skisp if a later version has saved it, "
            "and do not trust it otherwise."
        )
    return _CLASSES[name]


def name_of(cls: type) -> str | None:
    """The name of a class in the table; None where it is not there. A subclass is another class."""
    return _NAMES.get(cls)


def is_estimator(cls: type) -> bool:
    """Whether a class is an estimator of the table."""
    return cls in ESTIMATORS


def names_of_fields(cls: Any) -> list[str]:
    """Names of what a class of the table is made with: parameters of an estimator, fields of a record."""
    if is_estimator(cls):
        return list(cls._get_param_names())
    return [field.name for field in dataclasses.fields(cls)] if dataclasses.is_dataclass(cls) else list(cls._fields)
