"""Progress on stderr: bars on a terminal with rich installed, plain lines otherwise."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .._progress import Progress, listening

__all__ = ["progress_shown"]

_SECONDS_BETWEEN_LINES = 10.0


@contextmanager
def progress_shown(label: str, *, quiet: bool = False) -> Iterator[None]:
    """Show how far the work inside the block has come.

    Parameters
    ----------
    label : str
        What the work is about, such as a file's name; it is shown before each task.
    quiet : bool
        Show nothing.
    """
    if quiet:
        yield
        return
    console = _console()
    if console is None:
        with listening(_without_single_steps(_Lines(label))):
            yield
    else:
        with _bars(console) as bars, listening(_without_single_steps(_Bars(label, bars))):
            yield


def _without_single_steps(listener: Callable[[Progress], None]) -> Callable[[Progress], None]:
    """Leave out tasks of one step, such as the count of images when there is only one: they only start and end."""
    return lambda step: listener(step) if step.total > 1 else None


def _console() -> Any:
    """rich's console on stderr, or None where bars cannot be drawn."""
    if not sys.stderr.isatty():
        return None
    try:
        from rich.console import Console
    except ImportError:
        return None
    console = Console(stderr=True)
    return None if console.is_dumb_terminal else console


def _bars(console: Any) -> Any:
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    return Bars(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
        TextColumn("{task.fields[detail]}", markup=False),
        console=console,
        transient=True,
        # stdout carries the paths written, perhaps to another program: rich would send them to stderr.
        redirect_stdout=False,
    )


class _Bars:
    """A listener that moves one bar for each task."""

    def __init__(self, label: str, bars: Any) -> None:
        self._label = label
        self._bars = bars
        self._ids: dict[str, Any] = {}

    def __call__(self, step: Progress) -> None:
        if step.task not in self._ids:
            self._ids[step.task] = self._bars.add_task(f"{self._label}: {step.task}", detail="")
        self._bars.update(self._ids[step.task], completed=step.done, total=step.total, detail=step.detail)


class _Lines:
    """A listener that prints a line when a task starts and ends, and one now and then between."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._started: dict[str, float] = {}
        self._printed = 0.0

    def __call__(self, step: Progress) -> None:
        now = time.monotonic()
        started = self._started.get(step.task)
        if step.done >= step.total:
            self._started.pop(step.task, None)
            self._print(f"{step.task}: done" + (f" in {now - started:.1f} s" if started is not None else ""), now)
        elif started is None:
            self._started[step.task] = now
            self._print(f"{step.task} ...", now)
        elif now - self._printed >= _SECONDS_BETWEEN_LINES:
            self._print(f"{step.task}: {step.done} of {step.total} {step.detail}".rstrip(), now)

    def _print(self, text: str, now: float) -> None:
        self._printed = now
        print(f"{self._label}: {text}", file=sys.stderr, flush=True)
