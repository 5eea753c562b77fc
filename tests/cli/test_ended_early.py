"""Work that is ended by SIGTERM, or for which the disk is too small, at many moments; the counts are printed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from skisp.io import write_image

from .._processes import ENVIRONMENT

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes and limits as Linux has them")


ALL = ["fit", "apply", "sequence", "search"]


def test_nothing_half_written_is_ever_read_back(tmp_path):
    """What is there is whole, and run again, a command or a search with a memory finishes as if undisturbed."""
    n_moments = int(os.environ.get("SKISP_MOMENTS", "1"))  # 20 take half an hour
    works = ALL if n_moments > 1 else ["sequence"]
    rng = np.random.default_rng(0)
    clean = tmp_path / "clean"
    (clean / "frames").mkdir(parents=True)
    for name in ("0.png", "1.png", "2.png", "style.png", "frames/0.png", "frames/1.png", "frames/2.png"):
        write_image(clean / name, rng.integers(0, 256, (24, 32, 3), np.uint8))
    command = [sys.executable, str(Path(__file__).with_name("_ended_early.py")), str(clean), str(n_moments), *works]
    done = subprocess.run(
        command, env=ENVIRONMENT | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-2500:]
    for work, counts in json.loads(done.stdout.splitlines()[-1]).items():
        print(work, counts)
        assert sum(counts.values()) == 2 * n_moments
