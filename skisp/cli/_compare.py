"""The command that shows a photograph in several styles and strengths, side by side."""

import shlex
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
from numpy.typing import NDArray

from .._names import shown
from ..io import read_image, write_image
from ..io._images import WRITABLE_SUFFIXES
from ..io._kinds import colour_of, of_kind
from ..io._pillow import to_bytes
from ._errors import FAILURES, UserError, in_one_line
from ._messages import decoders_silent
from ._outputs import check_outputs, is_file_name, plan_outputs, writable_folder
from ._progress import progress_shown
from ._redrawer import Redrawer, checked, options_of, use_cores
from ._streams import print_line
from ._styles import learn, read_styles

__all__ = ["compare"]

_STRENGTHS = [0.5, 0.75, 1.0]
_GAP = 10
_FONT_SIZE = 14
_LABEL_HEIGHT = 20

_Look = dict[str, Any]
_Cell = tuple[str, NDArray[Any]]


def compare(arguments: Namespace) -> int:
    """Redraw a photograph in each style and look at a small size, and write one sheet of all pictures."""
    [target] = targets = _target(arguments)
    check_outputs(targets, ["the sheet"], [arguments.content, *arguments.style], replace=arguments.force)
    styles = read_styles(arguments.style, arguments.size)
    try:
        with decoders_silent():
            content = read_image(arguments.content, size=arguments.size)
    except FAILURES as error:
        raise UserError(in_one_line(error, arguments.content, "read", "the photograph")) from error
    with writable_folder(target.parent):
        use_cores(arguments)
        try:
            rows = [_row(content, *pair, arguments) for pair in zip(arguments.style, styles, strict=True)]
            write_image(target, _sheet(rows))
        except FAILURES as error:
            raise UserError(in_one_line(error, arguments.content)) from error
    print_line(target)
    for path in arguments.style:
        for look in _looks(arguments):
            print_line(_command(path, look, arguments))
    return 0


def _target(arguments: Namespace) -> list[Path]:
    if not is_file_name(arguments.output):
        raise UserError(f"{shown(arguments.output)} is no name of a picture; name a file, such as sheet.png")
    return plan_outputs([arguments.content], arguments.output)


def _looks(arguments: Namespace) -> list[_Look]:
    """What is tried, as options of ``skisp propagate`` and their values."""
    strengths = arguments.strength or ([] if arguments.preset else _STRENGTHS)
    return [{"strength": strength} for strength in strengths] + [{"preset": name} for name in arguments.preset or []]


def _row(content: NDArray[Any], path: str, style: NDArray[Any], arguments: Namespace) -> list[_Cell]:
    """A style, which is learnt once, the photograph, and what becomes of it."""
    tried = [(look, checked(_options(look, arguments))) for look in _looks(arguments)]
    learnt = learn([style], [path], arguments)
    cells = [(shown(Path(path).name), style), (shown(Path(arguments.content).name), content)]
    for look, options in tried:
        said = " ".join(_said(look))
        with progress_shown(f"redrawing {cells[1][0]} like {cells[0][0]}, {said}", arguments):
            cells.append((said, Redrawer({"style": learnt} | options).redraw(content)))
    return cells


def _options(look: _Look, arguments: Namespace) -> dict[str, Any]:
    return options_of(Namespace(**(vars(arguments) | {"strength": None, "preset": None} | look)))


def _said(look: _Look) -> list[str]:
    [(name, value)] = look.items()
    return [name, value if isinstance(value, str) else f"{value:g}"]


def _command(path: str, look: _Look, arguments: Namespace) -> str:
    """The command that makes one of the pictures at full size."""
    name, value = _said(look)
    more = {"--style-scale": arguments.style_scale, "--color": arguments.color, "--seed": arguments.seed or None}
    options = [text for option, given in more.items() if given is not None for text in (option, f"{given}")]
    content = Path(arguments.content)
    suffix = content.suffix if content.suffix.lower() in WRITABLE_SUFFIXES else ".png"
    output = f"{content.stem}-{Path(path).stem}-{value}{suffix}"
    dashed = ["--"] if arguments.content.startswith("-") else []
    words = ["skisp", "propagate", "--style", path, f"--{name}", value, *options, "-o", output, *dashed]
    return shlex.join([*words, arguments.content])


def _sheet(rows: Sequence[Sequence[_Cell]]) -> NDArray[np.uint8]:
    """Pictures in rows, on white, each with its name above; a style fits into the photograph's place."""
    height, width = rows[0][1][1].shape[:2]
    step = width + _GAP, height + _LABEL_HEIGHT + _GAP
    sheet = PIL.Image.new("RGB", (step[0] * len(rows[0]) + _GAP, step[1] * len(rows) + _GAP), "white")
    draw, font = PIL.ImageDraw.Draw(sheet), PIL.ImageFont.load_default(_FONT_SIZE)
    for i, row in enumerate(rows):
        for j, (label, picture) in enumerate(row):
            left, top = _GAP + j * step[0], _GAP + i * step[1]
            draw.text((left, top), _shortened(label, font, width), "black", font)
            image = PIL.Image.fromarray(to_bytes(of_kind(colour_of(picture), grey=False, alpha=False)))
            image.thumbnail((width, height), PIL.Image.Resampling.LANCZOS)
            sheet.paste(image, (left, top + _LABEL_HEIGHT))
    return np.asarray(sheet)


def _shortened(label: str, font: Any, width: int) -> str:
    while len(label) > 1 and font.getlength(label) > width:
        label = label.removesuffix("...")[:-1] + "..." if len(label) > 4 else label[:-1]
    return label
