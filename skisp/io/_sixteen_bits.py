"""Colours of 16 bits: Pillow has no mode for them, and would round them to 8.

So it decodes each file twice, once for the high bytes and once for the low ones, by reading the levels in the
other byte order. In this way every file that Pillow can decode is read: interlaced, tiled or compressed.

References
----------
W3C, Portable Network Graphics (third edition, 2025), sections 5, 9 and 11; TIFF Revision 6.0 (Adobe, 1992).
"""

import sys
from typing import IO, Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from ._exif import turned_upright

__all__ = ["read_levels"]

_NATIVE, _OTHER = ("L", "B") if sys.byteorder == "little" else ("B", "L")
_SWAPPED = {"L": "B", "B": "L", "N": _OTHER}
_BITS, _PLANAR = 258, 284
_LAYOUTS = ("RGB", "RGBA", "RGBX", "R", "G", "B", "A")


def read_levels(file: IO[bytes], image: PIL.Image.Image) -> NDArray[np.uint16] | None:
    """Read colours of 16 bits, or grey with alpha of 16 bits.

    Parameters
    ----------
    file : file
        The file of the image.
    image : PIL image
        As Pillow opens it, before it is loaded; it is loaded here.

    Returns
    -------
    levels : ndarray of uint16 (H, W, C), or None
        Upright; C = 2, 3 or 4. None if the file has no such colours (other formats and 8 bits).
    """
    if image.format not in ("PNG", "TIFF"):
        return None
    _correct_planes(image)
    tiles = list(getattr(image, "tile", []))
    if [_rawmode(tile) for tile in tiles] == ["LA;16B"]:
        return _packed(file, image)
    other = [_in_other_order(_rawmode(tile)) for tile in tiles]
    if not tiles or None in other or _in_compressed_planes(image):
        return None
    low = _opened_as(file, image, [str(rawmode) for rawmode in other])
    high = turned_upright(image)
    levels: NDArray[np.uint16] = np.asarray(high).astype(np.uint16)
    levels <<= 8
    levels |= np.asarray(turned_upright(low))
    return _with_transparency(levels, image.info.get("transparency"))


def _correct_planes(image: Any) -> None:
    """Make Pillow read each plane of a TIFF file with 16 bits, where it would read 8."""
    tags: Any = getattr(image, "tag_v2", {})
    if tags.get(_PLANAR) == 2 and set(tags.get(_BITS, ())) == {16}:
        order = "L" if tags.prefix == b"II" else "B"
        image.tile = [
            tile._replace(args=(f"{tile.args[0]};16{order}", *tile.args[1:]))
            if tile.codec_name == "raw" and tile.args[0] in ("R", "G", "B", "A")
            else tile
            for tile in image.tile
        ]


def _in_compressed_planes(image: Any) -> bool:
    """Whether channels are stored separately and compressed; then Pillow gives the high bytes in any raw mode."""
    is_apart = getattr(image, "tag_v2", {}).get(_PLANAR) == 2
    return is_apart and any(tile.codec_name == "libtiff" for tile in image.tile)


def _packed(file: IO[bytes], image: PIL.Image.Image) -> NDArray[np.uint16]:
    """Grey and alpha: two levels are four bytes, read as if they were the bytes of four channels."""
    four = turned_upright(_opened_as(file, image, ["RGBA"]))
    image.load()
    return np.ascontiguousarray(four).view(">u2").astype(np.uint16)


def _opened_as(file: IO[bytes], image: PIL.Image.Image, rawmodes: list[str]) -> PIL.Image.Image:
    """The image opened again, to be decoded in other raw modes."""
    file.seek(0)
    twin: Any = PIL.Image.open(file, formats=[str(image.format)])
    twin.tile = [
        tile._replace(args=rawmode if isinstance(tile.args, str) else (rawmode, *tile.args[1:]))
        for tile, rawmode in zip(twin.tile, rawmodes, strict=True)
    ]
    twin.load()
    loaded: PIL.Image.Image = twin
    return loaded


def _rawmode(tile: Any) -> str:
    return str(tile.args if isinstance(tile.args, str) else (tile.args or [""])[0])


def _in_other_order(rawmode: str) -> str | None:
    layout, _, bits = rawmode.partition(";16")
    return f"{layout};16{_SWAPPED[bits]}" if layout in _LAYOUTS and bits in _SWAPPED else None


def _with_transparency(levels: NDArray[np.uint16], key: Any) -> NDArray[np.uint16]:
    """Add the alpha of a PNG that names one colour as transparent."""
    if levels.shape[2] != 3 or not isinstance(key, tuple) or len(key) != 3:
        return levels
    alpha = np.where((levels == np.array(key)).all(axis=2), 0, 65535).astype(np.uint16)
    return np.concatenate([levels, alpha[..., None]], axis=2)
