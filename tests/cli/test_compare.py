"""The command ``skisp compare``."""

import os
import shlex

import numpy as np
import pytest

from skisp import StylePropagator, preset
from skisp.cli import main
from skisp.datasets import load_photograph, make_style_image
from skisp.io import read_image, write_image

pytestmark = pytest.mark.usefixtures("quick_training")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder, made current, with a photograph and two styles."""
    monkeypatch.chdir(tmp_path)
    write_image("photo.png", load_photograph("china", size=48))
    for kind in ("waves", "halftone"):
        write_image(f"{kind}.png", make_style_image(kind, size=32, random_state=0))
    return tmp_path


def run(capsys, *arguments):
    status = main(["compare", "photo.png", "--size", "32", "--quiet", *arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_a_sheet_has_every_style_by_every_look_as_the_propagator_draws_them(folder, capsys):
    styles = ["--style", "waves.png", "--style", "halftone.png"]
    status, _, err = run(capsys, *styles, "--strength", "0", "1", "--preset", "bold", "-o", "sheet.png")
    assert (status, err) == (0, "")
    photograph, sheet = read_image("photo.png", size=32), read_image("sheet.png")
    height = photograph.shape[0]
    assert sheet.shape == (10 + 2 * (height + 30), 10 + 5 * 42, 3)
    cells = [[sheet[30 + i * (height + 30) :, 10 + j * 42 :][:height, :32] for j in range(5)] for i in range(2)]
    for kind, (_, *drawn) in zip(("waves", "halftone"), cells, strict=True):
        style = read_image(f"{kind}.png", size=32)
        np.testing.assert_array_equal(drawn[0], photograph)
        for look, cell in zip(({"strength": 0}, {}, preset("bold")), drawn[1:], strict=True):
            propagator = StylePropagator(style_images=[style], random_state=0, **look)
            np.testing.assert_array_equal(cell, propagator.fit_transform([photograph])[0])
    labels = [sheet[12:28, 10 + j * 42 :][:, :32] for j in range(5)]
    assert all(label.min() < 128 for label in labels)


def test_the_commands_that_are_printed_make_the_pictures(folder, capsys):
    os.rename("photo.png", "my photo.gif")
    more = ["--style-scale", "2", "--seed", "3", "--size", "32", "--quiet", "-o", "sheet.png"]
    assert main(["compare", "my photo.gif", "--style", "waves.png", "--strength", "0.25", *more]) == 0
    path, command = capsys.readouterr().out.splitlines()
    assert path == "sheet.png"
    expected = "skisp propagate --style waves.png --strength 0.25 --style-scale 2.0 --seed 3"
    assert command == f"{expected} -o 'my photo-waves-0.25.png' 'my photo.gif'"
    assert main([*shlex.split(command)[1:], "--quiet"]) == 0
    assert read_image("my photo-waves-0.25.png").shape == read_image("my photo.gif").shape


def test_each_style_is_learnt_once(folder, capsys, monkeypatch):
    from skisp.cli import _compare

    learnt, learn = [], _compare.learn
    monkeypatch.setattr(_compare, "learn", lambda *given: learnt.append(given[1]) or learn(*given))
    assert run(capsys, "--style", "waves.png", "--color", "only", "-o", "sheet.jpg")[0] == 0
    assert learnt == [["waves.png"]]
    assert read_image("sheet.jpg").shape[1] == 10 + 5 * 42  # strengths 0.5, 0.75 and 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--style", "gone.png", "-o", "sheet.png"), "cannot read the style gone.png: there is no such file"),
        (("--style", "waves.png", "-o", "photo.png", "--force"), "photo.png would overwrite the original"),
        (("--style", "waves.png", "-o", "halftone.png"), "halftone.png exists already"),
        (("--style", "waves.png", "-o", "sheet.gif"), "not a known image format"),
        (("--style", "waves.png", "--strength", "2", "-o", "sheet.png"), "not a number from 0 to 1"),
    ],
)
def test_mistakes_end_in_one_line(folder, capsys, arguments, message):
    status, out, err = run(capsys, *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err
