"""Films as sequences of images: a folder of frames, or an animated file."""

import os
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from .._batches import to_array
from .._files import write_whole
from .._names import shown
from ._image_file import ImageFile, is_readable
from ._images import read_image, resize_longest
from ._kinds import colour_of, of_kind
from ._metadata import ImageMetadata
from ._pillow import to_bytes
from ._video import Video, check_video, is_video, write_video

__all__ = ["Frames", "check_moving", "pictures_in", "read_frames", "write_animation", "write_frames"]

_ANIMATED_SUFFIXES = (".gif", ".png", ".webp")
_OPTIONS: dict[str, dict[str, Any]] = {"GIF": {"disposal": 2}, "WEBP": {"quality": 90}, "PNG": {}}
# Of a frame of an animation; those of 8K film have 33.2 million. Images in a folder are bounded as all images are.
_MOST_PIXELS = 2**25
_CURE = "shrink the film, or give a folder with its frames as images"
# Milliseconds that a frame can be shown for: 16 bits of hundredths, 16 bits of seconds, and 24 bits of thousandths.
_LONGEST = {"GIF": 655_350, "PNG": 65_535_000, "WEBP": 2**24 - 1}
_IN_SECONDS = 65_535  # whole ones from here on, in which PNG has room for thousandths no more
# Milliseconds, if an animation does not say how long a frame is shown.
_DURATION = 100

_Picture = tuple[NDArray[Any], ImageMetadata, float]


class Frames:
    """The frames of a film, each read only when it is needed, and in order.

    All are of one kind: grey if none shows a colour and the first is stored as grey, with alpha if one has it.

    Parameters
    ----------
    names : list of str
        Names for the files of the frames.
    pictures : callable
        Gives an iterator over the frames' arrays (H, W[, C]), metadata and durations in milliseconds, 0 if unknown.
    video : Video or None
        What they come from, if that is a film such as MP4: it has been looked through.
    """

    def __init__(
        self, names: list[str], pictures: Callable[[], Iterator[_Picture]], video: Video | None = None
    ) -> None:
        self.names = names
        self.video = video
        self._pictures = pictures

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return (array for array, _ in self.described())

    def described(self) -> Iterator[tuple[NDArray[Any], ImageMetadata]]:
        """Each frame and the metadata of its file."""
        _, grey, alpha = self._scanned
        return ((of_kind(array, grey=grey, alpha=alpha), metadata) for array, metadata, _ in self._pictures())

    @property
    def durations(self) -> list[int]:
        """How long each is shown, in milliseconds."""
        return self._scanned[0]

    @cached_property
    def _scanned(self) -> tuple[list[int], bool, bool]:
        """Durations, and whether the film is grey and has alpha. All frames are read: what is wrong is found early.

        Raises
        ------
        OSError, ValueError
            If a frame cannot be read, or differs in size from the first.
        """
        if self.video is not None:
            return self.video.durations, False, False
        durations: list[int] = []
        grey, alpha, first = False, False, None
        for name, (array, _, duration) in zip(self.names, self._pictures(), strict=True):
            first = array.shape if first is None else first
            if array.shape[:2] != first[:2]:
                raise ValueError(
                    f"frame {shown(name)} is {array.shape[1]} x {array.shape[0]} pixels, the first "
                    f"{first[1]} x {first[0]}; give frames of one size."
                )
            colour = colour_of(array)
            grey = (grey or (not durations and colour.shape[2] == 1)) and bool((colour == colour[..., :1]).all())
            alpha = alpha or colour.shape != np.atleast_3d(array).shape
            durations.append(int(duration) or _DURATION)
        return durations, grey, alpha


def pictures_in(folder: str | os.PathLike[str]) -> list[Path]:
    """The pictures in a folder, in the order of the numbers in their names.

    Raises
    ------
    ValueError
        If there are none.
    """
    files = sorted((file for file in Path(folder).iterdir() if is_readable(file)), key=_in_order)
    if not files:
        raise ValueError(f"cannot read {shown(folder)}: there are no images in the folder; choose another.")
    return files


def read_frames(path: str | os.PathLike[str], *, size: int | None = None) -> Frames:
    """Open a folder of images, in the order of the numbers in their names, an animated file, or a film.

    Raises
    ------
    OSError, ValueError
        If there is no such file, there are no frames in it, or they have more pixels than are allowed.
    """
    if os.path.isdir(path):
        files = pictures_in(path)
        return Frames([file.name for file in files], lambda: _stills(files, size))
    if is_video(path):
        video = Video.read(path)
        return Frames(_numbered(path, len(video.starts)), lambda: _moving(video, size), video)
    with ImageFile(path, _MOST_PIXELS, _CURE) as film:
        first, stop = film.first, film.count()
    return Frames(_numbered(path, stop - first), lambda: _animated(path, range(first, stop), size))


def write_frames(
    path: str | os.PathLike[str], pictures: Iterable[NDArray[Any]], frames: Frames, *, overwrite: bool = True
) -> None:
    """Write pictures of frames as one film, or animation, that runs as those do; whole or not at all.

    Raises
    ------
    ValueError
        If the suffix is not that of a film.
    OSError
        If the file cannot be written, or exists and ``overwrite`` is false.
    """
    if is_video(path):
        write_video(path, pictures, frames.video or Video.of_durations(frames.durations), overwrite=overwrite)
    else:
        write_animation(path, list(pictures), frames.durations, overwrite=overwrite)


def check_moving(name: str, sound: str = "") -> None:
    """Raise ValueError if nothing that moves can be written under a name, with the sound of another film."""
    if is_video(name):
        check_video(name, sound)
    else:
        _check_animated(name)


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
    suffix = _check_animated(name)
    file_format = suffix[1:].upper()
    merged, total = _merged([to_array(frame) for frame in frames], durations)
    first, *others = (_eight_bits(frame, suffix) for frame in merged)
    buffer = BytesIO()
    options = {"save_all": True, "append_images": others, "duration": _within_limits(total, file_format), "loop": 0}
    first.save(buffer, file_format, **options, **_OPTIONS[file_format])
    if file_format == "WEBP" and first.has_transparency_data:
        _say_that_it_has_alpha(buffer)
    write_whole(name, buffer.getbuffer(), overwrite=overwrite)


def _merged(frames: Sequence[NDArray[Any]], durations: Sequence[int]) -> tuple[list[NDArray[Any]], list[int]]:
    """Frames without those that are equal to the one before, which is shown for longer.

    Encoders do the same, and fail if it becomes too long.
    """
    merged: list[NDArray[Any]] = []
    total: list[int] = []
    for frame, duration in zip(frames, durations, strict=True):
        if merged and np.array_equal(frame, merged[-1]):
            total[-1] += duration
        else:
            merged.append(frame)
            total.append(duration)
    return merged, total


def _within_limits(durations: Sequence[int], file_format: str) -> list[int]:
    longest = _LONGEST[file_format]
    if max(durations) > longest:
        warnings.warn(
            f"frames are shown for {longest / 1000:.0f} s at most, as long as {file_format} holds, instead of "
            f"{max(durations) / 1000:.0f} s; write a folder of frames to show them for longer.",
            stacklevel=3,
        )
    rounded = [duration if duration <= _IN_SECONDS else round(duration, -3) for duration in durations]
    return [min(duration, longest) for duration in rounded]


def _eight_bits(frame: NDArray[Any], suffix: str) -> PIL.Image.Image:
    if frame.shape[2:] == (2,) and suffix == ".gif":  # Pillow would drop the alpha of grey
        frame = of_kind(frame, grey=False, alpha=True)
    return PIL.Image.fromarray(to_bytes(frame[..., 0] if frame.shape[2:] == (1,) else frame))


def _say_that_it_has_alpha(webp: BytesIO) -> None:
    """Set the flag by which a reader knows of transparency; where all that is cut off is, the encoder does not."""
    with webp.getbuffer() as data:
        if data[12:16] == b"VP8X":
            data[20] |= 0x10


def _check_animated(name: str) -> str:
    """Return the suffix of a file name in lower case, or raise ValueError if no animation is written under it."""
    suffix = Path(name).suffix.lower()
    if suffix not in _ANIMATED_SUFFIXES:
        known = ", ".join(_ANIMATED_SUFFIXES)
        raise ValueError(
            f"cannot write {shown(name)}: {suffix!r} is not a film or animation; use .mp4, {known}, or a folder."
        )
    return suffix


def _in_order(file: Path) -> list[tuple[int, int, str]]:
    """A sorting key by which 2.png comes before 10.png."""
    parts = re.split(r"(\d+)", file.name)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]


def _numbered(path: str | os.PathLike[str], n_frames: int) -> list[str]:
    digits = len(str(n_frames))
    return [f"{Path(path).stem}-{i:0{digits}d}.png" for i in range(n_frames)]


def _moving(video: Video, size: int | None) -> Iterator[_Picture]:
    for array, duration in zip(video.frames(), video.durations, strict=True):
        yield resize_longest(array, size), ImageMetadata(), duration


def _stills(files: Sequence[Path], size: int | None) -> Iterator[_Picture]:
    for file in files:
        array, metadata = read_image(file, size=size, return_metadata=True)
        yield array, metadata, 0.0


def _animated(path: str | os.PathLike[str], numbers: range, size: int | None) -> Iterator[_Picture]:
    with ImageFile(path, _MOST_PIXELS, _CURE) as film:
        for number in numbers:
            array, metadata = film.read(number)
            yield resize_longest(array, size), metadata, film.duration()
