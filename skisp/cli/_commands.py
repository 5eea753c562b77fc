"""What the commands do. Each takes the parsed arguments and returns the exit status."""

import sys
import time
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._images import Image, as_images, to_channels
from .._names import shown
from ..io import read_image, write_image
from ._messages import decoders_silent
from ._outputs import check_free, plan_outputs, print_path, writable_folder
from ._parser import UserError
from ._progress import progress_shown

__all__ = ["demo", "propagate", "styles"]

# What a picture can fail of without a mistake of ours; torch reports a full accelerator as RuntimeError.
_FAILURES = (OSError, ValueError, MemoryError, RuntimeError)
_DEFAULT_KIND = "brush_strokes"
_GAP = 8


def propagate(arguments: Namespace) -> int:
    """Redraw photographs in the style of a picture."""
    targets = plan_outputs(arguments.contents, arguments.output)
    check_free(targets, [*arguments.contents, arguments.style], force=arguments.force)
    redrawer = _Redrawer(
        _style(arguments.style, arguments.size),
        strength=arguments.strength,
        style_scale=arguments.style_scale,
        color=arguments.color,
        random_state=arguments.seed,
        device=_checked_device(arguments.device),
    )
    with writable_folder(targets[0].parent):
        return _propagate_each(arguments, targets, redrawer)


def demo(arguments: Namespace) -> int:
    """Redraw a photograph that is installed anyway, and write photograph, style and result side by side."""
    from ..datasets import load_photograph, make_style_image

    kind = _checked_kind(arguments.style_kind)
    target = plan_outputs(["photograph"], arguments.output)[0]
    with writable_folder(target.parent):
        start = time.monotonic()
        content = load_photograph("china", size=arguments.size)
        style = make_style_image(kind, size=content.shape[:2], random_state=arguments.seed)
        try:
            with progress_shown("demo"):
                result = _Redrawer(style, random_state=arguments.seed).redraw(content)
            write_image(target, _side_by_side([content, style, result]))
        except _FAILURES as error:
            raise UserError(_line(error)) from error
    print(f"wrote {shown(target)} (photograph, style {kind}, result) in {time.monotonic() - start:.0f} s")
    print("try next: skisp propagate photo.jpg --style painting.jpg -o out/")
    return 0


def styles(arguments: Namespace) -> int:
    """Draw the procedural styles, one file each."""
    from ..datasets import STYLE_KINDS, make_style_image

    folder = Path(arguments.output)
    targets = {kind: folder / f"{kind}.png" for kind in STYLE_KINDS}
    check_free(list(targets.values()), [], force=arguments.force)
    with writable_folder(folder):
        for kind, target in targets.items():
            try:
                write_image(target, make_style_image(kind, size=arguments.size, random_state=arguments.seed))
            except _FAILURES as error:
                raise UserError(_line(error)) from error
            print_path(target)
    return 0


class _Redrawer:
    """Redraws photographs one at a time, so that memory is bounded; the style is learnt with the first."""

    def __init__(self, style_image: NDArray[Any], **options: Any) -> None:
        self._style_image = style_image
        self._options = options
        self._style: Any = None

    def redraw(self, content: NDArray[Any]) -> NDArray[Any]:
        propagator = self._propagator().fit([content])
        if self._style is None:
            self._style = propagator.style_
        result: NDArray[Any] = propagator.transform([content])[0]
        return result

    def _propagator(self) -> Any:
        from sklearn.frozen import FrozenEstimator

        from .. import StylePropagator

        if self._style is None:
            return StylePropagator(style_images=[self._style_image], **self._options)
        return StylePropagator(style=FrozenEstimator(self._style), **self._options)


def _propagate_each(arguments: Namespace, targets: Sequence[Path], redrawer: _Redrawer) -> int:
    """Redraw each photograph into its target; what fails is reported, and the others are still done."""
    n_written, n_contents = 0, len(targets)
    failed = []
    try:
        for i, (content, target) in enumerate(zip(arguments.contents, targets, strict=True)):
            label = shown(Path(content).name) + (f" ({i + 1} of {n_contents})" if n_contents > 1 else "")
            try:
                with decoders_silent():
                    image, metadata = read_image(content, size=arguments.size, return_metadata=True)
                _note_frames(content, metadata.n_frames)
                with progress_shown(label, quiet=arguments.quiet):
                    result = redrawer.redraw(image)
                write_image(target, result, metadata)
            except _FAILURES as error:
                failed.append(content)
                print(f"skisp: error: {_line(error, content)}", file=sys.stderr)
            else:
                n_written += 1
                print_path(target)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"{n_written} of {n_contents} pictures are written") from None
    if failed and n_contents > 1:
        names = ", ".join(shown(content) for content in failed)
        print(f"skisp: {len(failed)} of {n_contents} pictures failed: {names}", file=sys.stderr)
    return 0 if not failed else 1 if n_written else 2


def _note_frames(content: str, n_frames: int) -> None:
    if n_frames > 1:
        print(f"skisp: note: {shown(content)} has {n_frames} frames; the first is redrawn", file=sys.stderr)


def _style(path: str, size: int | None) -> NDArray[Any]:
    try:
        with decoders_silent():
            return read_image(path, size=size)
    except _FAILURES as error:
        raise UserError(_line(error, path)) from error


def _checked_device(device: str) -> str:
    from .._base import resolve_device

    try:
        resolve_device(device)
    except ValueError as error:
        raise UserError(_line(error)) from error
    return device


def _checked_kind(kind: str | None) -> str:
    from ..datasets import STYLE_KINDS

    if kind is None:
        return _DEFAULT_KIND
    if kind not in STYLE_KINDS:
        raise UserError(f"there is no style {kind!r}; the kinds are {', '.join(STYLE_KINDS)}")
    return kind


def _side_by_side(images: Sequence[NDArray[Any]]) -> Image:
    """Images of one height in a row, on white, as RGB."""
    panels = [to_channels(as_images([image])[0][0], 3) for image in images]
    gap = np.ones((panels[0].shape[0], _GAP, 3), dtype=np.float32)
    return np.concatenate([part for panel in panels for part in (gap, panel)][1:], axis=1)


def _line(error: BaseException, path: str = "") -> str:
    """An error in one line that names the file."""
    text = " ".join(str(error).split()) or type(error).__name__
    name = " ".join(shown(path).split())
    return text if name in text else f"cannot redraw {shown(path)}: {text}"
