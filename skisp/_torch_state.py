"""torch as this package needs it, whatever its caller has set: the CPU, and no autocast.

The default type, float32 at first, belongs to the process: to set it would change what other threads get. So it is left
alone, and whatever is made here says its type.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

__all__ = ["own_torch_state"]


@contextmanager
def own_torch_state() -> Iterator[None]:
    """Run the block with torch's default device and autocast as they are at its import, and put the caller's back.

    :func:`torch.set_default_device` and :class:`torch.autocast` change what every operation without an explicit
    device or type gives, also in libraries that do not expect it. Both belong to the thread.

    Examples
    --------
    >>> import torch
    >>> from skisp._torch_state import own_torch_state
    >>> with torch.device("meta"), own_torch_state():
    ...     torch.zeros(1).device
    device(type='cpu')
    """
    with ExitStack() as stack:
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        for kind in _device_types():
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        yield


def _device_types() -> list[str]:
    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return ["cpu"] if accelerator is None else ["cpu", accelerator.type]
