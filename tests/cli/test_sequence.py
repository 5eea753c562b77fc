"""The command ``skisp sequence``, on a small film."""

import json
import os
import struct
import sys

import numpy as np
import pytest

from skisp import StylePropagator
from skisp.cli import main
from skisp.cli._outputs import write_picture
from skisp.datasets import load_photograph, make_style_image
from skisp.io import ImageMetadata, read_film, read_image, write_image
from skisp.io._frames import read_frames, write_animation

from .._videos import described, make_video, packets

pytestmark = pytest.mark.usefixtures("quick_training")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A camera that pans, as a file and as a folder, and a style."""
    monkeypatch.chdir(tmp_path)
    photograph = load_photograph("china", size=32)
    frames = [photograph[:, i : i + 24] for i in range(3)]
    write_animation("film.png", frames, [80] * 3)
    (tmp_path / "frames").mkdir()
    for i, frame in enumerate(frames):
        write_image(f"frames/{i}.png", frame)
    write_image("style.png", make_style_image("waves", size=24, random_state=0))
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


def stopped_after(monkeypatch, n_frames, error):
    """While writing the next picture, the program is stopped."""
    n_written = iter(range(100))

    def write(*picture):
        if next(n_written) == n_frames:
            raise error
        write_picture(*picture)

    monkeypatch.setattr("skisp.cli._sequence.write_picture", write)


@pytest.mark.parametrize(
    ("output", "options"),
    [("out", ()), ("out", ("--color", "only")), ("out.png", ("--strength", "0.5")), ("out.png", ("--strength", "0"))],
)
def test_a_film_that_was_stopped_is_gone_on_with_bit_for_bit(folder, capsys, monkeypatch, output, options):
    whole = "whole" + output[3:]
    assert run(capsys, "frames", "-o", whole, *options)[0] == 0
    with monkeypatch.context() as patch:
        stopped_after(patch, 2, KeyboardInterrupt())
        status, _, err = run(capsys, "frames", "-o", output, *options)
    assert (status, err) == (130, "skisp: interrupted; 2 of 3 frames are written; the same command goes on with them\n")
    status, out, err = run(capsys, "frames", "-o", output, *options)
    assert (status, out) == (0, "out.png\n" if output == "out.png" else "out/2.png\n")
    assert err == "skisp: note: 2 of 3 frames exist already; --force redraws them\n"
    np.testing.assert_array_equal(list(read_frames(output)), list(read_frames(whole)))
    assert not os.path.exists("out.png.frames")
    assert output == "out.png" or sorted(os.listdir(output)) == ["0.png", "1.png", "2.png"]


@pytest.mark.parametrize("change", ["option", "weights", "style", "frame", "time", "picture", "force"])
def test_what_was_drawn_of_another_film_is_not_gone_on_with(folder, capsys, monkeypatch, change):
    command = ["frames", "-o", "out", "--color", "only"]
    if change == "weights":
        write_image("other.png", read_image("style.png")[::-1])
        command += ["--style", "other.png", "--style-weights"]
    with monkeypatch.context() as patch:
        stopped_after(patch, 1, KeyboardInterrupt())
        assert run(capsys, *command, *(["1,1"] if change == "weights" else []))[0] == 130
    options = {"option": ["--seed", "1"], "weights": ["1,2"], "force": ["--force"]}.get(change, [])
    if change == "time":
        os.utime("frames/2.png", (0, 0))
    if change in ("style", "frame"):
        name = "style.png" if change == "style" else "frames/2.png"
        write_image(name, read_image(name)[::-1])
    if change == "picture":
        os.remove("out/0.png")
    status, out, err = run(capsys, *command, *options)
    if change in ("picture", "force"):
        assert (status, out, err) == (0, "out/0.png\nout/1.png\nout/2.png\n", "")
    else:
        assert (status, out) == (2, "")
        assert "out holds frames of another film, or made otherwise" in err
        assert "choose another output, or pass --force" in err


def test_a_full_disk_loses_nothing_that_is_drawn(folder, capsys, monkeypatch):
    with monkeypatch.context() as patch:
        stopped_after(patch, 1, OSError(28, "No space left on device"))
        status, _, err = run(capsys, "frames", "-o", "out.gif", "--color", "only")
    assert status == 2
    assert "1 of 3 frames are written; the same command goes on" in err
    assert sorted(os.listdir("out.gif.frames")) == [".skisp-film.npz", "0.png"]
    assert run(capsys, "frames", "-o", "out.gif", "--color", "only")[:2] == (0, "out.gif\n")


def test_pictures_of_another_film_in_the_folder_are_named(folder, capsys):
    os.mkdir("out")
    write_image("out/3.png", np.zeros((4, 4)))
    status, _, err = run(capsys, "frames", "-o", "out", "--color", "only")
    assert (status, err) == (0, "skisp: note: out holds pictures that are not of this film, such as 3.png\n")


def test_size_shrinks_frames_and_style_alike(folder, capsys):
    assert run(capsys, "frames", "-o", "out", "--size", "16")[0] == 0
    frames = [read_image(f"frames/{i}.png", size=16) for i in range(3)]
    propagator = StylePropagator(style_images=[read_image("style.png", size=16)], random_state=0).fit(frames[:1])
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
    write_animation("huge.gif", [np.zeros((9, 9, 3), np.uint8)], [80])
    header = (folder / "huge.gif").read_bytes()
    (folder / "huge.gif").write_bytes(header[:6] + struct.pack("<HH", 9990, 9990) + header[10:])
    for arguments, message in [
        (("gone.gif", "-o", "out"), "cannot read the film gone.gif: there is no such file"),
        (("gone.gif", "-o", "out.gif"), "cannot read the film gone.gif: there is no such file"),
        (("film.png", "-o", "film.png"), "would overwrite the original"),
        (("frames", "-o", "film.jpg"), "'.jpg' is not a film or animation"),
        (("huge.gif", "-o", "out"), "it has 9990 x 9990 pixels, more than the 33554432 allowed; shrink the film"),
    ]:
        status, out, err = run(capsys, *arguments)
        assert (status, out) == (2, "")
        assert message in err
        assert err.count("\n") == 1


class TestFilms:
    """Two seconds of MP4."""

    @pytest.fixture
    def film(self, folder):
        pytest.importorskip("av")
        photograph = load_photograph("china", size=48)
        frames = [photograph[:24, i : i + 35] for i in range(6)]
        make_video("film.mp4", frames, starts=[0, 8, 16, 30, 40, 48], sound="aac")
        return frames

    @pytest.mark.parametrize("stopped", [False, True])
    def test_a_film_is_redrawn_with_its_times_and_sound(self, film, capsys, monkeypatch, stopped):
        command = ["film.mp4", "-o", "out.mp4", "--color", "only"]
        if stopped:
            with monkeypatch.context() as patch:
                stopped_after(patch, 2, KeyboardInterrupt())
                assert run(capsys, *command)[0] == 130
            assert sorted(os.listdir("out.mp4.frames")) == [".skisp-film.npz", "film-0.png", "film-1.png"]
        assert run(capsys, *command)[:2] == (0, "out.mp4\n")
        assert described("out.mp4")["times"] == described("film.mp4")["times"] == [0, 0.32, 0.64, 1.2, 1.6, 1.92]
        assert packets("out.mp4", "audio") == packets("film.mp4", "audio") != []
        frames = list(read_film("film.mp4"))
        assert frames[0].shape == (24, 35, 3)
        parameters = {"style_images": [read_image("style.png")], "random_state": 0, "color": "only"}
        wanted = StylePropagator(**parameters).fit(frames[:1]).propagate_sequence(iter(frames))
        for picture, there in zip(wanted, read_film("out.mp4"), strict=True):
            assert there.shape == (24, 36, 3)
            assert np.abs(there[:, :35].astype(float) - picture).mean() < 6
        assert not os.path.exists("out.mp4.frames")

    def test_into_a_folder_and_without_a_change(self, film, capsys):
        assert run(capsys, "film.mp4", "-o", "out", "--strength", "0", "--size", "20")[0] == 0
        for i, frame in enumerate(read_film("film.mp4", size=20)):
            np.testing.assert_array_equal(read_image(f"out/film-{i}.png"), frame)

    @pytest.mark.parametrize("output", ["out", "out.mp4", "out.gif"])
    def test_a_misspelt_film_is_named(self, film, capsys, output):
        message = "cannot read the film gone.mp4: there is no such file; check the spelling and the folder.\n"
        assert run(capsys, "gone.mp4", "-o", output) == (2, "", f"skisp: error: {message}")

    @pytest.mark.parametrize("output", ["out.mp4", "out.mkv", "out.avi"])
    def test_a_film_is_never_a_folder(self, film, capsys, monkeypatch, output):
        monkeypatch.setitem(sys.modules, "av", None)
        status, out, err = run(capsys, "frames", "-o", output)
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert "'.avi' is no film that is written" in err or "films need PyAV; run pip install av" in err
        assert not os.path.exists(output)


def test_a_style_that_was_learnt_before(folder, capsys):
    assert main(["fit", "style.png", "-o", "style.skisp", "--quiet"]) == 0
    assert run(capsys, "frames", "-o", "out")[0] == 0
    capsys.readouterr()
    assert main(["sequence", "frames", "--model", "style.skisp", "-o", "again", "--quiet"]) == 0
    np.testing.assert_array_equal(list(read_frames("again")), list(read_frames("out")))


def test_a_mask_says_where_frames_are_redrawn(folder, capsys):
    white = np.repeat([[0, 255]], 4, axis=0).astype(np.uint8).repeat(8, 1)
    write_image("mask.png", white)
    assert run(capsys, "frames", "-o", "whole", "--color", "only")[0] == 0
    assert run(capsys, "frames", "-o", "out", "--color", "only", "--mask", "mask.png")[0] == 0
    for i in range(3):
        frame, whole, picture = (read_image(f"{where}/{i}.png") for where in ("frames", "whole", "out"))
        np.testing.assert_array_equal(picture[:, :9], frame[:, :9])
        np.testing.assert_array_equal(picture[:, 15:], whole[:, 15:])
    os.mkdir("masks")
    write_image("masks/0.png", white)
    status, _, err = run(capsys, "frames", "-o", "some", "--color", "only", "--mask", "masks")
    assert status == 2
    assert "there is no mask of the same name in masks" in err


def test_that_a_mask_is_stretched_is_said_once(folder, capsys):
    write_image("mask.png", np.full((3, 8), 255, np.uint8))
    status, _, err = run(capsys, "frames", "-o", "out", "--color", "only", "--mask", "mask.png")
    assert (status, err.count("the mask mask.png of 8 x 3 pixels is stretched")) == (0, 1)


@pytest.mark.parametrize("output", ["out", "out.gif"])
def test_json_says_what_was_made(folder, capsys, output):
    status, out, _ = run(capsys, "frames", "-o", output, "--color", "only", "--json")
    made = ["out.gif"] if output == "out.gif" else ["out/0.png", "out/1.png", "out/2.png"]
    assert (status, json.loads(out)) == (0, [{"content": "frames", "output": path} for path in made])
