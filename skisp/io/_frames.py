"""Films as sequences of images: a folder of frames, or an animated file."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import PIL.Image
from numpy.typing import NDArray

from .._batches import to_array
from .._names import shown
from ._files import write_whole
from ._images import check_suffix, read_image, resize_longest
from ._metadata import ImageMetadata
from ._pillow import as_array, to_bytes

__all__ = ["ANIMATED_SUFFIXES", "Frames", "read_frames", "write_animation"]

ANIMATED_SUFFIXES = (".gif", ".png", ".webp")
_OPTIONS: dict[str, dict[str, Any]] = {"GIF": {"disposal": 2}, "WEBP": {"quality": 90}, "PNG": {}}
# Milliseconds, if an animation does not say how long a frame is shown.
_DURATION = 100


@dataclass(frozen=True)
class Frames:
    """The frames of a film, each read only when it is needed.

    Attributes
    ----------
    names : list of str
        Names for the files of the frames, in order.
    durations : list of int
        How long each is shown, in milliseconds.
    described : callable
        From the number of a frame to its array (H, W[, C]) and the metadata of its file.
    """

    names: list[str]
    durations: list[int]
    described: Callable[[int], tuple[NDArray[Any], ImageMetadata]]

    def read(self, i: int) -> NDArray[Any]:
        """The array of a frame."""
        return self.described(i)[0]

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return (self.read(i) for i in range(len(self.names)))


def read_frames(path: str | os.PathLike[str], *, size: int | None = None) -> Frames:
    """Open a folder of images, in the order of the numbers in their names, or an animated file.

    Raises
    ------
    OSError, ValueError
        If there is no such file, or there are no frames in it.
    """
    if os.path.isdir(path):
        files = sorted((file for file in Path(path).iterdir() if _is_frame(file)), key=_in_order)
        if not files:
            raise ValueError(f"cannot read {shown(path)}: there are no images in the folder; choose another.")
        names = [file.name for file in files]
        durations = [_DURATION] * len(files)
        return Frames(names, durations, lambda i: read_image(files[i], size=size, return_metadata=True))
    read_image(path, size=1)  # checks the file, with errors that say what to do
    image = PIL.Image.open(path)
    durations = [_duration_of(image, i) for i in range(getattr(image, "n_frames", 1))]
    mode = "RGBA" if image.has_transparency_data else "RGB"
    digits = len(str(len(durations)))
    names = [f"{Path(path).stem}-{i:0{digits}d}.png" for i in range(len(durations))]
    return Frames(names, durations, lambda i: (_read(image, i, mode, size), ImageMetadata()))


def write_animation(
    path: str | os.PathLike[str], frames: Sequence[NDArray[Any]], durations: Sequence[int], *, overwrite: bool = True
) -> None:
    """Write frames as one animated GIF, PNG or WebP file that repeats forever; it is written whole or not at all.

    Raises
    ------
    ValueError
        If the suffix is not that of an animated format.
    OSError
        If the file cannot be written, or exists and ``overwrite`` is false.
    """
    name = os.fsdecode(path)
    suffix = Path(name).suffix.lower()
    if suffix not in ANIMATED_SUFFIXES:
        known = ", ".join(ANIMATED_SUFFIXES)
        raise ValueError(
            f"cannot write {shown(name)}: {suffix!r} is not an animated format; use one of {known}, or a folder."
        )
    first, *others = (PIL.Image.fromarray(to_bytes(to_array(frame))) for frame in frames)
    buffer = BytesIO()
    file_format = suffix[1:].upper()
    options = {"save_all": True, "append_images": others, "duration": list(durations), "loop": 0}
    first.save(buffer, file_format, **options, **_OPTIONS[file_format])
    write_whole(name, buffer.getbuffer(), overwrite=overwrite)


def _is_frame(file: Path) -> bool:
    if file.name.startswith(".") or not file.is_file():
        return False
    try:
        check_suffix(file.name)
    except ValueError:
        return False
    return True


def _in_order(file: Path) -> list[tuple[int, int, str]]:
    """A sorting key by which 2.png comes before 10.png."""
    parts = re.split(r"(\d+)", file.name)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]


def _read(image: PIL.Image.Image, i: int, mode: str, size: int | None) -> NDArray[Any]:
    image.seek(i)
    return resize_longest(as_array(image.copy().convert(mode)), size)


def _duration_of(image: PIL.Image.Image, i: int) -> int:
    image.seek(i)
    image.load()  # WebP knows the duration only then
    duration = image.info.get("duration")
    return int(duration) if isinstance(duration, (int, float)) and duration > 0 else _DURATION
