"""Read every file of a folder in a process with little memory, and say how it went: a script for the tests."""

import faulthandler
import json
import os
import signal
import sys
import time
import warnings
from contextlib import suppress
from pathlib import Path

from skisp.io import read_image, write_image

SECONDS = 10  # for a file; far more than any takes
WIDEST = 16_383  # in WebP
SUFFIXES = ("png", "jpg", "tif", "webp")


class TooLong(BaseException):
    """Not an Exception: what is read must not catch it."""


def too_long(*_):
    raise TooLong


def limit_memory(n_bytes):
    """No more than ``n_bytes`` on top of what the process has now."""
    import resource  # which not all systems have

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * os.sysconf("SC_PAGE_SIZE") + n_bytes
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def outcome(path, max_pixels):
    """ "read", "refused", or what should not have been."""
    signal.alarm(SECONDS)
    try:
        image, metadata = read_image(path, max_pixels=max_pixels, return_metadata=True)
    except (ValueError, OSError) as error:
        message = str(error)
        return "refused" if "\n" not in message and path.name in message else f"unclear: {message!r}"
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    finally:
        signal.alarm(0)
    if image.size > 4 * max_pixels:
        return f"too large: {image.shape}"
    return rewritten(path, image, metadata)


def rewritten(path, image, metadata):
    """What has been read can be written and read again, with all that the file said of it."""
    suffix = SUFFIXES[len(path.name) % len(SUFFIXES)]
    copy = path.parent / f"copy.{'png' if max(image.shape) > WIDEST else suffix}"
    try:
        if image.dtype.kind == "f":
            image = (image * 0).astype("u1")
        write_image(copy, image, metadata)
        return "read" if read_image(copy).shape[:2] == image.shape[:2] else "changed"
    except Exception as error:
        return f"not written: {type(error).__name__}: {error}"
    finally:
        with suppress(OSError):
            copy.unlink()


def main(folder, max_pixels, n_bytes):
    faulthandler.enable()
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, too_long)
    for path in sorted(Path(folder, "warm").iterdir()):  # codecs that are loaded at need are not counted
        outcome(path, max_pixels)
    limit_memory(n_bytes)
    results, slowest = {}, 0.0
    for path in sorted(Path(folder, "mutated").iterdir()):
        print(path.name, file=sys.stderr, flush=True)  # the last line tells which file crashed it
        start = time.perf_counter()
        results[path.name] = outcome(path, max_pixels)
        slowest = max(slowest, time.perf_counter() - start)
    print(json.dumps({"results": results, "slowest": slowest}))


if __name__ == "__main__":
    main(sys.argv[1], int(float(sys.argv[2])), int(float(sys.argv[3])))
