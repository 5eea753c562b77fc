"""Many small photographs drawn by several processes: as by one, and what becomes of them when one is ended."""

import os
import signal
import subprocess
import sys
import time
from argparse import Namespace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import skisp
from skisp.cli import _processes, _propagate, main
from skisp.io import write_image

pytestmark = pytest.mark.usefixtures("quick_training")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(skisp.__file__).parent.parent), "OMP_NUM_THREADS": "1"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Five photographs, of which one is damaged and one an animation, and a style."""
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    rng = np.random.default_rng(0)
    for name in ("style.png", *(f"photos/{i}.png" for i in range(4))):
        write_image(name, rng.integers(0, 256, (24, 32, 3), np.uint8))
    damaged = Path("photos/1.png").read_bytes()
    Path("photos/1.png").write_bytes(damaged[:-200])
    frames = [PIL.Image.new("RGB", (24, 24), color) for color in ("red", "blue")]
    frames[0].save("photos/4.gif", save_all=True, append_images=frames[1:])
    assert main(["fit", "style.png", "-o", "style.skisp", "--quiet"]) == 0
    return tmp_path


def test_several_processes_draw_and_say_what_one_does(folder, monkeypatch, capsys):
    said = {}
    for n in (1, 2):
        monkeypatch.setattr(_propagate, "n_processes", lambda *_, n=n: n)
        status = main(["apply", "photos", "--model", "style.skisp", "-o", "out", "--quiet"])
        pictures = {path.name: path.read_bytes() for path in Path("out").glob("*.*g")}
        noted = sorted(Path("out/.skisp-settings.jsonl").read_text().splitlines())
        said[n] = status, capsys.readouterr(), pictures, noted
        Path("out").rename(f"out{n}")
    assert said[1] == said[2]
    assert said[1][0] == 1
    assert len(said[1][2]) == 4
    assert "2 frames" in said[1][1].err


@pytest.mark.parametrize(
    ("number", "size", "n_processes"), [(1000, 64, 2), (30, 64, 1), (1000, 4000, 1)], ids=["many", "few", "large"]
)
def test_processes_are_started_where_they_are_worth_it(monkeypatch, number, size, n_processes):
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert _processes.n_processes(number, size**2, Namespace(jobs=2, device="cpu")) == n_processes


def run(tmp_path, *names):
    script = Path(__file__).with_name("_side_by_side.py")
    return subprocess.Popen(
        [sys.executable, str(script), *names], cwd=tmp_path, env=ENVIRONMENT, stdout=-1, stderr=-1, text=True
    )


def test_what_a_killed_process_leaves_is_drawn_by_the_first(tmp_path):
    out, err = run(tmp_path, "a", "killed", "b", "c").communicate()
    lines = [line.split(" ", 1) for line in out.splitlines()]
    assert [name for name, _ in lines] == ["a", "killed", "b", "c"]
    assert ["killed", "by its parent"] in lines
    assert err.count("\n") == 1
    assert "a process that drew was killed" in err


def test_ctrl_c_ends_all_and_tells_what_was_drawn(tmp_path):
    out, err = run(tmp_path, "a", "b", "interrupted", *"cdefgh").communicate()
    assert out.splitlines()[:2] == ["a well", "b well"]
    assert out.splitlines()[-1] == "interrupted"
    assert err == ""


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks for processes as Linux shows them")
def test_whatever_kills_the_command_kills_its_processes(tmp_path):
    with run(tmp_path, "long1", "long2") as process:
        files = [tmp_path / "long1", tmp_path / "long2"]
        wait_until(lambda: all(file.exists() and file.read_text() for file in files))
        process.send_signal(signal.SIGKILL)
    wait_until(lambda: not any(Path("/proc", file.read_text()).exists() for file in files))


def wait_until(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
