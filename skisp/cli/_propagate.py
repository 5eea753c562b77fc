"""The commands that learn a style and redraw photographs in it."""

import json
import os
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .._names import shown
from ..io import read_image
from ._errors import FAILURES, in_one_line
from ._masks import read_mask
from ._messages import decoders_silent
from ._outputs import check_outputs, is_file_name, is_picture, plan_outputs, writable_folder, write_picture
from ._parser import UserError
from ._progress import progress_shown
from ._redrawer import options_of, redraw
from ._streams import complain, note, print_line
from ._styles import learn, read_styles, style_in_file, styles_of

__all__ = ["apply", "fit", "propagate"]

_Job = tuple[str, Path]


def propagate(arguments: Namespace) -> int:
    """Redraw photographs in the style of a picture, or of several."""
    return _redraw_all(arguments, arguments.style, lambda: styles_of(arguments))


def apply(arguments: Namespace) -> int:
    """Redraw photographs in a style that was learnt before."""
    return _redraw_all(arguments, [arguments.model], lambda: style_in_file(arguments.model))


def fit(arguments: Namespace) -> int:
    """Learn the style of pictures, and write it to a file."""
    from .._base import unfrozen
    from ..persistence import save_model

    target = Path(arguments.output)
    if is_picture(arguments.output):
        raise UserError(f"{shown(target)} is the name of a picture; name a file for the style, such as NAME.skisp")
    check_outputs([target], ["the style"], arguments.styles, replace=arguments.force)
    images = read_styles(arguments.styles, arguments.size)
    with writable_folder(target.parent):
        style = learn(images, arguments.seed, target.name, quiet=arguments.quiet)
        try:
            save_model(target, unfrozen(style), overwrite=arguments.force)
        except FAILURES as error:
            raise UserError(in_one_line(error)) from error
    print_line(target)
    return 0


def _redraw_all(arguments: Namespace, sources: Sequence[str], learnt: Callable[[], dict[str, Any]]) -> int:
    """Redraw the photographs that are not redrawn yet."""
    targets = plan_outputs(arguments.contents, arguments.output)
    jobs = list(zip(arguments.contents, targets, strict=True))
    into_a_folder = not is_file_name(arguments.output)
    reads = [*arguments.contents, *sources, *([arguments.mask] if arguments.mask else [])]
    check_outputs(targets, arguments.contents, reads, replace=arguments.force or into_a_folder)
    done = [] if arguments.force else [job for job in jobs if into_a_folder and job[1].is_file()]
    left = [job for job in jobs if job not in done]
    _use_cores(arguments.jobs)
    options = options_of(arguments)
    if done:
        note(f"{len(done)} of {len(jobs)} pictures exist already and are kept; --force redraws them")
    with writable_folder(targets[0].parent):
        return _Batch(arguments, lambda: learnt() | options, done).run(left)


def _use_cores(n_jobs: int | None) -> None:
    import torch

    if n_jobs is not None:
        torch.set_num_threads(min(n_jobs, os.cpu_count() or 1))


class _Batch:
    """Learns the style, and redraws photograph after photograph; if one fails, the others are still redrawn."""

    def __init__(self, arguments: Namespace, parameters: Callable[[], dict[str, Any]], done: Sequence[_Job]) -> None:
        self._arguments = arguments
        self._make_parameters = parameters
        self._records = [_record(job, "kept") for job in done]
        self._failed: list[str] = []
        self._n_written = 0

    def run(self, jobs: Sequence[_Job]) -> int:
        try:
            self._parameters = self._make_parameters() if jobs else {}
            for i, job in enumerate(jobs):
                self._one(job, f" ({i + 1} of {len(jobs)})" if len(jobs) > 1 else "")
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"{self._n_written} of {len(jobs)} pictures are written") from None
        finally:
            if self._arguments.json:
                print(json.dumps(self._records, indent=2))
        if self._failed and len(jobs) > 1:
            names = ", ".join(shown(content) for content in self._failed)
            print(f"skisp: {len(self._failed)} of {len(jobs)} pictures failed: {names}", file=sys.stderr)
        return 0 if not self._failed else 1 if self._n_written or len(self._records) > len(self._failed) else 2

    def _one(self, job: _Job, position: str) -> None:
        start = time.monotonic()
        try:
            self._redraw(job, shown(Path(job[0]).name) + position)
        except FAILURES as error:
            message = in_one_line(error, job[0])
            self._failed.append(job[0])
            self._records.append(_record(job, "failed", error=message))
            complain(message)
            return
        self._n_written += 1
        self._records.append(_record(job, "written", seconds=round(time.monotonic() - start, 3)))
        if not self._arguments.json:
            print_line(job[1])

    def _redraw(self, job: _Job, label: str) -> None:
        content, target = job
        with decoders_silent():
            image, metadata = read_image(content, size=self._arguments.size, return_metadata=True)
        if metadata.n_frames > 1:
            note(f"{shown(content)} has {metadata.n_frames} frames; the first is redrawn")
        mask = read_mask(self._arguments.mask, content, image.shape)
        with progress_shown(label, quiet=self._arguments.quiet):
            picture = redraw(image, self._parameters, mask)
        write_picture(target, picture, metadata)


def _record(job: _Job, status: str, **more: Any) -> dict[str, Any]:
    return {"content": job[0], "output": str(job[1]), "status": status, **more}
