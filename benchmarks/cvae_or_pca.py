"""The default C-VAE beside PCA with as many components, on rows neither has seen: is it ever worse?

For each data set and seed (of the split and of the fit) two figures: the squared error of the reconstruction,
divided by PCA's (below 1 is better), and the log likelihood a row less that of probabilistic PCA, in nats (above 0
is better; the C-VAE's is an importance-weighted lower bound, with 256 samples).

    python benchmarks/cvae_or_pca.py [DATA ...] [--seeds 3] [--quick]

Olivetti and Frey need the shared data folder beside the repository, and are left out without it.
"""

import argparse
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import sklearn
from _report import Table, parsed_with_quick
from _vae_peers import FOLDER, Rows, as_unit, load_data, stopwatch
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.decomposition import PCA
from sklearn.model_selection import GroupShuffleSplit, train_test_split
from sklearn.preprocessing import StandardScaler

from skisp import CVAETransformer

COLUMNS = (
    "data",
    "rows, columns",
    "k",
    "error / PCA's",
    "nats - pPCA's",
    "CPU s",
    "PCA, CPU s",
)


class Split(NamedTuple):
    """Rows to fit, and rows to test."""

    train: Rows
    test: Rows


class Data(NamedTuple):
    """How many components, and a split for a seed."""

    n_components: int
    split: Callable[[int], Split]
    is_shared: bool = False


class Comparison(NamedTuple):
    """One seed's figures."""

    error: float
    nats: float
    seconds: float
    pca_seconds: float


# Data


def olivetti(seed: int) -> Split:
    """Photographs of 32 people to fit, of 8 others to test."""
    rows = as_unit(load_data("olivetti")["x"])
    people = np.arange(len(rows)) // 10
    train, test = next(GroupShuffleSplit(1, test_size=8, random_state=seed).split(rows, groups=people))
    return Split(rows[train], rows[test])


def frey(seed: int) -> Split:
    """Frames of a film of a face, held out at random."""
    [values] = load_data("frey").values()
    return halves(as_unit(values), seed, test_size=400)


def digits(seed: int) -> Split:
    """Images of 8 by 8 pixels, in [0, 1]."""
    return halves(load_digits().data / 16, seed)


def standardised(load: Callable[[], sklearn.utils.Bunch]) -> Callable[[int], Split]:
    """Rows whose columns have units, brought to the mean 0 and the variance 1 of those that are fitted."""

    def split(seed: int) -> Split:
        train, test = halves(load().data, seed)
        scaler = StandardScaler().fit(train)
        return Split(scaler.transform(train), scaler.transform(test))

    return split


def diabetes(seed: int) -> Split:
    """Rows as scikit-learn has them: of mean 0, and of one scale."""
    return halves(load_diabetes().data, seed)


def normals(seed: int) -> Split:
    """Rows of 50 correlated normals, whose best model is linear."""
    rng = np.random.default_rng(seed)
    mixing = rng.standard_normal((50, 50)) * np.exp(-np.arange(50) / 10)
    return halves(rng.standard_normal((400, 50)) @ mixing.T, seed, test_size=200)


def halves(rows: Rows, seed: int, test_size: float = 0.25) -> Split:
    """Rows to fit and rows to test, drawn at random."""
    return Split(*train_test_split(rows, test_size=test_size, random_state=seed))


DATA = {
    "olivetti": Data(160, olivetti, is_shared=True),
    "digits": Data(16, digits),
    "wine": Data(5, standardised(load_wine)),
    "cancer": Data(8, standardised(load_breast_cancer)),
    "diabetes": Data(4, diabetes),
    "normals": Data(10, normals),
    "frey": Data(20, frey, is_shared=True),
}


# Measuring


def compare(data: Data, seed: int) -> Comparison:
    """Fit both on the same rows, and try them on the others."""
    train, test = data.split(seed)
    with stopwatch() as pca_seconds:
        pca = PCA(data.n_components).fit(train.astype(np.float64))
    with stopwatch() as seconds:
        cvae = CVAETransformer(data.n_components, random_state=seed, device="cpu").fit(train)
    cvae.set_params(n_scoring_samples=256)
    return Comparison(
        squared_error(cvae, test) / squared_error(pca, test.astype(np.float64)),
        cvae.score(test) - float(pca.score(test.astype(np.float64))),
        seconds.cpu,
        pca_seconds.cpu,
    )


def squared_error(transformer: PCA | CVAETransformer, rows: Rows) -> float:
    """Of what rows are decoded to from their codes."""
    return float(np.square(transformer.inverse_transform(transformer.transform(rows)) - rows).sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="*", metavar="DATA", help=f"of {', '.join(DATA)}; all by default")
    parser.add_argument("--seeds", type=int, default=3)
    options = parsed_with_quick(parser, seeds=1, data=["wine", "diabetes"])
    if unknown := set(options.data) - DATA.keys():
        parser.error(f"unknown data: {', '.join(sorted(unknown))}")
    table = Table(f"Held-out rows, medians of {options.seeds} seeds", COLUMNS)
    for name in options.data or DATA:
        data = DATA[name]
        if data.is_shared and not (FOLDER / f"{name}.npz").is_file():
            table.add(name, "not in the shared data folder", *[""] * (len(COLUMNS) - 2))
            continue
        n_rows, n_columns = data.split(0).train.shape
        found = [compare(data, seed) for seed in range(options.seeds)]
        table.add(name, f"{n_rows}, {n_columns}", str(data.n_components), *zip(*found, strict=True))


if __name__ == "__main__":
    main()
