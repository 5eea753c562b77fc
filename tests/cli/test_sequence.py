"""The command ``skisp sequence``, on a small film."""

import numpy as np
import pytest

from skisp import StylePropagator
from skisp.cli import main
from skisp.datasets import load_photograph, make_style_image
from skisp.io import read_image, write_image
from skisp.io._frames import read_frames, write_animation

pytestmark = pytest.mark.usefixtures("quick_training")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A camera that pans, as a file and as a folder, and a style."""
    monkeypatch.chdir(tmp_path)
    photograph = load_photograph("china", size=48)
    frames = [photograph[:, i : i + 40] for i in range(3)]
    write_animation("film.png", frames, [80] * 3)
    (tmp_path / "frames").mkdir()
    for i, frame in enumerate(frames):
        write_image(f"frames/{i}.png", frame)
    write_image("style.png", make_style_image("waves", size=40, random_state=0))
    return tmp_path


def run(capsys, *arguments):
    status = main(["sequence", *arguments, "--style", "style.png", "--quiet"])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_frames_are_redrawn_as_a_sequence(folder, capsys):
    assert run(capsys, "frames", "-o", "out", "--seed", "1") == (0, "out/0.png\nout/1.png\nout/2.png\n", "")
    frames = [read_image(f"frames/{i}.png") for i in range(3)]
    propagator = StylePropagator(style_images=[read_image("style.png")], random_state=1).fit(frames[:1])
    for i, picture in enumerate(propagator.propagate_sequence(frames)):
        np.testing.assert_array_equal(read_image(f"out/{i}.png"), picture)
    # The same film as one file.
    assert run(capsys, "film.png", "-o", "redrawn.png", "--seed", "1") == (0, "redrawn.png\n", "")
    redrawn = read_frames("redrawn.png")
    assert redrawn.durations == [80] * 3
    for i, picture in enumerate(redrawn):
        np.testing.assert_array_equal(picture, read_image(f"out/{i}.png"))


def test_mistakes_end_in_one_line(folder, capsys):
    for arguments, message in [
        (("gone.gif", "-o", "out"), "cannot read gone.gif: there is no such file"),
        (("film.png", "-o", "film.png"), "would overwrite the original"),
        (("frames", "-o", "frames"), "exists already"),
    ]:
        status, out, err = run(capsys, *arguments)
        assert (status, out) == (2, "")
        assert message in err
        assert err.count("\n") == 1
