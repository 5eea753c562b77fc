"""The command ``skisp``: what it writes, what it says, and what it does when something is wrong."""

import io
import json
import os
import re
import shutil
import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import skisp
from skisp._presets import PRESETS
from skisp._progress import report
from skisp.cli import main
from skisp.cli._parser import build_parser
from skisp.cli._progress import progress_shown
from skisp.cli._styles import _check_large_enough
from skisp.io import read_image, write_image

LONG = "x" * 300  # longer than a file name may be
PROPAGATE = ["propagate", "a.jpg", "--style", "style.png", "-o", "out"]
SEQUENCE = ["sequence", "c.gif", "--style", "style.png", "-o", "out"]


class StubPropagator:
    """Stands in for StylePropagator: inverts, and keeps what is asked of it."""

    def __init__(self, style=None, **options):
        self.style = style
        self.options = options

    def fit(self, X):
        StubPropagator.calls.append(self)
        if min(X[0].shape[:2]) < 7:
            raise ValueError("image 0 of X is smaller than a patch; pass a larger one.")
        return self

    def transform(self, X, mask=None):
        self.mask = mask
        if X[0].shape == (13, 13):
            raise KeyboardInterrupt
        report("redraw", 1, 3)
        report("redraw", 3, 3)
        return [255 - image for image in X]


class Learnt:
    """Stands in for a style that is learnt: keeps the pictures it is learnt from."""

    def __init__(self, images, paths, arguments):
        for image, path in zip(images, paths, strict=True):
            _check_large_enough(image, path, arguments.size)
        if max(image.max() for image in images) == 1:
            raise ValueError("image 0 of style_images is flat")
        Learnt.calls.append(self)
        self.images, self.seed = images, arguments.seed


@pytest.fixture
def calls(monkeypatch):
    StubPropagator.calls, Learnt.calls = [], []
    monkeypatch.setattr(skisp, "StylePropagator", StubPropagator)
    for module in ("_commands", "_styles"):
        monkeypatch.setattr(f"skisp.cli.{module}.learn", Learnt)
    return StubPropagator.calls


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder, made current, with three photographs and a style."""
    monkeypatch.chdir(tmp_path)
    for i, name in enumerate(["a.jpg", "b.png", "c.gif"]):
        image = np.full((20 + i, 30, 3), 10 * i, np.uint8)
        if name.endswith(".gif"):
            write_image("c.png", image)
            os.rename("c.png", "c.gif")
        else:
            write_image(name, image)
    write_image("style.png", np.full((16, 24, 3), 128, np.uint8))
    return tmp_path


def pictures_in(folder):
    return sorted(name for name in os.listdir(folder) if not name.startswith("."))


def run(capsys, *arguments):
    status = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return status, out, err


def fails(capsys, *arguments, status=2):
    """Run, and return the one line of the error."""
    actual, out, err = run(capsys, *arguments)
    assert actual == status
    assert out == ""
    assert err.startswith("skisp: error: ")
    assert err.count("\n") == 1
    return err


class TestPropagate:
    def test_into_a_folder(self, folder, calls, capsys):
        status, out, err = run(capsys, "propagate", "a.jpg", "b.png", "c.gif", "--style", "style.png", "-o", "new/out")
        assert status == 0
        assert out.split() == [os.path.join("new", "out", name) for name in ("a.jpg", "b.png", "c.png")]
        assert pictures_in("new/out") == ["a.jpg", "b.png", "c.png"]
        np.testing.assert_array_equal(read_image("new/out/b.png"), 255 - read_image("b.png"))
        assert re.search(r"redrawing b\.png \(2 of 3\), less than a minute left \.\.\.", err)

    def test_the_style_is_learnt_once_before_the_first_photograph(self, folder, calls, capsys):
        run(capsys, "propagate", "gone.png", "a.jpg", "b.png", "c.gif", "--style", "style.png", "-o", "out")
        [style] = Learnt.calls
        assert [call.style for call in calls] == [style] * 3

    def test_options_reach_the_propagator(self, folder, calls, capsys):
        options = ["--strength", "0.5", "--seed", "3", "--device", "cpu", "--size", "12"]
        options += ["--style-scale", "2", "--color", "content"]
        run(capsys, "propagate", "a.jpg", "b.png", "--style", "style.png", "-o", "out", *options)
        wanted = {"strength": 0.5, "style_scale": 2.0, "color": "content", "random_state": 3, "device": "cpu"}
        wanted = skisp.preset("balanced") | wanted
        assert [call.options for call in calls] == [wanted] * 2
        assert Learnt.calls[0].images[0].shape == (8, 12, 3)
        assert Learnt.calls[0].seed == 3
        assert read_image("out/a.jpg").shape == (8, 12, 3)

    @pytest.mark.parametrize("name", PRESETS)
    def test_a_preset_says_the_look_and_options_change_it(self, folder, calls, capsys, name):
        command = ["propagate", "a.jpg", "--style", "style.png", "--preset", name, "--quiet"]
        run(capsys, *command, "-o", "out")
        run(capsys, *command, "-o", "new", "--strength", "0.3")
        assert calls[0].options.items() >= skisp.preset(name).items()
        assert calls[1].options == {**calls[0].options, "strength": 0.3}

    def test_into_a_file(self, folder, calls, capsys):
        assert run(capsys, "propagate", "a.jpg", "--style", "style.png", "-o", "new/b.webp")[:2] == (0, "new/b.webp\n")
        assert pictures_in("new") == ["b.webp"]

    @pytest.mark.parametrize("name", ["out.v2", "out.png/"])
    def test_a_folder_may_look_like_a_file(self, folder, calls, capsys, name):
        assert run(capsys, "propagate", "a.jpg", "--style", "style.png", "-o", name)[0] == 0
        assert pictures_in(name) == ["a.jpg"]

    def test_a_folder_stands_for_its_pictures(self, folder, calls, capsys):
        os.mkdir("photos")
        for name in ("a.jpg", "b.png"):
            os.rename(name, f"photos/{name}")
        Path("photos/notes.txt").write_text("no picture")
        status, out, _ = run(capsys, "propagate", "photos", "c.gif", "--style", "style.png", "-o", "out", "--quiet")
        assert (status, out.split()) == (0, ["out/a.jpg", "out/b.png", "out/c.png"])
        os.rename("photos/a.jpg", "photos/a.gif")
        error = fails(capsys, "propagate", "photos", "--style", "style.png", "-o", "photos", "--force")
        assert "would overwrite the original" in error or "would lie among the files of photos" in error

    @pytest.mark.parametrize("change", ["strength", "style", "photograph", "mask"])
    def test_pictures_that_were_made_otherwise_are_not_taken(self, folder, calls, capsys, change):
        write_image("mask.png", np.full((4, 4), 255, np.uint8))
        command = ["propagate", "a.jpg", "b.png", "--style", "style.png", "--mask", "mask.png", "-o", "out", "--quiet"]
        assert run(capsys, *command)[0] == 0
        assert run(capsys, *command, "--strength", "1", "--preset", "balanced")[:2] == (0, "")
        more = ["--strength", "0.5"] if change == "strength" else []
        changed = {"style": "style.png", "photograph": "b.png", "mask": "mask.png"}.get(change)
        if changed:
            write_image(changed, read_image(changed) // 2)
        error = fails(capsys, *command, *more)
        said = {"strength": "strength 1.0, now 0.5", "style": "the style style.png [", "mask": "--mask mask.png ["}
        assert said.get(change, "the photograph b.png [") in error
        assert "choose another output, or pass --force" in error
        assert run(capsys, *command, *more, "--force")[0] == 0
        assert run(capsys, *command, *more)[:2] == (0, "")

    @pytest.mark.parametrize("damage", [b'\n["b.png", {"stren', b"\n\xff\x00", b"\n[1]\n7\n[[], {}]"])
    def test_what_is_damaged_of_the_record_hides_no_other_picture(self, folder, calls, capsys, damage):
        command = ["propagate", "--style", "style.png", "-o", "out", "--quiet"]
        assert run(capsys, *command, "a.jpg")[0] == 0
        with open("out/.skisp-settings.jsonl", "ab") as file:
            file.write(damage)
        assert run(capsys, *command, "b.png")[0] == 0
        for name in ("a.jpg", "b.png"):
            assert f"{name} exists already and was made otherwise" in fails(capsys, *command, name, "--seed", "1")
        assert run(capsys, *command, "a.jpg", "b.png")[:2] == (0, "")

    @pytest.mark.parametrize("suffix", ["jpg", "webp"])
    def test_the_quality_of_files(self, folder, calls, capsys, suffix):
        noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
        write_image("n.png", noise)
        sizes = []
        for options in (["--quality", "20"], [], ["--quality", "100"]):
            output = f"n{len(sizes)}.{suffix}"
            command = ["propagate", "n.png", "--style", "style.png", "-o", output, "--quiet"]
            assert run(capsys, *command, *options)[0] == 0
            sizes.append(os.path.getsize(output))
        assert sizes == sorted(set(sizes))

    def test_a_picture_of_more_pixels_is_redrawn_where_that_is_meant(self, folder, calls, capsys):
        write_image("mask.png", np.full((30, 40), 255, np.uint8))
        command = ["propagate", "a.jpg", "--style", "style.png", "-o", "out.tif", "--quiet"]
        assert "20 pixels, more than the 599 allowed; " in fails(capsys, *command, "--max-pixels", "599")
        assert "--max-pixels" in fails(capsys, *command, "--max-pixels", "599")
        assert "1199 allowed" in fails(capsys, *command, "--max-pixels", "1199", "--mask", "mask.png")
        assert not calls
        assert run(capsys, *command, "--max-pixels", "1200", "--mask", "mask.png")[:2] == (0, "out.tif\n")

    def test_what_exists_already_is_left_without_force(self, folder, calls, capsys):
        os.mkdir("out")
        write_image("out/a.jpg", np.zeros((2, 2)))
        command = ["propagate", "a.jpg", "b.png", "--style", "style.png", "-o", "out"]
        status, out, err = run(capsys, *command, "--quiet")
        assert (status, out) == (0, "out/b.png\n")
        assert err == "skisp: note: 1 of 2 pictures exist already and are kept; --force redraws them\n"
        assert read_image("out/a.jpg").shape == (2, 2)
        assert len(calls) == 1
        assert run(capsys, *command)[:2] == (0, "")
        assert run(capsys, *command, "--force")[0] == 0
        assert read_image("out/a.jpg").shape == (20, 30, 3)

    def test_several_styles_are_mixed(self, folder, calls, capsys):
        styles = ["--style", "style.png", "--style", "b.png"]
        run(capsys, "propagate", "a.jpg", "b.png", *styles, "--style-weights", "3,1", "-o", "out")
        assert [call.style for call in calls] == [Learnt.calls] * 2
        assert [len(learnt.images) for learnt in Learnt.calls] == [1, 1]
        assert [call.options["style_weights"] for call in calls] == [[3.0, 1.0]] * 2
        run(capsys, "propagate", "a.jpg", *styles, "-o", "equal")
        assert calls[-1].options["style_weights"] == [1.0, 1.0]

    @pytest.mark.parametrize("channels", [1, 2])
    def test_a_grey_style_is_mixed_in_colour(self, folder, calls, capsys, channels):
        write_image("grey.png", np.full((16, 24, channels), 100, np.uint8))
        styles = ["--style", "grey.png", "--style", "style.png"]
        assert run(capsys, "propagate", "a.jpg", *styles, "-o", "out")[0] == 0
        [grey], [colour] = (learnt.images for learnt in Learnt.calls)
        assert (grey.shape, colour.shape) == ((16, 24, channels + 2), (16, 24, 3))
        assert (grey[..., :3] == 100).all()

    def test_a_mask_is_fitted_to_each_photograph(self, folder, calls, capsys):
        write_image("mask.png", np.repeat([[0, 255]], 4, axis=0).astype(np.uint8))
        run(capsys, "propagate", "a.jpg", "b.png", "--style", "style.png", "-o", "out", "--mask", "mask.png")
        [mask] = calls[1].mask
        assert mask.shape == (21, 30)
        assert (mask[:, 0].max(), mask[:, -1].min()) == (0.0, 1.0)

    def test_a_folder_of_masks_has_one_of_each_name(self, folder, calls, capsys):
        os.mkdir("masks")
        os.rename("a.jpg", "a[1].jpg")
        write_image("masks/a[1].png", np.full((4, 4), 255, np.uint8))
        command = ["propagate", "a[1].jpg", "b.png", "--style", "style.png", "-o", "out", "--mask", "masks", "--quiet"]
        status, out, err = run(capsys, *command)
        assert (status, out) == (1, "out/a[1].jpg\n")
        assert "cannot redraw b.png: there is no mask of the same name in masks" in err

    def test_json_says_what_was_done(self, folder, calls, capsys):
        os.mkdir("out")
        write_image("out/a.jpg", np.zeros((2, 2)))
        command = ["propagate", "a.jpg", "b.png", "gone.jpg", "--style", "style.png", "-o", "out", "--json", "--quiet"]
        status, out, _ = run(capsys, *command)
        assert status == 1
        records = json.loads(out)
        assert [(r["content"], r["output"], r["status"]) for r in records] == [
            ("a.jpg", "out/a.jpg", "kept"),
            ("b.png", "out/b.png", "written"),
            ("gone.jpg", "out/gone.jpg", "failed"),
        ]
        assert records[1]["seconds"] >= 0
        assert out == json.dumps(records, indent=2) + "\n"  # for people as well
        assert "no such file" in records[2]["error"]

    def test_the_number_of_cores(self, folder, calls, capsys, monkeypatch):
        asked = []
        monkeypatch.setattr("torch.set_num_threads", asked.append)
        run(capsys, "propagate", "a.jpg", "--style", "style.png", "-o", "out", "--jobs", "1")
        run(capsys, "propagate", "a.jpg", "--style", "style.png", "-o", "new", "--jobs", "100000")
        assert asked == [1, os.cpu_count()]

    def test_others_are_done_when_some_fail(self, folder, calls, capsys):
        write_image("small.png", np.zeros((3, 3, 3)))
        status, out, err = run(
            capsys,
            "propagate",
            "small.png",
            "a.jpg",
            "gone.jpg",
            "b.png",
            "--style",
            "style.png",
            "-o",
            "out",
            "--quiet",
        )
        assert status == 1
        assert out.split() == ["out/a.jpg", "out/b.png"]
        assert err.splitlines() == [
            "skisp: error: cannot read the photograph gone.jpg: there is no such file; check the spelling and the "
            "folder.",
            "skisp: error: cannot redraw the photograph small.png: it is smaller than a patch; pass a larger one.",
            "skisp: 2 of 4 pictures failed: gone.jpg, small.png",
        ]
        assert pictures_in("out") == ["a.jpg", "b.png"]

    @pytest.mark.parametrize("style", ["style.png", "gone.png", "small.png"])
    def test_no_folder_is_left_when_all_fail(self, folder, calls, capsys, style):
        write_image("small.png", np.zeros((6, 30)))
        assert fails(capsys, "propagate", "gone.jpg", "--style", style, "-o", "out/a/b")
        assert not os.path.exists("out")

    def test_what_was_done_is_said_as_json_also_after_an_interruption(self, folder, calls, capsys, monkeypatch):
        write_image("stop.png", np.zeros((13, 13)))
        command = ["propagate", "a.jpg", "stop.png", "--style", "style.png", "-o", "out", "--quiet", "--json"]
        status, out, _ = run(capsys, *command)
        assert (status, [record["status"] for record in json.loads(out)]) == (130, ["written"])

        def stop(*_, **__):
            raise KeyboardInterrupt

        monkeypatch.setattr("skisp.cli._styles.learn", stop)
        status, out, _ = run(capsys, *command)
        assert (status, [record["status"] for record in json.loads(out)]) == (130, ["kept"])

    def large(self, name="large.png"):
        write_image(name, np.full((300, 600, 3), 7, np.uint8))
        write_image("mask.png", np.full((300, 600), 255, np.uint8))
        return ["propagate", name, "--style", "style.png", "--mask", "mask.png", "--quiet"]

    def test_a_preview_lies_there_until_the_picture_is_drawn(self, folder, calls, capsys, monkeypatch):
        seen, transform = [], StubPropagator.transform

        def looking(self, X, mask=None):
            there = [read_image(path).shape[:2] for path in sorted(Path("out").glob("*.png"))]
            seen.append((X[0].shape[:2], mask[0].shape, there))
            return transform(self, X, mask)

        monkeypatch.setattr(StubPropagator, "transform", looking)
        assert run(capsys, *self.large(), "-o", "out", "--preview") == (0, "out/large.png\n", "")
        small, full = (256, 512), (300, 600)
        assert seen == [(small, small, []), (full, full, [small])]
        assert read_image("out/large.png").shape[:2] == full

    def test_a_small_photograph_needs_no_preview(self, folder, calls, capsys):
        assert run(capsys, "propagate", "a.jpg", "--style", "style.png", "-o", "out", "--preview")[0] == 0
        assert len(calls) == 1

    @pytest.mark.parametrize("output", ["out", "out/large.png"])
    def test_no_preview_is_left_where_no_picture_comes(self, folder, calls, capsys, monkeypatch, output):
        def stop(self, X, mask=None):
            if X[0].shape[0] == 300:
                raise KeyboardInterrupt
            return X

        monkeypatch.setattr(StubPropagator, "transform", stop)
        assert run(capsys, *self.large(), "-o", output, "--preview")[0] == 130
        assert not Path("out").exists() or pictures_in("out") == []

    @pytest.mark.parametrize("again", [["--preview"], []])
    def test_a_preview_is_not_taken_for_the_picture_after_a_kill(self, folder, calls, capsys, monkeypatch, again):
        """What lies there while the second picture is drawn is what SIGKILL would leave."""
        transform = StubPropagator.transform

        def leaving(self, X, mask=None):
            if X[0].shape[0] == 300 and len(pictures_in("out")) == 2:
                shutil.copytree("out", "killed")
            return transform(self, X, mask)

        command = self.large()
        command.insert(1, "a.jpg")
        with monkeypatch.context() as patched:
            patched.setattr(StubPropagator, "transform", leaving)
            assert run(capsys, *command, "-o", "out", "--preview")[0] == 0
        assert read_image("killed/large.png").shape == (256, 512, 3)
        command.remove("--quiet")
        status, out, err = run(capsys, *command, "-o", "killed", *again)
        assert (status, out) == (0, "killed/large.png\n")
        assert "1 of 2 pictures exist already and are kept" in err
        assert Path("killed/large.png").read_bytes() == Path("out/large.png").read_bytes()
        assert run(capsys, *command, "-o", "killed", *again)[:2] == (0, "")

    def test_floats_are_written_with_16_bits(self, folder, calls, capsys, monkeypatch):
        values = np.linspace(0, 1, 600, dtype=np.float32).reshape(20, 30)
        PIL.Image.fromarray(values).save("a.tif")
        monkeypatch.setattr(StubPropagator, "transform", lambda _, X, mask=None: X)
        assert run(capsys, "propagate", "a.tif", "--style", "style.png", "-o", "out")[0] == 0
        np.testing.assert_array_equal(read_image("out/a.tif"), np.rint(values * 65535).astype(np.uint16))

    @pytest.mark.parametrize("pattern", ["[ab].*", "?.[jp][pn]g", "*.[jp][pn]g"])
    def test_patterns_are_expanded_where_the_shell_does_not(self, folder, calls, capsys, pattern):
        os.remove("style.png")
        assert run(capsys, "propagate", pattern, "--style", "c.*", "-o", "out", "--quiet")[1].split() == [
            "out/a.jpg",
            "out/b.png",
        ]

    def test_a_file_of_the_very_name_is_no_pattern(self, folder, calls, capsys):
        os.rename("a.jpg", "[ab].jpg")
        os.rename("b.png", "a.jpg")
        assert (
            run(capsys, "propagate", "[ab].jpg", "--style", "style.png", "-o", "out", "--quiet")[1] == "out/[ab].jpg\n"
        )

    def test_interrupted(self, folder, calls, capsys):
        write_image("stop.png", np.zeros((13, 13)))
        status, out, err = run(
            capsys, "propagate", "a.jpg", "stop.png", "b.png", "--style", "style.png", "-o", "out", "--quiet"
        )
        assert status == 130
        assert out.split() == ["out/a.jpg"]
        assert err == "skisp: interrupted; 1 of 3 pictures are written\n"
        assert pictures_in("out") == ["a.jpg"]


class TestErrors:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ([], "required: COMMAND"),
            (["paint"], "invalid choice: 'paint'"),
            (["propagate", "a.jpg", "--style", "style.png"], "required: -o/--output (see skisp propagate --help)"),
            (["propagate", "--style", "style.png", "-o", "out"], "required: CONTENT"),
            (
                [*PROPAGATE, "--strenght=1"],
                "unrecognized arguments: --strenght=1; did you mean --strength? (see skisp propagate --help)",
            ),
            (["fit", "--style", "style.png", "-o", "x.skisp"], "arguments: --style (see skisp fit --help)"),
            ([*PROPAGATE, "--size", "0"], "positive number of pixels"),
            ([*PROPAGATE, "--size", "big"], "positive number of pixels"),
            ([*PROPAGATE, "--seed", "-1"], "whole number"),
            ([*PROPAGATE, "--strength", "2"], "from 0 to 1"),
            ([*PROPAGATE, "--strength", "nan"], "from 0 to 1"),
            ([*PROPAGATE, "--style-scale", "0"], "greater than 0"),
            ([*PROPAGATE, "--color", "blue"], "invalid choice"),
            ([*PROPAGATE, "--jobs", "0"], "at least 1"),
            ([*PROPAGATE, "--style-weights", "1,2"], "more than once"),
            ([*PROPAGATE, "--style-weights", "0"], "such as 3,1"),
            (["apply", "a.jpg", "--model", "gone.skisp", "-o", "out"], "gone.skisp: there is no such file"),
            (["apply", "a.jpg", "--model", "a.jpg", "-o", "out"], "a.jpg"),
            (["fit", "gone.png", "-o", "style.skisp"], "cannot read the style gone.png: there is no such file"),
            ([*PROPAGATE, "--device", "abacus"], "use 'auto' or 'cpu'"),
            (
                ["propagate", "a.jpg", "--style", "gone.png", "-o", "out"],
                "cannot read the style gone.png: there is no such file",
            ),
            ([*PROPAGATE, "--style-scale", "9"], "--style-scale must be a"),
            ([*SEQUENCE, "--device", "abacus"], "error: --device 'abacus'"),
            (
                ["propagate", "a.jpg", "--style", "hidden.png", "-o", "out"],
                "hidden.png has 40 x 5 pixels that can be seen, too few",
            ),
            (["propagate", "a.jpg", "--style", ".", "-o", "out"], "it is a folder"),
            (["propagate", "a.jpg", "--style", "thin.png", "-o", "out"], "thin.png has 40 x 6 pixels, too few"),
            ([*PROPAGATE, "--size", "6"], "or a larger --size"),
            (["propagate", "a.jpg", "--style", "nan.tif", "-o", "out"], "read the style nan.tif: it contains NaN"),
            (["fit", "style.png", "thin.png", "-o", "x.skisp"], "thin.png has 40 x 6 pixels, too few"),
            (["fit", "style.png", "-o", "x.png"], "x.png is the name of a picture; name a file for the style"),
            (["fit", "style.png", "-o", ""], "-o/--output: the name is empty"),
            (["propagate", "", "--style", "style.png", "-o", "out"], "cannot read '': there is no such file"),
            (["propagate", "a.jpg", "--style", "style.png", "-o", LONG], f"write {LONG}/a.jpg: File name too long"),
            (["sequence", "c.gif", "--style", "style.png", "-o", LONG], f"cannot write {LONG}/c-0.png: File name too"),
            (["styles", "-o", LONG], "File name too long; choose another output"),
            (["fit", "style.png", "-o", LONG], f"cannot write {LONG}: File name too long; choose another output"),
            ([*PROPAGATE, "--mask", "gone/"], "cannot read the mask gone: there is no such file"),
            (["propagate", "a.jpg", "--style", "style.png", "-o", ""], "-o/--output: the name is empty"),
            (["propagate", "a.jpg", "--style", "style.png", "-o", "out.mp4"], "'.mp4' is not a known image format"),
            (["sequence", "c.gif", "--style", "style.png", "-o", "out.avi"], "'.avi' is no film that is written"),
            (["sequence", "c.gif", "--style", "style.png", "-o", "out.jpg"], "'.jpg' is not a film or animation"),
            (["sequence", "c.gif", "-o", "out.gif"], "one of the arguments --style --model is required"),
            ([*PROPAGATE, "--mask", "x.png"], "read the mask x.png: there"),
            ([*PROPAGATE, "--mask", "empty"], "no mask of the same name"),
            ([*SEQUENCE, "--mask", "a.txt"], "the mask a.txt: it is not"),
            ([*SEQUENCE, "--mask", "empty"], "error: cannot redraw c-0.png: there is no mask of the same name"),
            (["compare", "a.jpg", "--style", "style.png", "-o", "out"], "name a file, such as sheet.png"),
            (
                ["propagate", "empty", "--style", "style.png", "-o", "out"],
                "empty: it is a folder; give the files in it",
            ),
            (
                ["propagate", "film.mp4", "--style", "style.png", "-o", "out"],
                "it is a film, not a picture; skisp sequence redraws films",
            ),
            (
                ["propagate", "*.bmp", "--style", "style.png", "-o", "out"],
                "the photograph *.bmp: there is no such file",
            ),
            (["propagate", "a.jpg", "b.png", "--style", "style.png", "-o", "o.png"], "name a folder instead"),
            (
                ["propagate", "a.jpg", "--style", "style.png", "-o", "o.gif"],
                "not a known image format; use one of .png",
            ),
            (["propagate", "a.jpg", "--style", "style.png", "-o", "a.txt"], "cannot write a.txt: the suffix '.txt'"),
            (["propagate", "a.jpg", "--style", "style.png", "-o", "a.txt/out"], "cannot write to a.txt"),
            (["propagate", "a.jpg", "x/a.jpg", "--style", "style.png", "-o", "out"], "rename one"),
            (["propagate", "a.gif", "x/A.png", "--style", "style.png", "-o", "out"], "rename one"),
        ],
    )
    def test_one_line_and_no_work(self, folder, calls, capsys, arguments, message):
        (folder / "a.txt").write_text("text")
        (folder / "empty").mkdir()
        (folder / "film.mp4").write_bytes(b"\0\0\0\x20ftypisom" + bytes(99))
        write_image("thin.png", np.zeros((6, 40)))
        hidden = np.full((40, 40, 4), 200, np.uint8)
        hidden[5:, :, 3] = 0
        write_image("hidden.png", hidden)
        PIL.Image.fromarray(np.full((9, 9), np.nan, np.float32)).save("nan.tif")
        before = sorted(os.listdir())
        assert message in fails(capsys, *arguments)
        assert calls == []
        assert sorted(os.listdir()) == before

    def test_folder_that_cannot_be_written_to(self, folder, calls, capsys, monkeypatch):
        def refuse(*args, **kwargs):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("pathlib.Path.touch", refuse)
        error = fails(capsys, "propagate", "a.jpg", "--style", "style.png", "-o", "out")
        assert "cannot write to out: Permission denied; choose another output" in error
        assert calls == []


def test_help_tells_what_every_argument_is_for():
    [commands] = [action for action in build_parser()._actions if action.dest == "command"]
    for command in commands.choices.values():
        assert command.description
        assert [action.dest for action in command._actions if not action.help] == []


class TestProgress:
    def test_lines(self, capsys):
        with progress_shown("learning a.jpg"):
            for done in range(1, 101):
                report("fit C-VAE", done, 100)
            report("images", 0, 1)
            report("images", 1, 1)
            report("redraw", 3, 3)
        out, err = capsys.readouterr()
        assert out == ""
        assert re.fullmatch(r"learning a\.jpg \.\.\.\nlearning a\.jpg: done in \d+\.\d s\n", err)

    def test_every_step_and_the_loss_only_if_asked_for(self, capsys):
        with progress_shown("learning a.jpg", Namespace(verbose=True)):
            report("fit C-VAE", 1, 2, "loss 3")
        assert "learning a.jpg: fit C-VAE, 1 of 2 loss 3\n" in capsys.readouterr().err

    def test_how_far_it_is_and_how_long_it_will_take(self, capsys, monkeypatch):
        clock = [0.0]
        monkeypatch.setattr("skisp.cli._progress.time.monotonic", lambda: clock[0])
        with progress_shown("redrawing film.mp4", left=", about an hour left"):
            report("frames", 1, 5)
            report("redraw", 3, 4)  # within the frame
            clock[0] = 100.0
            report("frames", 2, 5)
        out = capsys.readouterr().err.splitlines()
        assert out[0] == "redrawing film.mp4, about an hour left ..."
        assert out[1] == "redrawing film.mp4: 2 of 5 frames, about 5 minutes left"

    def test_bars_on_a_terminal(self, capsys, monkeypatch):
        pytest.importorskip("rich")

        class Terminal(io.StringIO):
            def isatty(self):
                return True

        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.setattr(sys, "stderr", Terminal())
        with progress_shown("[a].jpg"):
            report("fit C-VAE", 1, 2, "loss 3.0")
            print("a path", flush=True)
        with progress_shown("b.jpg", left=", about 2 hours left"):  # of the batch: one time is enough
            report("redraw", 1, 9)
            report("redraw", 2, 9)
        assert capsys.readouterr().out == "a path\n"
        assert "22%" in sys.stderr.getvalue()
        assert "minute left" not in sys.stderr.getvalue()
        assert "[a].jpg" in sys.stderr.getvalue()
        assert "loss" not in sys.stderr.getvalue()
        assert "50%" in sys.stderr.getvalue()

    def test_without_rich(self, capsys, monkeypatch):
        monkeypatch.setitem(sys.modules, "rich.console", None)
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
        with progress_shown("a.jpg"):
            report("redraw", 3, 3)
        assert capsys.readouterr().err.startswith("a.jpg ...\n")


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"skisp {skisp.__version__}\n"


@pytest.mark.parametrize("command", [[], ["propagate"], ["sequence"], ["compare"], ["demo"], ["styles"]])
def test_help(capsys, command):
    with pytest.raises(SystemExit) as stop:
        main([*command, "--help"])
    assert stop.value.code == 0
    assert "usage: skisp" in capsys.readouterr().out


class TestDemoAndStyles:
    @pytest.fixture
    def pictures(self, monkeypatch):
        import skisp.datasets

        def make_style_image(kind, size=256, random_state=None):
            height, width = (size, size) if isinstance(size, int) else size
            return np.full((height, width, 3), random_state / 10, np.float32)

        def load_photograph(name, size):
            assert name == "china"
            return np.zeros((size * 2 // 3, size, 3), np.uint8)

        monkeypatch.setattr(skisp.datasets, "STYLE_KINDS", ("stained_glass", "waves"))
        monkeypatch.setattr(skisp.datasets, "make_style_image", make_style_image)
        monkeypatch.setattr(skisp.datasets, "load_photograph", load_photograph)

    def test_demo(self, folder, calls, pictures, capsys):
        status, out, _ = run(capsys, "demo", "--size", "90", "--seed", "2")
        assert status == 0
        image = read_image("skisp-demo.png")
        assert image.shape == (60, 3 * 90 + 2 * 8, 3)
        assert (image[:, 90:98] == 255).all()
        assert [image[5, column, 0] for column in (5, 105, 205)] == [0, 51, 255]
        first, second = out.splitlines()
        assert re.fullmatch(r"wrote skisp-demo\.png \(photograph, style brush_strokes, result\) in \d+ s", first)
        assert second == "try next: skisp propagate photo.jpg --style painting.jpg -o out/"
        assert "skisp-demo.png exists already" in fails(capsys, "demo", "--size", "60")
        assert run(capsys, "demo", "--size", "60", "--force")[0] == 0

    def test_demo_of_another_kind(self, folder, calls, pictures, capsys):
        assert run(capsys, "demo", "--style-kind", "waves", "-o", "new/demo.jpg")[0] == 0
        assert os.path.exists("new/demo.jpg")
        assert "the kinds are stained_glass, waves" in fails(capsys, "demo", "--style-kind", "mud")

    def test_styles(self, folder, pictures, capsys):
        status, out, err = run(capsys, "styles", "-o", "kinds", "--size", "20")
        assert (status, err) == (0, "")
        assert out.split() == ["kinds/stained_glass.png", "kinds/waves.png"]
        assert read_image("kinds/waves.png").shape == (20, 20, 3)
        assert "exists already" in fails(capsys, "styles", "-o", "kinds")
        assert run(capsys, "styles", "-o", "kinds", "--force", "--seed", "3")[0] == 0
        assert (read_image("kinds/waves.png") == round(0.3 * 255)).all()
