"""Grey levels that Pillow does not give as the file means them.

References
----------
TIFF Revision 6.0 (Adobe, 1992): PhotometricInterpretation, BitsPerSample. W3C, Portable Network Graphics (third
edition, 2025), section 11.3.1.1, on tRNS.
"""

import re
import struct
from io import BytesIO
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ._exif import chain

__all__ = ["keep_native_order", "levels_as_tagged", "scale_transparent_level", "with_black_as_zero"]

_BITS, _PHOTOMETRIC = 258, 262
_STEPS = {"L;2": 85, "L;4": 17}  # of grey of 2 and 4 bits in 8
_BIG_ENDIAN = re.compile(r"([IF];\d\d)B([SF]?)")
_TWELVE, _SIXTEEN = 2**12 - 1, 2**16 - 1


def with_black_as_zero(file: IO[bytes]) -> tuple[IO[bytes], set[int]]:
    """A file in which black is 0 also where it had more than 8 bits with white as 0, and the pages that had.

    Pillow ignores that, or does not open the file.
    """
    file.seek(0)
    if file.read(4) not in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return file, set()
    file.seek(0)
    data = bytearray(file.read())
    pages = set()
    try:
        for page, (entries, order) in enumerate(chain(data)):
            values = {
                tag: struct.unpack_from(order + "H", data, entries[tag])[0]
                for tag in (_BITS, _PHOTOMETRIC)
                if tag in entries
            }
            if values.get(_BITS, 0) > 8 and values.get(_PHOTOMETRIC) == 0:
                struct.pack_into(order + "H", data, entries[_PHOTOMETRIC], 1)
                pages.add(page)
    except struct.error:  # Pillow will say how it is damaged
        pass
    return (BytesIO(data), pages) if pages else (file, pages)


def levels_as_tagged(array: NDArray[Any], image: Any, *, white_as_zero: bool) -> NDArray[Any]:
    """Grey of 12 bits over the whole range of 16, where Pillow leaves it in the lowest sixteenth; with 0 as black."""
    if array.dtype == np.uint16 and getattr(image, "tag_v2", {}).get(_BITS) == (12,):
        array = (array * np.uint32(_SIXTEEN) // _TWELVE).astype(np.uint16)
    if not white_as_zero:
        return array
    return np.asarray((np.iinfo(array.dtype).max if array.dtype.kind == "u" else np.float32(1)) - array)


def keep_native_order(image: Any) -> None:
    """Make Pillow read what libtiff has unpacked as it is; it turns the bytes of big-endian files round once more."""
    if image.format == "TIFF":
        image.tile = [
            tile._replace(args=(_BIG_ENDIAN.sub(r"\1N\2", str(tile.args[0])), *tile.args[1:]))
            if tile.codec_name == "libtiff"
            else tile
            for tile in image.tile
        ]


def scale_transparent_level(image: Any) -> None:
    """Give the level that is transparent as many bits as Pillow gives the levels of a PNG file."""
    for tile in image.tile if image.format == "PNG" else ():
        if tile.args in _STEPS and isinstance(image.info.get("transparency"), int):
            image.info["transparency"] *= _STEPS[tile.args]
