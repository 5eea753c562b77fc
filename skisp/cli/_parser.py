"""What the command ``skisp`` takes."""

import argparse
from typing import NoReturn

from .. import __version__
from .._names import shown

__all__ = ["UserError", "build_parser"]


class UserError(Exception):
    """A mistake that only the user can correct; the message is one line that says what is wrong, and the cure."""


class _Parser(argparse.ArgumentParser):
    """Reports a mistake in one line, without the usage before it."""

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
        description="Redraw photographs in the style of a picture. The paths of the files written are printed, one per "
        "line. Pictures that are already in the output folder are kept, so the same command continues a batch that was "
        "stopped.",
    )
    _add_contents(parser)
    _add_styles_to_mix(parser)
    _add_redrawing(parser)


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
        help="size of the strokes: with 2 they are twice as large",
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
        description="Learn the style of a picture, or of several pictures in one style, and write it to a file for "
        "skisp apply. The path of the file is printed.",
    )
    parser.add_argument("styles", nargs="+", metavar="STYLE", help="a picture whose style is learnt")
    parser.add_argument("-o", "--output", type=_name, required=True, metavar="FILE", help="usually NAME.skisp")
    _add_size(parser, None, "shrink the pictures to this longest side in pixels (default: do not shrink)")
    _add_seed(parser)
    _add_force(parser)
    _add_quiet(parser)


def _add_apply(commands: "_Commands[_Parser]") -> None:
    parser = commands.add_parser(
        "apply",
        help="redraw photographs in a style that was learnt before",
        description="Redraw photographs in a style that skisp fit has written. The paths of the files written are "
        "printed, one per line. Pictures that are already in the output folder are kept.",
    )
    _add_contents(parser)
    parser.add_argument("--model", required=True, metavar="FILE", help="a file that skisp fit has written")
    _add_redrawing(parser)


def _add_contents(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("contents", nargs="+", metavar="CONTENT", help="a photograph to redraw")
    parser.add_argument(
        "-o",
        "--output",
        type=_name,
        required=True,
        metavar="OUT",
        help="the folder to write to (made if missing), or a file name if there is only one photograph",
    )


def _add_redrawing(parser: argparse.ArgumentParser) -> None:
    """How photographs are redrawn, for all commands that redraw them."""
    _add_look(parser)
    parser.add_argument(
        "--mask",
        metavar="MASK",
        help="an image that is white where the style acts and black where the photograph stays, or a folder with one "
        "mask for each photograph, of the same name",
    )
    _add_size(parser, None, "shrink photographs and style to this longest side in pixels (default: do not shrink)")
    _add_seed(parser)
    _add_device(parser)
    parser.add_argument("--jobs", type=_count, metavar="N", help="cores to use, at most those there are (default: all)")
    _add_force(parser)
    _add_quiet(parser)
    parser.add_argument("--json", action="store_true", help="instead of paths, print one JSON list of what was done")


def _add_sequence(commands: "_Commands[_Parser]") -> None:
    parser = commands.add_parser(
        "sequence",
        help="redraw the frames of a film without flicker",
        description="Redraw the frames of a film so that strokes stay in place where the film does not change. The "
        "paths of the files written are printed, one per line. The same command continues a film that was stopped.",
    )
    parser.add_argument("frames", metavar="FRAMES", help="a folder of images, an animation or a file of pages")
    _add_styles_to_mix(parser)
    parser.add_argument(
        "-o",
        "--output",
        type=_name,
        required=True,
        metavar="OUT",
        help="the folder to write frames to (made if missing), or an animated .gif, .png or .webp file",
    )
    _add_look(parser)
    _add_size(parser, None, "shrink frames and style to this longest side in pixels (default: do not shrink)")
    _add_seed(parser)
    _add_device(parser)
    _add_force(parser)
    _add_quiet(parser)


def _add_score(commands: "_Commands[_Parser]") -> None:
    parser = commands.add_parser(
        "score",
        help="measure how well pictures show a photograph in a style",
        description="Measure how well pictures show a photograph in a style. For each picture one line is printed: the "
        "score from 0 to 1, its three factors (style gained, picture redrawn, content kept), and the path. "
        "Recolourings, blends and noise score almost 0; 0.1 is a picture in the style, 0.2 a good one.",
    )
    parser.add_argument("content", metavar="CONTENT", help="the photograph")
    parser.add_argument("style", metavar="STYLE", help="the picture whose style was wanted")
    parser.add_argument("results", nargs="+", metavar="RESULT", help="a picture to score")
    parser.add_argument("--json", action="store_true", help="instead of lines, print one JSON list")


def _add_demo(commands: "_Commands[_Parser]") -> None:
    parser = commands.add_parser(
        "demo",
        help="redraw a photograph that ships with scikit-learn in a procedural style",
        description="Redraw a photograph that ships with scikit-learn in a procedural style, and write photograph, "
        "style and result side by side.",
    )
    parser.add_argument(
        "-o", "--output", type=_name, default="skisp-demo.png", metavar="FILE", help="default: %(default)s"
    )
    _add_size(parser, 384, "longest side of the photograph in pixels (default: %(default)s)")
    parser.add_argument("--style-kind", metavar="KIND", help="a procedural style (skisp styles makes all of them)")
    _add_seed(parser)
    _add_force(parser)


def _add_styles(commands: "_Commands[_Parser]") -> None:
    parser = commands.add_parser(
        "styles",
        help="make the procedural styles",
        description="Make the procedural styles, one file each. Their paths are printed, one per line.",
    )
    parser.add_argument(
        "-o", "--output", type=_name, default="skisp-styles", metavar="FOLDER", help="default: %(default)s"
    )
    _add_size(parser, 256, "side in pixels (default: %(default)s)")
    _add_seed(parser)
    _add_force(parser)


def _add_output(parser: argparse.ArgumentParser, default: str, metavar: str) -> None:
    parser.add_argument("-o", "--output", type=_name, default=default, metavar=metavar, help="default: %(default)s")


def _add_size(parser: argparse.ArgumentParser, default: int | None, description: str) -> None:
    parser.add_argument("--size", type=_positive, default=default, metavar="N", help=description)


def _add_seed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seed", type=_seed, default=0, metavar="N", help="the same seed gives the same picture (default: 0)"
    )


def _add_force(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--force", action="store_true", help="overwrite files that exist")


def _add_quiet(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quiet", action="store_true", help="do not show progress")


def _name(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("the name is empty")
    return text


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
