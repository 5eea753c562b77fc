"""The command that redraws films."""

import json
from argparse import Namespace
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from .._names import shown
from .._progress import report
from ..io import ImageMetadata, read_image
from ..io._frames import Frames, check_moving, read_frames, write_frames
from ..io._image_file import is_readable
from ._errors import FAILURES, UserError, in_one_line
from ._film_state import FilmState
from ._masks import Masks, check_mask, given_masks
from ._messages import decoders_silent
from ._outputs import check_outputs, is_file_name, plan_outputs, writable_folder, write_picture
from ._progress import progress_shown
from ._redrawer import checked, options_of, use_cores
from ._streams import note, print_line
from ._styles import given_styles

__all__ = ["sequence"]


def sequence(arguments: Namespace) -> int:
    """Redraw the frames of a film so that strokes stay in place where the film does not change.

    Pictures go to a folder one by one, with what the next frame needs, so that a film that was stopped is gone on
    with; a film is made of them at the end.
    """
    film = Path(arguments.output) if is_file_name(arguments.output) else None
    films = [] if film is None else plan_outputs([arguments.frames], arguments.output, check=_check_film(arguments))
    styles, learnt = given_styles(arguments)
    sources = [*styles, *given_masks(arguments.mask)]
    frames = _read(arguments)
    folder = arguments.output if film is None else f"{arguments.output}.frames/"
    pictures = plan_outputs(frames.names, folder, kept=())
    state = FilmState(pictures, arguments, options_of(arguments), sources)
    made_of = [*frames.names, *[arguments.frames for _ in films]]
    if state.made_otherwise and not arguments.force:
        raise UserError(
            f"{shown(state.folder)} holds frames of another film, or made otherwise; go on with the options they were "
            "made with, choose another output, or pass --force to start anew"
        )
    replace = arguments.force or state.n_done > 0
    check_outputs([*pictures, *films], made_of, [arguments.frames, *sources], replace=replace)
    with writable_folder(state.folder):
        try:
            _redraw(arguments, frames, state, learnt)
            if film is not None:
                _write(film, frames, state, arguments)
            state.forget(with_pictures=film is not None)
        except FAILURES as error:
            raise UserError(f"{in_one_line(error, arguments.frames)} {_left(state)}") from error
        except KeyboardInterrupt:
            raise KeyboardInterrupt(_left(state)) from None
    if arguments.json:
        print(json.dumps([{"content": arguments.frames, "output": str(path)} for path in films or pictures], indent=2))
    return 0


def _check_film(arguments: Namespace) -> Callable[[str], None]:
    def check(name: str) -> None:
        try:
            check_moving(name, arguments.frames)
        except OSError as error:  # its sound is looked at
            raise UserError(in_one_line(error, arguments.frames, "read", "the film")) from error

    return check


def _read(arguments: Namespace) -> Frames:
    """The film, after a look at all of its frames, so that what is wrong is found before anything is drawn."""
    try:
        with decoders_silent():
            frames = read_frames(arguments.frames, size=arguments.size)
            frames.durations  # noqa: B018 (reads them)
    except FAILURES as error:
        raise UserError(in_one_line(error, arguments.frames, "read", "the film")) from error
    try:
        for name in frames.names:
            check_mask(arguments.mask, name)
    except FAILURES as error:
        raise UserError(in_one_line(error)) from error
    return frames


def _left(state: FilmState) -> str:
    said = f"{state.n_done} of {len(state.pictures)} frames are written"
    return f"{said}; the same command goes on with them" if state.n_done else said


def _redraw(arguments: Namespace, frames: Frames, state: FilmState, learnt: Callable[[], dict[str, Any]]) -> None:
    """Redraw the frames that are not redrawn yet, and print their paths where they stay."""
    if state.n_done:
        note(f"{state.n_done} of {len(state.pictures)} frames exist already; --force redraws them")
    others = [file for file in state.folder.iterdir() if is_readable(file) and file not in state.pictures]
    if others:
        note(f"{shown(state.folder)} holds pictures that are not of this film, such as {shown(others[0].name)}")
    if state.n_done == len(state.pictures):
        return
    use_cores(arguments)
    options = checked(options_of(arguments))
    parameters = learnt() | options
    with progress_shown(f"redrawing {shown(Path(arguments.frames).name)}", arguments):
        for picture, metadata in _redrawn(frames, arguments, parameters, state):
            target = state.pictures[state.n_done]
            write_picture(target, picture, metadata)
            if not is_file_name(arguments.output) and not arguments.json:
                print_line(target)


def _redrawn(
    frames: Frames, arguments: Namespace, parameters: dict[str, Any], state: FilmState
) -> Iterator[tuple[NDArray[Any], ImageMetadata]]:
    """Each picture that is left, and the metadata of its frame's file; the state is kept when it is written."""
    from .. import StylePropagator
    from ..propagation._masks import masked
    from ..propagation.synthesis._settings import SynthesisSettings

    masks = Masks(arguments.mask)
    taken: deque[tuple[NDArray[Any], ImageMetadata]] = deque()

    def images() -> Iterator[NDArray[Any]]:
        for pair in islice(frames.described(), state.n_done, None):
            taken.append(pair)
            yield pair[0]

    propagator = StylePropagator(**parameters).fit([next(iter(frames))])
    settings = SynthesisSettings.of(propagator)
    redraw = propagator.propagation_.sequence(settings, state.arrays)
    report("frames", state.n_done, len(state.pictures))
    for picture in propagator.propagation_.redraw_film(images(), settings, redraw):
        image, metadata = taken.popleft()
        mask = masks.of(frames.names[state.n_done], image.shape)
        yield picture if mask is None else masked(image, picture, mask), metadata
        state.keep(redraw.state())
        report("frames", state.n_done, len(state.pictures))


def _write(film: Path, frames: Frames, state: FilmState, arguments: Namespace) -> None:
    """Make a film of the pictures."""

    def pictures() -> Iterator[NDArray[Any]]:
        for i, picture in enumerate(state.pictures):
            report("frames", i, len(state.pictures))
            yield read_image(picture)

    with progress_shown(f"writing {shown(film.name)}", arguments):
        write_frames(film, pictures(), frames)
    if not arguments.json:
        print_line(film)
