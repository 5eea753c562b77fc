"""Frames of animated PNG of 16 bits that are laid over others; Pillow mixes bytes.

So each is decoded as a picture of its own, and laid here.

References
----------
W3C, Portable Network Graphics (third edition, 2025), sections 11.3.6 and 13.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["LaidOver"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_BACKGROUND, _PREVIOUS = 1, 2  # what the place of a frame becomes before the next one; else it stays
_OVER = 1

Levels = NDArray[np.uint16]


class _Frame(NamedTuple):
    """Where a frame lies, what becomes of its place, how it is laid, and itself as the file of a still picture."""

    place: tuple[slice, slice]
    disposal: int
    blend: int
    file: IO[bytes]


class LaidOver:
    """The canvas of an animation of 16 bits, as it looks from frame to frame.

    Parameters
    ----------
    file : file
    size : tuple (H, W)
    decoded : callable
        Gives the levels (H, W, C) of the file of a still picture.
    """

    def __init__(self, file: IO[bytes], size: tuple[int, int], decoded: Callable[[IO[bytes]], Any]) -> None:
        self._file = file
        self._decoded = decoded
        self._size = size
        self._begin()

    def canvas(self, number: int) -> Levels:
        """What is seen at a frame of the animation; those before it are laid first, unless they lie there already."""
        if number < self._n_laid - 1:
            self._begin()
        while self._n_laid <= number:
            self._lay(next(self._frames))
        return self._canvas.copy()

    def _begin(self) -> None:
        self._frames = _frames(self._file)
        self._n_laid = 0
        self._canvas: Levels = np.zeros((0, 0, 1), np.uint16)
        self._place: tuple[slice, slice] = (slice(0), slice(0))
        self._afterwards = self._canvas

    def _lay(self, frame: _Frame) -> None:
        levels = self._decoded(frame.file)
        if self._n_laid == 0:  # after a poster, the first frame may be smaller than the picture
            self._canvas = np.zeros((*self._size, levels.shape[2]), np.uint16)
        else:
            self._canvas[self._place] = self._afterwards
        self._place = frame.place
        before = self._canvas[self._place].copy()
        restored = frame.disposal == _PREVIOUS and self._n_laid > 0
        self._canvas[self._place] = _over(before, levels) if frame.blend == _OVER else levels
        self._afterwards = before if restored else self._canvas[self._place].copy()
        if frame.disposal != 0 and not restored:
            self._afterwards = np.zeros_like(before)
        self._n_laid += 1


def _frames(file: IO[bytes]) -> Iterator[_Frame]:
    """The frames of an animation in their order, without the poster if there is one."""
    shared, control, parts = bytearray(), b"", bytearray()
    for kind, data in _chunks(file):
        if kind in (b"fcTL", b"IEND") and control and parts:
            yield _frame(shared, control, parts)
        if kind == b"fcTL":
            control, parts = data, bytearray()
        elif kind in (b"IDAT", b"fdAT"):
            parts += data[4 if kind == b"fdAT" else 0 :] if control else b""
        elif kind in (b"IHDR", b"tRNS"):  # what holds for all frames
            shared += _chunk(kind, data)
    raise EOFError("no more frames")


def _frame(shared: bytearray, control: bytes, parts: bytearray) -> _Frame:
    _, width, height, left, top, _, _, disposal, blend = struct.unpack(">IIIIIHHBB", control[:26])
    header = struct.pack(">II", width, height) + shared[16:21]  # of its own size, and else as that of the picture
    still = _SIGNATURE + _chunk(b"IHDR", header) + shared[33:] + _chunk(b"IDAT", parts) + _chunk(b"IEND", b"")
    place = slice(top, top + height), slice(left, left + width)
    return _Frame(place, disposal, blend, BytesIO(still))


def _chunks(file: IO[bytes]) -> Iterator[tuple[bytes, bytes]]:
    file.seek(len(_SIGNATURE))
    position = file.tell()
    while True:
        file.seek(position)  # others read from the file as well
        length, kind = struct.unpack(">I4s", file.read(8))
        yield kind, file.read(length)
        position += 12 + length


def _chunk(kind: bytes, data: bytes | bytearray) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))


def _over(below: Levels, above: Levels) -> Levels:
    """One picture over another by its alpha, both of which may be transparent."""
    if above.shape[2] not in (2, 4):
        return above
    most: Any = np.float64(np.iinfo(np.uint16).max)
    share, share_below = (levels[..., -1:] / most for levels in (above, below))
    left = share_below * (1 - share)
    total = share + left
    colour = (above[..., :-1] * share + below[..., :-1] * left) / np.where(total > 0, total, 1)
    return np.rint(np.concatenate([colour, total * most], axis=2)).astype(np.uint16)
