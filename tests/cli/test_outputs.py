"""What the command writes never costs a file that it reads, nor another result."""

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from skisp import StylePropagator
from skisp.cli import main
from skisp.io import read_image, write_image


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder, made current, with photographs, frames, a mask and a style; nothing is ever redrawn."""
    monkeypatch.chdir(tmp_path)
    for name in ("frames", "masks"):
        os.mkdir(name)
    for name in ("a.png", "b.png", "frames/1.jpg", "frames/2.jpg", "masks/a.png", "style.png"):
        write_image(name, np.full((20, 30, 3), 90, np.uint8))

    def fit(*_):
        raise AssertionError("work has begun")

    monkeypatch.setattr(StylePropagator, "fit", fit)
    monkeypatch.setattr("skisp.cli._styles.learn", lambda *_, **__: "a style")
    return tmp_path


def contents(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


PROPAGATE = ["propagate", "--style", "style.png"]
SEQUENCE = ["sequence", "--style", "style.png"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([*PROPAGATE, "a.png", "-o", "."], "a.png would overwrite the original"),
        ([*PROPAGATE, "a.png", "-o", "style.png"], "style.png would overwrite the original"),
        ([*PROPAGATE, "a.png", "-o", "link.png"], "link.png would overwrite the original"),
        ([*PROPAGATE, "a.png", "-o", "hard.png"], "hard.png would overwrite the original"),
        ([*PROPAGATE, "a.png", "--mask", "masks/a.png", "-o", "masks/a.png"], "masks/a.png would overwrite"),
        ([*PROPAGATE, "a.png", "--mask", "masks", "-o", "masks/new.png"], "would lie among the files of masks"),
        ([*PROPAGATE, "a.png", "--mask", "masks", "-o", "linked"], "linked/a.png would overwrite the original"),
        ([*SEQUENCE, "frames", "-o", "frames"], "frames/1.png would lie among the files of frames"),
        ([*SEQUENCE, "frames", "-o", "frames/film.gif"], "frames/film.gif would lie among the files of frames"),
        ([*SEQUENCE, "frames", "-o", "style.png"], "style.png would overwrite the original"),
        ([*SEQUENCE, "a.png", "-o", "a.png"], "a.png would overwrite the original"),
        (["fit", "a.png", "plain", "-o", "plain"], "plain would overwrite the original"),
        (["apply", "a.png", "--model", "model", "-o", "model"], "model"),
    ],
)
def test_no_file_that_is_read_is_written_even_by_force(folder, capsys, arguments, message):
    os.symlink("a.png", "link.png")
    os.link("a.png", "hard.png")
    os.mkdir("linked")
    os.symlink("../linked/a.png", "masks/b.png")
    write_image("linked/a.png", np.zeros((2, 2)))
    Path("model").write_bytes(b"model")
    shutil.copy("a.png", "plain")
    before = contents(folder)
    assert main([*arguments, "--force", "--quiet"]) == 2
    assert message in capsys.readouterr().err
    assert contents(folder) == before


@pytest.mark.parametrize("other", ["1.png", "1.PNG", "1.webp"])
def test_no_two_frames_go_to_one_file(folder, capsys, other):
    shutil.copy("a.png", f"frames/{other}")
    assert main([*SEQUENCE, "frames", "-o", "out", "--force"]) == 2
    assert re.search(r"1\.\w+ and 1\.\w+ would both be written to out/1\.png; rename one", capsys.readouterr().err)
    assert not os.path.exists("out")


@pytest.mark.parametrize("link", [False, True])
def test_no_two_photographs_go_to_one_file(folder, capsys, link):
    os.mkdir("out")
    if link:
        os.symlink("a.png", "out/b.png")
    assert main([*PROPAGATE, "a.png", "b.png" if link else "frames/A.png", "-o", "out", "--force"]) == 2
    assert "would both be written to out" in capsys.readouterr().err
    assert os.listdir("out") == ["b.png"] * link


@pytest.mark.parametrize(
    "command",
    [
        ["demo", "-o", "a.png"],
        ["styles", "-o", "kinds"],
        ["fit", "a.png", "-o", "kinds/old.skisp"],
        [*PROPAGATE, "a.png", "-o", "b.png"],
        [*SEQUENCE, "a.png", "-o", "b.png"],
    ],
)
def test_nothing_is_overwritten_without_force(folder, capsys, command):
    os.mkdir("kinds")
    write_image("kinds/waves.png", np.zeros((2, 2)))
    Path("kinds/old.skisp").touch()
    before = contents(folder)
    assert main(command) == 2
    assert "exists already; choose another output, or pass --force" in capsys.readouterr().err
    assert contents(folder) == before


class Half:
    """Stands in for StylePropagator: paints white where the mask is."""

    def __init__(self, **parameters):
        pass

    def fit(self, X):
        return self

    def transform(self, X, mask):
        return [np.rint(255 * mask[0]).astype(np.uint8)]


@pytest.fixture
def painted(folder, monkeypatch, capsys):
    """Redraws a.png with a mask; returns the status, what was painted, and what was said."""
    monkeypatch.setattr("skisp.StylePropagator", Half)

    def run(mask):
        status = main([*PROPAGATE, "a.png", "--mask", mask, "-o", "out/a.png", "--force", "--quiet"])
        return status, read_image("out/a.png") if status == 0 else None, capsys.readouterr().err

    return run


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_mask_of_zeros_and_ones_is_whole_whatever_its_alpha(painted, channels, dtype):
    mask = np.zeros((20, 30, channels), dtype)
    mask[:, :15] = 1
    if channels in (2, 4):
        mask[..., -1] = np.iinfo(dtype).max
        mask[:10, :, -1] = 0
    write_image("masks/a.png", mask)
    expected = (mask[..., 0] == 1) & (mask[..., -1] > 0)
    np.testing.assert_array_equal(painted("masks/a.png")[1], 255 * expected.astype(int))


def test_a_mask_is_the_picture_of_exactly_that_name(painted):
    for name in ("masks/a.night.png", "masks/b.png"):
        write_image(name, np.zeros((20, 30), np.uint8))
    for name in ("a.json", ".a.png", "a"):
        Path("masks", name).write_text("no picture")
    write_image("masks/a.png", np.full((20, 30), 255, np.uint8))
    assert painted("masks")[1].min() == 255
    os.remove("masks/a.png")
    assert "there is no mask of the same name in masks" in painted("masks")[2]
    for suffix in ("png", "webp"):
        write_image(f"masks/a.{suffix}", np.full((20, 30), 255, np.uint8))
    assert "a.png and a.webp in masks have its name; keep one" in painted("masks")[2]


@pytest.mark.parametrize(
    ("shape", "stretched"), [((20, 30), False), ((2, 3), False), ((201, 301), False), ((30, 20), True)]
)
def test_a_mask_of_other_proportions_is_named(painted, shape, stretched):
    write_image("masks/a.png", np.full(shape, 255, np.uint8))
    picture, said = painted("masks/a.png")[1:]
    assert picture.shape == (20, 30)
    assert ("is stretched to 30 x 20 of a.png" in said) == stretched
