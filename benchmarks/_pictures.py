"""Contents and styles for the benchmarks: real ones where the data folder is there, else what ships."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skisp.datasets import load_photograph, make_style_image
from skisp.io import read_image

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data" / "images"
CONTENTS = ("tuebingen", "chicago", "stata", "cornell")
STYLES = ("starry_night", "wave", "the_scream", "the_shipwreck_of_the_minotaur", "mondrian")


def pictures(short_side: int) -> tuple[dict[str, NDArray[np.uint8]], dict[str, NDArray[np.uint8]]]:
    """Contents and styles by name, each reduced or enlarged to ``short_side`` pixels."""
    if FOLDER.is_dir():
        contents = {name: read_image(FOLDER / f"{name}.jpg") for name in CONTENTS}
        styles = {name: read_image(FOLDER / f"{name}.jpg") for name in STYLES}
    else:
        contents = {name: load_photograph(name) for name in ("china", "flower")}
        styles = {kind: as_uint8(make_style_image(kind, size=512, random_state=0)) for kind in ("waves", "mosaic")}
    return (
        {name: with_short_side(image, short_side) for name, image in contents.items()},
        {name: with_short_side(image, short_side) for name, image in styles.items()},
    )


def as_uint8(image: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.rint(image * 255).astype(np.uint8)


def with_short_side(image: NDArray[np.uint8], short_side: int) -> NDArray[np.uint8]:
    import PIL.Image

    factor = short_side / min(image.shape[:2])
    size = round(image.shape[1] * factor), round(image.shape[0] * factor)
    return np.asarray(PIL.Image.fromarray(image).resize(size, PIL.Image.Resampling.LANCZOS))
