"""One training by several processes, those of torch's default process group, such as ``torchrun`` starts.

Each of them reads the same data and draws the same random numbers for the whole of each batch, and computes with its
share of the rows. What is a mean over the batch is one over all shares (:func:`mean_of_batch`), so that every
process has the loss of the whole batch; the mean of their gradients is then the gradient of that loss.
Where there is no group, or one of a single process, nothing here does anything.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, distributed

__all__ = [
    "agreed",
    "are_several",
    "average_gradients",
    "check_same",
    "is_first",
    "mean_of_batch",
    "moments_of_batch",
    "share",
    "spread",
]


def are_several() -> bool:
    """Whether there are other processes to train with."""
    return distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1


def is_first() -> bool:
    """Whether this is the process that writes for all."""
    return not are_several() or distributed.get_rank() == 0


def share(batch: Tensor, axis: int = 0) -> Tensor:
    """The rows of a batch, along an axis, that this process computes with; may be none."""
    if not are_several():
        return batch
    rows = torch.arange(distributed.get_rank(), batch.shape[axis], distributed.get_world_size(), device=batch.device)
    return batch.index_select(axis, rows)


class _Sum(torch.autograd.Function):
    """Sum over the processes, whose gradient is the sum of theirs, however often it is differentiated."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        total = values.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        return _Sum.apply(gradients[0])


def mean_of_batch(values: Tensor) -> Tensor:
    """Mean of values (n, ...) over the rows of a batch, of which each process has its share."""
    return _mean_and_count(values)[0] if are_several() else values.mean(dim=0)


def moments_of_batch(values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean and variance (c,) of the rows (n, c) of all processes, and their number."""
    mean, n_rows = _mean_and_count(values)
    return mean, _mean_and_count((values - mean).square())[0], n_rows


def _mean_and_count(values: Tensor) -> tuple[Tensor, Tensor]:
    sums = torch.cat([values.sum(dim=0).flatten(), values.new_full((1,), len(values))])
    total: Tensor = _Sum.apply(sums)
    return (total[:-1] / total[-1]).view(values.shape[1:]), total[-1].detach()


@torch.no_grad()
def average_gradients(parameters: Iterable[Tensor]) -> None:
    """Give every process the mean of the gradients of all."""
    if not are_several():
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    for gradient, part in zip(gradients, flat.split([gradient.numel() for gradient in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))


def spread(tensors: Iterable[Tensor]) -> None:
    """Give every process the first one's values."""
    for tensor in tensors if are_several() else ():
        distributed.broadcast(tensor, src=0)


def agreed(value: Any) -> Any:
    """What the first process says; all get to here before one goes on."""
    if not are_several():
        return value
    said = [value]
    distributed.broadcast_object_list(said, src=0)
    return said[0]


def check_same(facts: dict[str, Any]) -> None:
    """Raise, in every process, where their facts differ."""
    if not are_several():
        return
    every: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(every, facts)
    changed = [name for name in facts if any(other[name] != every[0][name] for other in every)]
    if changed:
        raise ValueError(
            f"The {len(every)} processes of torch.distributed train one model together, but were given another "
            f"{changed[0]} each. Give all the same; to train a model in each, do so before init_process_group."
        )
