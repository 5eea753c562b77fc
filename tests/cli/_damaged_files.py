"""Give damaged files to the command in a process of its own, and say how it went: a script for the tests.

All runs as for a user, but for the network that learns a style, which is a PCA here, for speed.
"""

import contextlib
import faulthandler
import io
import json
import os
import signal
import sys
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path

from sklearn.decomposition import PCA

from skisp import PatchTransformer
from skisp.cli import main
from skisp.io import read_image

SECONDS = 20  # for a file; far more than any takes
ARGUMENTS = {
    "frames": ["sequence", "{damaged}", "--style", "style.png", "-o", "out/"],
    "animation": ["sequence", "{damaged}", "--style", "style.png", "-o", "out/film.gif"],
    "mask": ["propagate", "photograph.png", "--style", "style.png", "--mask", "{damaged}", "-o", "out/"],
    "style": ["propagate", "photograph.png", "--style", "{damaged}", "-o", "out/"],
    "content": ["propagate", "{damaged}", "--style", "style.png", "-o", "out/"],
    "model": ["apply", "photograph.png", "--model", "{damaged}", "-o", "out/"],
}


class TooLong(BaseException):
    """Not an Exception: the command must not catch it."""


def too_long(*_):
    raise TooLong


def outcome(kind, path):
    """ "drawn", "refused", or what should not have been."""
    before = {file: file.read_bytes() for file in (path, Path("photograph.png"), Path("style.png"))}
    said = io.StringIO()
    signal.alarm(SECONDS)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
            arguments = [argument.format(damaged=path) for argument in ARGUMENTS[kind]]
            status = main([*arguments, "--size", "32", "--quiet"])  # a damaged header may say that it is huge
    except BaseException as error:
        return "".join(traceback.format_exception_only(error)[-1:]) + traceback.format_exc()[-600:]
    finally:
        signal.alarm(0)
    errors = [line for line in said.getvalue().splitlines() if not line.startswith(("skisp: note: ", "skisp: warning"))]
    written = [Path(folder, file) for folder, _, files in os.walk("out") for file in files]
    found = [file for file in written if not file.name.startswith(".skisp-settings")]
    changed = [str(file) for file, content in before.items() if file.read_bytes() != content]
    try:
        for file in found:
            if status == 0 or file.suffix in (".png", ".gif"):
                read_image(file)
    except (ValueError, OSError) as error:
        return f"half-written: {error}"
    finally:
        for file in written:
            file.unlink()
    if changed:
        return f"changed: {changed}"
    if status == 0:
        return "drawn" if found else "nothing written"
    is_clear = len(errors) == 1 and errors[0].startswith("skisp: error: ")
    return "refused" if is_clear and status in (1, 2) else f"unclear: status {status}, {errors}"


def run(folder):
    faulthandler.enable()
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, too_long)
    PatchTransformer._unfitted_transformer = lambda _: PCA(2)
    os.chdir(folder)
    results, slowest = {kind: Counter() for kind in ARGUMENTS}, 0.0
    for path in sorted(Path("damaged").rglob("*.*")):
        print(path, file=sys.stderr, flush=True)  # the last line tells which file crashed it
        start, kind = time.perf_counter(), path.parent.name
        result = outcome(kind, path)
        slowest = max(slowest, time.perf_counter() - start)
        results[kind][result if result in ("drawn", "refused") else f"{path.name}: {result}"] += 1
    print(json.dumps({"results": results, "slowest": slowest}))


if __name__ == "__main__":
    run(sys.argv[1])
