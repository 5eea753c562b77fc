"""What an accelerator gives: the tests that need one, how far its pictures are from the CPU's, and seconds by size.

Where there is none the CPU stands in for it, which shows only that this runs. Agreement: both compute in float32, in
another order, so codes differ by rounding; two patches that cost nearly the same may then change places, and from there
on pictures differ in strokes, not in style. Copies between the host and the device are counted inside ``transform``.

    python benchmarks/accelerator.py [--sizes 256 512 1024 2048 4096] [--repeats 3] [--epochs 5] [--quick]
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _pictures import pair, pair_names
from _report import Table, parsed_with_quick
from _vae_peers import as_unit, load_data
from sklearn.frozen import FrozenEstimator

from skisp import CVAETransformer, PatchTransformer, StylePropagator
from skisp.metrics import gradient_correlation, style_distance

_DENSE = {"n_components": 32, "network": "dense", "hidden_layer_sizes": (512, 256), "likelihood": "bernoulli"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512, 1024, 2048, 4096])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=5, help="of MNIST")
    parser.add_argument("--cpu-up-to", type=int, default=1024, help="size beyond which the CPU draws no picture")
    arguments = parsed_with_quick(parser, sizes=[64], repeats=1, epochs=1)
    is_there = torch.accelerator.is_available()
    device = str(torch.accelerator.current_accelerator()) if is_there else "cpu"
    card = torch.cuda.get_device_name() if device.startswith("cuda") else device
    print(f"accelerator: {card if is_there else 'none; the CPU stands in'}")
    if is_there:
        tests = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", str(Path(__file__).resolve().parents[1] / "tests")]
        subprocess.run(tests, check=True)
    style = pair(*pair_names(1)[0], 512)[1]
    fitted = PatchTransformer(random_state=0).fit([style])
    compare_pictures(fitted, style, device, card, arguments)
    train(device, card, arguments)


def compare_pictures(fitted: Any, style: Any, device: str, card: str, arguments: argparse.Namespace) -> None:
    """Both tables of pictures: seconds, and how far the accelerator's are from the CPU's."""
    speed = Table(f"Seconds of the next picture on {card}", ("short side", "s", "copies to it", "copies from it"))
    agreement = []
    for size in arguments.sizes:
        content = pair(*pair_names(1)[0], size)[0]
        there, *figures = drawn(fitted, content, device, arguments.repeats)
        speed.add(f"{size} px", *figures)
        if size > arguments.cpu_up_to:
            continue
        here = drawn(fitted, content, "cpu", 0)[0]
        difference = np.abs(there.astype(float) - here) / 255
        distances = [style_distance(style, picture) for picture in (there, here)]
        correlation = gradient_correlation(here, there)
        equal = (difference == 0).mean()
        agreement.append((f"{size} px", difference.mean(), equal, correlation, distances[0] / distances[1]))
    columns = ("short side", "mean difference", "equal pixels", "gradient correlation", "style distance / the CPU's")
    table = Table("Pictures beside the CPU's, values in [0, 1]", columns)
    for row in agreement:
        table.add(*row)


def drawn(fitted: Any, content: Any, device: str, repeats: int) -> tuple[Any, list[float], float, float]:
    """A picture, the seconds of each that follows, and the copies to the device and back that one needs."""
    propagator = StylePropagator(style=FrozenEstimator(fitted), device=device, random_state=0).fit([content])
    [picture] = propagator.transform([content])
    seconds = [timed(lambda: propagator.transform([content]), device) for _ in range(repeats)]
    to_it, from_it = copies(lambda: propagator.transform([content])) if device.startswith("cuda") else (np.nan, np.nan)
    return picture, seconds, to_it, from_it


def timed(work: Callable[[], Any], device: str) -> float:
    start = time.perf_counter()
    work()
    if device != "cpu":
        torch.accelerator.synchronize()
    return time.perf_counter() - start


def copies(work: Callable[[], Any]) -> tuple[int, int]:
    """Copies of memory to the device and from it, as the profiler saw them."""
    activity = torch.profiler.ProfilerActivity
    with torch.profiler.profile(activities=[activity.CPU, activity.CUDA]) as profile:
        work()
    counts = {event.key: event.count for event in profile.key_averages()}
    to_it, from_it = (sum(n for key, n in counts.items() if f"Memcpy {way}" in key) for way in ("HtoD", "DtoH"))
    return to_it, from_it


def train(device: str, card: str, arguments: argparse.Namespace) -> None:
    """Seconds of fits, and codes of the same network on both."""
    rows = as_unit(load_data("mnist", stand_in=True)["x_train"][: 1000 if arguments.quick else 10_000])
    table = Table(f"Training on {card}", ("fit", "s", "CPU's s", "greatest difference of codes, in deviations"))
    fits = []
    for where in (device, "cpu"):
        cvae = CVAETransformer(**_DENSE, max_iter=arguments.epochs, device=where, random_state=0)
        cvae.fit(rows[:256])  # what a first fit loads
        fits.append([timed(lambda cvae=cvae: cvae.fit(rows), where) for _ in range(max(1, arguments.repeats))])
    codes = [cvae.set_params(device=where).transform(rows[:1000]) for where in (device, "cpu")]
    difference = np.abs(codes[0] - codes[1]).max() / codes[1].std()
    table.add(f"{len(rows)} rows of 784, {arguments.epochs} epochs", *fits, float(difference))


if __name__ == "__main__":
    main()
