"""Where the time of a picture and of a style's fit goes, step by step, and how near it is to the machine's speed.

On one thread; a step's seconds are without those of the steps that it calls, the medians of some runs. Operations
are those of matrix products and convolutions, counted by torch in a run of its own, beside what the machine does in
products of large matrices. Run it alone on an idle machine:

    python benchmarks/steps.py [--sizes 512 1024] [--runs 5] [--quick]
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from _matrix_speed import products_a_second
from _pictures import pair, pair_names
from _report import Table, parsed_with_quick
from torch.utils.flop_counter import FlopCounterMode

from skisp import PatchTransformer, StylePropagator
from skisp.cvae import _fitting, _training
from skisp.propagation import _patch_codec, _patch_transformer
from skisp.propagation.synthesis import _content, _field, _patches, _style_model, _synthesis

# Where each step begins: an object, and the name of its function.
Steps = dict[str, tuple[Any, str]]

PICTURE: Steps = {
    "recolour the photograph": (_content.Content, "of"),
    "its level: size, structure, weights": (_content.Content, "level"),
    "codes of patches": (_patch_codec.PatchCodec, "encode"),
    "first matches, by optimal transport": (_synthesis.Synthesis, "_first_matches"),
    "search": (_field.FieldSearch, "improve"),
    "votes": (_patches.PatchGrid, "assemble"),
    "votes at full size": (_synthesis.Synthesis, "_enlarged"),
    "new patches": (_patch_codec.PatchCodec, "generate"),
    "the weave": (_synthesis, "unwoven"),
    "what occurs once in the style": (_style_model.StyleModel, "one_offs"),
    "detail, hue and contrast": (_synthesis, "postprocess"),
}
FIT: Steps = {
    "patches of the style": (_patch_transformer, "sample_from_images"),
    "start from PCA": (_fitting, "start_from_pca"),
    "epochs": (_training.Trainer, "run_epoch"),
}

Clock = Callable[[], float]
COLUMNS = ("CPU s", "share", "GFLOP", "share of the machine's products")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 1024])
    parser.add_argument("--runs", type=int, default=5)
    arguments = parsed_with_quick(parser, sizes=[64], runs=1)
    greatest = products_a_second(n_threads=1)
    [names] = pair_names(1)
    for size in arguments.sizes:
        content, style = pair(*names, size)
        propagator = StylePropagator(style_images=style, random_state=0).fit([content])
        propagator.transform([content])  # codes the exemplars of the style
        title = f"Steps of the next picture, {size} px, {greatest / 1e9:.0f} GFLOP/s in matrix products"
        print_steps(title, PICTURE, partial(propagator.transform, [content]), arguments.runs, greatest)
    coder = PatchTransformer(random_state=0)
    title = f"Steps of a style's fit, {greatest / 1e9:.0f} GFLOP/s in matrix products"
    print_steps(title, FIT, partial(coder.fit, [style]), arguments.runs, greatest)


def print_steps(title: str, steps: Steps, run: Callable[[], Any], n_runs: int, greatest: float) -> None:
    """A table of the steps, and of the rest."""
    seconds = [spent(steps, run, time.process_time) for _ in range(n_runs)]
    with FlopCounterMode(display=False) as counter:
        operations = spent(steps, run, counter.get_total_flops)
    medians = {step: float(np.median([one[step] for one in seconds])) for step in (*steps, "the rest")}
    table = Table(title, ("step", *COLUMNS))
    for step in (*steps, "the rest"):
        table.add(step, *figures(medians[step], sum(medians.values()), operations[step], greatest))
    total = float(np.median([sum(one.values()) for one in seconds]))
    table.add("all", *figures(total, total, sum(operations.values()), greatest))


def figures(seconds: float, total: float, operations: float, greatest: float) -> Sequence[float]:
    reached = operations / seconds / greatest if operations and seconds else np.nan
    return seconds, seconds / total, operations / 1e9, reached


def spent(steps: Steps, run: Callable[[], Any], clock: Clock) -> dict[str, float]:
    """What a clock goes on by in each step, without the steps inside it, and in the rest."""
    totals: dict[str, float] = defaultdict(float)
    inside: list[str] = ["the rest"]
    last = clock()

    @contextmanager
    def step(name: str) -> Iterator[None]:
        tick()
        inside.append(name)
        try:
            yield
        finally:
            tick()
            inside.pop()

    def tick() -> None:
        nonlocal last
        now = clock()
        totals[inside[-1]] += now - last
        last = now

    with ExitStack() as stack:
        for name, (owner, function) in steps.items():
            stack.enter_context(patch.object(owner, function, watched(owner, function, step, name)))
        last = clock()
        run()
        tick()
    return totals


def watched(owner: Any, function: str, step: Callable[[str], Any], name: str) -> Any:
    """The function, with each call in a step."""
    original = vars(owner)[function]
    is_class_method = isinstance(original, classmethod)
    inner = original.__func__ if is_class_method else original

    def in_step(*args: Any, **kwargs: Any) -> Any:
        with step(name):
            return inner(*args, **kwargs)

    return classmethod(in_step) if is_class_method else in_step


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
