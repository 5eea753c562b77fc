"""Files opened by Pillow's plugins, without its warning of large pictures: our own limit says what to do."""

import struct
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import IO, Any

import PIL.IcnsImagePlugin
import PIL.IcoImagePlugin
import PIL.Image

from .._errors import RefusedError

__all__ = ["HEIF_SUFFIXES", "REFUSED_FORMATS", "open_image", "size_inside"]

_IN_ICONS: dict[bytes, Callable[[IO[bytes]], PIL.Image.Image]] = {
    b"\0\0\1\0": lambda file: PIL.IcoImagePlugin.IcoFile(file).frame(0),
    b"icns": lambda file: PIL.IcnsImagePlugin.IcnsFile(file).getimage(),
}

HEIF_SUFFIXES = frozenset({".heic", ".heif", ".hif"})  # which Pillow does not read
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}

# Drawings that are run as a program, and formats of which Pillow knows only the name.
REFUSED_FORMATS = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}


def open_image(file: IO[bytes], formats: Collection[str] = ()) -> Any:
    """Open an image lazily, as ``PIL.Image.open`` does.

    That warns of more than 89 million pixels, and a warning cannot be silenced in one thread only.

    Parameters
    ----------
    file : file
    formats : collection of str
        Those that are tried; if none is given, all but the refused.

    Raises
    ------
    PIL.UnidentifiedImageError
        If no format fits.
    RefusedError
        If it is HEIC, and what reads that is not installed.
    """
    PIL.Image.init()
    file.seek(0)
    prefix = file.read(16)
    for name in formats or [name for name in PIL.Image.ID if name not in REFUSED_FORMATS]:
        factory, accept = PIL.Image.OPEN[name]
        answer = accept is None or accept(prefix)
        if not answer or isinstance(answer, str):  # a text says which library is missing
            continue
        file.seek(0)
        try:
            return factory(file, "")
        except (SyntaxError, IndexError, TypeError, struct.error):  # as of Pillow: it is of another format
            continue
    if prefix[4:8] == b"ftyp" and prefix[8:12] in _HEIF_BRANDS:
        return _heif(file)
    raise PIL.UnidentifiedImageError


def _heif(file: IO[bytes]) -> Any:
    """A photograph of a phone; the reader is not made known to Pillow, where others would find it too."""
    try:
        from pillow_heif import HeifImageFile
    except ImportError as error:
        raise RefusedError(
            'it is HEIC, as phones save photographs; to read it run pip install pillow-heif (the extra "heic"), '
            "or save it as JPEG."
        ) from error
    file.seek(0)
    return HeifImageFile(file, "")


def size_inside(file: IO[bytes]) -> tuple[int, int]:
    """The size of the picture in an icon by its own header: Pillow decodes it before it notices that it is larger.

    (0, 0) for other files.
    """
    file.seek(0)
    picture = _IN_ICONS.get(file.read(4))
    file.seek(0)
    if picture is not None:
        with suppress(Exception):  # Pillow will say how it is damaged
            width, height = picture(file).size
            return width, height
    return 0, 0
