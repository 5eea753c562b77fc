"""A file of one picture or of several, open for reading: the one way by which all pictures come in."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Any, BinaryIO, Self

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from .._errors import RefusedError
from .._files import opened
from .._names import shown
from ._color import converted_levels, fitting_profile, is_srgb, srgb_profile
from ._exif import levels_turned_upright
from ._grey_levels import keep_native_order, levels_as_tagged, scale_transparent_level, with_black_as_zero
from ._laid_over import LaidOver
from ._metadata import IN_FRAMES, ImageMetadata, read_exif, read_resolution
from ._pillow import array_and_profile, to_bytes
from ._pillow_files import HEIF_SUFFIXES, REFUSED_FORMATS, open_image, size_inside
from ._sixteen_bits import is_laid_over_others, read_levels
from ._video import is_video

__all__ = ["MOST_PIXELS", "ImageFile", "is_readable"]

# Of a picture that is read without being asked: what a small file says it holds could fill the memory.
MOST_PIXELS = 100e6

_WITHOUT_OPENER = {"MPO"}  # formats that Pillow opens as another one
# What a file may say that its frames hold: so much, and more for every byte that it has. Few films are as flat.
_PIXELS_OF_FRAMES = 2**25
_PIXELS_A_BYTE = 4096
_PIXELS_A_FRAME = 4096  # as many as each counts for at least, since it costs time whatever its size


class ImageFile:
    """An image file; to be used in a ``with`` statement.

    Whatever goes wrong with the file, each method raises ValueError, OSError or MemoryError, in one line that
    names the file, the reason and the cure.

    Parameters
    ----------
    path : str, path-like, or binary file
        A file that is open for reading and can be sought; it stays open.
    max_pixels : float
        A picture of more is refused before it is decoded.
    cure : str
        What to do about such a picture.
    """

    def __init__(
        self, path: str | os.PathLike[str] | BinaryIO, max_pixels: float = MOST_PIXELS, cure: str = "shrink it first"
    ) -> None:
        self._open_file = None
        if isinstance(path, (str, bytes, os.PathLike)):
            self._name = os.fsdecode(path)
        else:
            self._open_file, self._name = path, str(getattr(path, "name", "the file"))
        self._max_pixels = max_pixels
        self._cure = cure
        self._laid_over: LaidOver | None = None

    def __enter__(self) -> Self:
        self._file: IO[bytes] = opened(self._name, "*.jpg") if self._open_file is None else self._open_file
        try:
            with self._clear_errors():
                if self._file.seek(0, os.SEEK_END) == 0:
                    raise RefusedError("the file is empty (0 bytes); copy or download it again.")
                self._check_pixels(size_inside(self._file))
                self._data, self._white_as_zero = with_black_as_zero(self._file)
                self._image: Any = open_image(self._data)
                scale_transparent_level(self._image)
        except BaseException:
            if self._open_file is None:
                self._file.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._open_file is None:  # else both would be closed: Pillow closes what it has read
            self._image.close()
            self._file.close()

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows of the first picture, as it lies in the file."""
        width, height = self._image.size
        return width, height

    @property
    def first(self) -> int:
        """The first frame of the animation: an APNG may have a poster before it, which is not one of its frames."""
        return int(getattr(self._image, "default_image", False))

    def count(self) -> int:
        """How many frames or pages there are, a poster included; 1 where others are layers, sizes or views.

        A file that says it has far more or larger ones than fit into its bytes is refused.
        """
        with self._clear_errors():
            n_frames = max(1, int(getattr(self._image, "n_frames", 1))) if self._image.format in IN_FRAMES else 1
            self._check_pixels(self._image.size)
            self._check_frames(n_frames)
            return n_frames

    def duration(self) -> float:
        """For how many milliseconds the frame that was read last is shown; 0 if the file does not say."""
        duration = self._image.info.get("duration")
        return float(duration) if isinstance(duration, (int, float)) and duration > 0 else 0.0

    def read(self, frame: int | None = None) -> tuple[NDArray[Any], ImageMetadata]:
        """A picture, upright and in sRGB, and the profile of its colours; with None the first of the file."""
        with self._clear_errors(frame):
            if frame is not None:
                self._image.seek(frame)
            self._check_pixels(self._image.size)
            keep_native_order(self._image)
            array, profile = self._levels_and_profile() or array_and_profile(self._image)
            white_as_zero = self._image.tell() in self._white_as_zero
            levels = levels_as_tagged(array, self._image, white_as_zero=white_as_zero)
            return levels, ImageMetadata(icc_profile=profile)

    def notes(self) -> ImageMetadata:
        """EXIF, resolution and number of frames of the picture that was read last."""
        with self._clear_errors():
            exif, dpi = read_exif(self._file, self._image), read_resolution(self._image)
        try:
            n_frames = self.count()
        except ValueError:  # in a file whose first frame may still be intact
            n_frames = 1
        return ImageMetadata(exif, None, dpi, n_frames)

    def _levels_and_profile(self) -> tuple[NDArray[Any], bytes | None] | None:
        """Colours of 16 bits, and their profile; None if there are none."""
        levels = self._levels()
        if levels is None:
            return None
        profile = self._image.info.get("icc_profile")
        if levels.shape[2] == 2:
            return levels, fitting_profile(profile, grey=True)
        profile = fitting_profile(profile, grey=False)
        if profile is None or is_srgb(profile):
            return levels, profile
        converted = converted_levels(levels, profile)
        if converted is not None:
            return converted, srgb_profile()
        eight = PIL.Image.fromarray(to_bytes(levels))  # what Pillow converts through a table
        eight.info["icc_profile"] = profile
        return array_and_profile(eight)

    def _levels(self) -> NDArray[np.uint16] | None:
        if not is_laid_over_others(self._image):
            return read_levels(self._data, self._image)
        if self._laid_over is None:
            size = self._image.size[::-1]
            self._laid_over = LaidOver(self._data, size, lambda file: read_levels(file, open_image(file, ["PNG"])))
        canvas = self._laid_over.canvas(self._image.tell() - self.first)
        return levels_turned_upright(canvas, self._image)

    def _check_pixels(self, size: tuple[int, int]) -> None:
        if size[0] * size[1] > self._max_pixels:
            raise RefusedError(
                f"it has {size[0]} x {size[1]} pixels, more than the {self._max_pixels:.0f} allowed; {self._cure}."
            )

    def _check_frames(self, n_frames: int) -> None:
        width, height = self._image.size
        at = self._file.tell()
        n_bytes = self._file.seek(0, os.SEEK_END)
        self._file.seek(at)
        n_pixels = n_frames * max(width * height, _PIXELS_A_FRAME)
        if n_frames > 1 and n_pixels > _PIXELS_OF_FRAMES + _PIXELS_A_BYTE * n_bytes:
            raise RefusedError(
                f"{n_frames} frames of {width} x {height} pixels are more than {n_bytes} bytes hold; "
                "copy or download it again, or save its frames as images in a folder."
            )

    @contextmanager
    def _clear_errors(self, frame: int | None = None) -> Iterator[None]:
        try:
            yield
        except MemoryError as error:
            reason = "there is too little memory; free some, or shrink the image."
            raise MemoryError(self._failing(frame) + reason) from error
        except Exception as error:  # on damaged files Pillow raises errors of many kinds
            raise ValueError(self._failing(frame) + _reason(error, self._name)) from error

    def _failing(self, frame: int | None) -> str:
        return f"cannot read {shown(self._name)}: " + (f"frame {frame}: " if frame else "")


@cache
def _readable_suffixes() -> frozenset[str]:
    """The suffixes, in lower case, of what is read."""
    PIL.Image.init()
    formats = (_WITHOUT_OPENER | set(PIL.Image.OPEN)) - REFUSED_FORMATS
    return HEIF_SUFFIXES.union(suffix for suffix, name in PIL.Image.registered_extensions().items() if name in formats)


def is_readable(file: Path) -> bool:
    """Whether this is the file of a picture by its name, and not hidden."""
    return not file.name.startswith(".") and file.suffix.lower() in _readable_suffixes() and file.is_file()


def _reason(error: Exception, name: str) -> str:
    """What was wrong with a file, and what to do, in one line."""
    if isinstance(error, RefusedError):
        return str(error)
    if isinstance(error, PIL.UnidentifiedImageError):
        if is_video(name):
            return "it is a film, not a picture; skisp sequence redraws films."
        return "it is not an image, or its format is unknown to Pillow; save it as PNG or JPEG."
    if isinstance(error, PIL.Image.DecompressionBombError):
        return "it has more pixels than Pillow decodes; shrink it, or raise PIL.Image.MAX_IMAGE_PIXELS if you trust it."
    detail = (str(error).splitlines() or [type(error).__name__])[0]
    return f"it is damaged or cut short ({detail}); copy or download it again."
