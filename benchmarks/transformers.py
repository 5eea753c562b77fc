"""What each transformer gives in the role of the style coder: quality and seconds.

Code lengths of the C-VAE beside PCA, NMF and factor analysis; patch sizes; new patches or the
style's own; with and without the residual; and a content coder of another code length. One table, a row each,
the median over the pairs, on the same pairs:

    python benchmarks/transformers.py [--size 256] [--pairs 4] [--only patches codes generated contents]
                                      [--quick]
"""

import argparse
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from _pictures import pair, pair_names
from _report import Table, parsed_with_quick
from propagation import QUALITY, quality
from sklearn.base import clone
from sklearn.decomposition import NMF, PCA, FactorAnalysis
from sklearn.frozen import FrozenEstimator

from skisp import PatchTransformer, StylePropagator

GROUPS = ("codes", "patches", "generated", "contents")


class Row(NamedTuple):
    """One row of the table: a style coder, a content coder, and parameters of the propagator."""

    group: str
    name: str
    style: Any
    content: Any = None
    parameters: tuple[tuple[str, Any], ...] = ()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--pairs", type=int, default=4)
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=list(GROUPS))
    arguments = parsed_with_quick(parser, size=64, pairs=1, only=["generated"])
    pairs = [pair(*names, arguments.size) for names in pair_names(arguments.pairs)]
    columns = ("group", "transformer", "fit s", "image s", *QUALITY)
    table = Table(f"Medians of {len(pairs)} pairs, {arguments.size} px", columns)
    fitted: dict[str, list[tuple[float, Any]]] = {}
    for row in rows():
        if row.group in arguments.only:
            figures = np.array([measure(row, *both, fitted, i) for i, both in enumerate(pairs)])
            table.add(row.group, row.name, *figures.T.tolist())


def rows() -> Iterator[Row]:
    """Everything that is compared; the first row of each group is the default."""
    default = PatchTransformer(random_state=0)
    yield Row("codes", "C-VAE 12 (default)", default)
    for n_components in (4, 8, 24):
        yield Row("codes", f"C-VAE {n_components}", PatchTransformer(n_components=n_components, random_state=0))
    for n_components in (8, 12, 24):
        yield Row("codes", f"PCA {n_components}", with_transformer(PCA(n_components)))
    yield Row("codes", "NMF 12", with_transformer(NMF(12, init="nndsvda", max_iter=200, tol=1e-2)))
    yield Row("codes", "FactorAnalysis 12", with_transformer(Decoding(12)))
    for patch_size in (7, 5, 11):
        yield Row("patches", f"C-VAE 12, patch_size {patch_size}", clone(default).set_params(patch_size=patch_size))
    for kind in ("generated", "style"):
        for detail in (1.0, 0.0):
            options = (("patches", kind), ("detail", detail))
            yield Row("generated", f"patches {kind}, detail {detail:g}", default, None, options)
    yield Row("contents", "content=None", default)
    yield Row("contents", "content C-VAE 6", default, PatchTransformer(n_components=6, random_state=0))
    yield Row("contents", "content PCA 20", default, with_transformer(PCA(20)))


def measure(row: Row, content: Any, style: Any, fitted: dict[str, list[Any]], i: int) -> list[float]:
    """Seconds to fit the style, of an image when its exemplars are there, and the quality, on pair ``i``."""
    known = fitted.setdefault(repr(row.style), [])
    if len(known) <= i:
        start = time.perf_counter()
        part = clone(row.style).fit([style])
        known.append((time.perf_counter() - start, part))
    seconds, part = known[i]
    propagator = StylePropagator(row.content, FrozenEstimator(part), random_state=0, **dict(row.parameters))
    propagator.fit([content]).transform([content])
    start = time.perf_counter()
    picture = propagator.transform([content])[0]
    return [seconds, time.perf_counter() - start, *quality(content, style, picture)]


def with_transformer(transformer: Any) -> PatchTransformer:
    return PatchTransformer(transformer, random_state=0)


class Decoding(FactorAnalysis):
    """Factor analysis with the inverse that scikit-learn's lacks: the mean of the rows given the codes."""

    def inverse_transform(self, X: Any) -> Any:
        return X @ self.components_ + self.mean_


if __name__ == "__main__":
    main()
