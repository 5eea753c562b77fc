"""Seconds an epoch and peak memory of training a C-VAE, beside a raw torch loop and what one would use instead.

Every method runs in a process of its own, which reports its peak memory. The processes take turns:
a round lets each train some epochs, so that a change of the machine's load meets all. skisp is
charged for the whole of ``fit``, pythae for the whole of ``train``. Methods whose library is not
installed are left out; to have them all:

    pip install -c constraints.txt -e . pythae==0.1.2 skorch==1.4.0 keras==3.15.1 "jax[cpu]==0.10.2"

Run it alone on an idle machine:

    python benchmarks/cvae_speed.py [dense] [conv] [--rounds 5] [--epochs 10] [--threads 1] [--quick]
"""

# Libraries are imported where they are used: no method's process then holds the memory of another's.
import argparse
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from _matrix_speed import operations, products_a_second
from _report import Table, parsed_with_quick

COLUMNS = (
    "method",
    "CPU s/epoch",
    "wall s/epoch",
    "CPU ratio",
    "wall ratio",
    "peak MB",
    "training MB",
)
DENSE = {"n_components": 32, "network": "dense", "hidden_layer_sizes": (512, 256), "likelihood": "bernoulli"}
CONV = {"n_components": 128, "network": "conv", "conv_channels": (32, 64, 128, 256), "likelihood": "collapsed"}

Run = Callable[[int], Any]


class Setting(NamedTuple):
    """What every method is given.

    Attributes
    ----------
    path : str
        Where the rows (n, D) or images (n, H, W, C) to train on lie; float32.
    threads : int
    precision : {"auto", "float32", "bfloat16"}
        Of skisp and the raw loops; the others compute in float32.
    """

    path: str
    threads: int
    precision: str


# The methods: each makes its network, and returns what trains it for so many epochs.


def skisp_dense(X: Any, setting: Setting) -> Run:
    """The whole of ``fit``, checks and latent statistics included."""
    from skisp import CVAETransformer

    return _skisp(CVAETransformer(**DENSE, precision=setting.precision, device="cpu", random_state=0), X)


def raw_dense(X: Any, setting: Setting) -> Run:
    """The same network, optimiser, schedule and precision, in the plainest loop."""
    from _vae_peers import dense_vae, raw_trainer

    return raw_trainer(dense_vae(784, 32), X, 256, setting.precision)


def raw_dense_float32(X: Any, setting: Setting) -> Run:
    return raw_dense(X, setting._replace(precision="float32"))


def pythae_dense(X: Any, _setting: Setting, **parameters: Any) -> Run:
    """The same layer sizes with ReLU and no batch normalisation, as for the peers below."""
    from _vae_peers import PythaeSettings, dense_vae

    return _pythae(dense_vae(784, 32, batch_norm=False), X, PythaeSettings(**parameters))


def pythae_dense_default(X: Any, setting: Setting) -> Run:
    return pythae_dense(X, setting, batch_size=64, learning_rate=1e-4)


def skorch_dense(X: Any, _setting: Setting, batch_size: int = 256) -> Run:
    """A module that returns its loss, since the loss needs more than the module's output."""
    from _vae_peers import dense_vae, negative_elbo
    from skorch import NeuralNet
    from torch import nn, optim

    class WithLoss(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = dense_vae(784, 32, batch_norm=False)

        def forward(self, x: Any) -> Any:
            return negative_elbo(self.network, x, "float32")

    class Output(nn.Module):
        def forward(self, loss: Any, y: Any) -> Any:
            return loss

    net = NeuralNet(WithLoss, Output, optimizer=optim.Adam, lr=1e-3, batch_size=batch_size, verbose=0)
    net.set_params(train_split=None, iterator_train__shuffle=True).initialize()
    return lambda n_epochs: net.partial_fit(X, X, epochs=n_epochs)


def skorch_dense_default(X: Any, setting: Setting) -> Run:
    return skorch_dense(X, setting, batch_size=128)


def keras_dense(X: Any, _setting: Setting, backend: str = "torch") -> Run:
    """A subclassed model with ``add_loss``, compiled as Keras does by default."""
    os.environ["KERAS_BACKEND"] = backend
    import keras
    from _keras_vae import keras_vae

    model = keras_vae(784, 32, (512, 256))
    model.compile(optimizer=keras.optimizers.Adam(1e-3))
    return lambda n_epochs: model.fit(X, batch_size=256, epochs=n_epochs, verbose=0)


def keras_dense_jax(X: Any, setting: Setting) -> Run:
    if hasattr(os, "sched_setaffinity"):  # XLA takes as many threads as there are cores it may use
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: setting.threads])
    import jax  # noqa: F401  (Keras itself would not say that it is missing)

    return keras_dense(X, setting, "jax")


def skisp_conv(X: Any, setting: Setting) -> Run:
    return _skisp(_conv_estimator(setting), X)


def raw_conv(X: Any, setting: Setting) -> Run:
    """The raw loop around the very network of skisp, with fresh weights."""
    from copy import deepcopy

    from _vae_peers import raw_trainer

    network = deepcopy(_conv_estimator(setting).set_params(max_iter=1).fit(X[:8]).module_)
    for layer in network.modules():
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()
    return raw_trainer(network.requires_grad_(True), X.reshape(len(X), -1), 64, setting.precision)


def pythae_conv(X: Any, _setting: Setting) -> Run:
    """The same channels, without batch normalisation, as its users write them."""
    from _vae_peers import PythaeSettings, conv_vae

    rows = np.ascontiguousarray(X.transpose(0, 3, 1, 2)).reshape(len(X), -1)
    network = conv_vae(X.shape[1], (X.shape[3], *CONV["conv_channels"]), CONV["n_components"])
    return _pythae(network, rows, PythaeSettings(loss="mse", batch_size=64))


METHODS: dict[str, dict[str, Callable[[Any, Setting], Run]]] = {
    "dense": {
        "skisp": skisp_dense,
        "raw torch loop": raw_dense,
        "raw torch loop, float32": raw_dense_float32,
        "pythae, batch 256": pythae_dense,
        "pythae, its defaults (batch 64)": pythae_dense_default,
        "skorch, batch 256": skorch_dense,
        "skorch, its default (batch 128)": skorch_dense_default,
        "Keras on torch, batch 256": keras_dense,
        "Keras on jax, batch 256": keras_dense_jax,
    },
    "conv": {
        "skisp": skisp_conv,
        "raw torch loop, skisp's network": raw_conv,
        "pythae, batch 64": pythae_conv,
    },
}


def _skisp(cvae: Any, X: Any) -> Run:
    cvae.set_params(max_iter=1).fit(X[:8])  # what a first fit imports is not training's memory
    return lambda n_epochs: cvae.set_params(max_iter=n_epochs).fit(X)


def _conv_estimator(setting: Setting) -> Any:
    from skisp import CVAETransformer

    return CVAETransformer(**CONV, batch_size=64, precision=setting.precision, device="cpu", random_state=0)


def _pythae(network: Any, X: Any, settings: Any) -> Run:
    from _vae_peers import pythae_trainer, train_quietly

    folder = tempfile.TemporaryDirectory()
    trainer = pythae_trainer(network, X, folder.name, settings)

    def train(n_epochs: int) -> None:
        trainer.training_config.num_epochs = n_epochs
        train_quietly(trainer)

    train.folder = folder  # lives as long as what writes there
    return train


# Processes and rounds


def serve(connection: Any, part: str, method: str, setting: Setting) -> None:
    """Make one method, train as many epochs as asked, and answer with the seconds; at last, with the memory."""
    try:
        run = METHODS[part][method](np.load(setting.path), setting)
    except ImportError as error:
        connection.send(error)
        return
    connection.send(None)
    before = peak_megabytes()
    while n_epochs := connection.recv():
        cpu, wall = time.process_time(), time.perf_counter()
        run(n_epochs)
        connection.send((time.process_time() - cpu, time.perf_counter() - wall))
    connection.send((peak_megabytes(), peak_megabytes() - before))


def peak_megabytes() -> float:
    """Largest memory this process has held."""
    status = Path("/proc/self/status")
    if status.is_file():  # getrusage of a child may start at its parent's figure
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if "VmHWM" in line) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class Worker:
    """The process of one method."""

    def __init__(self, part: str, method: str, setting: Setting) -> None:
        context = multiprocessing.get_context("spawn")
        self.method, self.seconds = method, []
        self._connection, end = context.Pipe()
        self._process = context.Process(target=serve, args=(end, part, method, setting), daemon=True)
        self._process.start()
        end.close()
        self.missing = self._connection.recv()

    def run(self, n_epochs: int) -> tuple[float, float]:
        """Seconds an epoch of the CPU and of the clock."""
        self._connection.send(n_epochs)
        cpu, wall = self._connection.recv()
        return cpu / n_epochs, wall / n_epochs

    def stop(self) -> tuple[float, float]:
        """Peak memory in MB, libraries and rows included, and by how much training raised it."""
        self._connection.send(0)
        memory = self._connection.recv()
        self._process.join()
        return memory


def measure(part: str, setting: Setting, n_rounds: int, n_epochs: int) -> list[Worker]:
    """Let every method of a part train in each round; the workers keep the seconds."""
    workers = [Worker(part, method, setting) for method in METHODS[part]]
    for worker in [worker for worker in workers if worker.missing]:
        print(f"\n{worker.method} is left out: {worker.missing}")
        workers.remove(worker)
    for worker in workers:
        worker.run(1)
    for _ in range(n_rounds):
        for worker in workers:
            worker.seconds.append(worker.run(n_epochs))
    return workers


def print_table(title: str, workers: list[Worker]) -> None:
    """Seconds of every round, and the ratio of the medians to skisp's."""
    table = Table(title, COLUMNS)
    ours = np.median(workers[0].seconds, axis=0)
    for worker in workers:
        cpu, wall = np.transpose(worker.seconds)
        ratios = np.median(worker.seconds, axis=0) / ours
        table.add(worker.method, cpu.tolist(), wall.tolist(), *ratios, *worker.stop())


def print_matrix_share(part: str, setting: Setting, skisp: Worker) -> None:
    """How near skisp comes to doing nothing but matrix products, as fast as this machine can."""
    run = METHODS[part]["skisp"](np.load(setting.path), setting)
    counted = (operations(lambda: run(3)) - operations(lambda: run(1))) / 2
    seconds, greatest = np.median(skisp.seconds, axis=0)[1], products_a_second(setting.threads)
    table = Table(f"{part}: matrix products of an epoch", ("method", "GFLOP", "GFLOP/s", "the machine's", "share"))
    table.add("skisp", counted / 1e9, counted / seconds / 1e9, greatest / 1e9, counted / seconds / greatest)


def mnist_rows(quick: bool) -> Any:
    from _vae_peers import as_unit, load_data

    return as_unit(load_data("mnist", stand_in=quick)["x_train"][: 1000 if quick else 10_000])


def crops(quick: bool, side: int = 64) -> Any:
    """Random crops of scikit-learn's two photographs, in [0, 1]."""
    from sklearn.datasets import load_sample_images

    images, generator = load_sample_images().images, np.random.default_rng(0)
    corners = generator.integers(0, np.array(images[0].shape[:2]) - side, size=(128 if quick else 512, 2))
    cut = [images[i % 2][row : row + side, column : column + side] for i, (row, column) in enumerate(corners)]
    return np.stack(cut).astype(np.float32) / 255


PARTS = {
    "dense": ("784-512-256-32, Bernoulli, MNIST rows", mnist_rows),
    "conv": ("64x64x3, 32-64-128-256 channels, 128 components, collapsed Gaussian (pythae: fixed)", crops),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=list(PARTS), metavar="part", help=" or ".join(PARTS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=10, help="of each method in a round")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", choices=("auto", "float32", "bfloat16"), default="auto")
    options = parsed_with_quick(parser, parts=["conv"], rounds=1, epochs=1)
    # Before any process starts: torch, NumPy and OpenMP read it where they are imported.
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(options.threads)
    for part in options.parts:
        title, load = PARTS[part]
        X = load(options.quick)
        title += f"; {len(X)} rows, {options.rounds} rounds of {options.epochs} epochs, {options.threads} thread(s)"
        with tempfile.TemporaryDirectory() as folder:
            np.save(f"{folder}/X.npy", X)
            setting = Setting(f"{folder}/X.npy", options.threads, options.precision)
            workers = measure(part, setting, options.rounds, options.epochs)
            print_table(title, workers)
            print_matrix_share(part, setting, workers[0])


if __name__ == "__main__":
    main()
