"""Draw the README's pictures: three photographs, three styles, and the photographs redrawn in them; and the presets.

Everything in it comes with skisp, scikit-learn or scikit-image, and the same versions draw the same picture. The first
row is what ``skisp demo`` draws, a little larger.

    python docs/make_readme_picture.py
"""

from pathlib import Path

import numpy as np
import PIL.Image

import skisp
from skisp.datasets import load_photograph, make_style_image

FOLDER = Path(__file__).parent / "_static"
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


def in_presets():
    """The face in one style, from faithful to bold."""
    photograph = astronaut_of(WIDTH)
    style = make_style_image("brush_strokes", size=photograph.shape[:2], random_state=1)
    propagator = skisp.StylePropagator(style_images=[style], random_state=0).fit([photograph])
    looks = [skisp.preset(name) for name in ("faithful", "balanced", "bold")]
    return joined([propagator.set_params(**look).transform([photograph])[0] for look in looks], axis=1)


def save(name, picture):
    target = FOLDER / name
    PIL.Image.fromarray(picture).save(target, quality=88, subsampling=0, optimize=True)
    print(f"wrote {name}: {picture.shape[1]}x{picture.shape[0]} pixels, {target.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    save("presets.jpg", in_presets())
    save("readme.jpg", joined([row(*arguments) for arguments in ROWS], axis=0))
