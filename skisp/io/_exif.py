"""EXIF: the directories of tags that TIFF defined and other formats carry.

A directory is a list of entries (tag, type, count, value). It is read and written here byte for byte, since
Pillow loses what is not ASCII and moves the maker's notes, which hold positions.

References
----------
TIFF Revision 6.0 (Adobe, 1992), section 2; CIPA DC-008 Exif 2.32 (2019), section 4.
"""

import struct
from collections.abc import Iterator
from io import BytesIO
from typing import IO, Any

import numpy as np
import PIL.Image
import PIL.ImageOps
from numpy.typing import NDArray

__all__ = [
    "chain",
    "exif_of_tiff",
    "levels_turned_upright",
    "resized",
    "tags_of",
    "turned_upright",
    "upright",
    "write_directory",
]

# Of each tag its type, count and value in little-endian order; the value of a link is a directory.
Directory = dict[int, tuple[int, int, Any]]

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_UNITS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 6: 1, 7: 1, 8: 2, 9: 4, 10: 4, 11: 4, 12: 8}
_ORIENTATION = 0x0112
_EXIF, _GPS, _INTEROPERABILITY = 0x8769, 0x8825, 0xA005
_LINKS = {_EXIF: (_INTEROPERABILITY,), _GPS: (), _INTEROPERABILITY: ()}  # and what the directories there link to
_WIDTH, _HEIGHT = 0xA002, 0xA003
_THUMBNAIL, _THUMBNAIL_LENGTH = 0x0201, 0x0202
_MOST_BYTES = 2**20

# How TIFF stores the pixels, not what they show: from the width to the tiles, JPEG tables, the layers and
# settings of Adobe Photoshop, XMP, and directories of other images; ICC profile and resolution are read elsewhere.
_STRUCTURE = {
    *range(254, 260), 262, 263, 264, 265, 266, 273, *range(277, 282), 284, *range(288, 294), 297, 301,
    282, 283, 296, *range(317, 348), *range(512, 522), *range(529, 533), 700, 33723, 34377, 34675, 37724,
}  # fmt: skip


def turned_upright(image: PIL.Image.Image) -> PIL.Image.Image:
    """The image, loaded and turned as its orientation tag says; unchanged if the tags are damaged."""
    image.load()
    try:
        return PIL.ImageOps.exif_transpose(image)
    except Exception:  # errors of many kinds; the pixels are intact
        return image


def levels_turned_upright(levels: NDArray[Any], image: PIL.Image.Image) -> NDArray[Any]:
    """Levels (H, W, C) of an image, turned as its orientation tag says."""
    numbers = PIL.Image.fromarray(
        np.arange(levels.shape[0] * levels.shape[1], dtype=np.int32).reshape(levels.shape[:2])
    )
    numbers.info["exif"] = image.info.get("exif", b"")
    return levels.reshape(-1, levels.shape[2])[np.asarray(turned_upright(numbers))]


def upright(exif: bytes) -> bytes | None:
    """EXIF with the orientation reset and the thumbnail removed; None if it is damaged.

    Everything else stays where it is.

    Parameters
    ----------
    exif : bytes
        From the byte order on, with or without ``Exif\\0\\0`` before it.
    """
    data = bytearray(exif.removeprefix(b"Exif\0\0"))
    try:
        order, first = _header(bytes(data[:8]))
        entries, after = _positions(data, first, order)
        if _ORIENTATION in entries:
            _set(data, entries[_ORIENTATION], 1, order)
        return bytes(_without_thumbnail(data, after, order))
    except (struct.error, ValueError):
        return None


def resized(exif: bytes, width: int, height: int) -> bytes:
    """EXIF with the width and height of another image, if it holds them."""
    data = bytearray(exif)
    try:
        order, first = _header(exif[:8])
        entries, _ = _positions(data, first, order)
        inner, _ = _positions(data, _number(data, entries[_EXIF], order), order)
        for tag, side in ((_WIDTH, width), (_HEIGHT, height)):
            if tag in inner:
                _set(data, inner[tag], side, order)
    except (struct.error, ValueError, KeyError):
        return exif
    return bytes(data)


def exif_of_tiff(file: IO[bytes]) -> bytes | None:
    """The descriptive tags of a TIFF file's first image as EXIF; None if there are none, or the file is damaged."""
    try:
        file.seek(0)
        order, first = _header(file.read(8))
        directory = read_directory(file, first, order)
    except (struct.error, ValueError):
        return None
    directory = {tag: entry for tag, entry in directory.items() if tag not in {*_STRUCTURE, _ORIENTATION}}
    return b"II*\0\x08\0\0\0" + write_directory(directory, 8) if directory else None


def read_directory(file: IO[bytes], position: int, order: str, links: tuple[int, ...] = (_EXIF, _GPS)) -> Directory:
    """Read a directory and those it links to; entries that are damaged, or too much together, are left out."""
    n_left = _MOST_BYTES
    file.seek(position)
    (count,) = struct.unpack(order + "H", file.read(2))
    table = file.read(12 * count)
    directory: Directory = {}
    for start in range(0, len(table) - 11, 12):
        tag, kind, n_values, inline = struct.unpack(order + "HHI4s", table[start : start + 12])
        n_bytes = _SIZES.get(kind, 0) * n_values
        if tag in _LINKS:
            if tag in links:
                link = struct.unpack(order + "I", inline)[0]
                directory[tag] = (4, 1, read_directory(file, link, order, _LINKS[tag]))
        elif 0 < n_bytes <= n_left:
            n_left -= n_bytes
            value = inline[:n_bytes] if n_bytes <= 4 else _value(file, struct.unpack(order + "I", inline)[0], n_bytes)
            if len(value) == n_bytes:
                directory[tag] = (kind, n_values, _little_endian(value, kind, order))
    return directory


def tags_of(exif: bytes) -> Directory:
    """The directory of EXIF, to be written into a TIFF file; empty where it is damaged."""
    try:
        order, first = _header(exif[:8])
        return read_directory(BytesIO(exif), first, order)
    except (struct.error, ValueError):
        return {}


def write_directory(directory: Directory, position: int) -> bytes:
    """The bytes of a directory that starts at ``position``, in little-endian order, with all that it links to."""
    table, values = struct.pack("<H", len(directory)), b""
    after = position + 2 + 12 * len(directory) + 4
    for tag, (kind, count, value) in sorted(directory.items()):
        if isinstance(value, dict):
            inline = struct.pack("<I", after + len(values))
            values += write_directory(value, after + len(values))
        elif len(value) <= 4:
            inline = value.ljust(4, b"\0")
        else:
            inline = struct.pack("<I", after + len(values))
            values += value
        values += b"\0" * (len(values) % 2)  # positions are even
        table += struct.pack("<HHI", tag, kind, count) + inline
    return table + bytes(4) + values


def chain(data: bytearray) -> Iterator[tuple[dict[int, int], str]]:
    """Of each directory of a TIFF file, one a page, where the values of its entries are, and the byte order.

    In BigTIFF all that counts or points has 8 bytes, in TIFF 4, or 2 where it counts entries.
    """
    order = "<" if data[:2] == b"II" else ">"
    is_big = data[2:4] in (b"+\0", b"\0+")
    (at, link), (number, length, before) = ((8, "Q"), ("Q", 20, 12)) if is_big else ((4, "I"), ("H", 12, 8))
    seen: set[int] = set()
    while (position := struct.unpack_from(order + link, data, at)[0]) and position not in seen:
        seen.add(position)
        (count,) = struct.unpack_from(order + number, data, position)
        start = position + struct.calcsize(number)
        at = start + count * length
        entries = range(start, min(at, len(data)), length)
        yield {struct.unpack_from(order + "H", data, entry)[0]: entry + before for entry in entries}, order


def _header(header: bytes) -> tuple[str, int]:
    """Byte order and position of the first directory."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(header[:4])
    if order is None:
        raise ValueError("no TIFF header")
    return order, struct.unpack(order + "I", header[4:8])[0]


def _positions(data: bytearray, position: int, order: str) -> tuple[dict[int, int], int]:
    """Where the entries of a directory are, and where the position of the next directory is."""
    (count,) = struct.unpack_from(order + "H", data, position)
    after = position + 2 + 12 * count
    starts = range(position + 2, after, 12)
    return {struct.unpack_from(order + "H", data, start)[0]: start for start in starts}, after


def _number(data: bytearray, entry: int, order: str) -> int:
    kind = struct.unpack_from(order + "H", data, entry + 2)[0]
    return int(struct.unpack_from(order + ("H" if kind == 3 else "I"), data, entry + 8)[0])


def _set(data: bytearray, entry: int, number: int, order: str) -> None:
    """Write one whole number into an entry, as SHORT where it fits."""
    kind = 3 if number < 2**16 else 4
    value = struct.pack(order + ("H" if kind == 3 else "I"), number).ljust(4, b"\0")
    struct.pack_into(order + "HI4s", data, entry + 2, kind, 1, value)


def _without_thumbnail(data: bytearray, after: int, order: str) -> bytearray:
    """Unlink the second directory and blank the thumbnail; cut it off where it is the last of the data."""
    following = struct.unpack_from(order + "I", data, after)[0]
    if not following:
        return data
    struct.pack_into(order + "I", data, after, 0)
    try:
        entries, _ = _positions(data, following, order)
        start = _number(data, entries[_THUMBNAIL], order)
        stop = start + _number(data, entries[_THUMBNAIL_LENGTH], order)
    except (struct.error, KeyError):
        return data
    if not following < start <= stop <= len(data):
        return data
    data[start:stop] = bytes(stop - start)
    return data[:start] if stop >= len(data) - 1 else data


def _value(file: IO[bytes], position: int, n_bytes: int) -> bytes:
    here = file.tell()
    file.seek(position)
    value = file.read(n_bytes)
    file.seek(here)
    return value


def _little_endian(value: bytes, kind: int, order: str) -> bytes:
    unit = _UNITS[kind]
    if order == "<" or unit == 1:
        return value
    return b"".join(value[start : start + unit][::-1] for start in range(0, len(value), unit))
