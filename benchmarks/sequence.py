"""Flicker and time of a sequence of frames beside the same frames drawn one by one.

Flicker is the mean difference of neighbouring pictures in levels of 255, of a static clip with slight
noise and of a panning one; there along the motion, which is known, and as it is on the screen.

    python benchmarks/sequence.py [--size 256] [--pairs 3] [--frames 8] [--pan 3] [--noise 4] [--quick]
"""

import argparse
import time
from typing import Any

import numpy as np
from _pictures import pictures
from _report import Table, parsed_with_quick

from skisp import StylePropagator

PAIRS = (("chicago", "starry_night"), ("cornell", "wave"), ("tuebingen", "the_scream"))
COLUMNS = ("frames", "one by one", "sequence", "ratio", "on screen", "s a frame one by one", "s a frame in sequence")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--pairs", type=int, default=len(PAIRS))
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--pan", type=int, default=3, help="pixels a frame")
    parser.add_argument("--noise", type=float, default=4, help="standard deviation, levels of 255")
    arguments = parsed_with_quick(parser, size=64, frames=3, pairs=1)
    contents, styles = pictures(arguments.size)
    pairs = [pair for pair in PAIRS if pair[0] in contents] or list(zip(contents, styles, strict=True))
    table = Table(f"Flicker, {arguments.size} px, {arguments.frames} frames", ("content", "style", "clip", *COLUMNS))
    for content, style in pairs[: arguments.pairs]:
        for clip, pan in (("static", 0), ("panning", arguments.pan)):
            frames = make_clip(contents[content], arguments.frames, pan, arguments.noise)
            table.add(content, style, clip, *measure(frames, styles[style], pan))


def make_clip(image: Any, n_frames: int, pan: int, noise: float) -> Any:
    width = image.shape[1] - pan * (n_frames - 1)
    frames = np.stack([image[:, pan * i : pan * i + width] for i in range(n_frames)])
    noisy = frames + np.random.default_rng(0).normal(scale=noise, size=frames.shape)
    return noisy.clip(0, 255).round().astype(np.uint8)


def measure(frames: Any, style: Any, pan: int) -> list[float]:
    propagator = StylePropagator(style_images=style, random_state=0).fit(frames[:1])
    propagator.transform(frames[:1])  # codes the exemplars of the style
    start = time.perf_counter()
    one_by_one = propagator.transform(frames)
    middle = time.perf_counter()
    sequence = propagator.propagate_sequence(frames)
    seconds = (middle - start) / len(frames), (time.perf_counter() - middle) / len(frames)
    along = [flicker(clip, pan) for clip in (frames, one_by_one, sequence)]
    on_screen = flicker(sequence, 0) / flicker(one_by_one, 0)
    return [*along, along[2] / along[1], on_screen, *seconds]


def flicker(pictures: Any, pan: int) -> float:
    pictures = pictures.astype(float)
    width = pictures.shape[2] - pan
    return float(np.abs(pictures[:-1, :, pan:] - pictures[1:, :, :width]).mean())


if __name__ == "__main__":
    main()
