"""Arrays, strings and states of random generators as entries of a file's table, and back.

An array's order in memory is kept, since the bits of a matrix product depend on it.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .._errors import RefusedError
from ._limits import limits

__all__ = ["CURE", "READERS", "array_entry", "exactly", "holds_strings", "random_state_entry", "strings_entry"]

# Dtypes that torch has no storage for, as those of the same bits.
_STORED_AS = {"uint16": "int16", "uint32": "int32", "uint64": "int64"}
_INTEGERS = ("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")
_DTYPES = frozenset([*_INTEGERS, "float16", "float32", "float64", "complex64", "complex128"])
CURE = (
    "set it to None or to numbers, strings or arrays, or save with pickle or joblib, "
    "which only those who trust the file should load"
)


def exactly(value: Any, types: dict[str, type]) -> None:
    """Refuse what is not a dict of these keys, with values of these types."""
    if type(value) is not dict or value.keys() != types.keys():
        raise RefusedError("a part of it is not in the form that save_model writes; do not trust it.")
    for name, expected in types.items():
        if type(value[name]) is not expected:
            raise RefusedError(f"the {name} of a part is not of type {expected.__name__}; do not trust it.")


def array_entry(array: NDArray[Any], where: str) -> dict[str, Any]:
    dtype = array.dtype.newbyteorder("=")
    if dtype.name not in _DTYPES:
        raise TypeError(f"cannot save {where}: an array of dtype {array.dtype} is not plain data; {CURE}.")
    native = np.array(array, dtype=dtype, order="K")
    return {
        "kind": "array",
        "dtype": dtype.name,
        "values": torch.from_numpy(native.view(_STORED_AS.get(dtype.name, dtype.name))),
    }


def _array(entry: dict[str, Any]) -> NDArray[Any]:
    exactly(entry, {"kind": str, "dtype": str, "values": torch.Tensor})
    values = entry["values"].numpy()
    name = entry["dtype"]
    if name not in _DTYPES or values.dtype.name != _STORED_AS.get(name, name):
        raise RefusedError("an array has another dtype than it says; do not trust it.")
    return values.view(name)


def _scalar(entry: dict[str, Any]) -> Any:
    array = _array(entry)
    if array.shape != ():
        raise RefusedError(f"a single number has the shape {array.shape}; do not trust it.")
    return array[()]


def _tensor(entry: dict[str, Any]) -> torch.Tensor:
    return torch.from_numpy(_array(entry))


def holds_strings(array: NDArray[Any]) -> bool:
    return array.dtype.kind == "U" or (array.dtype == object and all(type(item) is str for item in array.flat))


def strings_entry(array: NDArray[Any]) -> dict[str, Any]:
    return {
        "kind": "strings",
        "objects": array.dtype == object,
        "shape": tuple(array.shape),
        "values": [str(item) for item in array.flat],
    }


def _strings(entry: dict[str, Any]) -> NDArray[Any]:
    exactly(entry, {"kind": str, "objects": bool, "shape": tuple, "values": list})
    values, shape = entry["values"], entry["shape"]
    if not all(type(value) is str for value in values) or not all(type(side) is int and side >= 0 for side in shape):
        raise RefusedError("an array of strings holds something else; do not trust it.")
    if math.prod(shape) != len(values) or len(shape) > 4:
        raise RefusedError("an array of strings has another shape than it says; do not trust it.")
    if 4 * len(values) * max(map(len, values), default=0) > limits.bytes_of_strings:
        raise RefusedError("an array of strings would take too much memory; do not trust it.")
    return np.array(values, dtype=object if entry["objects"] else str).reshape(shape)


def random_state_entry(state: np.random.RandomState, where: str) -> dict[str, Any]:
    found: Any = state.get_state(legacy=False)
    if found["bit_generator"] != "MT19937":
        raise TypeError(
            f"cannot save {where}: it draws from {found['bit_generator']}, not from NumPy's usual MT19937; {CURE}."
        )
    return {
        "kind": "random_state",
        "keys": torch.from_numpy(np.array(found["state"]["key"], dtype=np.uint32).view(np.int32)),
        "position": int(found["state"]["pos"]),
        "has_gauss": int(found["has_gauss"]),
        "cached": float(found["gauss"]),
    }


def _random_state(entry: dict[str, Any]) -> np.random.RandomState:
    exactly(entry, {"kind": str, "keys": torch.Tensor, "position": int, "has_gauss": int, "cached": float})
    keys = entry["keys"]
    if keys.dtype != torch.int32 or tuple(keys.shape) != (624,) or not 0 <= entry["position"] <= 624:
        raise RefusedError("the state of a random generator is out of range; do not trust it.")
    state = np.random.RandomState(0)
    state.set_state(
        ("MT19937", keys.numpy().view(np.uint32), entry["position"], int(entry["has_gauss"] != 0), entry["cached"])
    )
    return state


def _device(entry: dict[str, Any]) -> torch.device:
    exactly(entry, {"kind": str, "name": str})
    return torch.device(entry["name"])


def _path(entry: dict[str, Any]) -> Path:
    exactly(entry, {"kind": str, "name": str})
    return Path(entry["name"])


READERS = {
    "array": _array,
    "scalar": _scalar,
    "tensor": _tensor,
    "strings": _strings,
    "random_state": _random_state,
    "device": _device,
    "path": _path,
}
