"""Seconds, memory and quality of style propagation by size, beside what one would use instead.

Every size runs in a process of its own, for its peak memory; within it, our method and the peers
take turns on the same pairs. Run it alone on an idle machine:

    python benchmarks/propagation.py [--sizes 256 512 1024] [--pairs 3]
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
from _pictures import pictures
from sklearn.frozen import FrozenEstimator

from skisp import PatchTransformer, StylePropagator
from skisp.metrics import gradient_correlation, propagation_score, random_gram_distance, style_content_f, style_distance

COLUMNS = ("fit s", "cold s", "image s", "swd", "rgram", "gradient", "F", "score")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512])
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(arguments.one, arguments.pairs)))
        return
    print(f"{'short side':>10} {'method':24}" + "".join(f"{column:>10}" for column in COLUMNS) + f"{'MB':>8}")
    seconds = [print_size(size, arguments.pairs) for size in arguments.sizes]
    if len(seconds) > 1:
        exponent = np.polyfit(np.log([size**2 for size in arguments.sizes]), np.log(seconds), 1)[0]
        print(f"seconds grow as pixels to the power {exponent:.2f}")


def print_size(size: int, n_pairs: int) -> float:
    command = [sys.executable, __file__, "--one", str(size), "--pairs", str(n_pairs)]
    result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    for method, rows in result["rows"].items():
        medians = [f"{value:10.3f}".replace("nan", "  -") for value in np.median(np.array(rows, dtype=float), axis=0)]
        print(f"{size:10} {method:24}{''.join(medians)}{result['megabytes']:8.0f}", flush=True)
    return float(np.median([row[2] for row in result["rows"]["skisp"]]))


def measure(size: int, n_pairs: int) -> dict[str, Any]:
    """Rows of figures for each method, one row a pair."""
    contents, styles = pictures(size)
    step = max(1, len(contents) * len(styles) // n_pairs)
    pairs = list(product(contents, styles))[::step][:n_pairs]
    rows: dict[str, list[list[float]]] = {"skisp": []} | {name: [] for name in peers()}
    for content_name, style_name in pairs:
        content, style = contents[content_name], styles[style_name]
        rows["skisp"].append(time_skisp(content, style))
        for name, method in peers().items():
            start = time.perf_counter()
            picture = method(content, style)
            seconds = time.perf_counter() - start
            rows[name].append([np.nan, np.nan, seconds, *quality(content, style, picture)])
    return {"rows": rows, "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def time_skisp(content: Any, style: Any) -> list[float]:
    """Seconds to fit the style, of the first image (which builds the style's banks) and of the next."""
    start = time.perf_counter()
    fitted = PatchTransformer(random_state=0).fit([style])
    fit_seconds = time.perf_counter() - start
    propagator = StylePropagator(style=FrozenEstimator(fitted), random_state=0)
    start = time.perf_counter()
    propagator.fit([content]).transform([content])
    cold = time.perf_counter() - start
    start = time.perf_counter()
    picture = propagator.transform([content])[0]
    return [fit_seconds, cold, time.perf_counter() - start, *quality(content, style, picture)]


def peers() -> dict[str, Callable[[Any, Any], Any]]:
    """What a user would pick instead, where it is installed."""
    found: dict[str, Callable[[Any, Any], Any]] = {}
    try:
        import ot

        def linear_colors(content: Any, style: Any) -> Any:
            pixels, target = content.reshape(-1, 3) / 255.0, style.reshape(-1, 3) / 255.0
            mapped = ot.da.LinearTransport().fit(Xs=pixels, Xt=target).transform(Xs=pixels)
            return mapped.reshape(content.shape).clip(0, 1)

        found["POT linear colours"] = linear_colors
    except ImportError:
        pass
    try:
        from skimage.exposure import match_histograms

        found["scikit-image histograms"] = lambda content, style: match_histograms(content, style, channel_axis=2)
    except ImportError:
        pass
    return found


def quality(content: Any, style: Any, picture: Any) -> list[float]:
    return [
        style_distance(style, picture) / style_distance(style, content),
        random_gram_distance(style, picture) / random_gram_distance(style, content),
        gradient_correlation(content, picture),
        style_content_f(content, style, picture),
        propagation_score(content, style, picture),
    ]


if __name__ == "__main__":
    main()
