"""What the command ``skisp`` takes."""

import argparse
from difflib import get_close_matches
from typing import Any, NoReturn

from .. import __version__
from .._names import shown
from .._presets import PRESETS
from . import _values
from ._completion import SHELLS, PrintCompletion
from ._errors import UserError

__all__ = ["build_parser"]


class _Parser(argparse.ArgumentParser):
    """Reports a mistake in one line, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{shown(message)} (see {self.prog} --help)")


class _CommandParser(_Parser):
    """Reports itself what it does not know; argparse would leave that to the parser of all commands."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        namespace, unknown = super().parse_known_args(args, namespace)
        if unknown:
            near = get_close_matches(unknown[0].partition("=")[0], self._option_string_actions, 1, cutoff=0.8)
            meant = f"; did you mean {near[0]}?" if near else ""
            self.error(f"unrecognized arguments: {' '.join(unknown)}{meant}")
        return namespace, unknown


def build_parser() -> argparse.ArgumentParser:
    """Build the parser; ``command`` of what it parses names the function of ``_commands`` to call."""
    parser = _Parser(prog="skisp", description="Redraw photographs in the style of a picture.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"skisp {__version__}")
    parser.add_argument(
        "--print-completion",
        action=PrintCompletion,
        choices=SHELLS,
        help="print what makes a shell complete this command (needs shtab)",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_CommandParser)
    for add in (
        _add_app,
        _add_propagate,
        _add_fit,
        _add_apply,
        _add_sequence,
        _add_compare,
        _add_score,
        _add_demo,
        _add_styles,
    ):
        add(commands)
    return parser


_Commands = argparse._SubParsersAction


def _add_app(commands: "_Commands[_CommandParser]") -> None:
    parser = commands.add_parser(
        "app",
        help="try photographs and styles on a page in the browser",
        description="Open a page in the browser on which photographs are redrawn while one looks. It can be reached "
        "from this machine only, fetches nothing, and keeps no file. Its address is printed; Ctrl-C ends it.",
    )
    parser.add_argument(
        "--port", type=_values.port, default=0, metavar="N", help="the port to listen on (default: one that is free)"
    )
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    _add_seed(parser)
    _add_device(parser)


def _add_propagate(commands: "_Commands[_CommandParser]") -> None:
    parser = commands.add_parser(
        "propagate",
        help="redraw photographs in the style of a picture",
        description="Redraw photographs in the style of a picture. The paths of the files written are printed, one per "
        "line. Pictures that are already in the output folder are kept, so the same command continues a batch that was "
        "stopped.",
    )
    _add_contents(parser)
    _add_style(parser, required=True)
    _add_style_weights(parser)
    _add_redrawing(parser)
    _add_preview(parser)
    _add_quality(parser)
    _add_max_pixels(parser)


def _add_fit(commands: "_Commands[_CommandParser]") -> None:
    parser = commands.add_parser(
        "fit",
        help="learn a style once and keep it in a file",
        description="Learn the style of a picture, or of several pictures in one style, and write it to a file for "
        "skisp apply. The path of the file is printed.",
    )
    parser.add_argument("styles", nargs="+", metavar="STYLE", help="a picture whose style is learnt, or a folder")
    _add_output(parser, "usually NAME.skisp", metavar="FILE")
    _add_size(parser, None, "shrink the pictures to this longest side in pixels (default: do not shrink)")
    _add_seed(parser)
    _add_force(parser)
    _add_progress(parser)


def _add_apply(commands: "_Commands[_CommandParser]") -> None:
    parser = commands.add_parser(
        "apply",
        help="redraw photographs in a style that was learnt before",
        description="Redraw photographs in a style that skisp fit has written. The paths of the files written are "
        "printed, one per line. Pictures that are already in the output folder are kept.",
    )
    _add_contents(parser)
    _add_model(parser, required=True)
    _add_redrawing(parser)
    _add_preview(parser)
    _add_quality(parser)
    _add_max_pixels(parser)


def _add_sequence(commands: "_Commands[_CommandParser]") -> None:
    parser = commands.add_parser(
        "sequence",
        help="redraw a film without flicker",
        description="Redraw the frames of a film so that strokes stay in place where the film does not change. The "
        "paths of the files written are printed, one per line. The same command continues a film that was stopped. "
        "Films such as .mp4 need PyAV (pip install av).",
    )
    parser.add_argument("frames", metavar="FILM", help="a film, an animation, or a folder of images")
    styles = parser.add_mutually_exclusive_group(required=True)
    _add_style(styles)
    _add_model(styles)
    _add_style_weights(parser)
    _add_output(
        parser,
        "a film (.mp4, .mov, .mkv, .webm), an animated .gif, .png or .webp file, or a folder for the frames",
    )
    _add_redrawing(parser)


def _add_compare(commands: "_Commands[_CommandParser]") -> None:
    parser = commands.add_parser(
        "compare",
        help="see a photograph in several styles and strengths on one sheet",
        description="Redraw a photograph in each style by each strength or preset, at a small size, and write one "
        "sheet with all pictures. The command that makes each picture at full size is printed, one per line.",
    )
    parser.add_argument("content", metavar="PHOTO", help="a photograph")
    _add_style(parser, "a picture whose style is tried; give it several times to try several", required=True)
    parser.add_argument(
        "--strength", type=_values.fraction, nargs="+", metavar="A", help="strengths to try (default: 0.5 0.75 1)"
    )
    parser.add_argument(
        "--preset", choices=PRESETS, nargs="+", help="looks to try, instead of strengths or beside them"
    )
    _add_strokes(parser)
    _add_output(parser, "the sheet, such as sheet.png", metavar="FILE")
    _add_size(parser, 320, "longest side of each picture in pixels (default: %(default)s)")
    _add_seed(parser)
    _add_device(parser)
    _add_force(parser)
    _add_progress(parser)


def _add_score(commands: "_Commands[_CommandParser]") -> None:
    parser = commands.add_parser(
        "score",
        help="measure how well pictures show a photograph in a style",
        description="Measure how well pictures show a photograph in a style. For each picture one line is printed: the "
        "score from 0 to 1, its three factors (style gained, picture redrawn, content kept), and the path. "
        "Recolourings, blends and noise score almost 0; 0.1 is a picture in the style, 0.2 a good one.",
    )
    parser.add_argument("content", metavar="CONTENT", help="the photograph")
    parser.add_argument("style", metavar="STYLE", help="the picture whose style was wanted")
    parser.add_argument("results", nargs="+", metavar="RESULT", help="a picture to score, or a folder of pictures")
    parser.add_argument("--quiet", action="store_true", help="do not say what the figures mean")
    parser.add_argument("--json", action="store_true", help="instead of lines, print one JSON list")


def _add_demo(commands: "_Commands[_CommandParser]") -> None:
    parser = commands.add_parser(
        "demo",
        help="redraw a photograph that ships with scikit-learn in a procedural style",
        description="Redraw a photograph that ships with scikit-learn in a procedural style, and write photograph, "
        "style and result side by side.",
    )
    _add_output(parser, default="skisp-demo.png", metavar="FILE")
    _add_size(parser, 384, "longest side of the photograph in pixels (default: %(default)s)")
    parser.add_argument("--style-kind", metavar="KIND", help="a procedural style (skisp styles makes all of them)")
    _add_seed(parser)
    _add_force(parser)


def _add_styles(commands: "_Commands[_CommandParser]") -> None:
    parser = commands.add_parser(
        "styles",
        help="make the procedural styles",
        description="Make the procedural styles, one file each. Their paths are printed, one per line.",
    )
    _add_output(parser, default="skisp-styles", metavar="FOLDER")
    _add_size(parser, 256, "side in pixels (default: %(default)s)")
    _add_seed(parser)
    _add_force(parser)


def _add_contents(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("contents", nargs="+", metavar="CONTENT", help="a photograph to redraw, or a folder of them")
    _add_output(parser, "the folder to write to (made if missing), or a file name if there is only one photograph")


# What several commands take; ``Any`` are parsers, and groups of their options.


def _add_style(
    parser: Any,
    description: str = "the picture whose style is learnt; several are mixed",
    **more: Any,
) -> None:
    parser.add_argument("--style", action="append", help=description, **more)


def _add_model(parser: Any, **more: Any) -> None:
    parser.add_argument("--model", metavar="FILE", help="a style that skisp fit has written", **more)


def _add_style_weights(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--style-weights",
        type=_values.weights,
        metavar="W,W",
        help="shares of several styles, such as 3,1 (default: equal)",
    )


def _add_redrawing(parser: argparse.ArgumentParser) -> None:
    """How photographs and films are redrawn, for all commands that redraw them."""
    parser.add_argument(
        "--preset",
        choices=PRESETS,
        help="the look: faithful to the photograph, balanced (default), or bold; other options change it further",
    )
    parser.add_argument("--strength", type=_values.fraction, metavar="A", help="0 (the photograph) to 1 (default)")
    _add_strokes(parser)
    parser.add_argument(
        "--mask",
        metavar="MASK",
        help="an image that is white where the style acts and black where the photograph stays, or a folder with one "
        "mask for each photograph or frame, of the same name",
    )
    _add_size(parser, None, "shrink photographs and style to this longest side in pixels (default: do not shrink)")
    _add_seed(parser)
    _add_device(parser)
    parser.add_argument(
        "--jobs", type=_values.count, metavar="N", help="cores to use, at most those there are (default: all)"
    )
    _add_force(parser)
    _add_progress(parser)
    parser.add_argument("--json", action="store_true", help="instead of paths, print one JSON list of what was done")


def _add_strokes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--style-scale",
        type=_values.factor,
        metavar="F",
        help="size of the strokes: with 2 they are twice as large",
    )
    parser.add_argument(
        "--color",
        choices=("style", "content", "only"),
        help="style (default); content: keep the photograph's colours; only: take the style's colours, no strokes",
    )


def _add_preview(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--preview",
        action="store_true",
        help="write a small picture first, about a second after the style is known, which the finished one replaces",
    )


def _add_quality(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--quality", type=_values.percent, metavar="N", help="of JPEG and WebP files, 1 to 100 (default: 95)"
    )


def _add_max_pixels(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--max-pixels",
        type=_values.pixels,
        metavar="N",
        help="refuse photographs and masks of more pixels (default: 100 million)",
    )


def _add_output(
    parser: argparse.ArgumentParser,
    description: str = "default: %(default)s",
    *,
    default: str | None = None,
    metavar: str = "OUT",
) -> None:
    parser.add_argument(
        "-o",
        "--output",
        type=_values.name,
        default=default,
        required=default is None,
        metavar=metavar,
        help=description,
    )


def _add_size(parser: argparse.ArgumentParser, default: int | None, description: str) -> None:
    parser.add_argument("--size", type=_values.pixels, default=default, metavar="N", help=description)


def _add_seed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seed", type=_values.seed, default=0, metavar="N", help="the same seed gives the same picture (default: 0)"
    )


def _add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", default="auto", metavar="D", help="auto (default), cpu, cuda, cuda:1, mps, ...")


def _add_force(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--force", action="store_true", help="overwrite files that exist")


def _add_progress(parser: argparse.ArgumentParser) -> None:
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--quiet", action="store_true", help="do not show progress")
    group.add_argument("--verbose", action="store_true", help="show every step, and the loss of what is learnt")
