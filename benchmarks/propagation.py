"""Seconds, memory and quality of style propagation by size, beside what one would use instead.

Every method has, at every size, a process of its own, which gives its peak memory and nobody else's;
the processes take turns on the same pairs. A content is enlarged where the size is beyond its own,
and from 4096 px up it is square. The network of the published shape that is trained for each style on
many photographs has random weights here: it is there for its time. Run it alone on an idle machine:

    python benchmarks/propagation.py [--sizes 256 512 1024 2048 4096] [--pairs 3]
        [--peers-up-to 1024] [--gpdm-up-to 256] [--gpdm-steps 20] [--quick]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from _gpdm import gpdm
from _memory import peak_megabytes
from _pictures import pair, pair_names
from _report import Table, parsed_with_quick
from sklearn.frozen import FrozenEstimator

from skisp import PatchTransformer, StylePropagator
from skisp.metrics import gradient_correlation, propagation_score, random_gram_distance, style_content_f, style_distance

TIMES = ("fit s", "cold s", "image s", "image CPU s")
QUALITY = ("swd", "rgram", "gradient", "F raw", "F", "score")
MEMORY = ("peak MB", "own MB")
# Its weights are random, of which the time does not depend, and the pictures do.
FEED_FORWARD = "feed-forward network"

# Short side in pixels from which a content is square.
_SQUARE_FROM = 4096
# Short side from which the growth is fitted: below, what does not depend on the size counts.
_FITTED_FROM = 512


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512, 1024, 2048, 4096])
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--peers-up-to", type=int, default=1024, help="short side beyond which there is only skisp")
    parser.add_argument("--gpdm-up-to", type=int, default=256, help="the same for the optimiser, which is slow")
    parser.add_argument("--gpdm-steps", type=int, default=20, help="a scale; published: 300")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parsed_with_quick(parser, sizes=[64, 96], pairs=1, gpdm_steps=1)
    if arguments.worker:
        work(arguments.worker, arguments.gpdm_steps)
        return
    columns = ("short side", "method", *TIMES, *QUALITY, *MEMORY, "image s / skisp's")
    table = Table(f"Pictures by size, medians of {arguments.pairs} pairs", columns)
    costs = []
    for size in sorted(arguments.sizes):
        rows, n_pixels = measure(size, methods_at(size, arguments), arguments)
        for name, figures in rows.items():
            ratio = figures[:, 2] / rows["skisp"][:, 2]
            table.add(f"{size} px", name, *figures.T.tolist(), ratio.tolist())
        costs.append((size, n_pixels, *np.median(rows["skisp"], axis=0)[[2, 3, -2]]))
    print_growth(costs)


def methods_at(size: int, arguments: argparse.Namespace) -> list[str]:
    """The methods that take part at a size."""
    methods = ["skisp"]
    if size <= arguments.peers_up_to:
        methods += [name for name, module in (("POT", "ot"), ("scikit-image", "skimage")) if _is_installed(module)]
        methods.append(FEED_FORWARD)
    return [*methods, "GPDM"] if size <= arguments.gpdm_up_to else methods


def measure(size: int, methods: list[str], arguments: argparse.Namespace) -> tuple[dict[str, Any], float]:
    """Rows of figures for each method, one row a pair, and the median number of pixels of the contents."""
    rows: dict[str, list[list[float]]] = {name: [] for name in methods}
    n_pixels = []
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        workers = {name: stack.enter_context(worker(name, arguments.gpdm_steps)) for name in methods}
        for content_name, style_name in pair_names(arguments.pairs):
            content, style = pair(content_name, style_name, size, square=size >= _SQUARE_FROM)
            files = [str(Path(folder) / f"{name}.npy") for name in ("content", "style", "picture")]
            np.save(files[0], content)
            np.save(files[1], style)
            n_pixels.append(content.shape[0] * content.shape[1])
            for name, process in workers.items():
                seconds, megabytes = ask(process, files)
                found = [np.nan] * len(QUALITY) if name == FEED_FORWARD else quality(content, style, np.load(files[2]))
                rows[name].append([*seconds, *found, *megabytes])
    return {name: np.array(figures, dtype=float) for name, figures in rows.items()}, float(np.median(n_pixels))


def print_growth(costs: list[tuple[float, ...]]) -> None:
    """Cost of the next image against size, and by which power of the pixels it grows."""
    table = Table(
        "Cost against size: the next image, and the power of the pixels by which its seconds grow from the size before",
        ("short side", "pixels", "s", "CPU s", "peak MB", "power of s", "power of CPU s"),
    )
    for i, (size, *cost) in enumerate(costs):
        powers = [_power(costs[i - 1 : i + 1], column) if i else np.nan for column in (2, 3)]
        table.add(f"{size} px", *cost, *powers)
    large = [cost for cost in costs if cost[0] >= _FITTED_FROM]
    if len(large) > 1:
        fitted = [_power(large, column) for column in (2, 3)]
        table.add(f"fitted from {large[0][0]} px up", *[""] * 4, *fitted)


def _power(costs: list[tuple[float, ...]], column: int) -> float:
    pixels, seconds = np.log(np.array(costs))[:, [1, column]].T
    return float(np.polyfit(pixels, seconds, 1)[0])


def work(method: str, gpdm_steps: int) -> None:
    """Redraw what is asked for on the standard input, until it ends."""
    if method != "skisp":
        # Imports, which are no part of the method; what skisp is timed for comes after its first picture.
        redraw(method, *np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8), gpdm_steps=1)
    before = peak_megabytes()
    for line in sys.stdin:
        content_file, style_file, picture_file = json.loads(line)
        seconds, picture = redraw(method, np.load(content_file), np.load(style_file), gpdm_steps)
        peak = peak_megabytes()
        np.save(picture_file, picture)
        print(json.dumps([seconds, [peak, peak - before]]), flush=True)


@contextmanager
def worker(method: str, gpdm_steps: int) -> Iterator[Any]:
    """A process that redraws by one method; it waits, and costs no time, until it is asked."""
    command = [sys.executable, __file__, "--worker", method, "--gpdm-steps", str(gpdm_steps)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process


def ask(process: Any, files: list[str]) -> Any:
    print(json.dumps(files), file=process.stdin, flush=True)
    answer = process.stdout.readline()
    if not answer:
        raise RuntimeError(f"The process of {process.args[-3]} ended without an answer; its error is above.")
    return json.loads(answer)


def redraw(method: str, content: Any, style: Any, gpdm_steps: int) -> tuple[list[float], Any]:
    """Seconds to fit the style, of the first image (which codes the style's exemplars) and of the next; the picture."""
    if method == "skisp":
        return redraw_by_skisp(content, style)
    run = {"POT": linear_colors, "scikit-image": matched_histograms, FEED_FORWARD: by_random_weights}.get(method)
    if method == FEED_FORWARD and run is not None:
        run(content, style)  # torch plans for a size once; skisp's time is that of a next picture too
    start, cpu = time.perf_counter(), time.process_time()
    picture = gpdm(content, style, n_steps=gpdm_steps) if run is None else run(content, style)
    return [np.nan, np.nan, time.perf_counter() - start, time.process_time() - cpu], picture


def redraw_by_skisp(content: Any, style: Any) -> tuple[list[float], Any]:
    start = time.perf_counter()
    fitted = PatchTransformer(random_state=0).fit([style])
    fit_seconds = time.perf_counter() - start
    propagator = StylePropagator(style=FrozenEstimator(fitted), random_state=0)
    start = time.perf_counter()
    propagator.fit([content]).transform([content])
    cold = time.perf_counter() - start
    start, cpu = time.perf_counter(), time.process_time()
    picture = propagator.transform([content])[0]
    return [fit_seconds, cold, time.perf_counter() - start, time.process_time() - cpu], picture


def linear_colors(content: Any, style: Any) -> Any:
    """Optimal transport between the Gaussians of the colours, by POT."""
    import ot

    pixels, target = content.reshape(-1, 3) / 255.0, style.reshape(-1, 3) / 255.0
    mapped = ot.da.LinearTransport().fit(Xs=pixels, Xt=target).transform(Xs=pixels)
    return mapped.reshape(content.shape).clip(0, 1)


def matched_histograms(content: Any, style: Any) -> Any:
    """Histograms of the three channels, by scikit-image."""
    from skimage.exposure import match_histograms

    return match_histograms(content, style, channel_axis=2)


def by_random_weights(content: Any, style: Any) -> Any:  # noqa: ARG001 (a trained network knows its style)
    """What a feed-forward network of random weights makes of a picture, at its size."""
    import torch

    image = torch.from_numpy(content).permute(2, 0, 1)[None] / 255.0
    with torch.inference_mode():
        picture = feed_forward_network()(image)[0].permute(1, 2, 0).numpy()
    return picture[: content.shape[0], : content.shape[1]]


@cache
def feed_forward_network() -> Any:
    """The network of Johnson et al., with instance normalisation, as it is used today.

    References
    ----------
    Johnson, Alahi & Fei-Fei, "Perceptual losses for real-time style transfer and super-resolution", ECCV 2016,
    arXiv:1603.08155; Ulyanov, Vedaldi & Lempitsky, "Instance normalization", 2016, arXiv:1607.08022.
    """
    from torch import nn

    def convolved(n_before: int, n_after: int, kernel: int, stride: int = 1) -> list[Any]:
        convolution = nn.Conv2d(n_before, n_after, kernel, stride, kernel // 2, padding_mode="reflect")
        return [convolution, nn.InstanceNorm2d(n_after, affine=True)]

    class Residual(nn.Sequential):
        def forward(self, x: Any) -> Any:
            return x + super().forward(x)

    down = [(3, 32, 9, 1), (32, 64, 3, 2), (64, 128, 3, 2)]
    layers = [layer for shape in down for layer in (*convolved(*shape), nn.ReLU())]
    layers += [Residual(*convolved(128, 128, 3), nn.ReLU(), *convolved(128, 128, 3)) for _ in range(5)]
    for n_before, n_after in ((128, 64), (64, 32)):
        layers += [nn.Upsample(scale_factor=2), *convolved(n_before, n_after, 3), nn.ReLU()]
    return nn.Sequential(*layers, nn.Conv2d(32, 3, 9, 1, 4, padding_mode="reflect"), nn.Sigmoid()).eval()


def _is_installed(module: str) -> bool:
    try:
        __import__(module)
    except ImportError:
        return False
    return True


def quality(content: Any, style: Any, picture: Any) -> list[float]:
    """Figures of a picture: ``QUALITY``.

    ``F raw`` is the harmonic mean of 1 - swd, of raw patches, and the gradient correlation, which a mere
    recolouring raises as well; ``F`` is that of standardised bands, which it does not.
    """
    swd = style_distance(style, picture) / style_distance(style, content)
    gradient = gradient_correlation(content, picture)
    gained, kept = max(1 - swd, 0.0), max(gradient, 0.0)
    return [
        swd,
        random_gram_distance(style, picture) / random_gram_distance(style, content),
        gradient,
        2 * gained * kept / max(gained + kept, 1e-12),
        style_content_f(content, style, picture),
        propagation_score(content, style, picture),
    ]


if __name__ == "__main__":
    main()
