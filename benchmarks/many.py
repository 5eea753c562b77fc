"""Many small photographs: pictures a second against jobs, memory a worker, and what is left when one is killed.

By ``skisp apply``, joblib and Dask, each with a process for each job. All have to give the same pictures. Then each is
disturbed: the command, or one of the workers, is ended by SIGKILL when a third is done, and what has to be called again
is called again. Nothing may be lost; a picture that was there is not to be drawn once more.

    python benchmarks/many.py [--pictures 300] [--size 64] [--jobs 1 2] [--by joblib] [--only-disturbed] [--quick]
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from _many_worker import redraw
from _memory import peak_megabytes
from _pictures import pictures
from _report import Table, parsed_with_quick

from skisp.io import write_image

_INTERVAL = 0.02
# Dask has its workers give memory back to the system at every chance, and so ask anew for that of every tensor.
_DASK_KEEPS_MEMORY = {
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": 2**28,
    "distributed.nanny.pre-spawn-environ.MALLOC_MMAP_THRESHOLD_": 2**25,
}


@dataclass
class Batch:
    """Photographs, a style that was learnt, and where the pictures go."""

    photographs: list[Path]
    model: Path
    output: Path

    @property
    def log(self) -> Path:
        return self.output.with_suffix(".log")

    def made(self) -> dict[str, bytes]:
        """Not the record of the settings, which lies beside them."""
        return {path.name: path.read_bytes() for path in self.output.glob("*.jpg")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=300)
    parser.add_argument("--size", type=int, default=64, help="side in pixels")
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--by", nargs="+", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--only-disturbed", action="store_true", help="only with a process killed")
    arguments = parsed_with_quick(parser, pictures=6, size=32, jobs=[2], by=list(WAYS)[:2])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photographs, model = prepared(folder, arguments.pictures, arguments.size)
        expected = {} if arguments.only_disturbed else undisturbed(folder, photographs, model, arguments)
        interrupted(folder, photographs, model, expected, arguments)


def undisturbed(folder: Path, photographs: list[Path], model: Path, arguments: Any) -> dict[str, bytes]:
    """The pictures, which are the same by each way and number of jobs."""
    expected: dict[str, bytes] = {}
    columns = ("by", "jobs", "pictures a second", "s", "s until the first", "peak MB a process")
    table = Table(f"{arguments.pictures} photographs of {arguments.size} px", columns)
    for by in arguments.by:
        for n_jobs in arguments.jobs:
            batch = new_batch(folder, photographs, model, f"{by}{n_jobs}")
            start = time.perf_counter()
            with first_picture(batch) as first:
                megabytes = WAYS[by](batch, n_jobs)
            seconds = time.perf_counter() - start
            expected = expected or batch.made()
            assert len(expected) == arguments.pictures, f"{by} has lost pictures"
            assert batch.made() == expected, f"{by} with {n_jobs} jobs has given other pictures"
            table.add(by, f"{n_jobs}", arguments.pictures / seconds, seconds, first[0], megabytes)
    return expected


def interrupted(folder: Path, photographs: list[Path], model: Path, expected: dict[str, bytes], arguments: Any) -> None:
    """One process of each way is killed; whatever is called again, the pictures are the same."""
    columns = ("by", "pictures when one was killed", "calls", "drawn twice", "lost", "s")
    table = Table("A process killed when a third is done", columns)
    for by in arguments.by:
        batch, start = new_batch(folder, photographs, model, f"{by}-killed"), time.perf_counter()
        with killed(batch, len(photographs) // 3) as seen:
            n_calls, left = 0, len(photographs)
            while left and n_calls < 3:
                n_calls += 1
                try:
                    WAYS[by](batch, max(arguments.jobs))
                except Exception as error:  # joblib says that a worker was killed, and must be called again
                    print(f"{by}: {type(error).__name__}", file=sys.stderr)
                left = len(photographs) - len(batch.made())
        seconds = time.perf_counter() - start
        drawn = batch.log.read_text().split()[1::2] if batch.log.exists() else []
        again = [name for name, stamp in seen.items() if stamp != (batch.output / name).stat().st_mtime_ns]
        n_twice = len(set(again) | {name for name in drawn if drawn.count(name) > 1})
        expected = expected or batch.made()
        assert batch.made() == expected, f"{by} has given other pictures after one was killed"
        table.add(by, len(seen), n_calls, n_twice, left, seconds)


def prepared(folder: Path, n_pictures: int, size: int) -> tuple[list[Path], Path]:
    """Photographs cut out of larger ones, and a style that is learnt."""
    contents, styles = pictures(4 * size)
    rng, every = np.random.default_rng(0), list(contents.values())
    (folder / "photographs").mkdir()
    photographs = [folder / "photographs" / f"{i:05}.jpg" for i in range(n_pictures)]
    for i, path in enumerate(photographs):
        image = every[i % len(every)]
        top, left = (rng.integers(0, length - size + 1) for length in image.shape[:2])
        write_image(path, image[top : top + size, left : left + size][:, :: rng.choice([-1, 1])])
    write_image(folder / "style.png", next(iter(styles.values())))
    model = folder / "style.skisp"
    command = [sys.executable, "-m", "skisp", "fit", str(folder / "style.png"), "-o", str(model), "--quiet"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return photographs, model


def new_batch(folder: Path, photographs: list[Path], model: Path, name: str) -> Batch:
    batch = Batch(photographs, model, folder / name.replace(" ", "-"))
    batch.output.mkdir()
    return batch


def by_command(batch: Batch, n_jobs: int) -> float:
    command = [sys.executable, "-m", "skisp", "apply", str(batch.photographs[0].parent), "--model", str(batch.model)]
    command += ["-o", str(batch.output), "--jobs", str(n_jobs), "--quiet"]
    most = 0.0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            note_process(batch, process.pid)
            most = max(most, *(peak_megabytes(one) for one in (process.pid, *children(process.pid))))
            time.sleep(_INTERVAL)
    if process.returncode not in (0, -signal.SIGKILL):
        raise RuntimeError(f"skisp apply ended with status {process.returncode}")
    return most


def children(process: int) -> list[int]:
    """Processes that a process has started; on Linux only."""
    listed = Path(f"/proc/{process}/task/{process}/children")
    return [int(child) for child in listed.read_text().split()] if listed.exists() else []


def by_joblib(batch: Batch, n_jobs: int) -> float:
    import joblib
    from joblib.externals.loky import get_reusable_executor

    try:
        with joblib.parallel_config("loky", n_jobs=n_jobs):
            done = joblib.Parallel()(joblib.delayed(redraw)(*job) for job in jobs_of(batch))
    finally:
        get_reusable_executor().shutdown(wait=True)  # so that the next call starts processes of its own
    return max(megabytes for _, megabytes in done)


def by_dask(batch: Batch, n_jobs: int) -> float:
    import dask
    from dask.distributed import Client

    with (
        dask.config.set(_DASK_KEEPS_MEMORY),
        Client(n_workers=n_jobs, threads_per_worker=1, processes=True, dashboard_address=None) as client,
    ):
        futures = client.map(redraw, *zip(*jobs_of(batch), strict=True), pure=False)
        return max(megabytes for _, megabytes in client.gather(futures))


def jobs_of(batch: Batch) -> list[tuple[str, str, str, str]]:
    return [(str(path), str(batch.model), str(batch.output), str(batch.log)) for path in batch.photographs]


def note_process(batch: Batch, process: int) -> None:
    """Where workers write who has drawn what, the command writes who it is."""
    batch.output.with_suffix(".pid").write_text(str(process))


@contextmanager
def first_picture(batch: Batch) -> Iterator[list[float]]:
    """A list of the seconds from here until there is a picture."""
    start, seconds = time.perf_counter(), [float("nan")]
    with watching(lambda: any(batch.output.glob("*.jpg"))) as ends:

        def note() -> None:
            if ends():
                seconds[0] = time.perf_counter() - start

        thread = threading.Thread(target=note)
        thread.start()
        yield seconds
    thread.join()


@contextmanager
def killed(batch: Batch, after: int) -> Iterator[dict[str, int]]:
    """Kill one process that draws when so many pictures are there: those, and when each was written."""
    seen: dict[str, int] = {}
    with watching(lambda: len(os.listdir(batch.output)) > after, 10 * _INTERVAL) as ends:

        def kill() -> None:
            if ends() and (process := drawing(batch)) is not None:
                os.kill(process, signal.SIGKILL)
                seen.update({path.name: path.stat().st_mtime_ns for path in batch.output.glob("*.jpg")})

        thread = threading.Thread(target=kill)
        thread.start()
        yield seen
    thread.join()


@contextmanager
def watching(condition: Callable[[], bool], interval: float = _INTERVAL) -> Iterator[Callable[[], bool]]:
    """A function that waits until a condition holds, or the block has ended: whether it holds."""
    over = threading.Event()

    def wait() -> bool:
        while not condition():
            if over.wait(interval):
                return condition()
        return True

    try:
        yield wait
    finally:
        over.set()


def drawing(batch: Batch) -> int | None:
    """A process that draws: the one that has drawn last, or the command."""
    process = batch.output.with_suffix(".pid")
    while process.exists():
        if number := process.read_text():  # it may be about to be written
            return int(number)
        time.sleep(_INTERVAL)
    while not (batch.log.exists() and batch.log.read_text().endswith("\n")):
        time.sleep(_INTERVAL)
    return int(batch.log.read_text().splitlines()[-1].split()[0])


def ways() -> dict[str, Any]:
    """Those whose package is installed."""
    import importlib.util

    every = {"skisp apply": ("skisp", by_command), "joblib": ("joblib", by_joblib), "Dask": ("distributed", by_dask)}
    return {name: run for name, (module, run) in every.items() if importlib.util.find_spec(module)}


WAYS = ways()

if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    main()
