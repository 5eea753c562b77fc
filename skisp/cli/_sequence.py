"""The command that redraws films."""

import sys
from argparse import Namespace
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from .._names import shown
from .._progress import report
from ..io import ImageMetadata
from ..io._frames import Frames, check_animated, read_frames, write_animation
from ._errors import FAILURES, in_one_line
from ._messages import decoders_silent
from ._outputs import check_outputs, is_file_name, plan_outputs, writable_folder, write_picture
from ._parser import UserError
from ._progress import progress_shown
from ._redrawer import options_of
from ._streams import print_line
from ._styles import styles_of

__all__ = ["sequence"]


def sequence(arguments: Namespace) -> int:
    """Redraw the frames of a film so that strokes stay in place where the film does not change."""
    into_a_file = is_file_name(arguments.output)
    try:
        frames = read_frames(arguments.frames, size=arguments.size)
    except FAILURES as error:
        raise UserError(in_one_line(error, arguments.frames, "read")) from error
    names = [arguments.frames] if into_a_file else frames.names
    targets = plan_outputs(names, arguments.output, kept=(), check=check_animated)
    check_outputs(targets, names, [arguments.frames, *arguments.style], replace=arguments.force)
    options = options_of(arguments)
    with writable_folder(targets[0].parent):
        try:
            with decoders_silent():
                first = next(iter(frames))
            parameters = styles_of(arguments) | options
            with progress_shown(shown(Path(arguments.frames).name), quiet=arguments.quiet):
                pictures = _redrawn(frames, first, parameters)
                if into_a_file:
                    write_animation(targets[0], [picture for picture, _ in pictures], frames.durations)
                    print_line(targets[0])
                else:
                    _write_each(targets, pictures)
        except FAILURES as error:
            raise UserError(in_one_line(error, arguments.frames)) from error
    return 0


def _redrawn(
    frames: Frames, first: NDArray[Any], parameters: dict[str, Any]
) -> Iterator[tuple[NDArray[Any], ImageMetadata]]:
    """Each picture, and the metadata of its frame's file."""
    from .. import StylePropagator

    n_frames = len(frames.names)
    said: deque[ImageMetadata] = deque()

    def images() -> Iterator[NDArray[Any]]:
        for image, metadata in frames.described():
            said.append(metadata)
            yield image

    propagator = StylePropagator(**parameters).fit([first])
    for i, picture in enumerate(propagator.propagate_sequence(images())):
        report("frames", i + 1, n_frames)
        yield picture, said.popleft()


def _write_each(targets: list[Path], pictures: Iterator[tuple[NDArray[Any], ImageMetadata]]) -> None:
    n_written = 0
    try:
        for target, (picture, metadata) in zip(targets, pictures, strict=True):
            write_picture(target, picture, metadata)
            print_line(target)
            n_written += 1
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"{n_written} of {len(targets)} frames are written") from None
    except FAILURES:
        print(f"skisp: {n_written} of {len(targets)} frames are written", file=sys.stderr)
        raise
