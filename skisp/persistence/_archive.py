"""The container of a saved model: a zip of one pickle and the numbers of its tensors, as ``torch.save`` writes it.

``torch.load(weights_only=True)`` runs no code of a file. It trusts the rest (torch 2.13): it reads no checksum,
gives a tensor of any shape with strides of 0, and makes a bytearray of any size a file names. So all of that is
checked before, and torch reads an archive written anew from what has been checked.
"""

import pickle
import pickletools
import re
import zipfile
from io import BytesIO
from typing import Any

import torch

from .._errors import RefusedError
from ._limits import limits

__all__ = ["pack", "unpack"]

# What torch.save makes of plain data and tensors; the rest of pickle's language is refused.
_OPCODES = (
    {"PROTO", "STOP", "MARK", "GLOBAL", "REDUCE", "BINPERSID", "BINGET", "LONG_BINGET", "BINPUT", "LONG_BINPUT"}
    | {"NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE"}
    | {"EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_LIST", "APPEND", "APPENDS"}
    | {"EMPTY_DICT", "SETITEM", "SETITEMS"}
)
_BYTES_A_VALUE = {
    "BoolStorage": 1,
    "ByteStorage": 1,
    "CharStorage": 1,
    "ShortStorage": 2,
    "HalfStorage": 2,
    "IntStorage": 4,
    "FloatStorage": 4,
    "LongStorage": 8,
    "DoubleStorage": 8,
    "ComplexFloatStorage": 8,
    "ComplexDoubleStorage": 16,
}
_NUMBERS = re.compile(r"data/\d{1,9}")
_NEEDED = {"data.pkl", "byteorder", "version"}
_IGNORED = {".format_version", ".storage_alignment", ".data/serialization_id"}


def pack(tree: Any) -> bytes:
    """The bytes of a file that holds plain data and dense tensors, no two of which share memory.

    Raises
    ------
    RefusedError
        If it holds more than :func:`unpack` would read.
    """
    buffer = BytesIO()
    torch.save(tree, buffer, pickle_protocol=2)
    data = buffer.getvalue()
    _check_pickle(_records(data))
    return data


def unpack(data: bytes) -> Any:
    """Plain data and tensors, on the CPU, from the bytes of a file that anyone may have made.

    Raises
    ------
    Exception
        Whatever the readers raise; RefusedError where this module knows what is wrong.
    """
    records = _records(data)
    _check_pickle(records)
    return torch.load(_written_anew(records), map_location="cpu", weights_only=True, mmap=False)


def _records(data: bytes) -> dict[str, bytes]:
    """Contents by name, without the folder all of them are in; their checksums are right."""
    if data[:2] != b"PK":
        raise RefusedError("it is not a file of save_model; name one that save_model has written.")
    if data.count(b"PK\x01\x02") > limits.entries:  # before a directory of millions is read
        raise RefusedError("it has too many entries for a model; do not trust where it comes from.")
    with zipfile.ZipFile(BytesIO(data)) as archive:
        entries = archive.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise RefusedError("it is a compressed archive, not a file of save_model; unpack what is in it.")
        # No two entries share bytes, so the contents are no longer than the file.
        if sum(entry.file_size for entry in entries) > len(data):
            raise RefusedError("its entries claim more than the file holds; do not trust where it comes from.")
        records = {entry.filename.partition("/")[2]: archive.read(entry) for entry in entries}
    if len(records) != len(entries) or any(
        name not in _NEEDED | _IGNORED and not _NUMBERS.fullmatch(name) for name in records
    ):
        raise RefusedError("it is an archive of something else; name a file that save_model has written.")
    if not records.keys() >= _NEEDED:
        raise RefusedError("it is an archive without a model; name a file that save_model has written.")
    return records


def _written_anew(records: dict[str, bytes]) -> BytesIO:
    """An archive of these records and no others, in which no two readers can see different things."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in records.items():
            if name not in _IGNORED:
                archive.writestr(f"archive/{name}", content)
    buffer.seek(0)
    return buffer


def _check_pickle(records: dict[str, bytes]) -> None:
    """Refuse a pickle that says more than plain data and tensors that fill their records."""
    content = records["data.pkl"]
    argument: Any
    for i, (opcode, argument, _) in enumerate(pickletools.genops(content)):
        if opcode.name not in _OPCODES:
            raise RefusedError(f"it holds more than plain data (pickle's {opcode.name}); do not trust it.")
        if i >= limits.opcodes:
            raise RefusedError("it holds too many single values; keep large data in arrays.")
        # An index or a number far out of range makes pickle take memory, or hashing slow.
        if "PUT" in opcode.name and argument > len(content):
            raise RefusedError("it is damaged (an index is out of range); copy or download it again.")
        if opcode.name == "LONG1" and not -(2**63) <= argument < 2**63:
            raise RefusedError("it holds an integer of more than 64 bits; do not trust it.")
    _Rehearsal(records).load()


class _Rehearsal(pickle.Unpickler):
    """Reads a pickle without building anything: every name that it may use stands for a check."""

    def __init__(self, records: dict[str, bytes]) -> None:
        super().__init__(BytesIO(records["data.pkl"]))
        self._sizes = {name: len(content) for name, content in records.items()}
        self._seen: set[str] = set()

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _check_tensor
        if (module, name) == ("collections", "OrderedDict"):
            return _no_hooks
        if module == "torch" and name in _BYTES_A_VALUE:
            return _Kind(_BYTES_A_VALUE[name])
        raise RefusedError(f"it asks for {module[:50]}.{name[:50]}, which is not plain data; do not trust it.")

    def persistent_load(self, reference: Any) -> "_Storage":
        """The storage a tensor is made of: all of a record, which no other tensor has."""
        tag, kind, key, device, n_values = reference
        name = f"data/{key}"
        if tag != "storage" or type(kind) is not _Kind or type(key) is not str or device != "cpu":
            raise RefusedError("a tensor is not stored as save_model stores it; do not trust it.")
        if type(n_values) is not int or kind.n_bytes * n_values != self._sizes.get(name) or name in self._seen:
            raise RefusedError("a tensor has another size than its numbers; do not trust it.")
        self._seen.add(name)
        return _Storage(n_values)


class _Kind:
    """Stands for torch's class of storages of a dtype."""

    def __init__(self, n_bytes: int) -> None:
        self.n_bytes = n_bytes


class _Storage:
    """Stands for a storage."""

    def __init__(self, n_values: int) -> None:
        self.n_values = n_values


class _Hooks:
    """Stands for the hooks of a tensor, of which there are none."""


def _no_hooks(*arguments: Any) -> _Hooks:
    if arguments:
        raise RefusedError("a tensor has hooks; do not trust it.")
    return _Hooks()


def _check_tensor(storage: Any, offset: Any, shape: Any, strides: Any, requires_grad: Any, hooks: Any) -> None:
    """Refuse a tensor that is not all of its storage, each value once."""
    if type(storage) is not _Storage or type(hooks) is not _Hooks or offset != 0 or requires_grad is not False:
        raise RefusedError("a tensor is not stored as save_model stores it; do not trust it.")
    if any(type(n) is not int or not 0 <= n < 2**48 for n in (*shape, *strides)) or len(shape) > limits.axes:
        raise RefusedError("a tensor's shape is out of range; do not trust it.")
    n_values = 1
    for stride, n in sorted(zip(strides, shape, strict=True)):
        if n != 1 and stride != n_values and 0 not in shape:
            raise RefusedError("a tensor does not fill its storage; do not trust it.")
        n_values *= n
    if n_values != storage.n_values:
        raise RefusedError("a tensor has another size than its numbers; do not trust it.")
