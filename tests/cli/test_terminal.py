"""The command on a terminal: progress shows, and clears."""

import os
import re
import select
import subprocess
import sys
import time

import numpy as np
import pytest

from skisp.datasets import load_photograph, make_style_image
from skisp.io import read_image, write_image

from .._processes import ENVIRONMENT

pty = pytest.importorskip("pty", reason="no pseudo-terminals here")
pytest.importorskip("rich")

pytestmark = pytest.mark.slow


def on_a_terminal(arguments, folder):
    """What the command writes on a pseudo-terminal as stderr, what on stdout, and its status."""
    terminal, there = pty.openpty()
    environment = ENVIRONMENT | {"TERM": "xterm-256color", "COLUMNS": "100"}
    process = subprocess.Popen(
        [sys.executable, "-m", "skisp", *arguments], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=there
    )
    os.close(there)
    shown, start = b"", time.monotonic()
    while time.monotonic() - start < 60:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                chunk = os.read(terminal, 65536)
            except OSError:  # the other end is closed
                break
            if not chunk:
                break
            shown += chunk
        elif process.poll() is not None:
            break
    os.close(terminal)
    out, _ = process.communicate(timeout=60)
    return shown.decode(), out.decode(), process.returncode


def test_bars_show_epochs_scales_and_time_left_and_clear(tmp_path):
    write_image(tmp_path / "china.jpg", load_photograph("china", size=128))
    write_image(tmp_path / "flower.png", load_photograph("flower", size=80)[..., 1])
    write_image(tmp_path / "style.png", make_style_image("waves", size=64, random_state=0))
    arguments = ["propagate", "china.jpg", "flower.png", "--style", "style.png", "-o", "out"]
    shown, out, status = on_a_terminal(arguments, tmp_path)
    assert (status, out) == (0, "out/china.jpg\nout/flower.png\n")
    for name in ("china.jpg", "flower.png"):
        before, after = read_image(tmp_path / name), read_image(tmp_path / "out" / name)
        assert after.shape == before.shape
        assert np.abs(after.astype(float) - before).mean() > 5
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert "learning the painting style.png" in text
    assert "redrawing china.jpg (1 of 2)" in text
    assert "100%" in text
    assert re.search(r"\d%, less than a minute left", text)
    assert "loss" not in text
    # The cursor is hidden while bars move and shown again; the last thing that is done to a line is to erase it.
    assert shown.rindex("\x1b[?25h") > shown.index("\x1b[?25l")
    assert shown.rindex("\x1b[2K") > shown.rindex("redrawing")
