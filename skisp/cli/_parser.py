"""What the command ``skisp`` takes."""

import argparse
from typing import NoReturn

from .. import __version__
from .._names import shown

__all__ = ["UserError", "build_parser"]


class UserError(Exception):
    """Something only the user can put right; the message is one line that says what and how."""


class _Parser(argparse.ArgumentParser):
    """Reports a mistake in one line, instead of the usage and a line."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{shown(message)} (see {self.prog} --help)")


def build_parser() -> argparse.ArgumentParser:
    """Build the parser; ``command`` of what it parses names the function of ``_commands`` to call."""
    parser = _Parser(prog="skisp", description="Redraw photographs in the style of a picture.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"skisp {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)
    _add_propagate(commands)
    _add_fit(commands)
    _add_apply(commands)
    _add_sequence(commands)
    _add_score(commands)
    _add_demo(commands)
    _add_styles(commands)
    return parser


_Commands = argparse._SubParsersAction


def _add_propagate(commands: "_Commands[_Parser]") -> None:
    parser = commands.add_parser(
        "propagate",
        help="redraw photographs in the style of a picture",
        description="Redraw photographs in the style of a picture. The paths written are printed, one a line. What is "
        "in the output folder already is left as it is, so that a batch that was stopped can be gone on with.",
    )
    _add_contents(parser)
    _add_styles_to_mix(parser)
    _add_drawing(parser)


def _add_styles_to_mix(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--style",
        required=True,
        action="append",
        help="the picture whose style is learnt; give it several times to mix styles",
    )
    parser.add_argument(
        "--style-weights", type=_weights, metavar="W,W", help="shares of several styles, such as 3,1 (default: equal)"
    )


def _add_look(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--strength", type=_fraction, default=1.0, metavar="A", help="0 (the photograph) to 1 (default)"
    )
    parser.add_argument(
        "--style-scale",
        type=_factor,
        default=1.0,
        metavar="F",
        help="size of the strokes: 2 draws them twice as large",
    )
    parser.add_argument(
        "--color",
        choices=("style", "content", "only"),
        default="style",
        help="style (default); content: keep the photograph's colours; only: take the style's colours, no strokes",
    )


def _add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", default="auto", metavar="D", help="auto (default), cpu, cuda, cuda:1, mps, ...")


def _add_fit(commands: "_Commands[_Parser]") -> None:
    parser = commands.add_parser(
        "fit",
        help="learn a style once and keep it in a file",
        description="Learn the style of a picture, or of several that have one style together, and write it to a file "
        "for skisp apply. The path is printed.",
    )
    parser.add_argument("styles", nargs="+", metavar="STYLE", help="a picture whose style is learnt")
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="customarily NAME.skisp")
    _add_size(parser, None, "longest side in pixels to which the pictures are shrunk (default: not at all)")
    _add_seed(parser)
    _add_force(parser)
    _add_quiet(parser)


def _add_apply(commands: "_Commands[_Parser]") -> None:
    parser = commands.add_parser(
        "apply",
        help="redraw photographs in a style that was learnt before",
        description="Redraw photographs in a style that skisp fit has written. The paths written are printed, one a "
        "line. What is in the output folder already is left as it is.",
    )
    _add_contents(parser)
    parser.add_argument("--model", required=True, metavar="FILE", help="what skisp fit has written")
    _add_drawing(parser)


def _add_contents(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("contents", nargs="+", metavar="CONTENT", help="a photograph to redraw")
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUT",
        help="the folder to write to (made if missing), or a file name where there is one photograph",
    )


def _add_drawing(parser: argparse.ArgumentParser) -> None:
    """How it is drawn, for all commands that draw photographs."""
    _add_look(parser)
    parser.add_argument(
        "--mask",
        metavar="MASK",
        help="an image that is white where the style acts and black where the photograph stays, or a folder with one "
        "of each photograph's name",
    )
    _add_size(parser, None, "longest side in pixels to which photographs and style are shrunk (default: not at all)")
    _add_seed(parser)
    _add_device(parser)
    parser.add_argument("--jobs", type=_count, metavar="N", help="cores to use (default: all)")
    _add_force(parser)
    _add_quiet(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON list of what was done instead of paths")


def _add_sequence(commands: "_Commands[_Parser]") -> None:
    parser = commands.add_parser(
        "sequence",
        help="redraw the frames of a film without flicker",
        description="Redraw the frames of a film so that the strokes stay where the film stays. The paths written are "
        "printed, one a line.",
    )
    parser.add_argument("frames", metavar="FRAMES", help="a folder of images, or an animated GIF, PNG or WebP file")
    _add_styles_to_mix(parser)
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUT",
        help="the folder to write frames to (made if missing), or an animated .gif, .png or .webp file",
    )
    _add_look(parser)
    _add_size(parser, None, "longest side in pixels to which frames and style are shrunk (default: not at all)")
    _add_seed(parser)
    _add_device(parser)
    _add_force(parser)
    _add_quiet(parser)


def _add_score(commands: "_Commands[_Parser]") -> None:
    parser = commands.add_parser(
        "score",
        help="tell how well pictures draw a photograph in a style",
        description="Tell how well pictures draw a photograph in a style. For each picture a line is printed: the "
        "score from 0 to 1, the shares of style gained, drawn anew and content kept whose product it is, and the path. "
        "Recolourings, blends and noise get next to nothing; 0.1 is a picture in the style, 0.2 a good one.",
    )
    parser.add_argument("content", metavar="CONTENT", help="the photograph")
    parser.add_argument("style", metavar="STYLE", help="the picture whose style was wanted")
    parser.add_argument("results", nargs="+", metavar="RESULT", help="a picture to score")
    parser.add_argument("--json", action="store_true", help="print one JSON list instead of lines")


def _add_demo(commands: "_Commands[_Parser]") -> None:
    parser = commands.add_parser(
        "demo",
        help="redraw a photograph that ships with scikit-learn in a procedural style",
        description="Redraw a photograph that ships with scikit-learn in a procedural style, and write photograph, "
        "style and result side by side. An older demo is overwritten.",
    )
    parser.add_argument("-o", "--output", default="skisp-demo.png", metavar="FILE", help="default: %(default)s")
    _add_size(parser, 384, "longest side of the photograph in pixels (default: %(default)s)")
    parser.add_argument("--style-kind", metavar="KIND", help="a procedural style (skisp styles draws them all)")
    _add_seed(parser)


def _add_styles(commands: "_Commands[_Parser]") -> None:
    parser = commands.add_parser(
        "styles",
        help="draw the procedural styles",
        description="Draw the procedural styles, one file each. The paths written are printed, one a line.",
    )
    parser.add_argument("-o", "--output", default="skisp-styles", metavar="FOLDER", help="default: %(default)s")
    _add_size(parser, 256, "side in pixels (default: %(default)s)")
    _add_seed(parser)
    _add_force(parser)


def _add_size(parser: argparse.ArgumentParser, default: int | None, description: str) -> None:
    parser.add_argument("--size", type=_positive, default=default, metavar="N", help=description)


def _add_seed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=_seed, default=0, metavar="N", help="one seed, one picture (default: 0)")


def _add_force(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--force", action="store_true", help="overwrite files that exist")


def _add_quiet(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def _positive(text: str) -> int:
    value = int(text) if text.isdecimal() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number of pixels")
    return value


def _count(text: str) -> int:
    value = int(text) if text.isdecimal() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return value


def _weights(text: str) -> list[float]:
    try:
        weights = [float(weight) for weight in text.split(",")]
    except ValueError:
        weights = []
    if not weights or not all(0.0 <= weight < float("inf") for weight in weights) or sum(weights) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of numbers of at least 0, not all 0, such as 3,1")
    return weights


def _seed(text: str) -> int:
    value = int(text) if text.isdecimal() else -1
    if not 0 <= value < 2**32:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to {2**32 - 1}")
    return value


def _factor(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number greater than 0")
    return value


def _fraction(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return value
