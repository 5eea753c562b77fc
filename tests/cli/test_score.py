"""The command ``skisp score``."""

import json
import os
import re
import sys

import numpy as np
import pytest

from skisp import metrics
from skisp.cli import main
from skisp.datasets import load_photograph, make_style_image
from skisp.io import read_image, write_image
from skisp.metrics import propagation_report


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder, made current, with a photograph, a style, and something between the two."""
    monkeypatch.chdir(tmp_path)
    content = load_photograph("china", size=60) / np.float32(255)
    style = make_style_image("waves", size=content.shape[:2], random_state=0)
    write_image("content.png", content)
    write_image("style.png", style)
    write_image("mixed.png", 0.6 * content + 0.4 * style[::-1, ::-1])
    return tmp_path


def run(capsys, *arguments):
    status = main(["score", *arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_a_line_for_each_picture_with_its_score_first_and_its_path_last(folder, capsys):
    status, out, err = run(capsys, "content.png", "style.png", "mixed.png", "content.png")
    assert status == 0
    meaning, style_gained, redrawn = err.splitlines()
    assert meaning.startswith(
        "skisp: note: the score is style gained (more than by recolouring the photograph) x redrawn"
    )
    assert "content.png: the photograph recoloured is as near to the style; colours count" in style_gained
    assert redrawn == "skisp: note: redrawn is 0 for content.png: it is the photograph, recoloured or retouched"
    assert run(capsys, "content.png", "style.png", "mixed.png", "--quiet")[2] == ""
    mixed, content = out.splitlines()
    report = propagation_report(*(read_image(f"{name}.png") for name in ("content", "style", "mixed")))
    assert mixed.split("  ") == [
        f"{report['score']:.3f}",
        f"style gained {report['style_gained']:.2f}",
        f"redrawn {report['redrawn']:.2f}",
        f"content kept {report['content_kept']:.2f}",
        "mixed.png",
    ]
    assert content.startswith("0.000  ")


@pytest.mark.skipif(os.name != "posix", reason="pipes as POSIX has them")
def test_nothing_more_is_scored_when_nobody_reads(folder, monkeypatch):
    scored = []
    monkeypatch.setattr(metrics, "propagation_report", lambda *_: scored.append(1) or {"score": 0.0})
    reads, writes = os.pipe()
    os.close(reads)
    with open(writes, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        assert main(["score", "content.png", "style.png", *["mixed.png"] * 5]) == 128 + 13
    assert len(scored) == 1


def test_json_has_the_full_report(folder, capsys):
    status, out, _ = run(capsys, "content.png", "style.png", "mixed.png", "--json")
    assert status == 0
    [entry] = json.loads(out)
    assert out == json.dumps([entry], indent=2) + "\n"  # for people as well
    assert entry.pop("path") == "mixed.png"
    assert entry == propagation_report(*(read_image(f"{name}.png") for name in ("content", "style", "mixed")))


def test_others_are_scored_when_one_fails(folder, capsys):
    (folder / "broken.png").write_text("no picture")
    write_image("small.png", np.zeros((8, 8, 3)))
    status, out, err = run(capsys, "content.png", "style.png", "broken.png", "small.png", "mixed.png")
    assert status == 1
    assert out.endswith("mixed.png\n")
    assert out.count("\n") == 1
    broken, small = err.splitlines()[:2]
    assert "cannot read broken.png: it is not an image" in broken
    assert "cannot score small.png" in small


@pytest.mark.parametrize("arguments", [("missing.png", "style.png"), ("content.png", "missing.png")])
def test_nothing_is_scored_without_the_photograph_or_the_style(folder, capsys, arguments):
    status, out, err = run(capsys, *arguments, "mixed.png")
    assert (status, out) == (2, "")
    assert re.match("skisp: error: cannot read the (photograph|style) missing.png: there is no such file", err)
    assert err.count("\n") == 1
