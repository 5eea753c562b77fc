"""Sheets to look at: content, style, the picture that another program published, ours before, ours now.

Pairs with a face (the astronaut of scikit-image), three places, and every published pair; a sheet holds four. Before
is drawn by the checkout that ``--before`` names, with its defaults, in a process of its own; ``--parameter`` is for
ours now. Needs the folder of paintings and photographs beside the project.

    python benchmarks/sheets.py [-o FOLDER] [--sizes 256 512 1024] [--before CHECKOUT] [--parameter name=value ...]
                                [--quick]
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageDraw
from _parameters import parsed
from _pictures import FOLDER, Picture, pair, with_short_side
from _report import leave_out, parsed_with_quick

from skisp.io import read_image, write_image

PUBLISHED = FOLDER.parent / "published"
FACES = ("starry_night", "the_scream", "wave")
PLACES = (("tuebingen", "the_shipwreck_of_the_minotaur"), ("chicago", "wave"), ("cornell", "mondrian"))
_A_SHEET, _GAP, _LABEL = 4, 8, 18

Row = dict[str, Picture]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).with_name("out") / "sheets")
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512, 1024])
    parser.add_argument("--before", type=Path, help="folder of another checkout")
    parser.add_argument("--parameter", action="append", default=[], help="name=value of StylePropagator, for ours now")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    arguments = parsed_with_quick(parser, sizes=[64])
    if arguments.worker:
        draw_all(arguments.worker, parsed(arguments.parameter))
        return
    if not FOLDER.is_dir():
        leave_out(f"there are no paintings in {FOLDER}")
    arguments.output.mkdir(parents=True, exist_ok=True)
    for size in arguments.sizes:
        rows = dict(every_row(size))
        if arguments.before:
            add_drawn(rows, "before", arguments.before, [])
        add_drawn(rows, "now", Path(__file__).resolve().parents[1], arguments.parameter)
        for path in write_sheets(rows, arguments.output, size):
            print(path)


def every_row(size: int) -> Iterator[tuple[str, Row]]:
    """Name, content and style of every pair, and the published picture where there is one."""
    from skimage.data import astronaut

    for style in FACES:
        yield f"astronaut, {style}", {"content": with_short_side(astronaut(), size), "style": _style(style, size)}
    for content, style in PLACES:
        photograph, painting = pair(content, style, size)
        yield f"{content}, {style}", {"content": photograph, "style": painting}
    for path in sorted(PUBLISHED.glob("*_content.jpg")):
        name = path.name.removesuffix("_content.jpg")
        parts = {"content": "content", "style": "style", "theirs": "gatys"}
        images = {part: read_image(PUBLISHED / f"{name}_{word}.jpg") for part, word in parts.items()}
        yield name, {part: with_short_side(image, size) for part, image in images.items()}


def add_drawn(rows: dict[str, Row], column: str, checkout: Path, parameters: list[str]) -> None:
    """Let a checkout draw every row, into the column of that name."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for i, row in enumerate(rows.values()):
            np.savez(folder / f"{i}.npz", content=row["content"], style=row["style"])
        command = [sys.executable, __file__, "-o", name, "--worker", name]
        command += [word for parameter in parameters for word in ("--parameter", parameter)]
        subprocess.run(command, env={**os.environ, "PYTHONPATH": str(checkout)}, check=True)
        for i, row in enumerate(rows.values()):
            row[column] = np.load(folder / f"{i}.npy")


def draw_all(folder: Path, parameters: dict[str, Any]) -> None:
    """Draw what lies in a folder; runs in the process of a checkout."""
    from skisp import StylePropagator

    for path in sorted(folder.glob("*.npz")):
        given = np.load(path)
        propagator = StylePropagator(style_images=[given["style"]], random_state=0, **parameters)
        np.save(path.with_suffix(".npy"), propagator.fit([given["content"]]).transform([given["content"]])[0])


def write_sheets(rows: dict[str, Row], folder: Path, size: int) -> Iterator[Path]:
    """Write the rows, four a sheet."""
    named = list(rows.items())
    for number, start in enumerate(range(0, len(named), _A_SHEET)):
        lines = [_line(name, row, size) for name, row in named[start : start + _A_SHEET]]
        width = max(line.shape[1] for line in lines)
        padded = [np.pad(line, ((0, _GAP), (0, width - line.shape[1]), (0, 0)), constant_values=255) for line in lines]
        path = folder / f"{size}_{number}.png"
        write_image(path, np.concatenate(padded))
        yield path


def _line(name: str, row: Row, size: int) -> Picture:
    """One row with the names of its pictures above them; all are of one height."""
    images = [_labelled(f"{name}: {part}" if part == "content" else part, image, size) for part, image in row.items()]
    return np.concatenate(images, axis=1)


def _labelled(label: str, image: Picture, height: int) -> Picture:
    width = round(image.shape[1] * height / image.shape[0])
    picture = PIL.Image.fromarray(image).resize((width, height), PIL.Image.Resampling.LANCZOS)
    canvas = PIL.Image.new("RGB", (width + _GAP, height + _LABEL), "white")
    canvas.paste(picture, (0, _LABEL))
    PIL.ImageDraw.Draw(canvas).text((2, 2), label, fill="black")
    return np.asarray(canvas)


def _style(name: str, size: int) -> Picture:
    return with_short_side(read_image(FOLDER / f"{name}.jpg"), size)


if __name__ == "__main__":
    main()
