"""Estimators as plain data and tensors, and back.

Numbers, strings, None, lists and tuples are themselves. A dict is ``{"kind": "dict", "items": [(key, value), ...]}``.
Everything else is an entry of one table, in which an entry refers to earlier ones only,
``{"kind": "object", "index": i}``: what is shared stays shared, and no file can make the reader go in circles.
"""

import inspect
from collections.abc import Callable
from pathlib import PurePath
from typing import Any

import numpy as np
import torch

from .._errors import RefusedError
from ._arrays import CURE, READERS, array_entry, exactly, holds_strings, random_state_entry, strings_entry
from ._classes import class_named, is_estimator, name_of, names_of_fields
from ._limits import limits
from ._schemas import check_estimator, check_record, upgraded

__all__ = ["from_plain", "to_plain"]

# Where a later fit would write, or load pickles from.
_NOT_SAVED = ("checkpoint", "memory")


def to_plain(estimator: Any) -> dict[str, Any]:
    """An estimator as plain data and tensors.

    Raises
    ------
    TypeError
        If it holds something that is neither, or a class that is not in the table of known ones.
    """
    writer = _Writer()
    root = writer.estimator(estimator, type(estimator).__name__)
    return {"objects": writer.objects, "root": root}


def from_plain(tree: Any, file_format: int) -> Any:
    """The estimator of plain data that anyone may have made, in a file of a format (1 or 2).

    Raises
    ------
    Exception
        Whatever goes wrong with such data; RefusedError where the reason is known.
    """
    exactly(tree, {"objects": list, "root": dict})
    reader = _Reader(file_format)
    for entry in tree["objects"]:
        reader.add(entry)
    estimator = reader.value(tree["root"])
    if not is_estimator(type(estimator)):
        raise RefusedError("it does not hold an estimator; save one with save_model.")
    return estimator


class _Writer:
    """Collects the entries of the table."""

    def __init__(self) -> None:
        self.objects: list[dict[str, Any]] = []
        self._indices: dict[int, int] = {}
        self._alive: list[Any] = []
        self._n_values = 0

    def value(self, value: Any, where: str, depth: int = 0) -> Any:
        """A value as it is stored; ``where`` names it in errors."""
        self._n_values += 1
        if depth > limits.depth or self._n_values > limits.values:
            limit = f"more than {limits.depth} deep, or with more than {limits.values} values before it"
            raise TypeError(f"cannot save {where}: it is nested {limit}; {CURE}.")
        if type(value) is int and not -(2**63) <= value < 2**63:
            raise TypeError(f"cannot save {where}: the integer has more than 64 bits; {CURE}.")
        if value is None or type(value) in (bool, int, float, str):
            return value
        if type(value) in (list, tuple):
            items = (self.value(item, f"{where}[{i}]", depth + 1) for i, item in enumerate(value))
            return type(value)(items)
        if type(value) is dict:
            items = (
                (_key(key, where), self.value(item, f"{where}[{key!r}]", depth + 1)) for key, item in value.items()
            )
            return {"kind": "dict", "items": list(items)}
        return self._reference(value, where)

    def estimator(self, estimator: Any, where: str) -> dict[str, Any]:
        """A reference to an estimator."""
        if not is_estimator(type(estimator)):
            raise TypeError(f"cannot save {_described(estimator)}: save_model does not know this class; {CURE}.")
        return self._reference(estimator, where)

    def _reference(self, value: Any, where: str) -> dict[str, Any]:
        index = self._indices.get(id(value))
        if index is None:
            entry = self._entry(value, where)
            index = len(self.objects)
            self.objects.append(entry)
            self._indices[id(value)] = index
            self._alive.append(value)  # so that no other object gets its id
        return {"kind": "object", "index": index}

    def _entry(self, value: Any, where: str) -> dict[str, Any]:
        if isinstance(value, torch.Tensor):
            return {**array_entry(value.detach().cpu().numpy(), where), "kind": "tensor"}
        if isinstance(value, np.generic):
            return {**array_entry(np.asarray(value), where), "kind": "scalar"}
        if isinstance(value, np.ndarray):
            return strings_entry(value) if holds_strings(value) else array_entry(np.asarray(value), where)
        if isinstance(value, np.random.RandomState):
            return random_state_entry(value, where)
        if isinstance(value, torch.device):
            return {"kind": "device", "name": str(value)}
        if isinstance(value, PurePath):
            return {"kind": "path", "name": str(value)}
        return self._instance_entry(value, where)

    def _instance_entry(self, value: Any, where: str) -> dict[str, Any]:
        name = name_of(type(value))
        if name is None:
            raise TypeError(f"cannot save {where}: it is {_described(value)}, which is not plain data; {CURE}.")
        if not is_estimator(type(value)):
            fields = {field: getattr(value, field) for field in names_of_fields(type(value))}
            entry = {"kind": "record", "class": name, "fields": self._values(fields, where)}
            _check_loadable(lambda: check_record(value), where)
            return entry
        state = dict(value.__getstate__())
        parameters = {key: state.pop(key) for key in names_of_fields(type(value))}
        parameters |= {name: None for name in _NOT_SAVED if name in parameters}
        entry = {
            "kind": "estimator",
            "class": name,
            "parameters": self._values(parameters, where),
            "state": self._values(state, where),
        }
        _check_loadable(lambda: check_estimator(value, state), where)
        return entry

    def _values(self, values: dict[str, Any], where: str) -> dict[str, Any]:
        return {key: self.value(value, f"{where}.{key}") for key, value in values.items()}


class _Reader:
    """Builds the entries of the table, each from earlier ones, in time and memory like the file's length."""

    def __init__(self, file_format: int) -> None:
        self.objects: list[Any] = []
        self._file_format = file_format
        self._sizes: list[int] = []  # estimators in each, those in several places several times
        self._size = 0
        self._n_values = self._n_bytes = self._n_referred = 0
        self._seen: set[int] = set()

    def add(self, entry: Any) -> None:
        """Build the next entry of the table."""
        if type(entry) is not dict or type(entry.get("kind")) is not str:
            raise RefusedError("a part of it is not in the form that save_model writes; do not trust it.")
        for part in (entry, *entry.values()):
            self._once(part)
        self._size = int(entry["kind"] == "estimator")
        made = self._entry(entry)
        self.objects.append(made)
        self._sizes.append(self._size)
        self._n_bytes += _n_bytes(made)
        if self._size > limits.estimators:
            raise RefusedError("it holds too many estimators; do not trust it.")

    def value(self, value: Any, depth: int = 0) -> Any:
        """A value as it was, each list, tuple and dictionary of the file once."""
        self._n_values += 1
        if depth > limits.depth or self._n_values > limits.values:
            raise RefusedError("it is nested too deep or holds too many values; do not trust it.")
        if value is None or type(value) in (bool, int, float, str):
            return value
        self._once(value)
        if type(value) in (list, tuple):
            return type(value)(self.value(item, depth + 1) for item in value)
        if type(value) is dict and value.get("kind") == "dict":
            exactly(value, {"kind": str, "items": list})
            return {self._checked_key(key): self.value(item, depth + 1) for key, item in value["items"]}
        return self._referred(value)

    def _referred(self, reference: Any) -> Any:
        exactly(reference, {"kind": str, "index": int})
        index = reference["index"]
        if reference["kind"] != "object" or not 0 <= index < len(self.objects):
            raise RefusedError("a part refers to another that is not there; do not trust it.")
        self._size += self._sizes[index]
        self._n_referred += _n_bytes(self.objects[index])
        if self._n_referred > limits.references * self._n_bytes + limits.bytes_always_referred:
            raise RefusedError("it uses the same numbers in too many places; do not trust it.")
        return self.objects[index]

    def _once(self, part: Any) -> None:
        """Refuse a part that is in several places: a short file could be read for ever."""
        if type(part) not in (list, tuple, dict) or part == ():  # there is but one empty tuple
            return
        if id(part) in self._seen:
            raise RefusedError("a part of it is in two places; do not trust it.")
        self._seen.add(id(part))

    def _entry(self, entry: dict[str, Any]) -> Any:
        kind: str = entry["kind"]
        if kind in READERS:
            return READERS[kind](entry)
        if kind == "record":
            exactly(entry, {"kind": str, "class": str, "fields": dict})
            return self._record(class_named(entry["class"]), entry["fields"])
        exactly(entry, {"kind": str, "class": str, "parameters": dict, "state": dict})
        if kind != "estimator":
            raise RefusedError(f"it holds a part of unknown kind {kind[:50]!r}; do not trust it.")
        return self._estimator(class_named(entry["class"]), entry["parameters"], entry["state"])

    def _record(self, cls: type, fields: dict[str, Any]) -> Any:
        if is_estimator(cls):
            raise RefusedError(f"it holds {cls.__name__} in a form it does not have; do not trust it.")
        _check_names(cls, fields)
        record = cls(**{name: self.value(value) for name, value in fields.items()})
        check_record(record)
        return record

    def _estimator(self, cls: type, parameters: dict[str, Any], state: dict[str, Any]) -> Any:
        if not is_estimator(cls):
            raise RefusedError(f"it holds {cls.__name__} in a form it does not have; do not trust it.")
        given = {name: self.value(value) for name, value in parameters.items()}
        values = {name: self.value(value) for name, value in state.items()}
        if self._file_format == 1:
            _check_are_names(given, values)
            given, values = upgraded(cls, given, values)
        _check_names(cls, {**_defaults(cls), **given})
        for name in _NOT_SAVED:
            if given.get(name) is not None:
                raise RefusedError(f"it names a place on the disk as {name}, which is not saved; do not trust it.")
        estimator = cls(**given)
        check_estimator(estimator, values)
        # A state of scikit-learn's takes its version out, and warns where it is another.
        estimator.__setstate__({**vars(estimator), **values})
        return estimator

    @staticmethod
    def _checked_key(key: Any) -> Any:
        if key is None or type(key) in (str, int):
            return key
        raise RefusedError("a dictionary has a key that is neither a string nor an integer; do not trust it.")


def _check_loadable(check: Callable[[], None], where: str) -> None:
    """Refuse to save what would be refused when it is loaded."""
    try:
        check()
    except RefusedError as error:
        reason = str(error).partition(";")[0]
        raise ValueError(
            f"cannot save {where}: its attributes are not those that fit gives ({reason}); fit it again."
        ) from error


def _key(key: Any, where: str) -> Any:
    if key is None or type(key) in (str, int):
        return key
    raise TypeError(f"cannot save {where}: a dictionary has the key {key!r}, neither a string nor an integer; {CURE}.")


def _described(value: Any) -> str:
    return f"a {type(value).__module__}.{type(value).__qualname__}"


def _n_bytes(value: Any) -> int:
    return value.nbytes if isinstance(value, (np.ndarray, torch.Tensor)) else 0


def _defaults(cls: type) -> dict[str, Any]:
    """Defaults of an estimator's parameters, which those have that a file of an earlier version does not know."""
    signature = inspect.signature(cls)
    return {name: p.default for name, p in signature.parameters.items() if p.default is not p.empty}


def _check_are_names(*values: dict[str, Any]) -> None:
    if not all(type(name) is str for names in values for name in names):
        raise RefusedError("a part of it is not in the form that save_model writes; do not trust it.")


def _check_names(cls: type, values: dict[str, Any]) -> None:
    expected = set(names_of_fields(cls))
    different = sorted(str(name)[:50] for name in values.keys() ^ expected)
    if different:
        raise RefusedError(
            f"{cls.__name__} has missing or unknown parameters or fields ({', '.join(different[:5])}); "
            "load it with the version of skisp and scikit-learn that saved it."
        )
