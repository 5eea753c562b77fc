"""Films such as MP4, by PyAV: frame after frame to arrays, and pictures to a film with the sound of another one.

PyAV is imported where it is needed, since it is an extra.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import RefusedError
from .._files import opened, written_whole
from .._names import shown
from ._kinds import colour_of, of_kind
from ._pillow import to_bytes

__all__ = ["Video", "check_video", "is_video", "write_video"]

# Containers that are written, and what a film in them is coded by.
_CODECS = {"mp4": "libx264", "mov": "libx264", "matroska": "libx264", "webm": "libvpx-vp9"}
_FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
_OPTIONS = {"libx264": {"crf": "16", "preset": "medium"}, "libvpx-vp9": {"crf": "20", "b": "0", "row-mt": "1"}}
_OTHERS = (".3gp", ".avi", ".flv", ".m2ts", ".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".wmv")
# Playlists, which lead to other files and addresses, are not among them.
_READABLE = "mov,matroska,avi,mpeg,mpegts,flv,ogg,asf"
_BT709, _LIMITED = 1, 1  # kinds of colours, as PyAV numbers them
_USUAL = {"colorspace": _BT709, "color_range": _LIMITED, "color_primaries": _BT709, "color_trc": _BT709}
_KNOWN_MATRICES = (1, 4, 5, 6, 7, 9)


@dataclass(frozen=True)
class Video:
    """A film that was looked through: when each frame is shown, and of what kind its colours are.

    Attributes
    ----------
    path : str
        Empty for a film that is still to be made.
    starts : sequence of int
        Of each frame, in ticks.
    duration : int
        Of the last frame, in ticks.
    tick : Fraction
        In seconds.
    colours : dict
        Matrix, range, primaries and transfer curve, as PyAV names and numbers them.
    aspect : Fraction or None
        Width of a pixel by its height, where it is said.
    """

    path: str
    starts: Sequence[int]
    duration: int
    tick: Fraction
    colours: dict[str, int]
    aspect: Fraction | None = None

    @classmethod
    def read(cls, path: str | os.PathLike[str], max_pixels: float = 100e6) -> "Video":
        """Look through a film: all frames are decoded, so that what is wrong is found before anything is drawn.

        Raises
        ------
        OSError, ValueError
            In one line that names the file, the reason and the cure.
        """
        name = os.fsdecode(path)
        starts: list[int] = []
        with _film(name) as (container, stream):
            size = stream.width, stream.height
            if size[0] * size[1] > max_pixels:
                raise RefusedError(f"its frames have {size[0]} x {size[1]} pixels; shrink it first.")
            step = int(1 / ((stream.average_rate or 25) * stream.time_base)) or 1
            frame = None
            for frame in container.decode(stream):
                if (frame.width, frame.height) != size:
                    raise RefusedError("its frames are not all of one size; convert it first.")
                start = frame.pts if frame.pts is not None else 0
                starts.append(max(start, starts[-1] + (1 if frame.pts is not None else step)) if starts else start)
            if frame is None:
                raise RefusedError("there is no frame in it; copy or download it again.")
            colours = {key: int(getattr(frame, key)) for key in ("colorspace", "color_range")}
            colours |= {key: int(getattr(frame, key)) for key in ("color_primaries", "color_trc")}
            aspect = stream.sample_aspect_ratio or None
            aspect = 1 / aspect if aspect and frame.rotation % 180 else aspect
            return cls(name, starts, int(frame.duration or step), stream.time_base, colours, aspect)

    @classmethod
    def of_durations(cls, milliseconds: Sequence[int]) -> "Video":
        """A film without sound, of frames that are shown for some time each."""
        starts = np.cumsum([0, *milliseconds[:-1]]).tolist()
        return cls("", starts, milliseconds[-1], Fraction(1, 1000), _USUAL)

    @classmethod
    def of_rate(cls, rate: float) -> "Video":
        """A film without sound, of any number of frames, so many a second."""
        return cls("", range(2**31), 1, 1 / Fraction(rate).limit_denominator(100_000), _USUAL)

    @property
    def durations(self) -> list[int]:
        """How long each frame is shown, in milliseconds."""
        ends = [*self.starts[1:], self.starts[-1] + self.duration]
        return [max(1, round(1000 * (end - start) * self.tick)) for start, end in zip(self.starts, ends, strict=True)]

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """The frames, RGB (H, W, 3), upright, one at a time."""
        with _film(self.path) as (container, stream):
            for frame in container.decode(stream):
                yield np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90))


def is_video(name: str | os.PathLike[str]) -> bool:
    """Whether a file is a film by its name."""
    return Path(name).suffix.lower() in (*_FORMATS, *_OTHERS)


def check_video(name: str, sound: str) -> None:
    """Check that a film can be written under a name, with the sound of another one.

    Raises
    ------
    ValueError
        If it cannot; the message says what can.
    """
    suffix = Path(name).suffix.lower()
    if suffix not in _FORMATS:
        raise ValueError(f"cannot write {shown(name)}: {suffix!r} is no film that is written; use .mp4, or a folder.")
    av = _av(f"cannot write {shown(name)}")
    if sound and is_video(sound):
        with _film(sound) as (container, _):
            for stream in container.streams.audio:
                if stream.codec_context.name not in _heard_in(av, _FORMATS[suffix]):
                    raise ValueError(
                        f"cannot write {shown(name)}: {suffix} does not take the sound of {shown(sound)}, "
                        f"{stream.codec_context.name}; use .mkv, which takes most."
                    )


def write_video(
    path: str | os.PathLike[str], pictures: Iterable[NDArray[Any]], film: Video, *, overwrite: bool = True
) -> None:
    """Write pictures as a film, whole or not at all, with the times, the colours' kind and the sound of another one.

    Parameters
    ----------
    path : str or path-like
        The suffix chooses the container.
    pictures : iterable of ndarray (H, W[, C])
        Of one size; read one at a time. Where a side is odd, its last row or column is repeated.
    film : Video
        The sound is copied as it is.
    overwrite : bool
        Whether an existing file is replaced.
    """
    name = os.fsdecode(path)
    check_video(name, film.path)
    import av

    container_format = _FORMATS[Path(name).suffix.lower()]
    with written_whole(name, overwrite=overwrite) as file, ExitStack() as stack:
        source = stack.enter_context(_opened(film.path)) if film.path else None
        try:
            _mux(file, container_format, pictures, film, source)
        except av.FFmpegError as error:
            raise ValueError(f"cannot write {shown(name)}: {error.strerror}; choose another kind of film.") from error


def _mux(file: Any, container_format: str, pictures: Iterable[NDArray[Any]], film: Video, source: Any) -> None:
    """Encode pictures, with the packets of sound between them, so that none need be kept long."""
    import av

    codec = _CODECS[container_format]
    with av.open(file, "w", format=container_format) as out:
        stream: Any = None
        sound = _Sound(out, source)
        for i, picture in enumerate(pictures):
            if i == len(film.starts):
                raise ValueError(f"{shown(film.path)} has {i} frames, and there are more pictures; give one for each.")
            frame = _as_frame(picture, film)
            frame.pts, frame.time_base = film.starts[i], film.tick
            if stream is None:
                stream = _new_stream(out, codec, frame, film)
                sound.add_streams()
            sound.mux_until(frame.pts * film.tick)
            out.mux(stream.encode(frame))
        if stream is not None:
            out.mux(stream.encode())
        sound.mux_until(None)


class _Sound:
    """Copies the sound of a film to another one, piece by piece."""

    def __init__(self, out: Any, source: Any) -> None:
        self._out, self._source = out, source
        self._streams: dict[int, Any] = {}
        self._packets: Iterator[Any] = iter(())
        self._next: Any = None

    def add_streams(self) -> None:
        """To be called when the stream of pictures is added, which comes first."""
        if self._source is None:
            return
        self._out.metadata.update(self._source.metadata)
        for stream in self._source.streams.audio:
            self._streams[stream.index] = self._out.add_stream_from_template(stream)
        if self._streams:
            packets = self._source.demux(*self._source.streams.audio)
            self._packets = (packet for packet in packets if packet.dts is not None)
            self._next = next(self._packets, None)

    def mux_until(self, time: Fraction | None) -> None:
        """Copy what is heard up to a time in seconds, or all that is left."""
        while self._next is not None and (time is None or self._next.dts * self._next.time_base <= time):
            packet = self._next
            packet.stream = self._streams[packet.stream.index]
            self._out.mux(packet)
            self._next = next(self._packets, None)


def _new_stream(out: Any, codec: str, frame: Any, film: Video) -> Any:
    rate = Fraction(len(film.starts)) / ((film.starts[-1] + film.duration - film.starts[0]) * film.tick)
    stream = out.add_stream(codec, rate=rate.limit_denominator(100_000))
    stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, frame.format.name
    stream.time_base = stream.codec_context.time_base = film.tick
    if film.aspect:
        stream.codec_context.sample_aspect_ratio = film.aspect
    for key, value in film.colours.items():
        setattr(stream.codec_context, key, value)
    stream.codec_context.options = _OPTIONS[codec]
    return stream


def _as_frame(picture: NDArray[Any], film: Video) -> Any:
    """A picture as a frame of 8 bits, each colour shared by four pixels, as all players show it."""
    import av

    rgb = to_bytes(of_kind(colour_of(picture), grey=False, alpha=False))
    height, width = rgb.shape[:2]
    rgb = np.pad(rgb, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    matrix, color_range = film.colours["colorspace"], film.colours["color_range"]
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), "rgb24").reformat(
        format="yuv420p",
        dst_colorspace=matrix if matrix in _KNOWN_MATRICES else None,
        dst_color_range=color_range or _LIMITED,
    )
    for key, value in film.colours.items():
        setattr(frame, key, value)
    return frame


@contextmanager
def _film(name: str) -> Iterator[tuple[Any, Any]]:
    """A film that is open for reading, and its stream of pictures; errors name it, the reason and the cure."""
    title = f"cannot read {shown(name)}"
    av = _av(title)
    try:
        with _opened(name) as container:
            if not container.streams.video:
                raise RefusedError("there are no pictures in it; choose another.")
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            yield container, stream
    except RefusedError as error:
        raise ValueError(f"{title}: {error}") from error
    except (av.FFmpegError, OSError) as error:
        if error.errno is None:  # the file could not be opened, which is said
            raise
        raise ValueError(f"{title}: it is damaged or no film ({error.strerror}); copy or download it again.") from error


@contextmanager
def _opened(name: str) -> Iterator[Any]:
    import av

    with opened(name, "*.mp4") as file, av.open(file, options={"format_whitelist": _READABLE}) as container:
        yield container


def _heard_in(av: Any, container_format: str) -> set[str]:
    """Names of the kinds of sound that a container takes."""
    with av.open(os.devnull, "w", format=container_format) as container:
        return set(container.supported_codecs)


def _av(title: str) -> Any:
    try:
        import av
    except ImportError as error:
        raise ValueError(
            f'{title}: films need PyAV; run pip install av (the extra "video"), or use a folder of images.'
        ) from error
    return av
