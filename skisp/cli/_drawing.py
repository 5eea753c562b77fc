"""How one photograph after another is redrawn and written, whichever process does it."""

import os
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray

from .._names import shown
from ..io import ImageMetadata, read_image
from ..io._image_file import MOST_PIXELS, ImageFile
from ._errors import FAILURES, in_one_line
from ._masks import Masks, check_mask
from ._messages import decoders_silent
from ._outputs import is_file_name, write_picture
from ._progress import progress_shown
from ._redrawer import Redrawer, preview_size
from ._settings_record import SettingsRecord, digest_of
from ._streams import note

__all__ = ["Drawer", "Drawn", "Job", "n_pixels", "own_settings"]

Job = tuple[str, Path]


class Drawn(NamedTuple):
    """What became of a photograph: why it failed, in one line, or None; and how long it took."""

    failure: str | None
    seconds: float


class Drawer:
    """Redraws photographs and writes the pictures.

    Parameters
    ----------
    arguments : Namespace
    settings : dict of str to str
        All that every picture depends on, to be noted beside it.
    parameters : dict
        Of a propagator, whose styles are learnt.
    """

    def __init__(self, arguments: Namespace, settings: dict[str, str], parameters: dict[str, Any]) -> None:
        self._arguments = arguments
        self._settings = settings
        self._made = None if is_file_name(arguments.output) else SettingsRecord(Path(arguments.output))
        self._max_pixels = arguments.max_pixels or MOST_PIXELS
        self._masks = Masks(arguments.mask, self._max_pixels)
        self._redrawer = Redrawer(parameters)

    def draw(self, job: Job, position: str = "", left: str = "") -> Drawn:
        """Redraw one photograph.

        Parameters
        ----------
        job : (str, Path)
            The photograph, and where its picture goes.
        position, left : str
            Which of how many it is, and how long all that are left will take, where that is shown.
        """
        began = time.monotonic()
        failure = None
        try:
            self._draw(job, position, left)
        except FAILURES as error:
            failure = in_one_line(error, job[0], role="the photograph")
        return Drawn(failure, time.monotonic() - began)

    def _draw(self, job: Job, position: str, left: str) -> None:
        content, target = job
        with decoders_silent():
            image, metadata = read_image(
                content, size=self._arguments.size, max_pixels=self._max_pixels, return_metadata=True
            )
        if metadata.n_frames > 1:
            note(f"{shown(content)} has {metadata.n_frames} frames; the first is redrawn")
        mask = self._masks.of(content, image.shape)
        with self._previewed(job, image, mask, metadata):
            with progress_shown(f"redrawing {shown(Path(content).name)}{position}", self._arguments, left):
                picture = self._redrawer.redraw(image, mask)
            write_picture(target, picture, metadata, self._arguments.quality)
        if self._made:
            self._made.add(target, self._settings | own_settings(content))

    @contextmanager
    def _previewed(
        self, job: Job, image: NDArray[Any], mask: NDArray[Any] | None, metadata: ImageMetadata
    ) -> Iterator[None]:
        """Inside, a preview lies where the finished picture will, if it was asked for; if none comes, it is removed."""
        small = preview_size(image) if self._arguments.preview else image
        if small.shape == image.shape:
            yield
            return
        content, target = job
        with progress_shown(f"drawing a preview of {shown(Path(content).name)}", self._arguments):
            preview = self._redrawer.redraw(small, None if mask is None else preview_size(mask))
        if self._made:  # before it is there: whatever ends the command, it is not taken for the picture
            self._made.add_preview(target)
        write_picture(target, preview, metadata, self._arguments.quality)
        try:
            yield
        except BaseException:
            with suppress(OSError):
                os.unlink(os.path.realpath(target))
            raise


def own_settings(content: str) -> dict[str, str]:
    """What a picture depends on that no other does."""
    return {"the photograph": f"{shown(Path(content).name)} [{digest_of(content)[:6]}]"}


def n_pixels(content: str, arguments: Namespace) -> float:
    """Pixels at which a photograph is redrawn, by a look at its first bytes, and at those of its mask.

    Raises
    ------
    OSError, ValueError
        If it is no picture, or lacks a mask where there are some.
    """
    with decoders_silent(), ImageFile(content) as file:
        width, height = file.size
        check_mask(arguments.mask, content)
    return width * height * min(1.0, (arguments.size or max(width, height)) / max(width, height)) ** 2
