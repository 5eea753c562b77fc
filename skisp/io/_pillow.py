"""Pillow images to arrays and back, with their metadata."""

from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from .._batches import to_array
from .._errors import RefusedError
from ._color import converted, fitting_profile
from ._exif import turned_upright, upright
from ._metadata import ImageMetadata, metadata_for, read_resolution

__all__ = ["array_and_profile", "as_pillow", "described", "to_bytes"]

# What an image of each Pillow mode is converted to; modes that are not named become RGB.
_PLAIN_MODES = {"1": "L", "L": "L", "LA": "LA", "La": "LA", "PA": "RGBA", "RGBA": "RGBA", "RGBa": "RGBA"}


@to_array.register
def as_array(image: PIL.Image.Image) -> NDArray[Any]:
    """Convert a Pillow image, upright and in sRGB, to an array as :func:`read_image` returns it."""
    return array_and_profile(image)[0]


def described(image: PIL.Image.Image) -> tuple[NDArray[Any], ImageMetadata]:
    """A Pillow image as :func:`as_array` converts it, and its metadata."""
    array, profile = array_and_profile(image)
    exif = image.info.get("exif")
    exif = upright(exif) if isinstance(exif, bytes) and exif else None
    return array, ImageMetadata(exif, profile, read_resolution(image))


def as_pillow(array: NDArray[Any], metadata: ImageMetadata) -> PIL.Image.Image:
    """An array (H, W) or (H, W, C) as a Pillow image, with the metadata in its ``info``.

    Grey keeps its 16 bits or floats; Pillow has no such colours, so those become 8 bits.
    """
    grey = array.ndim == 2 and array.dtype in (np.uint16, np.float32)
    picture = PIL.Image.fromarray(array if grey else to_bytes(array))
    metadata = metadata_for(metadata, array.shape)
    exif = b"Exif\0\0" + metadata.exif if metadata.exif else None
    info = {"exif": exif, "icc_profile": metadata.icc_profile, "dpi": metadata.dpi}
    picture.info.update({key: value for key, value in info.items() if value is not None})
    return picture


def to_bytes(array: NDArray[Any]) -> NDArray[np.uint8]:
    """An image of any dtype with 8 bits."""
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.uint16:
        return np.rint(array / 257.0).astype(np.uint8)
    return np.rint(array.astype(np.float32).clip(0.0, 1.0) * 255.0).astype(np.uint8)


def array_and_profile(image: PIL.Image.Image) -> tuple[NDArray[Any], bytes | None]:
    """The array, and the profile of its colours where it is known."""
    image = turned_upright(image)
    profile = image.info.get("icc_profile")
    if image.mode.startswith(("I", "F")):
        return _numbers(image), fitting_profile(profile, grey=True)
    grey = image.mode in ("1", "L") or (image.mode == "P" and _has_grey_palette(image))
    if "transparency" in image.info or (image.mode == "P" and image.has_transparency_data):
        image = image.convert("RGBA" if image.mode == "P" or not grey else "LA")
    if image.mode in ("P", "RGBA") and grey:
        image = image.convert("L" if image.mode == "P" else "LA")
    if image.mode not in ("CMYK", "LAB"):
        mode = _PLAIN_MODES.get(image.mode, "RGB")
        image = image if image.mode == mode else image.convert(mode)
    if image.mode in ("L", "LA"):
        return np.array(image), fitting_profile(profile, grey=True)
    image, profile = converted(image)
    return np.array(image.convert("RGB") if image.mode == "CMYK" else image), profile


def _has_grey_palette(image: PIL.Image.Image) -> bool:
    """Whether all colours of a palette that occur are greys, as in a GIF file, which has no other way to say so."""
    palette = np.array(image.getpalette() or [0, 0, 0], np.uint8).reshape(-1, 3)
    used = palette[np.unique(np.asarray(image).clip(0, len(palette) - 1))]
    return bool((used == used[:, :1]).all())


def _numbers(image: PIL.Image.Image) -> NDArray[Any]:
    """Grey levels of more than 8 bits: float32 unchanged, integers as uint16 if they fit."""
    array = np.asarray(image)
    if array.dtype.kind == "f":
        return array.copy()
    if array.size and array.min() < 0:
        raise RefusedError("some of its grey levels are below 0; save it with levels from 0 on, of 8 or 16 bits.")
    if array.size and array.max() > 65535:
        raise RefusedError("its grey levels are integers of 32 bits; save it with 8 or 16 bits.")
    levels = array.astype(np.uint16)
    key = image.info.get("transparency")
    if isinstance(key, int):  # the level that is transparent
        return np.stack([levels, np.where(levels == key, 0, 65535).astype(np.uint16)], axis=2)
    return levels
