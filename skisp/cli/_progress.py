"""Progress on stderr, in plain words: bars on a terminal with rich installed, lines otherwise."""

import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .._progress import Progress, listening

__all__ = ["progress_shown", "time_left"]

_SECONDS_BETWEEN_LINES = 10.0
# Tasks whose steps a user counts; of others the share that is done says more.
_COUNTED = ("frames", "images")


@contextmanager
def progress_shown(
    doing: str, arguments: Namespace | None = None, left: str = "", *, lines: bool = False
) -> Iterator[None]:
    """Show how far the work inside the block has come.

    Parameters
    ----------
    doing : str
        What is being done, such as "learning the painting wave.jpg".
    arguments : Namespace or None
        ``quiet`` shows nothing, ``verbose`` every step with its figures.
    left : str
        How long this and all that follows will take.
    lines : bool
        Whether in lines even where bars can be drawn: inside, other lines are printed.
    """
    verbose = getattr(arguments, "verbose", False)
    console = _console()
    if getattr(arguments, "quiet", False):
        yield
    elif console is None or verbose or lines:
        listener = _Lines(doing, left, verbose=verbose)
        with listening(_without_single_steps(listener)):
            yield
        listener.end()
    else:
        with _bars(console) as bars, listening(_without_single_steps(_Bar(doing, left, bars))):
            yield


def time_left(seconds: float) -> str:
    """A time in words.

    Examples
    --------
    >>> [time_left(seconds) for seconds in (20, 70, 400, 9000)]
    ['less than a minute left', 'about a minute left', 'about 7 minutes left', 'about 2.5 hours left']
    """
    if seconds < 45:
        return "less than a minute left"
    if seconds < 90:
        return "about a minute left"
    return f"about {seconds / 60:.0f} minutes left" if seconds < 5400 else f"about {seconds / 3600:.2g} hours left"


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
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    return Bars(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[far]}", markup=False),
        console=console,
        transient=True,
        # stdout carries the paths written, perhaps to another program: rich would send them to stderr.
        redirect_stdout=False,
    )


class _Outermost:
    """Follows the task that is reported first, which holds those that come up within it, and says how far it is."""

    def __init__(self, *, timed: bool = True) -> None:
        self._timed = timed
        self._first: Progress | None = None
        self._started = 0.0

    def follows(self, step: Progress) -> bool:
        if self._first is None:
            self._first, self._started = step, time.monotonic()
        return step.task == self._first.task

    def far(self, step: Progress) -> str:
        counted = f"{step.done} of {step.total} {step.task}"
        said = counted if step.task in _COUNTED else f"{100 * step.done // step.total}%"
        n_done = step.done - (self._first.done if self._first else 0)
        if not self._timed or n_done <= 0 or step.done >= step.total:
            return said
        return f"{said}, {time_left((time.monotonic() - self._started) / n_done * (step.total - step.done))}"


class _Bar:
    """A listener that moves a bar; where it is said how long all will take, it is silent on its own time."""

    def __init__(self, doing: str, left: str, bars: Any) -> None:
        self._outermost = _Outermost(timed=not left)
        self._bars = bars
        self._id = bars.add_task(doing + left, far="", total=None)

    def __call__(self, step: Progress) -> None:
        if self._outermost.follows(step):
            self._bars.update(self._id, completed=step.done, total=step.total, far=self._outermost.far(step))


class _Lines:
    """A listener that prints a line at the start and at the end, and one now and then between; or every step."""

    def __init__(self, doing: str, left: str, *, verbose: bool) -> None:
        self._outermost = _Outermost()
        self._doing, self._left = doing, left
        self._verbose = verbose
        self._started = self._printed = time.monotonic()
        self._begun = False

    def __call__(self, step: Progress) -> None:
        if not self._begun:
            self._begun = True
            self._print(f"{self._left} ...")
        follows = self._outermost.follows(step)
        if self._verbose:
            self._print(f": {step.task}, {step.done} of {step.total} {step.detail}".rstrip())
        elif follows and time.monotonic() - self._printed >= _SECONDS_BETWEEN_LINES:
            self._print(f": {self._outermost.far(step)}")

    def end(self) -> None:
        if self._begun:
            self._print(f": done in {time.monotonic() - self._started:.1f} s")

    def _print(self, text: str) -> None:
        self._printed = time.monotonic()
        print(self._doing + text, file=sys.stderr, flush=True)
