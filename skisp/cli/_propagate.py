"""The commands that learn a style and redraw photographs in it."""

import json
import os
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from .._names import shown
from ..io import ImageMetadata, read_image
from ..io._image_file import MOST_PIXELS, ImageFile
from ._errors import FAILURES, UserError, in_one_line
from ._masks import Masks, check_mask, given_masks
from ._messages import decoders_silent
from ._outputs import check_outputs, is_file_name, is_picture, plan_outputs, writable_folder, write_picture
from ._progress import progress_shown, time_left
from ._redrawer import checked, options_of, preview_size, redraw, use_cores
from ._settings_record import SettingsRecord, digest_of, in_words, settings_of
from ._streams import complain, note, print_line
from ._styles import given_styles, learn, read_styles

__all__ = ["apply", "fit", "propagate"]

_Job = tuple[str, Path]


def fit(arguments: Namespace) -> int:
    """Learn the style of pictures, and write it to a file."""
    target = Path(arguments.output)
    if is_picture(arguments.output):
        raise UserError(f"{shown(target)} is the name of a picture; name a file for the style, such as NAME.skisp")
    reads = [*arguments.styles, *arguments.folders]
    check_outputs([target], ["the style"], reads, replace=arguments.force)
    images = read_styles(arguments.styles, arguments.size)
    with writable_folder(target.parent):
        from .._base import unfrozen
        from ..persistence import save_model

        style = learn(images, arguments.styles, arguments)
        try:
            save_model(target, unfrozen(style), overwrite=arguments.force)
        except FAILURES as error:
            raise UserError(in_one_line(error)) from error
    print_line(target)
    return 0


def propagate(arguments: Namespace) -> int:
    """Redraw the photographs that are not redrawn yet, in a style that is learnt or was learnt before."""
    targets = plan_outputs(arguments.contents, arguments.output)
    jobs = list(zip(arguments.contents, targets, strict=True))
    into_a_folder = not is_file_name(arguments.output)
    sources, learnt = given_styles(arguments)
    masks = given_masks(arguments.mask)
    reads = [*arguments.contents, *arguments.folders, *sources, *masks]
    check_outputs(targets, arguments.contents, reads, replace=arguments.force or into_a_folder)
    batch = _Batch(arguments, {"the style": sources, "--mask": masks} if masks else {"the style": sources})
    left = batch.without_kept(jobs) if into_a_folder and not arguments.force else jobs
    with writable_folder(targets[0].parent):
        return batch.run(left, learnt)


apply = propagate


class _Batch:
    """Learns the style, and redraws photograph after photograph; if one fails, the others are still redrawn.

    Parameters
    ----------
    arguments : Namespace
    files : dict of str to list of str
        What all pictures depend on, by what it is.
    """

    def __init__(self, arguments: Namespace, files: dict[str, Sequence[str]]) -> None:
        self._arguments = arguments
        self._settings = settings_of(arguments, files)
        self._made = None if is_file_name(arguments.output) else SettingsRecord(Path(arguments.output))
        self._max_pixels = arguments.max_pixels or MOST_PIXELS
        self._masks = Masks(arguments.mask, self._max_pixels)
        self._records: list[dict[str, Any]] = []
        self._failed: list[str] = []
        self._n_written = 0

    def without_kept(self, jobs: Sequence[_Job]) -> list[_Job]:
        """The photographs whose pictures do not exist.

        Raises
        ------
        UserError
            If a picture exists that was made otherwise.
        """
        done = [job for job in jobs if job[1].is_file() and not (self._made and self._made.is_preview(job[1]))]
        for content, target in done:
            differences = self._made.differences(target, self._settings_for(content)) if self._made else []
            if differences:
                raise UserError(
                    f"{shown(target)} exists already and was made otherwise ({in_words(differences)}); "
                    "choose another output, or pass --force to redraw the pictures there"
                )
        if done:
            note(f"{len(done)} of {len(jobs)} pictures exist already and are kept; --force redraws them")
        self._records = [_record(job, "kept") for job in done]
        return [job for job in jobs if job not in done]

    def run(self, jobs: Sequence[_Job], learnt: Callable[[], dict[str, Any]]) -> int:
        try:
            self._redraw_all(jobs, learnt)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"{self._n_written} of {len(jobs)} pictures are written") from None
        finally:
            if self._arguments.json:
                order = {content: i for i, content in enumerate(self._arguments.contents)}
                print(json.dumps(sorted(self._records, key=lambda record: order[record["content"]]), indent=2))
        if self._failed and len(jobs) > 1:
            names = ", ".join(shown(content) for content in self._failed)
            print(f"skisp: {len(self._failed)} of {len(jobs)} pictures failed: {names}", file=sys.stderr)
        return 0 if not self._failed else 1 if self._n_written or len(self._records) > len(self._failed) else 2

    def _redraw_all(self, jobs: Sequence[_Job], learnt: Callable[[], dict[str, Any]]) -> None:
        readable = [job for job in jobs if self._attempt(job, self._check_readable)]
        if not readable:
            return
        use_cores(self._arguments)
        options = checked(options_of(self._arguments))
        self._parameters = learnt() | options
        start = time.monotonic()
        for i, job in enumerate(readable):
            began = time.monotonic()
            left = f", {time_left((began - start) / i * (len(readable) - i))}" if i else ""
            position = f" ({i + 1} of {len(readable)})" if len(readable) > 1 else ""
            if self._attempt(job, lambda job, said=(position, left): self._redraw(job, *said)):  # type: ignore[misc]
                self._n_written += 1
                self._records.append(_record(job, "written", seconds=round(time.monotonic() - began, 3)))
                if not self._arguments.json:
                    print_line(job[1])

    def _attempt(self, job: _Job, work: Callable[[_Job], None]) -> bool:
        """Whether the work was done; if it failed, that is said."""
        try:
            work(job)
        except FAILURES as error:
            message = in_one_line(error, job[0], role="the photograph")
            self._failed.append(job[0])
            self._records.append(_record(job, "failed", error=message))
            complain(message)
            return False
        return True

    def _check_readable(self, job: _Job) -> None:
        with decoders_silent(), ImageFile(job[0]):
            check_mask(self._arguments.mask, job[0])

    def _redraw(self, job: _Job, position: str, left: str) -> None:
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
                picture = redraw(image, self._parameters, mask)
            write_picture(target, picture, metadata, self._arguments.quality)
        if self._made:
            self._made.add(target, self._settings_for(content))

    @contextmanager
    def _previewed(
        self, job: _Job, image: NDArray[Any], mask: NDArray[Any] | None, metadata: ImageMetadata
    ) -> Iterator[None]:
        """Inside, a preview lies where the finished picture will, if it was asked for; if none comes, it is removed."""
        small = preview_size(image) if self._arguments.preview else image
        if small.shape == image.shape:
            yield
            return
        content, target = job
        with progress_shown(f"drawing a preview of {shown(Path(content).name)}", self._arguments):
            preview = redraw(small, self._parameters, None if mask is None else preview_size(mask))
        if self._made:  # before it is there: whatever ends the command, it is not taken for the picture
            self._made.add_preview(target)
        write_picture(target, preview, metadata, self._arguments.quality)
        try:
            yield
        except BaseException:
            with suppress(OSError):
                os.unlink(os.path.realpath(target))
            raise

    def _settings_for(self, content: str) -> dict[str, str]:
        return self._settings | {"the photograph": f"{shown(Path(content).name)} [{digest_of(content)[:6]}]"}


def _record(job: _Job, status: str, **more: Any) -> dict[str, Any]:
    return {"content": job[0], "output": str(job[1]), "status": status, **more}
