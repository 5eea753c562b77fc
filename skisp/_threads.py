"""Work on several threads whose results do not depend on how many there are."""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from ._fork import in_forked_children
from ._torch_state import own_torch_state

__all__ = ["computed_ahead", "concatenate_on_threads", "map_on_threads", "one_thread", "split_evenly"]


class _ThreadLimit:
    """Counts who needs one thread, and gives every thread back the count it had.

    torch (OpenMP) keeps one count for each thread; a new thread inherits the one set last.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._n_users = 0
        self._n_threads = 1
        self._own = threading.local()
        self._workers: ThreadPoolExecutor | None = None

    @property
    def n_threads(self) -> int:
        """Threads that work inside the block may use."""
        return self._n_threads if self._n_users else 1

    def acquire(self) -> int:
        with self._lock:
            found = torch.get_num_threads()
            if self._n_users == 0:
                self._n_threads = found
            self._n_users += 1
            self._own.depth = getattr(self._own, "depth", 0) + 1
            if self._own.depth == 1:
                # A thread born while another one is inside has inherited that one's 1.
                self._own.found = max(found, self._n_threads)
                torch.set_num_threads(1)
            return self._n_threads

    def release(self) -> None:
        workers = None
        with self._lock:
            self._n_users -= 1
            self._own.depth -= 1
            if self._own.depth == 0:
                torch.set_num_threads(self._own.found)
            if self._n_users == 0:
                workers, self._workers = self._workers, None
        if workers is not None:
            workers.shutdown()

    def workers(self) -> ThreadPoolExecutor:
        """Threads to share work with, kept until the last :func:`one_thread` ends.

        A thread's first matrix product takes a millisecond more than the next.
        """
        with self._lock:
            if self._workers is None:
                self._workers = ThreadPoolExecutor(self._n_threads, "skisp", self._start_worker)
            return self._workers

    def forget_other_threads(self) -> None:
        """Count anew in a forked child, where workers and other users are gone."""
        self._lock = threading.Lock()
        self._n_users = getattr(self._own, "depth", 0)
        self._workers = None

    def _start_worker(self) -> None:
        self._own.depth = 1
        torch.set_num_threads(1)
        _inside_map.is_true = True


_thread_limit = _ThreadLimit()
in_forked_children(_thread_limit.forget_other_threads)
_inside_map = threading.local()


@contextmanager
def one_thread() -> Iterator[int]:
    """Run torch operations of the block on one thread each; yield the count allowed before.

    All that this package computes with torch passes through here: the block has :func:`own_torch_state`.

    The bits of a matrix product depend on how many threads share it. One thread an operation
    makes results the same whatever ``n_jobs`` is; work that gains from more threads is split
    into chunks of fixed size, each on a thread of its own. The count is restored at the end.

    Examples
    --------
    >>> import torch
    >>> from skisp._threads import one_thread
    >>> before = torch.get_num_threads()
    >>> with one_thread() as n_threads:
    ...     torch.get_num_threads()
    1
    >>> torch.get_num_threads() == before == n_threads
    True
    """
    n_threads = _thread_limit.acquire()
    try:
        with own_torch_state():
            yield n_threads
    finally:
        _thread_limit.release()


def map_on_threads(function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    """Apply ``function`` to every item, inside :func:`one_thread` on as many threads as that set aside.

    The items, not the threads, decide how the work is split, so results do not depend on them. A
    call from inside of another one's function stays on its thread: there are no more to have.
    """
    n_threads = min(_thread_limit.n_threads, len(items))
    if n_threads < 2 or getattr(_inside_map, "is_true", False):
        return [function(item) for item in items]
    return list(_thread_limit.workers().map(_in_this_mode(function), items))


def _in_this_mode(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The function in the mode of this thread: torch has modes for each."""
    inference = torch.is_inference_mode_enabled()

    def in_mode(item: Any) -> Any:
        with torch.inference_mode(inference):
            return function(item)

    return in_mode


def computed_ahead(function: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[Any]:
    """Results of ``function`` in the order of the items, each computed while the one before is used.

    On a thread of :func:`map_on_threads`, where there are two or more; two results are held then.
    """
    if _thread_limit.n_threads < 2 or getattr(_inside_map, "is_true", False):
        yield from map(function, items)
        return
    ahead: deque[Any] = deque()
    in_mode = _in_this_mode(function)
    for item in items:
        result = ahead.popleft().result() if ahead else None
        ahead.append(_thread_limit.workers().submit(in_mode, item))
        if result is not None:
            yield result
        del result
    if ahead:
        yield ahead.popleft().result()


def split_evenly(n: int, most: int, least: int) -> list[slice]:
    """Slices of equal lengths that cover ``range(n)``, for :func:`map_on_threads`.

    Of at most ``most`` items each, and at least four where they still have ``least``: a single slice
    would leave all threads but one without work.
    """
    n_slices = max(-(-n // most), min(4, n // least), 1)
    bounds = [n * i // n_slices for i in range(n_slices + 1)]
    return [slice(start, stop) for start, stop in pairwise(bounds)]


def concatenate_on_threads(
    function: Callable[[Any], torch.Tensor], items: Sequence[Any], lengths: Sequence[int]
) -> torch.Tensor:
    """Results of :func:`map_on_threads`, tensors of ``lengths`` rows, one below the other.

    Each is copied to its place as soon as it is there. A list of them would keep small pieces between
    the large temporary ones of ``function``, and an allocator can't give back what lies between pieces.
    """
    starts = np.cumsum([0, *lengths])
    lock = threading.Lock()
    results: list[torch.Tensor] = []

    def put(i: int) -> None:
        rows = function(items[i])
        with lock:
            if not results:
                results.append(rows.new_empty((int(starts[-1]), *rows.shape[1:])))
        results[0][starts[i] : starts[i + 1]] = rows

    map_on_threads(put, range(len(items)))
    return results[0]
