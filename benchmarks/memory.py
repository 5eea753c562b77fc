"""Peak memory and CPU seconds of training from files, by how many rows or pictures there are: does it stay flat?

Rows lie in a memory map of 75 columns, what a patch of 5 by 5 pixels has in colour; pictures are JPEG files of 64
pixels, of which a few are read at a time, beside the same held in memory. Each fit has a process of its own.
Pages of the map that the system keeps for as long as nothing else needs them are no memory of the process; what is
counted is its own ("anonymous") memory, looked at every few milliseconds.

    python benchmarks/memory.py [--rows 20000 200000 2000000] [--epochs 3] [--files 200 2000 20000] [--quick]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from _pictures import pictures
from _report import Table, leave_out, parsed_with_quick

from skisp.io import write_image

_COLUMNS = 75
_SIDE = 64
_STATUS = Path("/proc/self/status")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[20_000, 200_000, 2_000_000])
    parser.add_argument("--files", type=int, nargs="*", default=[200, 2000, 20_000])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--worker", nargs=3, metavar=("WHAT", "PATH", "N"), help=argparse.SUPPRESS)
    arguments = parsed_with_quick(parser, rows=[2000], files=[20], epochs=1)
    if not _STATUS.is_file():
        leave_out("only Linux tells a process's own memory")
    if arguments.worker:
        what, path, n = arguments.worker
        print(json.dumps(WORKERS[what](path, int(n), arguments.epochs)))
        return
    with tempfile.TemporaryDirectory() as folder:
        rows_of(Path(folder), arguments)
        files_of(Path(folder), arguments)


def rows_of(folder: Path, arguments: argparse.Namespace) -> None:
    """Rows of correlated columns, more and more of them."""
    mixing = np.random.default_rng(0).standard_normal((12, _COLUMNS)).astype(np.float32)
    table = Table(f"Training on a memory map, {arguments.epochs} epochs", ("estimator", "rows", "own MB", "CPU s"))
    for n_rows in arguments.rows:
        path = folder / "rows"
        mapped = np.memmap(path, np.float32, "w+", shape=(n_rows, _COLUMNS))
        for start in range(0, n_rows, 10_000):
            rng = np.random.default_rng(start)
            part = mapped[start : start + 10_000]
            part[:] = rng.standard_normal((len(part), 12), np.float32) @ mixing
            part += 0.3 * rng.standard_normal(part.shape, np.float32)
        del mapped
        for what in ("CVAETransformer", "PatchTransformer"):
            table.add(what, f"{n_rows}", *measured(what, path, n_rows, arguments.epochs))


def files_of(folder: Path, arguments: argparse.Namespace) -> None:
    """Cuts of photographs, mirrored at random, more and more of them."""
    columns = ("estimator", "files", "of", "own MB", "CPU s")
    table = Table(f"Training on JPEG files of {_SIDE} px, {arguments.epochs} epochs of whole images", columns)
    contents, rng = list(pictures(4 * _SIDE)[0].values()), np.random.default_rng(0)
    for i in range(max(arguments.files, default=0)):
        image = contents[i % len(contents)]
        top, left = (rng.integers(0, length - _SIDE + 1) for length in image.shape[:2])
        cut = image[top : top + _SIDE, left : left + _SIDE, :][:, :: rng.choice([-1, 1])]
        write_image(folder / f"{i:07}.jpg", cut)
    for n_files in arguments.files:
        for what in ("PatchTransformer", "CVAETransformer"):
            table.add(what, f"{n_files}", "files", *measured(f"{what} of files", folder, n_files, arguments.epochs))
    for what in ("PatchTransformer", "CVAETransformer") if arguments.files else ():
        n_files = max(arguments.files)
        table.add(what, f"{n_files}", "arrays", *measured(f"{what} of arrays", folder, n_files, arguments.epochs))


def measured(what: str, path: Path, n: int, n_epochs: int) -> list[float]:
    command = [sys.executable, __file__, "--epochs", str(n_epochs), "--worker", what, str(path), str(n)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return list(json.loads(done.stdout.splitlines()[-1]))


def fit_cvae(path: str, n_rows: int, n_epochs: int) -> list[float]:
    from skisp import CVAETransformer

    estimator = CVAETransformer(12, max_iter=n_epochs, early_stopping=True, device="cpu", random_state=0)
    return fitted(estimator, np.memmap(path, np.float32, "r", shape=(n_rows, _COLUMNS)))


def fit_patches(path: str, n_rows: int, n_epochs: int) -> list[float]:
    from skisp import CVAETransformer, PatchTransformer

    cvae = CVAETransformer(12, max_iter=n_epochs, early_stopping=True, device="cpu")
    rows = np.memmap(path, np.float32, "r", shape=(n_rows, _COLUMNS))
    return fitted(PatchTransformer(cvae, patch_size=5, random_state=0), rows)


def fit_on_files(estimator: str, of: str) -> Any:
    """A fit on images of one shape, from files or held in memory; without the time that reading the latter takes."""

    def fit(folder: str, n_files: int, n_epochs: int) -> list[float]:
        from skisp import CVAETransformer, PatchTransformer
        from skisp.io import ImageFiles

        X: Any = ImageFiles(sorted(Path(folder).glob("*.jpg"))[:n_files])
        whole = CVAETransformer(16, max_iter=n_epochs, device="cpu", random_state=0)
        chosen = whole if estimator == "CVAETransformer" else PatchTransformer(random_state=0)
        return fitted(chosen, X if of == "files" else X[:])

    return fit


def fitted(estimator: Any, X: Any) -> list[float]:
    """The most memory of its own that a fit held, in MB, and its CPU seconds."""
    cpu = time.process_time()
    with peak() as most:
        estimator.fit(X)
    return [most[0], time.process_time() - cpu]


@contextmanager
def peak() -> Iterator[list[float]]:
    """A list of the most MB that this process held inside the block, without pages of files."""
    most, ends = [0.0], threading.Event()

    def look() -> None:
        while not ends.wait(0.003):
            line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("RssAnon"))
            most[0] = max(most[0], int(line.split()[1]) / 1024)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield most
    finally:
        ends.set()
        looking.join()


WORKERS = {"CVAETransformer": fit_cvae, "PatchTransformer": fit_patches} | {
    f"{estimator} of {of}": fit_on_files(estimator, of)
    for estimator in ("CVAETransformer", "PatchTransformer")
    for of in ("files", "arrays")
}

if __name__ == "__main__":
    main()
