"""The commands that learn a style and redraw photographs in it."""

import glob
import json
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from .._names import shown
from ..io import read_image, write_image
from ..propagation._masks import shares_of
from ._errors import FAILURES, in_one_line
from ._messages import decoders_silent
from ._outputs import check_free, is_file_name, plan_outputs, print_path, writable_folder
from ._parser import UserError
from ._progress import progress_shown
from ._redrawer import Redrawer, learnt_before, learnt_from, read_style

__all__ = ["apply", "fit", "propagate"]

_Job = tuple[str, Path]


def propagate(arguments: Namespace) -> int:
    """Redraw photographs in the style of a picture, or of several."""

    def redrawer() -> Redrawer:
        return learnt_from(arguments, [read_style(path, arguments.size) for path in arguments.style])

    return _redraw_all(arguments, arguments.style, redrawer)


def apply(arguments: Namespace) -> int:
    """Redraw photographs in a style that was learnt before."""
    return _redraw_all(arguments, [arguments.model], lambda: learnt_before(arguments))


def fit(arguments: Namespace) -> int:
    """Learn the style of pictures, and write it to a file."""
    from .._base import draw_seed
    from ..persistence import save_model
    from ..propagation._subestimators import SubEstimators

    target = Path(arguments.output)
    check_free([target], arguments.styles, force=arguments.force)
    images = [read_style(path, arguments.size) for path in arguments.styles]
    with writable_folder(target.parent):
        try:
            with progress_shown(shown(target.name), quiet=arguments.quiet):
                # As a propagator of this seed would fit it, so that apply and propagate give the same pictures.
                [style] = SubEstimators(style_images=images, seed=draw_seed(arguments.seed)).fitted_for_images()
            save_model(target, style, overwrite=arguments.force)
        except FAILURES as error:
            raise UserError(in_one_line(error)) from error
    print_path(target)
    return 0


def _redraw_all(arguments: Namespace, sources: Sequence[str], make_redrawer: Callable[[], Redrawer]) -> int:
    """Redraw the photographs that are not redrawn yet."""
    targets = plan_outputs(arguments.contents, arguments.output)
    jobs = list(zip(arguments.contents, targets, strict=True))
    into_a_folder = not is_file_name(arguments.output)
    check_free(targets, [*arguments.contents, *sources], force=arguments.force or into_a_folder)
    done = [] if arguments.force else [job for job in jobs if into_a_folder and job[1].exists()]
    left = [job for job in jobs if job not in done]
    _use_cores(arguments.jobs)
    redrawer = make_redrawer()
    _note_done(len(done), len(jobs))
    with writable_folder(targets[0].parent):
        return _Batch(arguments, redrawer, done).run(left)


def _note_done(n_done: int, n_jobs: int) -> None:
    if n_done:
        print(
            f"skisp: note: {n_done} of {n_jobs} pictures exist already and are kept; --force redraws them",
            file=sys.stderr,
        )


def _use_cores(n_jobs: int | None) -> None:
    import torch

    if n_jobs is not None:
        torch.set_num_threads(n_jobs)


class _Batch:
    """Redraws photograph after photograph; failures are reported, and the others are still redrawn."""

    def __init__(self, arguments: Namespace, redrawer: Redrawer, done: Sequence[_Job]) -> None:
        self._arguments = arguments
        self._redrawer = redrawer
        self._records = [_record(job, "kept") for job in done]
        self._failed: list[str] = []
        self._n_written = 0

    def run(self, jobs: Sequence[_Job]) -> int:
        try:
            for i, job in enumerate(jobs):
                self._one(job, f" ({i + 1} of {len(jobs)})" if len(jobs) > 1 else "")
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"{self._n_written} of {len(jobs)} pictures are written") from None
        if self._failed and len(jobs) > 1:
            names = ", ".join(shown(content) for content in self._failed)
            print(f"skisp: {len(self._failed)} of {len(jobs)} pictures failed: {names}", file=sys.stderr)
        if self._arguments.json:
            print(json.dumps(self._records, indent=2))
        return 0 if not self._failed else 1 if self._n_written or len(self._records) > len(self._failed) else 2

    def _one(self, job: _Job, position: str) -> None:
        start = time.monotonic()
        try:
            self._redraw(job, shown(Path(job[0]).name) + position)
        except FAILURES as error:
            message = in_one_line(error, job[0])
            self._failed.append(job[0])
            self._records.append(_record(job, "failed", error=message))
            print(f"skisp: error: {message}", file=sys.stderr)
            return
        self._n_written += 1
        self._records.append(_record(job, "written", seconds=round(time.monotonic() - start, 3)))
        if not self._arguments.json:
            print_path(job[1])

    def _redraw(self, job: _Job, label: str) -> None:
        content, target = job
        with decoders_silent():
            image, metadata = read_image(content, size=self._arguments.size, return_metadata=True)
        if metadata.n_frames > 1:
            note = f"{shown(content)} has {metadata.n_frames} frames; the first is redrawn"
            print(f"skisp: note: {note}", file=sys.stderr)
        mask = _mask(self._arguments.mask, content, image.shape[:2])
        with progress_shown(label, quiet=self._arguments.quiet):
            picture = self._redrawer.redraw(image, mask)
        write_image(target, picture, metadata)


def _record(job: _Job, status: str, **more: Any) -> dict[str, Any]:
    return {"content": job[0], "output": str(job[1]), "status": status, **more}


def _mask(path: str | None, content: str, shape: tuple[int, ...]) -> NDArray[Any] | None:
    """The mask of a photograph, resized to it: the given file, or the one of the photograph's name in a folder."""
    if path is None:
        return None
    file = Path(path)
    if file.is_dir():
        found = sorted(file.glob(f"{glob.escape(Path(content).stem)}.*"))
        if not found:
            raise ValueError(f"cannot redraw {shown(content)}: there is no mask of the same name in {shown(path)}.")
        file = found[0]
    with decoders_silent():
        image = read_image(file)
    grey = shares_of(image, f"the mask {shown(file)}")[..., 0]
    fitted = PIL.Image.fromarray(grey, mode="F").resize((shape[1], shape[0]), PIL.Image.Resampling.BILINEAR)
    return np.asarray(fitted).clip(0.0, 1.0)
