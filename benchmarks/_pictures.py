"""Contents and styles for the benchmarks: real ones where the data folder is there, else what ships."""

from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skisp.datasets import load_photograph, make_style_image
from skisp.io import read_image

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data" / "images"
CONTENTS = ("tuebingen", "chicago", "stata", "cornell")
STYLES = ("starry_night", "wave", "the_scream", "the_shipwreck_of_the_minotaur", "mondrian")

Picture = NDArray[np.uint8]


def pictures(short_side: int) -> tuple[dict[str, Picture], dict[str, Picture]]:
    """Contents and styles by name, each reduced or enlarged to ``short_side`` pixels."""
    contents, styles = _readers()
    return (
        {name: with_short_side(read(), short_side) for name, read in contents.items()},
        {name: with_short_side(read(), short_side) for name, read in styles.items()},
    )


def pair_names(n_pairs: int) -> list[tuple[str, str]]:
    """Up to ``n_pairs`` names of a content and a style, spread over all of both."""
    contents, styles = _readers()
    every = list(product(contents, styles))
    # Neither number of pictures divides the step, so that contents and styles both change.
    step = max(1, len(every) // n_pairs)
    step += step > 1 and step % len(styles) == 0
    return every[::step][:n_pairs]


def pair(content: str, style: str, short_side: int, *, square: bool = False) -> tuple[Picture, Picture]:
    """A content of ``short_side`` pixels, or its square centre, and a style of at most that."""
    contents, styles = _readers()
    photograph, painting = contents[content](), styles[style]()
    if square:
        photograph = _square_centre(photograph)
    return with_short_side(photograph, short_side), with_short_side(painting, min(short_side, *painting.shape[:2]))


def as_uint8(image: NDArray[np.float32]) -> Picture:
    return np.rint(image * 255).astype(np.uint8)


def with_short_side(image: Picture, short_side: int) -> Picture:
    import PIL.Image

    factor = short_side / min(image.shape[:2])
    size = round(image.shape[1] * factor), round(image.shape[0] * factor)
    return np.asarray(PIL.Image.fromarray(image).resize(size, PIL.Image.Resampling.LANCZOS))


def _readers() -> tuple[dict[str, Any], dict[str, Any]]:
    """What reads each content and each style, by name."""
    if FOLDER.is_dir():
        contents, styles = (
            {name: partial(read_image, FOLDER / f"{name}.jpg") for name in names} for names in (CONTENTS, STYLES)
        )
        return contents, styles
    return (
        {name: partial(load_photograph, name) for name in ("china", "flower")},
        {kind: partial(_painted, kind) for kind in ("waves", "mosaic")},
    )


def _painted(kind: str) -> Picture:
    return as_uint8(make_style_image(kind, size=512, random_state=0))


def _square_centre(image: Picture) -> Picture:
    side = min(image.shape[:2])
    top, left = ((length - side) // 2 for length in image.shape[:2])
    return image[top : top + side, left : left + side]
