"""Seconds of searches by one job and by two, and how often styles are trained in a search over strengths.

(a) 12 candidates x 3 folds, a C-VAE of the style trained in each, by one job and by two, turn and turn about
in one run. The workers of two jobs are started before, by a search of their own; what that takes is told
apart. (b) 6 strengths x 3 folds by one job: without a memory, with one, and with a FrozenEstimator. Run it alone
on an idle machine:

    python benchmarks/search.py [--size 128] [--contents 3] [--epochs 16] [--values 6] [--repeats 1] [--quick]
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from _pictures import Picture, pictures
from _report import Table, parsed_with_quick
from joblib import Parallel, cpu_count, delayed
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV

from skisp import CVAETransformer, PatchTransformer, StylePropagator
from skisp._threads import one_thread
from skisp.metrics import PropagationScorer

# With the ends: nothing of the style, and hardly anything of the content.
GRID = {"strength": [0.0, 0.7, 1.0], "content_weight": [0.1, 0.3, 1.0, 3.0]}
STRENGTHS = {"strength": [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=128, help="short side of contents and style in pixels")
    parser.add_argument("--contents", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=16, help="of the style's C-VAE; 16 is PatchTransformer's own")
    parser.add_argument("--values", type=int, default=6, help="that are tried of each parameter, at most")
    parser.add_argument("--repeats", type=int, default=1, help="of each search of part (a)")
    arguments = parsed_with_quick(parser, size=64, epochs=1, values=2)
    contents, style = few_pictures(arguments.size, arguments.contents)
    patches = PatchTransformer(
        CVAETransformer(
            12, hidden_layer_sizes=(128, 64), likelihood="gaussian", noise_scale=0.05, max_iter=arguments.epochs
        )
    )
    scorer = PropagationScorer(style)
    propagator = StylePropagator(style=patches, style_images=scorer.seen, random_state=0)
    grid, strengths = (
        {name: values[: arguments.values] for name, values in grid.items()} for grid in (GRID, STRENGTHS)
    )
    compare_jobs(propagator, grid, contents, scorer, arguments.repeats)
    compare_memories(propagator, strengths, contents, scorer)


def few_pictures(size: int, n_contents: int) -> tuple[list[Picture], Picture]:
    """Contents, mirrored ones after the others, and a style."""
    contents, styles = pictures(size)
    images = list(contents.values())
    images += [np.ascontiguousarray(image[:, ::-1]) for image in images]
    if n_contents > len(images):
        raise ValueError(f"--contents {n_contents}: there are {len(images)}, mirrored ones included.")
    return images[:n_contents], next(iter(styles.values()))


def compare_jobs(
    propagator: Any, grid: dict[str, list[Any]], contents: list[Picture], scorer: Any, repeats: int
) -> None:
    """Print part (a)."""
    n_candidates = int(np.prod([len(values) for values in grid.values()]))
    print(f"(a) {n_candidates} candidates x 3 folds, {cpu_count()} cores")
    # The first task of a worker must be one of the real ones: joblib takes a worker that has grown by 300 MB since
    # for one that leaks, and starts another.
    start = time.perf_counter()
    search(propagator, {"strength": [0.5, 1.0]}, contents, scorer, n_jobs=2)
    print(f"    start of two workers and a search of 2 candidates: {time.perf_counter() - start:.1f} s")
    in_workers = Parallel(n_jobs=2)(delayed(threads)() for _ in range(2))
    print(f"    threads in this process: {threads()}; in the workers: {in_workers}")
    table = Table(f"{n_candidates} candidates x 3 folds, {cpu_count()} cores", ("search", "s", "share of one job's"))
    seconds: dict[int, list[float]] = {1: [], 2: []}
    scores = []
    for _ in range(repeats):
        for n_jobs, times in seconds.items():
            start = time.perf_counter()
            found = search(propagator, grid, contents, scorer, n_jobs=n_jobs)
            times.append(time.perf_counter() - start)
            scores.append(found.cv_results_["mean_test_score"])
    for n_jobs, times in seconds.items():
        table.add(f"n_jobs={n_jobs}", times, float(np.median(times) / np.median(seconds[1])))
    print(f"\n    found: {found.best_params_}, {found.best_score_:.3f}; all:")
    for parameters, score in zip(found.cv_results_["params"], found.cv_results_["mean_test_score"], strict=True):
        print(f"        {score:.3f} {parameters}")
    print(f"    the same scores: {all(np.array_equal(s, scores[0]) for s in scores)}")


def compare_memories(propagator: Any, strengths: dict[str, list[Any]], contents: list[Picture], scorer: Any) -> None:
    """Print part (b)."""
    scores = []
    table = Table(f"{len(strengths['strength'])} strengths x 3 folds, n_jobs=1", ("search", "s", "C-VAEs trained"))
    with tempfile.TemporaryDirectory() as folder:
        remembering = clone(propagator).set_params(memory=folder)
        makers = {
            "no memory": lambda: propagator,
            "memory": lambda: remembering,
            "memory, the second time": lambda: remembering,
            "FrozenEstimator": lambda: frozen(propagator),  # trains the style
        }
        for name, make in makers.items():
            with counted_fits() as fits:
                start = time.perf_counter()
                found = search(make(), strengths, contents, scorer, n_jobs=1)
                seconds = time.perf_counter() - start
            scores.append(found.cv_results_["mean_test_score"])
            table.add(name, seconds, len(fits))
    print(f"\n    the same scores: {all(np.array_equal(other, scores[0]) for other in scores)}")


def search(propagator: Any, grid: dict[str, list[Any]], contents: list[Picture], scorer: Any, *, n_jobs: int) -> Any:
    found = GridSearchCV(clone(propagator), grid, scoring=scorer, cv=3, n_jobs=n_jobs, error_score="raise")
    return found.fit(contents)


def frozen(propagator: Any) -> Any:
    """The propagator with its style trained before; with the seed that it would have drawn."""
    fitted = clone(propagator).fit([np.asarray(propagator.style_images)]).style_
    return clone(propagator).set_params(style=FrozenEstimator(fitted), style_images=None)


def threads() -> int:
    """The threads among which skisp shares a picture in this process: torch's own count."""
    with one_thread() as n_threads:
        return n_threads


@contextmanager
def counted_fits() -> Iterator[list[int]]:
    """A list that gets an item for every fit of a C-VAE in this process."""
    counted: list[int] = []
    fit = CVAETransformer.fit

    def counting_fit(self: Any, X: Any, *args: Any, **kwargs: Any) -> Any:
        counted.append(len(X))
        return fit(self, X, *args, **kwargs)

    CVAETransformer.fit = counting_fit  # type: ignore[method-assign]
    try:
        yield counted
    finally:
        CVAETransformer.fit = fit  # type: ignore[method-assign]


if __name__ == "__main__":
    main()
