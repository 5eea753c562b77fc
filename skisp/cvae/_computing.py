"""Where and how the networks of a C-VAE compute, whatever the caller's threads and modes are."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from .._base import resolve_device
from .._threads import one_thread

__all__ = ["computing"]


@contextmanager
def computing(device: str | torch.device) -> Iterator[torch.device]:
    """Compute the block on one thread an operation, with gradients; yield the device that ``device`` names.

    Networks made or moved in a caller's inference mode could carry no gradient later.
    """
    with one_thread(), torch.inference_mode(False), torch.enable_grad():
        yield resolve_device(device)
