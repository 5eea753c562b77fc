"""Many small photographs side by side, in processes: the threads of one picture gain little where it is small."""

import io
import multiprocessing
import os
import signal
import sys
import threading
from argparse import Namespace
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import redirect_stderr
from typing import Any, NamedTuple

from ._drawing import Drawer, Drawn, Job
from ._messages import warnings_in_a_line
from ._streams import note

__all__ = ["drawn_side_by_side", "n_processes"]

# A process takes some seconds to start, and this memory, most of which is Python and torch, for pictures no larger.
_LEAST_PHOTOGRAPHS, _BYTES, _MOST_PIXELS = 25, 1 << 30, 1.1e6


def n_processes(n_photographs: int, most_pixels: float, arguments: Namespace) -> int:
    """How many processes are worth their start: one where there are few photographs, a large one, or an accelerator."""
    from .._base import resolve_device

    if most_pixels > _MOST_PIXELS or resolve_device(arguments.device).type != "cpu":
        return 1
    n_cores = os.cpu_count() or 1
    return max(1, min(arguments.jobs or n_cores, n_cores, n_photographs // _LEAST_PHOTOGRAPHS, _n_that_fit()))


def drawn_side_by_side(drawer: Drawer, jobs: Sequence[Job], n_processes: int) -> Iterator[tuple[Job, Drawn]]:
    """Redraw photographs in several processes; what became of each, in the order of the photographs.

    If one of the processes is killed, this one draws what is left. After Ctrl-C those that have been drawn come first,
    and KeyboardInterrupt then.
    """
    pool = ProcessPoolExecutor(
        n_processes, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(drawer,)
    )
    left = {pool.submit(_draw, job): job for job in jobs}
    try:
        for future in list(left):
            said, drawn = future.result()
            job = left.pop(future)
            yield job, _told(said, drawn)
    except BrokenProcessPool:
        note("a process that drew was killed, perhaps because memory ran out; the rest is drawn by one process")
        pool.shutdown()
        for future, job in list(left.items()):
            yield job, _told(*future.result()) if _is_drawn(future) else drawer.draw(job)
    except KeyboardInterrupt:
        pool.shutdown(cancel_futures=True)
        for future in filter(_is_drawn, list(left)):
            yield left[future], _told(*future.result())
        raise
    finally:
        pool.shutdown(cancel_futures=True)


class _Outcome(NamedTuple):
    """What a process said on stderr, and what became of the photograph; None if it was interrupted."""

    said: str
    drawn: Drawn | None


def _told(said: str, drawn: Drawn | None) -> Drawn:
    sys.stderr.write(said)
    if drawn is None:
        raise KeyboardInterrupt
    return drawn


def _is_drawn(future: Future[_Outcome]) -> bool:
    """Whether there is a picture, or what it said of a photograph that could not be drawn."""
    if not future.done() or future.cancelled() or future.exception():
        return False
    return future.result().drawn is not None


# Inside of a process that draws

_drawer: Drawer | None = None
_is_drawing = False


def _begin(drawer: Drawer) -> None:
    global _drawer
    import torch

    signal.signal(signal.SIGINT, _interrupt)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    _drawer = drawer


def _draw(job: Job) -> _Outcome:
    global _is_drawing
    said, drawn = io.StringIO(), None
    try:
        with redirect_stderr(said), warnings_in_a_line():
            _is_drawing = True
            assert _drawer is not None
            drawn = _drawer.draw(job)
    except KeyboardInterrupt:
        pass
    finally:
        _is_drawing = False
    return _Outcome(said.getvalue(), drawn)


def _interrupt(*_: Any) -> None:
    """A picture that is drawn is left, but a process that waits goes on waiting: its parent will end it."""
    if _is_drawing:
        raise KeyboardInterrupt


def _end_with_parent() -> None:
    """Whatever kills the command kills this."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _n_that_fit() -> int:
    """Processes for which the machine has memory, where it says how much it has."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // _BYTES
    except (AttributeError, ValueError):
        return os.cpu_count() or 1
