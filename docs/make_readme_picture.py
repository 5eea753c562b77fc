"""Draw the README's picture: a landscape, a face and a flower, three styles, and the photographs redrawn in them.

Everything in it comes with skisp, scikit-learn or scikit-image, and the same versions draw the same picture. The first
row is what ``skisp demo`` draws, a little larger.

    python docs/make_readme_picture.py
"""

from pathlib import Path

import numpy as np
import PIL.Image

import skisp
from skisp.datasets import load_photograph, make_style_image

TARGET = Path(__file__).parent / "_static" / "readme.jpg"
ROWS = [("china", "brush_strokes", 0), ("astronaut", "brush_strokes", 1), ("flower", "stained_glass", 0)]
WIDTH = 392
GAP = 12


def joined(images, axis):
    """Put images in a row or a column, with white between them."""
    shape = list(images[0].shape)
    shape[axis] = GAP
    white = np.full(shape, 255, np.uint8)
    return np.concatenate([part for image in images for part in (white, image)][1:], axis=axis)


def astronaut_of(width):
    """The face that comes with scikit-image, cut to the proportions of the other photographs."""
    from skimage.data import astronaut

    face = PIL.Image.fromarray(astronaut()).crop((0, 0, 512, 342))
    return np.asarray(face.resize((width, round(width * 342 / 512)), PIL.Image.Resampling.LANCZOS))


def row(name, kind, seed):
    """A photograph, a style, and the photograph in that style, of one size."""
    photograph = astronaut_of(WIDTH) if name == "astronaut" else load_photograph(name, size=WIDTH)
    style = make_style_image(kind, size=photograph.shape[:2], random_state=seed)
    picture = skisp.propagate_style(photograph, style, random_state=0)
    return joined([photograph, np.rint(style * 255).astype(np.uint8), picture], axis=1)


if __name__ == "__main__":
    picture = joined([row(*arguments) for arguments in ROWS], axis=0)
    TARGET.parent.mkdir(exist_ok=True)
    PIL.Image.fromarray(picture).save(TARGET, quality=88, subsampling=0, optimize=True)
    print(f"wrote {TARGET.name}: {picture.shape[1]}x{picture.shape[0]} pixels, {TARGET.stat().st_size / 1e6:.2f} MB")
