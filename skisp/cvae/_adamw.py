"""The optimiser: what torch's AdamW computes, without torch's compiler."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim.adamw import adamw

__all__ = ["AdamW"]


class AdamW:
    """Adam with decoupled weight decay, bit for bit as ``torch.optim.AdamW(groups, fused=True)``.

    The first optimiser that is made of torch's classes imports torch's compiler, which takes longer than many a
    training, and which only ``compile=True`` needs. The function below them does not.

    Parameters
    ----------
    groups : list of dict
        The ``params`` of each group, and their ``weight_decay`` an update, relative to the learning rate.

    Attributes
    ----------
    state : dict of int to dict of str to Tensor
        The number of steps and the two moments of each parameter that had a gradient, by its place in the groups.

    References
    ----------
    Loshchilov & Hutter, "Decoupled weight decay regularization", 2019, arXiv:1711.05101.
    """

    def __init__(self, groups: Sequence[Mapping[str, Any]]) -> None:
        self.groups = groups
        self.state: dict[int, dict[str, Tensor]] = {}

    def zero_grad(self) -> None:
        for group in self.groups:
            for parameter in group["params"]:
                parameter.grad = None

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Move each parameter that has a gradient against it."""
        for group, places in zip(self.groups, self._places(), strict=True):
            moved = {i: parameter for i, parameter in places.items() if parameter.grad is not None}
            states = [self.state.get(i) or self._new_state(i, parameter) for i, parameter in moved.items()]
            adamw(
                list(moved.values()),
                [parameter.grad for parameter in moved.values() if parameter.grad is not None],
                [state["exp_avg"] for state in states],
                [state["exp_avg_sq"] for state in states],
                [],
                [state["step"] for state in states],
                fused=True,
                amsgrad=False,
                beta1=0.9,
                beta2=0.999,
                lr=learning_rate,
                weight_decay=group["weight_decay"],
                eps=1e-8,
                maximize=False,
            )

    def load_state(self, state: Mapping[int, Mapping[str, Tensor]]) -> None:
        """Go on from a state, whatever device it comes from."""
        devices = {i: parameter.device for places in self._places() for i, parameter in places.items()}
        self.state = {
            i: {name: tensor.to(devices[i], torch.float32) for name, tensor in values.items()}
            for i, values in state.items()
        }

    def _places(self) -> list[dict[int, Tensor]]:
        """The parameters of each group, by their place in all groups."""
        count = itertools.count()
        return [{next(count): parameter for parameter in group["params"]} for group in self.groups]

    def _new_state(self, place: int, parameter: Tensor) -> dict[str, Tensor]:
        self.state[place] = {
            "step": torch.zeros((), dtype=torch.float32, device=parameter.device),
            "exp_avg": torch.zeros_like(parameter),
            "exp_avg_sq": torch.zeros_like(parameter),
        }
        return self.state[place]
