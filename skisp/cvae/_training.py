"""How a C-VAE is trained: gradient steps, epochs, learning rates, and when to stop."""

import dataclasses
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ._adamw import AdamW
from ._augmentation import augment
from ._networks import CVAENetwork, rows_at_once
from ._objectives import Objective, elbo_terms, expected_elbo_terms
from ._precision import autocast
from ._processes import agreed, average_gradients
from ._rows import RowBlocks

__all__ = [
    "EarlyStopping",
    "Trainer",
    "TrainingLog",
    "Watcher",
    "decay_groups",
    "learning_rate_at",
    "n_rising_epochs",
    "one_cycle",
    "train",
]

_WARM_UP_SHARE = 0.3
# Of the variance that was not explained, which an epoch must explain for another one to be worth its time.
_LEAST_GAIN, _EPOCHS_WITHOUT_GAIN = 0.01, 2
_SAMPLES_A_ROW = 8
# What early stopping notes of the epochs so far.
_COUNTED = ("best_loss", "_n_seen", "_n_without_improvement")


def one_cycle(progress: float, peak: float) -> float:
    """Learning rate after a share ``progress`` in [0, 1] of all steps: up to ``peak``, down to 0.

    Cosine from peak / 25 to the peak over the first 30 per cent, cosine to about 0 over the rest.

    References
    ----------
    Smith & Topin, "Super-convergence", 2017, arXiv:1708.07120.
    """
    if progress < _WARM_UP_SHARE:
        start, end, share = peak / 25, peak, progress / _WARM_UP_SHARE
    else:
        start, end, share = peak, peak / 25e4, (progress - _WARM_UP_SHARE) / (1 - _WARM_UP_SHARE)
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


def learning_rate_at(schedule: str, peak: float, max_iter: int) -> Callable[[float], float]:
    """Learning rate as a function of the epochs done, for ``"one_cycle"`` or ``"constant"``."""
    if schedule == "constant":
        return lambda _: peak
    return lambda epoch: one_cycle(epoch / max_iter, peak)


def n_rising_epochs(schedule: str, max_iter: int) -> int:
    """Epochs in which the learning rate still rises; too early to tell that a loss has stopped falling."""
    return 0 if schedule == "constant" else math.ceil(_WARM_UP_SHARE * max_iter)


def decay_groups(network: CVAENetwork, weight_decay: float) -> list[dict[str, Any]]:
    """Weights, which decay, and biases, normalisations and noise scales, which must not."""
    parameters = list(network.parameters())
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]


@dataclass
class Trainer:
    """A network, what it minimises and how; trains it an epoch at a time.

    Attributes
    ----------
    network : CVAENetwork
        Trained in place.
    objective : Objective
    generator : torch.Generator
        Source of the batches and the noise, on the CPU.
    batch_size : int
        Rows a step.
    weight_decay : float
        Decoupled weight decay (AdamW) an update, relative to the learning rate.
    augmentations : collection of str
        Of images, drawn anew at each step.
    image_shape : (H, W, C) or None
        How augmentations read a row.
    precision : {"auto", "float32", "bfloat16"}
    n_epochs_before : int
        Epochs of earlier calls, from which the warm-up of the KL weight goes on.
    """

    network: CVAENetwork
    objective: Objective
    generator: torch.Generator
    batch_size: int = 256
    weight_decay: float = 0.0
    augmentations: Collection[str] = ()
    image_shape: Sequence[int] | None = None
    precision: str = "float32"
    n_epochs_before: int = 0

    def __post_init__(self) -> None:
        self.network.trainable(True)
        self.optimizer = AdamW(decay_groups(self.network, self.weight_decay))

    def run_epoch(self, rows: RowBlocks, epoch: int, learning_rate: Callable[[float], float]) -> float:
        """Take one gradient step on each batch of ``rows``; return the mean loss a row.

        Raises
        ------
        ArithmeticError
            If the loss turns non-finite.
        """
        self.network.train()
        total, n_rows, n_batches = torch.zeros((), dtype=torch.float32), 0, rows.n_batches(self.batch_size)
        x = None
        for i, x in enumerate(rows.batches(self.batch_size, self.generator)):
            time = epoch + min(i / n_batches, 1.0)
            # The sum stays on the device: to read it at each step would wait for the step to end.
            total = len(x) * self.step(x, self.n_epochs_before + time, learning_rate(time)) + total.to(x.device)
            n_rows += len(x)
        self.network.eval()
        if x is not None:
            self._check_last_step(x[:32], epoch)
        return _finite(float(total) / max(n_rows, 1), epoch)

    @torch.no_grad()
    def _check_last_step(self, x: Tensor, epoch: int) -> None:
        """Raise where the last step, which no loss of the epoch sees, has spoilt the weights."""
        log_likelihood, kl = elbo_terms(self.network, x, x.new_zeros(len(x), self.network.n_components))
        _finite(float((kl.sum(-1) - log_likelihood).mean()), epoch)

    def step(self, x: Tensor, time: float, learning_rate: float) -> Tensor:
        """Take one gradient step on a batch (n, D); return its mean loss, without waiting for it."""
        if self.augmentations and self.image_shape is not None:
            x = augment(x, self.image_shape, self.augmentations, self.generator)
        with autocast(self.precision, x.device):
            loss = self.objective.loss(self.network, x, time, self.generator)
        self.optimizer.zero_grad()
        loss.backward()
        average_gradients(self.network.parameters())
        self.optimizer.step(learning_rate)
        return loss.detach()

    @torch.no_grad()
    def evaluate(self, rows: RowBlocks, epoch: int) -> float:
        """Mean loss a row, with all of the KL weight and the same noise each time; nothing is trained."""
        self.network.eval()
        generator = torch.Generator().manual_seed(0)
        objective = dataclasses.replace(self.objective, contraction=0.0, kl_warmup=0.0)
        total, n_rows = 0.0, 0
        n_at_once = max(1, rows_at_once(self.network.n_features) // objective.n_importance_samples)
        for x in rows.batches(n_at_once, generator):
            total += len(x) * float(objective.loss(self.network, x, 0.0, generator))
            n_rows += len(x)
        return _finite(total / max(n_rows, 1), epoch)

    @torch.no_grad()
    def row_losses(self, rows: RowBlocks) -> Tensor:
        """Loss (n,) of each row, with the same noise each time, a mean over eight samples; nothing is trained."""
        self.network.eval()
        generator = torch.Generator().manual_seed(0)
        losses = []
        for x, weight in rows.parts(max(1, rows_at_once(self.network.n_features) // _SAMPLES_A_ROW)):
            noise = torch.randn(_SAMPLES_A_ROW, self.network.n_components, generator=generator, dtype=torch.float32).to(
                x.device
            )
            terms = expected_elbo_terms(self.network, x, noise)
            loss = -(terms[:, 0] + self.objective.kl_weight * terms[:, 1])
            losses.append(loss.cpu().double().repeat_interleave(weight.ceil().long()))
        return torch.cat(losses)

    @torch.no_grad()
    def unexplained(self, rows: RowBlocks) -> float:
        """Share of the squared distance of rows from the mean that is left once they are coded and decoded."""
        self.network.eval()
        left = total = 0.0
        for x, weight in rows.parts(rows_at_once(self.network.n_features)):
            decoded = self.network.reconstruct(self.network.code(x))
            for_each = weight.to(x.device, x.dtype)[:, None]
            left += float((for_each * (x - decoded).square()).sum())
            total += float((for_each * (x - self.network.mean).square()).sum())
        return left / total if total > 0 else 0.0

    def snapshot(self) -> dict[str, Tensor]:
        """Copy of the network's weights, for :meth:`restore`."""
        return {name: tensor.clone() for name, tensor in self.network.state_dict().items()}

    def restore(self, weights: Mapping[str, Tensor]) -> None:
        self.network.load_state_dict(weights)

    def load_weights(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Restore weights that were arrays in between."""
        self.restore({name: torch.from_numpy(array) for name, array in arrays.items()})

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """State of the optimiser and the generator as arrays: what continues a training exactly."""
        arrays = {"generator": self.generator.get_state().numpy()}
        for index, state in self.optimizer.state.items():
            arrays |= {f"{index}.{name}": tensor.cpu().numpy().copy() for name, tensor in state.items()}
        return arrays

    def load_arrays(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Continue where :meth:`to_arrays` was called."""
        self.generator.set_state(torch.from_numpy(arrays["generator"].copy()))
        state: dict[int, dict[str, Tensor]] = {}
        for key, array in arrays.items():
            index, _, name = key.partition(".")
            if name:
                state.setdefault(int(index), {})[name] = torch.from_numpy(np.array(array))
        self.optimizer.load_state(state)


class EarlyStopping:
    """Says when the validation loss has stopped falling, and keeps the best weights.

    Parameters
    ----------
    tol : float
        Nats a row by which a loss must beat the best one to count as better.
    n_iter_no_change : int
        Epochs in a row without that.
    n_iter_exempt : int
        Epochs at the beginning that are not counted: where the learning rate starts low, and the running
        means of batch normalisation have not arrived, the loss may rise at first.
    """

    def __init__(self, tol: float, n_iter_no_change: int, n_iter_exempt: int = 0) -> None:
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.n_iter_exempt = n_iter_exempt
        self.best_loss = math.inf
        self.best_weights: dict[str, Tensor] = {}
        self._n_seen = self._n_without_improvement = 0

    def update(self, loss: float, weights: dict[str, Tensor]) -> bool:
        """Take note of an epoch's validation loss; return whether to stop."""
        self._n_seen += 1
        counts = self._n_seen > self.n_iter_exempt and loss >= self.best_loss - self.tol
        self._n_without_improvement = self._n_without_improvement + 1 if counts else 0
        if loss < self.best_loss:
            self.best_loss, self.best_weights = loss, weights
        return self._n_without_improvement >= self.n_iter_no_change

    def counts(self) -> dict[str, float]:
        """What it has noted but for the weights, for :meth:`load`."""
        return {name: getattr(self, name) for name in _COUNTED}

    def load(self, counts: Mapping[str, float], best_weights: Mapping[str, NDArray[Any]]) -> None:
        """Go on where :meth:`counts` was called."""
        vars(self).update(counts)
        self.best_weights = {name: torch.from_numpy(array) for name, array in best_weights.items()}


class Watcher(Protocol):
    """Who is told of every epoch, and may end the training."""

    def begin(self, epoch: int) -> None: ...

    def end(self, epoch: int, log: "TrainingLog") -> bool: ...


@dataclass
class TrainingLog:
    """Mean loss a row of each finished epoch, in nats, and whether Ctrl-C ended the training."""

    loss_curve: list[float] = field(default_factory=list)
    validation_loss_curve: list[float] = field(default_factory=list)
    unexplained_curve: list[float] = field(default_factory=list)
    interrupted: bool = False


class Keeper(Protocol):
    """Who keeps where a training is, for one that goes on."""

    def resume(self, trainer: Trainer, stopping: EarlyStopping | None) -> tuple[TrainingLog, bool]: ...

    def save(self, trainer: Trainer, log: TrainingLog, stopping: EarlyStopping | None, *, ended: bool) -> None: ...


def train(
    trainer: Trainer,
    rows: RowBlocks,
    max_iter: int,
    learning_rate: Callable[[float], float],
    watcher: Watcher,
    *,
    validation_rows: RowBlocks | None = None,
    stopping: EarlyStopping | None = None,
    monitored_rows: RowBlocks | None = None,
    n_iter_exempt: int = 0,
    keeper: Keeper | None = None,
) -> TrainingLog:
    """Train for up to ``max_iter`` epochs; whatever ends it, the network holds a finished epoch.

    Of ``monitored_rows`` the share of variance that is explained is noted; once the first ``n_iter_exempt`` epochs
    are over, training ends when it hardly rises (:func:`reaches_plateau`).

    A ``keeper`` may have the first epochs, and is given each one that is finished.

    Ctrl-C goes back to the last finished epoch and is told in the log; where none was finished it
    is raised, as is an :class:`ArithmeticError`, with the network as it was before.
    """
    log, ended = (TrainingLog(), False) if keeper is None else keeper.resume(trainer, stopping)
    weights = trainer.snapshot()
    for epoch in range(len(log.loss_curve), 0 if ended else max_iter):
        try:
            watcher.begin(epoch)
            loss = trainer.run_epoch(rows, epoch, learning_rate)
            losses = [] if validation_rows is None else [trainer.evaluate(validation_rows, epoch)]
            weights = trainer.snapshot()
            log.loss_curve.append(loss)
            log.validation_loss_curve += losses
            log.unexplained_curve += [] if monitored_rows is None else [trainer.unexplained(monitored_rows)]
            no_better = stopping is not None and stopping.update(losses[0], weights)
            is_good = epoch >= n_iter_exempt and reaches_plateau(log.unexplained_curve)
            # Where processes train together they end together.
            ended = agreed(watcher.end(epoch, log) or no_better or is_good)
            if keeper is not None:
                keeper.save(trainer, log, stopping, ended=ended)
            if ended:
                break
        except BaseException as error:
            trainer.restore(weights)
            if not isinstance(error, KeyboardInterrupt) or not log.loss_curve:
                raise
            log.interrupted = True
            break
    if stopping is not None and stopping.best_weights:
        trainer.restore(stopping.best_weights)
    return log


def reaches_plateau(unexplained: Sequence[float]) -> bool:
    """Whether two epochs in a row have lowered the share of variance that is not explained by less than a per cent.

    Of the least so far. A single one may come to nothing while the learning rate is high.
    """
    least = np.minimum.accumulate(unexplained)
    return len(least) > _EPOCHS_WITHOUT_GAIN and all(
        unexplained[-i] > (1 - _LEAST_GAIN) * least[-i - 1] for i in range(1, _EPOCHS_WITHOUT_GAIN + 1)
    )


def _finite(loss: float, epoch: int) -> float:
    if not math.isfinite(loss):
        raise ArithmeticError(
            f"The training loss turned {loss} in epoch {epoch + 1}. Lower learning_rate, or look for "
            "extreme values in X."
        )
    return loss
