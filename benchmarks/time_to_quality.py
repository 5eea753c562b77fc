"""CPU seconds of training until held-out digits have a likelihood: less is better.

MNIST, 10,000 rows, networks 784-512-256-32, targets binarised at every step; 500 binarised test rows, the
importance-weighted bound with 100 samples, by the same code for all. skisp has a schedule that ends with the fit,
and so is fitted anew for each number of epochs. The others have a constant rate, and are scored after every third epoch
(which is not charged to them), each at three rates. What a library compiles is charged. Those that are not installed
are left out:

    pip install -c constraints.txt -e . pythae==0.1.2 skorch==1.4.0 keras==3.15.1 "jax[cpu]==0.10.2"

    python benchmarks/time_to_quality.py [METHOD ...] [--nats 100] [--rows 10000] [--epochs 60] [--seeds 1]
                                         [--quick]
"""

import argparse
import contextlib
import math
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from _jax_peers import import_backend, keras_epochs, loop_epochs
from _report import Table, parsed_with_quick
from _vae_peers import (
    VAE,
    Model,
    PythaeSettings,
    Rows,
    as_model,
    as_unit,
    binarised,
    dense_vae,
    load_data,
    log_likelihood,
    negative_elbo,
    pythae_trainer,
    stopwatch,
    train_quietly,
)
from torch import Tensor, nn, optim

from skisp import CVAETransformer

COLUMNS = ("method", "CPU s", "relative", "epochs", "nats then")
SKISP = {"n_components": 32, "likelihood": "bernoulli", "binarize": True, "device": "cpu"}
EPOCHS = (2, 3, 4, 5, 6, 8, 10, 15, 20, 30)
EPOCHS_A_SCORE = 3
LEARNING_RATES = (3e-4, 1e-3, 3e-3)


class Point(NamedTuple):
    """A state of a training: CPU seconds spent, epochs run, and the mean nats a row."""

    seconds: float
    epochs: int
    nats: float


class Task(NamedTuple):
    """Rows to train on and to test, the nats to reach, and how many epochs the others may take for that."""

    train: Rows
    test: Rows
    nats: float
    most_epochs: int

    def score(self, model: Model) -> float:
        """Mean negative log likelihood of a test row."""
        return -log_likelihood(model, self.test, 100)


Points = Callable[[Task, int], Iterator[Point]]


# The methods: each yields the states of its trainings, in the order of their cost


def skisp(**parameters: Any) -> Points:
    """The whole of ``fit``, for more and more epochs."""

    def points(task: Task, seed: int) -> Iterator[Point]:
        for n_epochs in EPOCHS:
            cvae = CVAETransformer(**SKISP, **parameters, max_iter=n_epochs, random_state=seed)
            with stopwatch() as seconds:
                cvae.fit(task.train)
            yield Point(seconds.cpu, n_epochs, task.score(as_model(cvae.module_)))

    return points


def skorch(rate: float, batch_size: int = 256) -> Points:
    """A module that returns its loss, trained by skorch an epoch at a time."""

    def points(task: Task, seed: int) -> Iterator[Point]:
        from skorch import NeuralNet

        torch.manual_seed(seed)
        network = dense_vae(784, 32, batch_norm=False)

        class WithLoss(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.network = network

            def forward(self, x: Tensor) -> Tensor:
                return negative_elbo(self.network, torch.bernoulli(x), "float32")

        class Output(nn.Module):
            def forward(self, loss: Tensor, y: Any) -> Tensor:
                return loss

        net = NeuralNet(WithLoss, Output, optimizer=optim.Adam, lr=rate, batch_size=batch_size, verbose=0)
        net.set_params(train_split=None, iterator_train__shuffle=True).initialize()
        spent = 0.0
        for n_epochs in range(1, task.most_epochs + 1):
            with stopwatch() as seconds:
                net.partial_fit(task.train, task.train, epochs=1)
            spent += seconds.cpu
            if n_epochs % EPOCHS_A_SCORE:
                continue
            yield Point(spent, n_epochs, _score_in_evaluation(task, net.module_.network))

    return points


def pythae(rate: float, batch_size: int = 256) -> Points:
    """The whole of pythae's ``train``, less the seconds of the scores after its epochs."""

    def points(task: Task, seed: int) -> Iterator[Point]:
        from pythae.trainers.training_callbacks import TrainingCallback

        found: list[Point] = []

        class Reached(Exception):
            pass

        class Scoring(TrainingCallback):
            def __init__(self) -> None:
                self.start, self.scoring, self.n_epochs = time.process_time(), 0.0, 0

            def on_epoch_end(self, training_config: Any, **kwargs: Any) -> None:
                self.n_epochs += 1
                if self.n_epochs % EPOCHS_A_SCORE:
                    return
                spent = time.process_time() - self.start - self.scoring
                found.append(Point(spent, self.n_epochs, _score_in_evaluation(task, network)))
                self.scoring = time.process_time() - self.start - spent
                if found[-1].nats < task.nats:
                    raise Reached

        torch.manual_seed(seed)
        network = dense_vae(784, 32, batch_norm=False)
        settings = PythaeSettings("bce", batch_size, rate, task.most_epochs, binarize=True, seed=seed)
        with tempfile.TemporaryDirectory() as folder:
            trainer = pythae_trainer(network, task.train, folder, settings)
            trainer.callbacks = [Scoring()]
            with contextlib.suppress(Reached):
                train_quietly(trainer)
        yield from found

    return points


def on_jax(epochs_of: Callable[..., Any], rate: float, batch_size: int = 256) -> Points:
    """A training on JAX, an epoch at a time."""

    def points(task: Task, seed: int) -> Iterator[Point]:
        import_backend()
        torch.manual_seed(seed)
        epochs = epochs_of(task.train, rate, batch_size, task.most_epochs, seed)
        spent = 0.0
        for n_epochs in range(1, task.most_epochs + 1):
            with stopwatch() as seconds:
                network_of = next(epochs)
            spent += seconds.cpu
            if n_epochs % EPOCHS_A_SCORE == 0:
                yield Point(spent, n_epochs, task.score(as_model(network_of())))

    return points


def _score_in_evaluation(task: Task, network: VAE) -> float:
    state = torch.random.get_rng_state()
    network.eval()
    nats = task.score(as_model(network))
    network.train()
    torch.random.set_rng_state(state)
    return nats


METHODS: dict[str, Points] = {
    'skisp, init="pca"': skisp(init="pca"),
    'skisp, init="random"': skisp(init="random"),
    **{f"skorch, rate {rate:g}": skorch(rate) for rate in LEARNING_RATES},
    **{f"pythae, rate {rate:g}": pythae(rate) for rate in LEARNING_RATES},
    **{f"Keras on jax, rate {rate:g}": on_jax(keras_epochs, rate) for rate in LEARNING_RATES},
    **{f"jax loop, rate {rate:g}": on_jax(loop_epochs, rate) for rate in LEARNING_RATES},
}


# Measuring


def reached(points: Iterator[Point], nats: float) -> Point:
    """The first state that is good enough, or else the last, at infinite cost."""
    last = Point(math.nan, 0, math.nan)
    for last in points:
        if last.nats < nats:
            return last
    return last._replace(seconds=math.inf)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("methods", nargs="*", metavar="METHOD", help="how the names of some begin, such as skorch")
    parser.add_argument("--nats", type=float, default=100.0)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=60, help="of the others, at most")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    options = parsed_with_quick(parser, methods=["skisp"], nats=1e9, rows=500, seeds=1)
    torch.set_num_threads(options.threads)
    data = load_data("mnist", stand_in=options.quick)
    test = binarised(as_unit(data["x_test"][:500]))
    task = Task(as_unit(data["x_train"][: options.rows]), test, options.nats, options.epochs)
    reference = None
    table = Table(f"CPU seconds until {task.nats:g} nats, MNIST, {len(task.train)} rows", COLUMNS)
    for name, points in METHODS.items():
        if options.methods and not name.startswith(tuple(options.methods)):
            continue
        try:
            found = [reached(points(task, seed), task.nats) for seed in range(options.seeds)]
        except ImportError as error:
            table.add(name, f"left out: {error}", *[""] * (len(COLUMNS) - 2))
            continue
        seconds, epochs, nats = zip(*found, strict=True)
        reference = np.median(seconds) if reference is None else reference
        table.add(name, seconds, float(np.median(seconds) / reference), epochs, nats)


if __name__ == "__main__":
    main()
