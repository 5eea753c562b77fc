"""What the commands do. Each takes the parsed arguments and returns the exit status."""

import time
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._images import Image, as_images, to_channels
from .._names import shown
from ..io import write_image
from ._app import app
from ._compare import compare
from ._errors import FAILURES, UserError, in_one_line
from ._outputs import check_outputs, plan_outputs, writable_folder
from ._progress import progress_shown
from ._propagate import apply, fit, propagate
from ._redrawer import Redrawer
from ._score import score
from ._sequence import sequence
from ._streams import print_line
from ._styles import learn

__all__ = ["app", "apply", "compare", "demo", "fit", "propagate", "score", "sequence", "styles"]

_DEFAULT_KIND = "brush_strokes"
_GAP = 8


def demo(arguments: Namespace) -> int:
    """Redraw a photograph that scikit-learn installs, and write photograph, style and result side by side."""
    from ..datasets import load_photograph, make_style_image

    kind = _checked_kind(arguments.style_kind)
    [target] = targets = plan_outputs(["photograph.png"], arguments.output)
    check_outputs(targets, ["photograph"], [], replace=arguments.force)
    with writable_folder(target.parent):
        start = time.monotonic()
        content = load_photograph("china", size=arguments.size)
        style = make_style_image(kind, size=content.shape[:2], random_state=arguments.seed)
        try:
            learnt = learn([style], [kind], arguments)
            with progress_shown("redrawing the photograph"):
                result = Redrawer({"style": learnt, "random_state": arguments.seed}).redraw(content)
            write_image(target, _side_by_side([content, style, result]))
        except FAILURES as error:
            raise UserError(in_one_line(error)) from error
    print_line(f"wrote {shown(target)} (photograph, style {kind}, result) in {time.monotonic() - start:.0f} s")
    print_line("try next: skisp propagate photo.jpg --style painting.jpg -o out/")
    return 0


def styles(arguments: Namespace) -> int:
    """Make the procedural styles, one file each."""
    from ..datasets import STYLE_KINDS, make_style_image

    folder = Path(arguments.output)
    targets = [folder / f"{kind}.png" for kind in STYLE_KINDS]
    check_outputs(targets, STYLE_KINDS, [], replace=arguments.force)
    with writable_folder(folder):
        for kind, target in zip(STYLE_KINDS, targets, strict=True):
            try:
                write_image(target, make_style_image(kind, size=arguments.size, random_state=arguments.seed))
            except FAILURES as error:
                raise UserError(in_one_line(error)) from error
            print_line(target)
    return 0


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
