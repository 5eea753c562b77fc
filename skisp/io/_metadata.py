"""Metadata of image files."""

import math
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import IO, Any

import PIL.Image

from ._color import fitting_profile
from ._exif import exif_of_tiff, resized, upright

__all__ = ["IN_FRAMES", "ImageMetadata", "metadata_for", "read_exif", "read_resolution"]

# Formats whose frames follow each other; in other formats they are layers, sizes or views of one picture.
IN_FRAMES = {"AVIF", "FLI", "GIF", "PNG", "TIFF", "WEBP"}
_MOST_DPI = 65535.0


@dataclass(frozen=True)
class ImageMetadata:
    """Metadata of an image file, adapted to the array that is read from it.

    Parameters
    ----------
    exif : bytes or None
        Camera, time, place, author and other EXIF tags, from the byte order on. The orientation is reset,
        since it has been applied, and the thumbnail is removed.
    icc_profile : bytes or None
        The profile of the array's colours: sRGB's where they were converted, the file's own where they already
        were sRGB or are grey, None where the file has none.
    dpi : tuple of two floats, or None
        Pixels per inch, across and down.
    n_frames : int
        Frames of an animation or pages of a TIFF file, of which the array is the first; 1 for others.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from skisp.io import ImageMetadata, read_image, write_image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_image(f"{folder}/a.png", np.zeros((8, 8)), metadata=ImageMetadata(dpi=(300, 300)))
    ...     image, metadata = read_image(f"{folder}/a.png", return_metadata=True)
    >>> metadata.n_frames, [round(dpi) for dpi in metadata.dpi]
    (1, [300, 300])
    """

    exif: bytes | None = None
    icc_profile: bytes | None = None
    dpi: tuple[float, float] | None = None
    n_frames: int = 1


def metadata_for(metadata: ImageMetadata | None, shape: tuple[int, ...]) -> ImageMetadata:
    """The metadata adapted to an image of shape (H, W) or (H, W, C): a profile of its channels, its own size."""
    if metadata is None:
        return ImageMetadata()
    grey = len(shape) == 2 or shape[2] < 3
    exif = resized(metadata.exif, shape[1], shape[0]) if metadata.exif else None
    return replace(metadata, exif=exif, icc_profile=fitting_profile(metadata.icc_profile, grey=grey))


def read_exif(file: IO[bytes], image: PIL.Image.Image) -> bytes | None:
    """The EXIF tags of a loaded image, for an upright picture; None if there are none, or they are damaged."""
    exif = image.info.get("exif")
    if isinstance(exif, bytes) and exif:
        return upright(exif)
    if image.format == "TIFF":
        return exif_of_tiff(file)
    with suppress(Exception):  # other kinds of notes, as far as Pillow can convert them
        tags = image.getexif()
        return upright(tags.tobytes()) if set(tags) - {0x0112} else None
    return None


def read_resolution(image: PIL.Image.Image) -> tuple[float, float] | None:
    """Pixels per inch, if they are plausible numbers."""
    dpi: Any = image.info.get("dpi")
    with suppress(TypeError, ValueError, ArithmeticError):
        x, y = (float(side) for side in dpi)
        if all(math.isfinite(side) and 0.5 <= side <= _MOST_DPI for side in (x, y)):
            return x, y
    return None
