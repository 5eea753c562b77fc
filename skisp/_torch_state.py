"""torch as this package needs it, whatever its caller has set: float32, the CPU, and no autocast."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

from ._fork import in_forked_children

__all__ = ["own_torch_state"]


class _DefaultDtype:
    """Makes float32 the default while anyone is inside, and gives back what was set before.

    The default belongs to the process, unlike a default device or autocast, which belong to a thread. So whoever
    comes first sets it and the last one out gives it back, unless it has been changed in the meantime.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._n_users = 0
        self._found: torch.dtype | None = None
        self._own = threading.local()

    @contextmanager
    def float32(self) -> Iterator[None]:
        with self._lock:
            self._n_users += 1
            self._own.depth = getattr(self._own, "depth", 0) + 1
            found = torch.get_default_dtype()
            if found != torch.float32:
                self._found = found
                torch.set_default_dtype(torch.float32)
        try:
            yield
        finally:
            with self._lock:
                self._n_users -= 1
                self._own.depth -= 1
                self._give_back()

    def forget_other_threads(self) -> None:
        """Count anew in a forked child, where none but the thread that forked goes on."""
        self._lock = threading.Lock()
        self._n_users = getattr(self._own, "depth", 0)
        self._give_back()

    def _give_back(self) -> None:
        if self._n_users == 0 and self._found is not None:
            if torch.get_default_dtype() == torch.float32:
                torch.set_default_dtype(self._found)
            self._found = None


_default_dtype = _DefaultDtype()
in_forked_children(_default_dtype.forget_other_threads)


@contextmanager
def own_torch_state() -> Iterator[None]:
    """Run the block with torch's defaults as they are at its import, and put the caller's back after it.

    :func:`torch.set_default_dtype`, :func:`torch.set_default_device` and :class:`torch.autocast` change what
    every operation without an explicit type or device gives, also in libraries that do not expect it.

    Examples
    --------
    >>> import torch
    >>> from skisp._torch_state import own_torch_state
    >>> with torch.device("meta"), own_torch_state():
    ...     torch.zeros(1).device
    device(type='cpu')
    """
    with ExitStack() as stack:
        stack.enter_context(_default_dtype.float32())
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        for kind in _device_types():
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        yield


def _device_types() -> list[str]:
    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return ["cpu"] if accelerator is None else ["cpu", accelerator.type]
