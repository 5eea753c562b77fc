"""The command ``skisp sequence``, on a small film."""

import numpy as np
import pytest

from skisp import StylePropagator
from skisp.cli import main
from skisp.datasets import load_photograph, make_style_image
from skisp.io import ImageMetadata, read_image, write_image
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


def test_styles_mix_as_in_the_propagator(folder, capsys):
    write_image("other.png", make_style_image("mosaic", size=40, random_state=0))
    status, out, _ = run(capsys, "frames", "-o", "out", "--style", "other.png", "--style-weights", "1,3")
    assert (status, out) == (0, "out/0.png\nout/1.png\nout/2.png\n")
    frames = [read_image(f"frames/{i}.png") for i in range(3)]
    styles = [read_image("other.png"), read_image("style.png")]
    propagator = StylePropagator(style_images=styles, style_weights=[1, 3], random_state=0).fit(frames[:1])
    for i, picture in enumerate(propagator.propagate_sequence(frames)):
        np.testing.assert_array_equal(read_image(f"out/{i}.png"), picture)


def test_what_the_files_of_frames_say_is_kept(folder, capsys):
    for i in range(3):
        write_image(f"frames/{i}.png", read_image(f"frames/{i}.png"), ImageMetadata(dpi=(100.0 + i, 100.0 + i)))
    assert run(capsys, "frames", "-o", "out")[0] == 0
    for i in range(3):
        metadata = read_image(f"out/{i}.png", return_metadata=True)[1]
        assert metadata.dpi == pytest.approx((100 + i, 100 + i), abs=0.02)  # stored in whole pixels a metre


def test_mistakes_end_in_one_line(folder, capsys):
    for arguments, message in [
        (("gone.gif", "-o", "out"), "cannot read gone.gif: there is no such file"),
        (("film.png", "-o", "film.png"), "would overwrite the original"),
        (("frames", "-o", "film.jpg"), "'.jpg' is not an animated format"),
    ]:
        status, out, err = run(capsys, *arguments)
        assert (status, out) == (2, "")
        assert message in err
        assert err.count("\n") == 1
