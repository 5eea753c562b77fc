"""Seconds from a drop on the page of ``skisp app`` to the first preview, of a slider's answer, and of the full size.

Each photograph and painting go to a server that has just started, as a page sends them. Told are the time from the
drop to the first preview, in which the style is learnt, that of each of several strengths which are tried after it, and
that of the picture at full size. A browser adds what it takes to show them:

    python benchmarks/app.py [--sizes 640 4000] [--repeats 3] [--quick]
"""

import argparse
import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from urllib.parse import urlsplit

import numpy as np
import PIL.Image
from _pictures import Picture
from _report import Table, parsed_with_quick

from skisp.datasets import load_photograph, make_style_image

STRENGTHS = (0.9, 0.8, 0.7, 0.6, 0.5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[640, 4000], help="long sides of the photograph")
    parser.add_argument("--repeats", type=int, default=3, help="fresh servers for each size")
    arguments = parsed_with_quick(parser, sizes=[64], repeats=1)
    table = Table("Seconds after the drop", ("photograph", "first preview", "a slider's answer", "full size"))
    for size in arguments.sizes:
        photograph = enlarged(load_photograph("china"), size)
        times = [measured(photograph, min(size, 640)) for _ in range(arguments.repeats)]
        first, sliders, full = zip(*times, strict=True)
        name = f"{photograph.shape[1]} x {photograph.shape[0]}"
        table.add(name, first, [seconds for some in sliders for seconds in some], full)


def enlarged(image: Picture, long_side: int) -> Picture:
    """The photograph with another long side."""
    height, width = image.shape[:2]
    size = (long_side, round(long_side * height / width))
    return np.asarray(PIL.Image.fromarray(image).resize(size, PIL.Image.Resampling.LANCZOS))


def as_jpeg(image: Picture) -> bytes:
    file = BytesIO()
    PIL.Image.fromarray(image).save(file, "JPEG", quality=92)
    return file.getvalue()


def measured(photograph: Picture, style_side: int) -> tuple[float, list[float], float]:
    """The seconds of the first preview, of those with other strengths, and of the full size, of a fresh server."""
    painting = (255 * make_style_image("brush_strokes", size=style_side, random_state=0)).astype(np.uint8)
    files = {"photograph": as_jpeg(photograph), "painting": as_jpeg(painting)}
    with served() as address:
        start = time.perf_counter()
        keys = [
            json.loads(answer(address, f"/{role}", data, {"X-Name": f"{role}.jpg"}))["key"]
            for role, data in files.items()
        ]
        redraw(address, keys, strength=1.0)
        first = time.perf_counter() - start
        sliders = [seconds(address, keys, strength=strength) for strength in STRENGTHS]
        return first, sliders, seconds(address, keys, full=True)


def seconds(address: str, keys: list[str], *, full: bool = False, strength: float = 1.0) -> float:
    start = time.perf_counter()
    redraw(address, keys, full=full, strength=strength)
    return time.perf_counter() - start


def redraw(address: str, keys: list[str], *, full: bool = False, strength: float) -> None:
    """Have a picture redrawn, and fetch it."""
    wish = {"content": keys[0], "style": keys[1], "look": {"strength": strength}, "full": full}
    result = json.loads(answer(address, "/redraw", json.dumps(wish).encode()).splitlines()[-1])["result"]
    answer(address, f"/results/{result['key']}")


@contextmanager
def served() -> Iterator[str]:
    """A server that has just started, in a process of its own; gives its address."""
    command = [sys.executable, "-m", "skisp", "app", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            yield urlsplit((server.stdout or iter([])).readline().split()[0]).netloc
        finally:
            server.terminate()


def answer(address: str, path: str, data: bytes | None = None, headers: dict[str, str] | None = None) -> bytes:
    """What the server answers, which must be that all is well."""
    connection = http.client.HTTPConnection(address, timeout=300)
    connection.request("GET" if data is None else "POST", path, data, headers or {})
    got = connection.getresponse()
    body = got.read()
    if got.status != 200:
        raise RuntimeError(f"{path} was answered by {got.status}: {body[:200]!r}")
    return body


if __name__ == "__main__":
    main()
