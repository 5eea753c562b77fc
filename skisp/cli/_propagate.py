"""The commands that learn a style and redraw photographs in it."""

import json
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from .._names import shown
from .._progress import report
from ._drawing import Drawer, Drawn, Job, n_pixels, own_settings
from ._errors import FAILURES, UserError, in_one_line
from ._masks import given_masks
from ._outputs import check_outputs, is_file_name, is_picture, plan_outputs, writable_folder
from ._processes import drawn_side_by_side, n_processes
from ._progress import progress_shown, time_left
from ._redrawer import checked, options_of, use_cores
from ._settings_record import SettingsRecord, in_words, settings_of
from ._streams import complain, note, print_line
from ._styles import given_styles, learn, read_styles

__all__ = ["apply", "fit", "propagate"]


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
        self._records: list[dict[str, Any]] = []
        self._failed: list[str] = []
        self._n_written = 0

    def without_kept(self, jobs: Sequence[Job]) -> list[Job]:
        """The photographs whose pictures do not exist.

        Raises
        ------
        UserError
            If a picture exists that was made otherwise.
        """
        done = [job for job in jobs if job[1].is_file() and not (self._made and self._made.is_preview(job[1]))]
        for content, target in done:
            differences = self._made.differences(target, self._settings | own_settings(content)) if self._made else []
            if differences:
                raise UserError(
                    f"{shown(target)} exists already and was made otherwise ({in_words(differences)}); "
                    "choose another output, or pass --force to redraw the pictures there"
                )
        if done:
            note(f"{len(done)} of {len(jobs)} pictures exist already and are kept; --force redraws them")
        self._records = [_record(job, "kept") for job in done]
        kept = set(done)
        return [job for job in jobs if job not in kept]

    def run(self, jobs: Sequence[Job], learnt: Callable[[], dict[str, Any]]) -> int:
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

    def _redraw_all(self, jobs: Sequence[Job], learnt: Callable[[], dict[str, Any]]) -> None:
        sizes = {job: size for job in jobs if (size := self._size(job)) is not None}
        if not sizes:
            return
        readable = list(sizes)
        use_cores(self._arguments)
        options = checked(options_of(self._arguments))
        drawer = Drawer(self._arguments, self._settings, learnt() | options)
        n_at_once = n_processes(len(readable), max(sizes.values()), self._arguments)
        drawn = _in_turn(drawer, readable) if n_at_once == 1 else self._side_by_side(drawer, readable, n_at_once)
        for job, (failure, seconds) in drawn:
            if failure is not None:
                self._fail(job, failure)
                continue
            self._n_written += 1
            self._records.append(_record(job, "written", seconds=round(seconds, 3)))
            if not self._arguments.json:
                print_line(job[1])

    def _side_by_side(self, drawer: Drawer, jobs: Sequence[Job], n_at_once: int) -> Iterator[tuple[Job, Drawn]]:
        with progress_shown(f"redrawing {len(jobs)} photographs in {n_at_once} processes", self._arguments, lines=True):
            for i, drawn in enumerate(drawn_side_by_side(drawer, jobs, n_at_once)):
                report("images", i, len(jobs))
                yield drawn

    def _size(self, job: Job) -> float | None:
        """Pixels of a photograph, or None if it cannot be redrawn, which is said."""
        try:
            return n_pixels(job[0], self._arguments)
        except FAILURES as error:
            self._fail(job, in_one_line(error, job[0], role="the photograph"))
            return None

    def _fail(self, job: Job, message: str) -> None:
        self._failed.append(job[0])
        self._records.append(_record(job, "failed", error=message))
        complain(message)


def _in_turn(drawer: Drawer, jobs: Sequence[Job]) -> Iterator[tuple[Job, Drawn]]:
    """Redraw one photograph after another, each by all cores."""
    start = time.monotonic()
    for i, job in enumerate(jobs):
        left = f", {time_left((time.monotonic() - start) / i * (len(jobs) - i))}" if i else ""
        yield job, drawer.draw(job, f" ({i + 1} of {len(jobs)})" if len(jobs) > 1 else "", left)


def _record(job: Job, status: str, **more: Any) -> dict[str, Any]:
    return {"content": job[0], "output": str(job[1]), "status": status, **more}
