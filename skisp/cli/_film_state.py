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
from .._files import write_whole
from ._settings_record import digest_of

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
    sources : list of str
        Files of the styles and masks.

    Attributes
    ----------
    arrays : dict of ndarray
        What the next frame needs of the last; empty before the first.
    n_done : int
    made_otherwise : bool
        Whether what was kept is of another film, or of other styles or options.
    """

    def __init__(
        self, pictures: Sequence[Path], arguments: Namespace, options: Mapping[str, Any], sources: Sequence[str]
    ) -> None:
        self.pictures = pictures
        self.folder = pictures[0].parent
        self._key = _key(arguments, options, sources)
        self.arrays: dict[str, NDArray[Any]] = {}
        self.n_done = 0
        self.made_otherwise = False
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
        self.made_otherwise = str(arrays.pop("_key")) != self._key
        if not self.made_otherwise and all(file.is_file() for file in self.pictures[:n_done]):
            self.arrays, self.n_done = arrays, n_done


def _key(arguments: Namespace, options: Mapping[str, Any], sources: Sequence[str]) -> str:
    """A digest of all that the pictures depend on; of the film itself only names, sizes and times."""
    given = (__version__, arguments.size, arguments.style_weights, sorted(options.items()))
    files = [digest_of(path) for path in sources] + [digest_of(arguments.frames, by_name=True)]
    return hashlib.sha256(repr((given, files)).encode()).hexdigest()
