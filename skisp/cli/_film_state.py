"""How far a film is redrawn, kept beside its pictures, so that the same command can go on after a stop."""

import hashlib
import os
from argparse import Namespace
from collections.abc import Mapping, Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from ..io._files import write_whole

__all__ = ["FilmState"]

_NAME = ".skisp-film.npz"


class FilmState:
    """The pictures of a film that are drawn, and what the next one needs.

    Parameters
    ----------
    pictures : sequence of Path
        All in one folder. What was kept there is taken if it is of the same film, styles and options.
    arguments : Namespace
    options : dict
        Of the propagator.

    Attributes
    ----------
    arrays : dict of ndarray
        What the next frame needs of the last; empty before the first.
    n_done : int
    """

    def __init__(self, pictures: Sequence[Path], arguments: Namespace, options: Mapping[str, Any]) -> None:
        self.pictures = pictures
        self.folder = pictures[0].parent
        self._key = _key(arguments, options)
        self.arrays: dict[str, NDArray[Any]] = {}
        self.n_done = 0
        if not arguments.force:
            with suppress(OSError, ValueError, KeyError):  # none is kept, or it is damaged
                self._take()

    def keep(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Note that one more picture is written."""
        self.n_done += 1
        file = BytesIO()
        np.savez(file, _key=np.array(self._key), _n_done=np.array(self.n_done), **arrays)  # type: ignore[arg-type]
        write_whole(os.fspath(self.folder / _NAME), file.getbuffer())

    def forget(self, *, with_pictures: bool) -> None:
        """Remove what was kept, when the film is done."""
        for file in (self.folder / _NAME, *(self.pictures if with_pictures else ())):
            file.unlink(missing_ok=True)
        if with_pictures:
            with suppress(OSError):  # there is something else in it
                self.folder.rmdir()

    def _take(self) -> None:
        with np.load(self.folder / _NAME, allow_pickle=False) as kept:
            arrays = dict(kept)
        n_done = int(arrays.pop("_n_done"))
        if str(arrays.pop("_key")) == self._key and all(file.is_file() for file in self.pictures[:n_done]):
            self.arrays, self.n_done = arrays, n_done


def _key(arguments: Namespace, options: Mapping[str, Any]) -> str:
    """A digest of all that the pictures depend on; of frames only their sizes and times, since they are many."""
    digest = hashlib.sha256(
        repr((__version__, arguments.size, arguments.style_weights, sorted(options.items()))).encode()
    )
    for style in arguments.style:
        with suppress(OSError):  # reading it will say what is wrong
            digest.update(hashlib.sha256(Path(style).read_bytes()).digest())
    film = Path(arguments.frames)
    for file in sorted(film.iterdir()) if film.is_dir() else [film]:
        status = file.stat()
        digest.update(repr((os.fsencode(file.name), status.st_size, status.st_mtime_ns)).encode())
    return digest.hexdigest()
