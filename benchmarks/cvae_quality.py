"""Held-out log likelihood of the C-VAE, beside pythae and probabilistic PCA, in nats a row: less is better.

Every model is scored by the same code (``_vae_peers.log_likelihood``): the importance-weighted
bound with many samples. pythae's learning rate, and the scale its unit Gaussian needs, are chosen on
rows that the final score does not see. It is left out where it is not installed:

    pip install -c constraints.txt -e . pythae==0.1.2

Parts, each a table (or more), printed row by row:

    mnist10k   10,000 rows, 50 epochs, targets binarised at every step; pythae in two forms, or three
    mnist60k   all rows, for a sixteenth, a quarter and the whole of a budget of seconds; the whole test set
    frey       Gaussian likelihoods, frames held out at random and in blocks
    omniglot   Bernoulli; the drawers of the test set are new
    olivetti   collapsed Gaussian, dense, linear and convolutional; the people of the test set are new
    ablation   mnist10k with one thing less each time

    python benchmarks/cvae_quality.py [PART ...] [--seeds 3] [--rows 5000] [--budget 3600] [--quick]
"""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import product
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import torch
from _parameters import parsed
from _report import Table, parsed_with_quick
from _vae_peers import (
    Model,
    PythaeSettings,
    Rows,
    as_model,
    as_unit,
    binarised,
    dense_vae,
    dequantised,
    fit_pythae,
    load_data,
    log_likelihood,
    n_active_units,
    rescaled,
    stopwatch,
    unit_gaussian_density,
)
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from skisp import CVAETransformer
from skisp.cvae._networks import CVAENetwork

COLUMNS = ("method", "nats", "active", "CPU s", "wall s")
DENSE = {"network": "dense", "hidden_layer_sizes": (512, 256)}
BERNOULLI = {**DENSE, "n_components": 32, "likelihood": "bernoulli", "binarize": True}
LEARNING_RATES = (3e-4, 1e-3, 3e-3)
# What pythae's unit standard deviation stands for, in the units of data in [0, 1].
SCALES = (0.1, 0.05, 0.03)
PCA_COMPONENTS = (5, 10, 20, 40, 80, 160, 320)

Fit = Callable[[Rows, int], Model]
Split = Callable[[int, int], tuple[NDArray[np.intp], NDArray[np.intp]]]


class Task(NamedTuple):
    """Rows to fit and rows to score, importance samples of a score, and seeds to fit with."""

    train: Rows
    test: Rows
    n_samples: int
    seeds: Sequence[int]


# Measuring


def compare(table: Table, task: Task, name: str, fit: Fit) -> float:
    """Fit with every seed, add the row to the table, and return the mean of the scores."""
    nats, *others = zip(*(measure(task, fit, seed) for seed in task.seeds), strict=True)
    table.add(name, nats, *others)
    return float(np.mean(nats))


def measure(task: Task, fit: Fit, seed: int) -> tuple[float, int, float, float]:
    """Nats a held-out row, active units of the training rows, and seconds of the fit."""
    with stopwatch() as seconds:
        model = fit(task.train, seed)
    nats = -log_likelihood(model, task.test, task.n_samples)
    return nats, n_active_units(model, task.train), seconds.cpu, seconds.wall


def compare_tuned(table: Table, task: Task, tuning: Task, name: str, fits: Mapping[str, Fit]) -> None:
    """Choose among ``fits`` on the rows of ``tuning``, then compare the best."""
    scores = {
        label: compare(table, tuning, f"{name}, {label} (other rows, to choose)", fit) for label, fit in fits.items()
    }
    best = min(scores, key=lambda label: scores[label] if np.isfinite(scores[label]) else np.inf)
    compare(table, task, f"{name}, {best}", fits[best])


def ours(options: argparse.Namespace, **parameters: Any) -> Fit:
    """A fit of ``CVAETransformer``; what the command line says comes last."""
    parameters = {"device": options.device, **parameters, **options.parameters}

    def fit(rows: Rows, seed: int) -> Model:
        return as_model(CVAETransformer(**parameters, random_state=seed).fit(rows).module_)

    return fit


def pythae(n_components: int, settings: PythaeSettings, *, batch_norm: bool = False, scale: float | None = None) -> Fit:
    """A fit of pythae's VAE; ``scale`` centres the rows and divides them first."""
    density = {"log_likelihood": unit_gaussian_density} if settings.loss == "mse" else {}

    def fit(rows: Rows, seed: int) -> Model:
        torch.manual_seed(seed)
        network = dense_vae(rows.shape[1], n_components, batch_norm=batch_norm, **density)
        train = partial(fit_pythae, network, settings=settings._replace(seed=seed))
        if scale is None:
            return as_model(train(rows))
        mean = rows.mean(axis=0)
        return rescaled(as_model(train((rows - mean) / np.float32(scale))), mean, scale)

    return fit


def has_pythae() -> bool:
    """Whether it is here; imported now, so that no fit is charged for that."""
    try:
        import pythae.trainers  # noqa: F401
    except ImportError as error:
        print(f"(pythae is left out: {error})", flush=True)
        return False
    return True


# Bernoulli


def mnist10k(options: argparse.Namespace) -> None:
    """Our defaults beside pythae as it is, with our targets, and with our layers as well."""
    task, tuning = mnist_tasks(options)
    n_epochs = epochs(options, 50)
    table = Table(f"MNIST, {len(task.train)} rows, {n_epochs} epochs, {describe(task)}", COLUMNS)
    compare(table, task, "skisp", ours(options, **BERNOULLI, max_iter=n_epochs))
    if not has_pythae():
        return
    settings = PythaeSettings(n_epochs=n_epochs)
    compare_rates(table, task, tuning, "pythae, grey targets", settings)
    compare_rates(table, task, tuning, "pythae, binarised", settings._replace(binarize=True))
    if options.all_peers:
        name = "pythae, binarised, skisp's layers"
        compare_rates(table, task, tuning, name, settings._replace(binarize=True), batch_norm=True)


def compare_rates(
    table: Table, task: Task, tuning: Task, name: str, settings: PythaeSettings, batch_norm: bool = False
) -> None:
    """pythae's Bernoulli VAE with the best of the learning rates."""
    fits = {
        f"rate {rate:g}": pythae(32, settings._replace(learning_rate=rate), batch_norm=batch_norm)
        for rate in LEARNING_RATES
    }
    compare_tuned(table, task, tuning, name, fits)


def mnist60k(options: argparse.Namespace) -> None:
    """Nats against CPU seconds: one fit, with a learning rate schedule of its own, for each budget."""
    data = load_data("mnist", stand_in=options.quick)
    train = as_unit(data["x_train"][: 1000 if options.quick else None])
    test = binarised(as_unit(data["x_test"][: 32 if options.quick else None]))
    task = Task(train, test, importance_samples(options, 500), [0])
    fit = partial(ours, options, **BERNOULLI)
    seconds = seconds_an_epoch(lambda n_epochs: fit(max_iter=n_epochs)(train, 0))
    title = f"MNIST, {len(train)} rows, {seconds:.2f} CPU s an epoch, {describe(task)}"
    table = Table(title, COLUMNS)
    for share in (1 / 16, 1 / 4, 1):
        budget = share * (4 if options.quick else options.budget)
        n_epochs = max(1, round(budget / seconds))
        compare(table, task, f"{budget:.0f} s, {n_epochs} epochs", fit(max_iter=n_epochs))


def seconds_an_epoch(fit: Callable[[int], Any]) -> float:
    """CPU seconds that an epoch adds to a fit, apart from what every fit does once."""
    times = []
    for n_epochs in (1, 3):
        with stopwatch() as seconds:
            fit(n_epochs)
        times.append(seconds.cpu)
    return (times[1] - times[0]) / 2


def omniglot(options: argparse.Namespace) -> None:
    """Characters by drawers who were not seen. (No PCA: its density is not a probability of bits.)"""
    data = load_data("omniglot_small", stand_in=options.quick)
    rows, drawer = as_unit(data["x"]), data["drawer"]
    n_samples, seeds = importance_samples(options, 200), range(n_seeds(options))
    train, test = few(options, rows[drawer <= 16]), binarised(few(options, rows[drawer > 16], 32))
    fewer, tuning_test = (
        few(options, rows[drawer <= 13]),
        binarised(few(options, rows[(drawer > 13) & (drawer <= 16)], 32)),
    )
    task, tuning = Task(train, test, n_samples, seeds), Task(fewer, tuning_test, n_samples, [0])
    n_epochs = epochs(options, 100)
    table = Table(f"OMNIGLOT (small), {len(train)} rows, {n_epochs} epochs, {describe(task)}", COLUMNS)
    compare(table, task, "skisp", ours(options, **BERNOULLI, max_iter=n_epochs))
    if has_pythae():
        compare_rates(table, task, tuning, "pythae, binarised", PythaeSettings(n_epochs=n_epochs, binarize=True))


ABLATIONS: dict[str, dict[str, Any]] = {
    "everything": {},
    "without batch normalisation": {"batch_norm": False},
    "ReLU for GELU": {"activation": "relu"},
    "without the output's bias from the data": {},
    "constant rate 3e-3": {"learning_rate_schedule": "constant"},
    "constant rate 1e-3": {"learning_rate_schedule": "constant", "learning_rate": 1e-3},
    "grey targets": {"binarize": False},
}


def ablation(options: argparse.Namespace) -> None:
    """What each part of the defaults is worth."""
    task, _ = mnist_tasks(options)
    n_epochs = epochs(options, 50)
    table = Table(f"MNIST, {len(task.train)} rows, {n_epochs} epochs, {describe(task)}", COLUMNS)
    for name, parameters in ABLATIONS.items():
        fit = ours(options, **{**BERNOULLI, "max_iter": n_epochs, **parameters})
        compare(table, task, name, without_bias_start(fit) if "bias" in name else fit)


def without_bias_start(fit: Fit) -> Fit:
    """``fit``, with an output that starts at 0 and not at the mean row."""

    def fit_without(rows: Rows, seed: int) -> Model:
        with zero_bias_start():
            return fit(rows, seed)

    return fit_without


@contextmanager
def zero_bias_start() -> Iterator[None]:
    """Networks built in the block start with an output bias of 0; no parameter of the estimator does that."""
    standardise = CVAENetwork.standardise_by

    def standardise_only(network: CVAENetwork, *arguments: Any, **parameters: Any) -> None:
        standardise(network, *arguments, **parameters)
        with torch.no_grad():
            network.decoder.output_bias.zero_()

    with patch.object(CVAENetwork, "standardise_by", standardise_only):
        yield


# Gaussian


def frey(options: argparse.Namespace) -> None:
    """Frames of one video: held out at random they have near-twins in training, in blocks fewer."""
    rows = few(options, dequantised(load_data("frey", stand_in=options.quick)["x"]))
    models = {f"skisp, {name}": {**DENSE, "likelihood": name} for name in ("collapsed", "gaussian")}
    shared = {"n_components": 20, "batch_size": 256, "max_iter": epochs(options, 150)}
    n_test = min(400, len(rows) // 5)
    for name, split in (("at random", random_split), ("in blocks", block_split)):
        compare_gaussian(options, f"Frey faces, held out {name}", rows, split, n_test, models, shared)


def olivetti(options: argparse.Namespace) -> None:
    """Portraits of people who were not seen; the last 80 rows are the last 8 people."""
    rows = as_unit(load_data("olivetti", stand_in=options.quick)["x"])
    linear = {"network": "dense", "hidden_layer_sizes": ()}
    conv = {"network": "conv", "image_shape": (64, 64), "n_components": 64, "augment": ("shift", "flip")}
    models = {
        "skisp, dense, 32 components": DENSE,
        "skisp, linear, 32 components": linear,
        "skisp, linear, 128 components": {**linear, "n_components": 128},
        "skisp, conv, 64 components, shifted and flipped": conv,
    }
    shared = {"n_components": 32, "batch_size": 64, "max_iter": epochs(options, 100)}
    compare_gaussian(options, "Olivetti faces, people held out", rows, last_split, 80, models, shared)


def compare_gaussian(
    options: argparse.Namespace,
    title: str,
    rows: Rows,
    split: Split,
    n_test: int,
    models: Mapping[str, dict[str, Any]],
    shared: dict[str, Any],
) -> None:
    """Our ``models``, with the parameters they share, beside probabilistic PCA and pythae."""
    train, test = (rows[indices] for indices in split(len(rows), n_test))
    fewer, tuning_test = (train[indices] for indices in split(len(train), len(train) // 5))
    n_samples = importance_samples(options, 200)
    task, tuning = Task(train, test, n_samples, range(n_seeds(options))), Task(fewer, tuning_test, n_samples, [0])
    table = Table(f"{title}, {len(train)} rows, {shared['max_iter']} epochs, {describe(task)}", COLUMNS)
    for name, parameters in models.items():
        compare(table, task, name, ours(options, **{**shared, **parameters}))
    compare_pca(table, task, tuning)
    if has_pythae():
        compare_scales(table, task, tuning, shared)


def compare_scales(table: Table, task: Task, tuning: Task, shared: dict[str, Any]) -> None:
    """pythae as it is, whose Gaussian has unit variance, and with the rows divided by what suits it."""
    settings = PythaeSettings("mse", batch_size=shared["batch_size"], n_epochs=shared["max_iter"])
    n_components = shared["n_components"]
    compare(table, task, "pythae as it is (σ = 1), rate 0.001", pythae(n_components, settings))
    fits = {
        f"σ = {scale}, rate {rate:g}": pythae(n_components, settings._replace(learning_rate=rate), scale=scale)
        for scale, rate in product(SCALES, LEARNING_RATES)
    }
    compare_tuned(table, task, tuning, "pythae", fits)


def compare_pca(table: Table, task: Task, tuning: Task) -> None:
    """Probabilistic PCA; the number of components and the kind of noise chosen on the rows of ``tuning``."""
    model = fit_pca(tuning.train)
    sizes = [size for size in PCA_COMPONENTS if size < len(model.components_) - 1]
    size, among = max(product(sizes, (min, max)), key=lambda choice: pca_log_likelihood(model, tuning.test, *choice))
    with stopwatch() as seconds:
        model = fit_pca(task.train)
    nats = -pca_log_likelihood(model, task.test, size, among)
    table.add(f"probabilistic PCA, {size} components", nats, size, seconds.cpu, seconds.wall)


def fit_pca(rows: Rows) -> PCA:
    """All components there are; a density takes the first of them."""
    return PCA(svd_solver="full").fit(rows.astype(np.float64))


def pca_log_likelihood(model: PCA, rows: Rows, n_components: int, among: Callable[[int, int], int]) -> float:
    """Mean log density of rows (n, D) under a PCA of ``n_components``, without matrices (D, D).

    The variance left out is noise, shared among the dimensions left: as scikit-learn counts them
    (``min`` of training rows and features, what ``PCA.score_samples`` returns), or all D there are
    (``max``, the maximum likelihood where rows are fewer).
    """
    n_features = rows.shape[1]
    x = rows - model.mean_
    codes, variance = x @ model.components_[:n_components].T, model.explained_variance_[:n_components]
    n_left = among(len(model.components_), n_features) - n_components
    noise = model.explained_variance_[n_components:].sum() / n_left
    squares = (codes**2 / variance).sum(axis=1) + ((x**2).sum(axis=1) - (codes**2).sum(axis=1)) / noise
    log_determinant = np.log(variance).sum() + (n_features - n_components) * np.log(noise)
    return float(-0.5 * (squares.mean() + log_determinant + n_features * np.log(2 * np.pi)))


def random_split(n_rows: int, n_test: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Indices to fit and to score."""
    order = np.random.default_rng(0).permutation(n_rows)
    return np.sort(order[n_test:]), np.sort(order[:n_test])


def block_split(n_rows: int, n_test: int, n_blocks: int = 20) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The same in whole blocks of neighbouring rows; about ``n_test`` of them."""
    blocks = np.array_split(np.arange(n_rows), n_blocks)
    train, test = random_split(n_blocks, round(n_blocks * n_test / n_rows))
    return np.concatenate([blocks[i] for i in train]), np.concatenate([blocks[i] for i in test])


def last_split(n_rows: int, n_test: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The same with the last rows to score."""
    return np.arange(n_rows - n_test), np.arange(n_rows - n_test, n_rows)


# How much of it


def mnist_tasks(options: argparse.Namespace) -> tuple[Task, Task]:
    """The task, and one to tune on: test rows from 5,000, and rows 0 to 999, each binarised once."""
    data = load_data("mnist", stand_in=options.quick)
    train, test = few(options, as_unit(data["x_train"][:10_000])), as_unit(data["x_test"])
    n_samples, n_rows = importance_samples(options, 500), 32 if options.quick else options.rows
    task = Task(train, binarised(test[5000 : 5000 + n_rows]), n_samples, range(n_seeds(options)))
    return task, Task(train, binarised(test[: min(n_rows, 1000)], seed=1), n_samples, [0])


def few(options: argparse.Namespace, rows: Rows, n_rows: int = 512) -> Rows:
    return rows[:n_rows] if options.quick else rows


def epochs(options: argparse.Namespace, n_epochs: int) -> int:
    return 2 if options.quick else n_epochs


def importance_samples(options: argparse.Namespace, n_samples: int) -> int:
    return 20 if options.quick else n_samples


def n_seeds(options: argparse.Namespace) -> int:
    return 1 if options.quick else options.seeds


def describe(task: Task) -> str:
    return f"scored on {len(task.test)} rows with {task.n_samples} samples, {torch.get_num_threads()} thread(s)"


# That run all of the code between them.
QUICK_PARTS = ("mnist10k", "olivetti", "ablation")
PARTS = {part.__name__: part for part in (mnist10k, mnist60k, frey, omniglot, olivetti, ablation)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=5000, help="held-out rows of MNIST to score")
    parser.add_argument("--budget", type=float, default=3600, help="CPU seconds of the longest fit of mnist60k")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu", help="of skisp; pythae stays on the CPU")
    parser.add_argument("--parameter", action="append", default=[], help="name=value of CVAETransformer")
    parser.add_argument("--all-peers", action="store_true", help="pythae with skisp's layers, too")
    options = parsed_with_quick(parser)
    if unknown := set(options.parts) - PARTS.keys():
        parser.error(f"unknown parts: {', '.join(sorted(unknown))}")
    options.parameters = parsed(options.parameter)
    torch.set_num_threads(options.threads)
    # The first fit of a process imports more than those after it.
    CVAETransformer(2, max_iter=1, device=options.device).fit(np.eye(8, dtype=np.float32))
    for part in options.parts or (QUICK_PARTS if options.quick else PARTS):
        PARTS[part](options)


if __name__ == "__main__":
    main()
