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
from ._pillow_files import open_image

__all__ = ["is_laid_over_others", "read_levels"]

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
    multiplied = "RGBa" in _rawmode(tiles[0])  # Pillow would divide by alpha, and round to 8 bits
    high = _opened_as(file, image, [_plain(_rawmode(tile)) for tile in tiles]) if multiplied else image
    low = _opened_as(file, image, [str(rawmode) for rawmode in other])
    levels: NDArray[np.uint16] = np.asarray(turned_upright(high)).astype(np.uint16)
    levels <<= 8
    levels |= np.asarray(turned_upright(low))
    image.load()
    levels = _divided_by_alpha(levels) if multiplied else levels
    return _with_transparency(levels, image.info.get("transparency"))


def is_laid_over_others(image: Any) -> bool:
    """Whether a frame of 16 bits is: what is mixed of bytes is not the bytes of what is mixed."""
    if image.format != "PNG" or image.tell() == 0 or not _rawmode(image.tile[0]).endswith(("A;16B", "RGB;16B")):
        return False
    info = image.info
    is_whole = info.get("bbox") == (0, 0, *image.size)
    return not (is_whole and (info.get("blend") == 0 or (image.mode == "RGB" and "transparency" not in info)))


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
    twin = open_image(file, [str(image.format)])
    twin.seek(image.tell())
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
    layout, _, bits = _plain(rawmode).partition(";16")
    return f"{layout};16{_SWAPPED[bits]}" if layout in _LAYOUTS and bits in _SWAPPED else None


def _plain(rawmode: str) -> str:
    return rawmode.replace("RGBa", "RGBA")


def _divided_by_alpha(levels: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Colours that were stored multiplied by alpha."""
    alpha = np.maximum(levels[..., 3:], 1).astype(np.float32)
    levels[..., :3] = np.rint(np.minimum(levels[..., :3] / alpha, 1.0) * 65535.0)
    return levels


def _with_transparency(levels: NDArray[np.uint16], key: Any) -> NDArray[np.uint16]:
    """Add the alpha of a PNG that names one colour as transparent."""
    if levels.shape[2] != 3 or not isinstance(key, tuple) or len(key) != 3:
        return levels
    alpha = np.where((levels == np.array(key)).all(axis=2), 0, 65535).astype(np.uint16)
    return np.concatenate([levels, alpha[..., None]], axis=2)
