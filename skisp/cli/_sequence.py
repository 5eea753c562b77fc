"""The command that redraws films."""

from argparse import Namespace
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from .._names import shown
from .._progress import report
from ..io import ImageMetadata, read_image
from ..io._frames import Frames, check_animated, read_frames, write_animation
from ..io._image_file import is_readable
from ._errors import FAILURES, in_one_line
from ._film_state import FilmState
from ._messages import decoders_silent
from ._outputs import check_outputs, is_file_name, plan_outputs, writable_folder, write_picture
from ._parser import UserError
from ._progress import progress_shown
from ._redrawer import options_of
from ._streams import note, print_line
from ._styles import styles_of

__all__ = ["sequence"]


def sequence(arguments: Namespace) -> int:
    """Redraw the frames of a film so that strokes stay in place where the film does not change.

    Pictures go to a folder one by one, with what the next frame needs, so that a film that was stopped is gone on
    with; an animation is made of them at the end.
    """
    film = Path(arguments.output) if is_file_name(arguments.output) else None
    try:
        frames = read_frames(arguments.frames, size=arguments.size)
    except FAILURES as error:
        raise UserError(in_one_line(error, arguments.frames, "read")) from error
    folder = arguments.output if film is None else f"{arguments.output}.frames/"
    pictures = plan_outputs(frames.names, folder, kept=())
    films = [] if film is None else plan_outputs([arguments.frames], arguments.output, check=check_animated)
    options = options_of(arguments)
    state = FilmState(pictures, arguments, options)
    sources = [*frames.names, *[arguments.frames for _ in films]]
    check_outputs(
        [*pictures, *films], sources, [arguments.frames, *arguments.style], replace=arguments.force or state.n_done > 0
    )
    with writable_folder(pictures[0].parent):
        try:
            _redraw(arguments, frames, state, options)
            if film is not None:
                write_animation(film, [read_image(picture) for picture in pictures], frames.durations)
                print_line(film)
            state.forget(with_pictures=film is not None)
        except FAILURES as error:
            raise UserError(f"{in_one_line(error, arguments.frames)} {_left(state)}") from error
        except KeyboardInterrupt:
            raise KeyboardInterrupt(_left(state)) from None
    return 0


def _left(state: FilmState) -> str:
    said = f"{state.n_done} of {len(state.pictures)} frames are written"
    return f"{said}; the same command goes on with them" if state.n_done else said


def _redraw(arguments: Namespace, frames: Frames, state: FilmState, options: dict[str, Any]) -> None:
    """Redraw the frames that are not redrawn yet, and print their paths where they stay."""
    with decoders_silent():
        first = next(iter(frames))  # all are read, so that what is wrong is found before anything is drawn
    if state.n_done:
        note(f"{state.n_done} of {len(state.pictures)} frames exist already; --force redraws them")
    others = [file for file in state.folder.iterdir() if is_readable(file) and file not in state.pictures]
    if others:
        note(f"{shown(state.folder)} holds pictures that are not of this film, such as {shown(others[0].name)}")
    parameters = styles_of(arguments) | options
    with progress_shown(shown(Path(arguments.frames).name), quiet=arguments.quiet):
        for picture, metadata in _redrawn(frames, first, parameters, state):
            target = state.pictures[state.n_done]
            write_picture(target, picture, metadata)
            if not is_file_name(arguments.output):
                print_line(target)


def _redrawn(
    frames: Frames, first: NDArray[Any], parameters: dict[str, Any], state: FilmState
) -> Iterator[tuple[NDArray[Any], ImageMetadata]]:
    """Each picture that is left, and the metadata of its frame's file; the state is kept when it is written."""
    from .. import StylePropagator
    from ..propagation.synthesis._settings import SynthesisSettings

    said: deque[ImageMetadata] = deque()

    def images() -> Iterator[NDArray[Any]]:
        for image, metadata in islice(frames.described(), state.n_done, None):
            said.append(metadata)
            yield image

    propagator = StylePropagator(**parameters).fit([first])
    settings = SynthesisSettings.of(propagator)
    redraw = propagator.propagation_.sequence(settings, state.arrays)
    for picture in propagator.propagation_.redraw_film(images(), settings, redraw):
        report("frames", state.n_done + 1, len(state.pictures))
        yield picture, said.popleft()
        state.keep(redraw.state())
