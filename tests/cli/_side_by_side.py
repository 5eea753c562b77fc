"""Photographs drawn side by side by a drawer that does what their names say: a script for the tests."""

import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path

from skisp.cli._drawing import Drawn
from skisp.cli._processes import drawn_side_by_side


class Obedient:
    def draw(self, job):
        name, target = job
        in_parent = multiprocessing.parent_process() is None
        target.write_text(f"{os.getpid()}")
        if name.startswith("killed") and not in_parent:
            os.kill(os.getpid(), signal.SIGKILL)
        if name.startswith("interrupted"):
            signal.raise_signal(signal.SIGINT)
        if name.startswith("long"):
            time.sleep(60)
        return Drawn("by its parent" if in_parent else None, 0.0)


if __name__ == "__main__":
    try:
        for (name, _), drawn in drawn_side_by_side(Obedient(), [(name, Path(name)) for name in sys.argv[1:]], 2):
            print(name, drawn.failure or "well", flush=True)
    except KeyboardInterrupt:
        print("interrupted")
