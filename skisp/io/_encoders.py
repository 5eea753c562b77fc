"""Files that Pillow cannot write: PNG with colours of 16 bits, and TIFF with those and all EXIF tags.

References
----------
W3C, Portable Network Graphics (third edition, 2025); TIFF Revision 6.0 (Adobe, 1992), with the compression of
Adobe Photoshop TIFF Technical Notes (2002).
"""

import struct
import zlib
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._exif import tags_of, write_directory
from ._metadata import ImageMetadata

__all__ = ["encode_png", "encode_tiff"]

_LEVEL = 6  # zlib's own choice between time and size
# Of a strip before it is compressed: many readers hold one at a time.
_STRIP_BYTES = 2**22
_METRES_PER_INCH = 0.0254
_PNG_COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}
_SHORT, _LONG, _RATIONAL, _UNDEFINED = 3, 4, 5, 7


def encode_png(levels: NDArray[np.uint16], metadata: ImageMetadata) -> bytes:
    """A PNG file of 16 bits.

    Parameters
    ----------
    levels : ndarray of uint16 (H, W, C)
        C = 1 (grey), 2 (grey and alpha), 3 (RGB) or 4 (RGB and alpha).
    metadata : ImageMetadata
        Written as it is.
    """
    height, width, n_channels = levels.shape
    chunks = [_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, _PNG_COLOURS[n_channels], 0, 0, 0))]
    if metadata.icc_profile:
        chunks.append(_chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(metadata.icc_profile)))
    if metadata.dpi:
        x, y = (round(side / _METRES_PER_INCH) for side in metadata.dpi)
        chunks.append(_chunk(b"pHYs", struct.pack(">IIB", x, y, 1)))
    if metadata.exif:
        chunks.append(_chunk(b"eXIf", metadata.exif))
    chunks += [_chunk(b"IDAT", zlib.compress(_filtered(levels), _LEVEL)), _chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def encode_tiff(levels: NDArray[Any], metadata: ImageMetadata) -> memoryview:
    """A TIFF file, little-endian, in strips each compressed by zlib.

    Parameters
    ----------
    levels : ndarray of uint8 or uint16 (H, W, C)
        C = 1 (grey), 2 (grey and alpha), 3 (RGB) or 4 (RGB and alpha).
    metadata : ImageMetadata
        Written as it is.
    """
    height, width, n_channels = levels.shape
    n_rows = min(height, max(1, _STRIP_BYTES // levels[0].nbytes))
    data, starts = bytearray(b"II*\0\0\0\0\0"), []
    for start in range(0, height, n_rows):
        starts.append(len(data))
        data += _compressed(levels[start : start + n_rows])
    n_bytes = [stop - start for start, stop in pairwise([*starts, len(data)])]
    tags = tags_of(metadata.exif) if metadata.exif else {}
    tags |= {
        256: _longs(width),
        257: _longs(height),
        258: _shorts(*[8 * levels.dtype.itemsize] * n_channels),
        259: _shorts(8),  # compression: zlib
        262: _shorts(1 if n_channels < 3 else 2),  # black is zero, or RGB
        273: _longs(*starts),  # where the strips are
        277: _shorts(n_channels),
        278: _longs(n_rows),
        279: _longs(*n_bytes),
    }
    if n_channels in (2, 4):
        tags[338] = _shorts(2)  # alpha, that colours are not multiplied by
    if metadata.icc_profile:
        tags[34675] = (_UNDEFINED, len(metadata.icc_profile), metadata.icc_profile)
    if metadata.dpi:
        tags |= {282: _rational(metadata.dpi[0]), 283: _rational(metadata.dpi[1]), 296: _shorts(2)}  # an inch
    data += b"\0" * (len(data) % 2)
    struct.pack_into("<I", data, 4, len(data))
    data += write_directory(tags, len(data))
    return memoryview(data)


def _compressed(levels: NDArray[Any]) -> bytes:
    return zlib.compress(levels.astype(levels.dtype.newbyteorder("<"), copy=False).tobytes(), _LEVEL)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _filtered(levels: NDArray[np.uint16]) -> bytes:
    """Rows of bytes less those of the pixel to the left (filter 1), which compress better."""
    height, width, n_channels = levels.shape
    pixels = levels.astype(">u2").view(np.uint8).reshape(height, width, 2 * n_channels)
    rows = np.ones((height, 1 + pixels[0].size), np.uint8)
    rows[:, 1:] = np.diff(pixels, axis=1, prepend=np.uint8(0)).reshape(height, -1)
    return rows.tobytes()


def _shorts(*values: int) -> tuple[int, int, bytes]:
    return _SHORT, len(values), struct.pack(f"<{len(values)}H", *values)


def _longs(*values: int) -> tuple[int, int, bytes]:
    return _LONG, len(values), struct.pack(f"<{len(values)}I", *values)


def _rational(value: float) -> tuple[int, int, bytes]:
    return _RATIONAL, 1, struct.pack("<2I", round(value * 10_000), 10_000)
