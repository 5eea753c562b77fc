"""Progress of long work, told to whoever listens.

The estimators report what they do; a listener (a progress bar, a log) is installed around a
call with :func:`listening`. The listener lives in a context variable, so it reaches nested
estimators without a parameter, and neither other threads nor worker processes see it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

__all__ = ["Progress", "listening", "printed", "report"]


@dataclass(frozen=True)
class Progress:
    """One step of a piece of work.

    Attributes
    ----------
    task : str
        What is being done, in words a user reads: ``"fit C-VAE"``, ``"redraw"``.
    done, total : int
        Steps finished, and steps in all (``done == total`` ends the task).
    detail : str
        A figure worth showing beside the bar, such as ``"loss 12.3"``.
    """

    task: str
    done: int
    total: int
    detail: str = ""


_listener: ContextVar[Callable[[Progress], None] | None] = ContextVar("listener", default=None)


@contextmanager
def listening(listener: Callable[[Progress], None]) -> Iterator[None]:
    """Send every report made inside the ``with`` block to ``listener``."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


@contextmanager
def printed(verbose: int) -> Iterator[None]:
    """Print every report made inside the block as a line, as scikit-learn's ``verbose`` does.

    0 leaves all as it is, and so does a listener that is there already, which shows the reports its own way.
    """
    if verbose and _listener.get() is None:
        with listening(_print):
            yield
    else:
        yield


def _print(step: Progress) -> None:
    print(f"{step.task}: {step.done} of {step.total} {step.detail}".rstrip(), flush=True)


def report(task: str, done: int, total: int, detail: str = "") -> None:
    """Tell the listener, if there is one, how far ``task`` has come."""
    listener = _listener.get()
    if listener is not None:
        listener(Progress(task, done, total, detail))
