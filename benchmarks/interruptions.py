"""Batches that are killed or interrupted at random moments, and gone on with.

python benchmarks/interruptions.py [--trials 20] [--size 160] [--quick]

Each trial starts a batch of photographs into a new folder, ends it at a random moment by SIGKILL or SIGINT in
turn, checks that every picture that is there is whole and the same as of an undisturbed run, and runs the
command again, which must finish the rest with the same bits.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _pictures import pictures
from _report import Table, parsed_with_quick

from skisp.io import read_image, write_image

COLUMNS = ("trial", "signal", "after picture", "and s", "ended in s", "pictures whole", "temporary files left")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--size", type=int, default=160)
    arguments = parsed_with_quick(parser, trials=1, size=64)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photographs = prepared(folder, arguments.size)
        run(command(folder, photographs, folder / "whole")).wait()
        expected = pictures_in(folder / "whole")
        # A shell's background jobs ignore SIGINT, and so would the processes they start.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        table = Table(f"Batches of {len(expected)} pictures, ended and gone on with: all with the same bits", COLUMNS)
        random.seed(0)
        for trial in range(arguments.trials):
            after, delay = random.randrange(len(expected)), random.uniform(0.0, 0.5)
            table.add(f"{trial}", *one_trial(folder, photographs, expected, trial, after, delay))


def prepared(folder: Path, size: int) -> list[Path]:
    """Photographs, mirrored ones as well, and a style that is learnt."""
    contents, styles = pictures(size)
    photographs = []
    for name, image in contents.items():
        for suffix, view in (("", image), ("-mirrored", image[:, ::-1])):
            photographs.append(folder / f"{name}{suffix}.jpg")
            write_image(photographs[-1], view)
    write_image(folder / "style.png", next(iter(styles.values())))
    run([sys.executable, "-m", "skisp", "fit", str(folder / "style.png"), "-o", str(folder / "style.skisp")]).wait()
    return photographs


def command(folder: Path, photographs: list[Path], output: Path) -> list[str]:
    contents = [str(path) for path in photographs]
    return [
        sys.executable,
        "-m",
        "skisp",
        "apply",
        *contents,
        "--model",
        str(folder / "style.skisp"),
        "-o",
        str(output),
    ]


def run(arguments: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def pictures_in(folder: Path) -> dict[str, bytes]:
    """Not the record of the settings, which lies beside them."""
    return {path.name: path.read_bytes() for path in folder.glob("*.jpg")}


def one_trial(
    folder: Path, photographs: list[Path], expected: dict[str, bytes], trial: int, after: int, delay: float
) -> tuple[str, int, float, float, int, int]:
    """The signal, after which picture, seconds until it was sent and until the end, whole and temporary files."""
    output = folder / f"trial{trial}"
    process = run(command(folder, photographs, output))
    while process.poll() is None and len(list(output.glob("*.jpg"))) < after:
        time.sleep(0.005)
    time.sleep(delay)
    ending = signal.SIGINT if trial % 2 else signal.SIGKILL
    process.send_signal(ending)
    start = time.monotonic()
    process.communicate()
    took = time.monotonic() - start
    there = pictures_in(output)
    for name in there:
        read_image(output / name)
        assert there[name] == expected[name], f"{name} differs"
    half = [path.name for path in output.glob(".skisp-*.part")]
    assert ending == signal.SIGKILL or not half, f"left behind: {half}"
    assert run(command(folder, photographs, output)).wait() == 0
    assert pictures_in(output) == expected, "the second run gave something else"
    return ending.name, after, delay, took, len(there), len(half)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
