"""Pictures that are made look as they did: every number of a painter matters, and none has a closed form.

Where a picture is meant to change, run this file as a script, look at the sheet, and commit it.
"""

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from skisp.datasets import STYLE_KINDS, make_digit_styles, make_style_image

SHEET = Path(__file__).parents[1] / "data" / "made_pictures.png"
SIZE = 112


def made():
    """A picture of each kind, one above the other, and one of digits, as grey levels."""
    digits = make_digit_styles(n_samples=16, random_state=0)
    rows = [make_style_image(kind, size=(SIZE, SIZE), random_state=0) for kind in STYLE_KINDS]
    for images in (digits.content, digits.style):
        rows.append(np.repeat(np.vstack([np.hstack(images[i : i + 4]) for i in (0, 4, 8, 12)])[..., None], 3, axis=2))
    return [np.rint(255 * row).astype(np.uint8) for row in rows]


@pytest.fixture(scope="module")
def pictures():
    sheet = np.asarray(PIL.Image.open(SHEET))
    names, ours = [*STYLE_KINDS, "content digits", "style digits"], made()
    return list(zip(names, ours, np.split(sheet, len(ours)), strict=True))


@pytest.mark.parametrize("number", range(len(STYLE_KINDS) + 2))
def test_pictures_that_are_made_are_those_of_the_sheet(pictures, number):
    """But for pixels that another rounding puts on the other side of an edge."""
    name, ours, theirs = pictures[number]
    differs = np.abs(ours.astype(int) - theirs).max(axis=2) > 2
    assert differs.mean() < 0.003, f"{name} has changed"


if __name__ == "__main__":
    PIL.Image.fromarray(np.vstack(made())).save(SHEET, optimize=True)
