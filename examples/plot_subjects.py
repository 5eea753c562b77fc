"""
A face, a temple, a street, a cup
=================================

The same four styles on four subjects of different kinds.
"""

# %%
# Four subjects
# -------------
# The face and the cup come with scikit-image, and the temple with scikit-learn. Neither has a street, so that is drawn,
# with houses, pavements and haze as a photograph would have them.

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from skimage import data
from sklearn.frozen import FrozenEstimator

from skisp import PatchTransformer, StylePropagator
from skisp.datasets import load_photograph, make_style_image

# sphinx_gallery_thumbnail_number = 3

SIZE = (200, 300)


def of_one_size(image):
    """The upper part of an image, 300 pixels wide and 200 high."""
    height, width = SIZE
    reduced = Image.fromarray(image).convert("RGB")
    reduced = reduced.resize((width, round(width * reduced.height / reduced.width)), Image.Resampling.LANCZOS)
    return np.asarray(reduced)[:height]


def street(height, width):
    """A street of painted houses: each pixel shows the wall, the ground or the sky that its ray meets first."""
    random = np.random.default_rng(2)
    y, x = np.mgrid[0.5 : -0.5 : height * 1j, -0.7 : 0.8 : width * 1j]  # the direction of each ray
    right = (x > 0).astype(int)
    # Lengths are in metres. The eye is 1.6 above the ground, and a house is 5 long.
    to_wall, to_ground = np.where(right, 3, 4) / np.abs(x).clip(1e-6), 1.6 / (-y).clip(1e-6)
    up, across, house = 1.6 + y * to_wall, x * to_ground, (to_wall / 5).astype(int).clip(0, 30)
    roof = random.uniform(5.6, 8.4, (2, 31))[right, house]
    paints = np.array([[0.9, 0.8, 0.6], [0.7, 0.35, 0.3], [0.6, 0.7, 0.7], [0.9, 0.6, 0.4], [0.95, 0.9, 0.85]])
    paint = paints[(2 * right + house) % len(paints)]
    ground, solid = to_ground < to_wall, (to_ground < to_wall) | (up < roof)
    # Distances from the middle of the nearest window, and from that of the road.
    column, storey, road = np.abs(3 * to_wall / 5 % 1 - 0.5), np.abs(up / 2.6 % 1 - 0.55), np.abs(across + 0.4)
    frame = (column < 0.34) & (storey < 0.34) & (up > 2.6) & (up < roof - 0.4)
    awning = (up > 2) & (up < 2.5)
    joint = np.minimum(to_ground % 1, across % 0.7) < 0.05
    colors = [  # a pixel takes the first that holds
        (ground & (road < 0.06) & (to_ground % 3 < 1.5), (0.9, 0.9, 0.8)),  # the line in the middle
        (ground & (road < 2.2), (0.4, 0.4, 0.42)),
        (ground & joint, (0.5, 0.48, 0.45)),
        (ground, (0.7, 0.66, 0.6)),
        (~solid, (1, 0.9, 0.8) - y.clip(0)[..., None] * (1.3, 0.7, 0)),  # the sky
        (up > roof - 0.3, 0.6 * paint),
        (frame & (column > 0.03) & (column < 0.28) & (storey < 0.29), (0.15, 0.2, 0.3)),
        (frame, (0.95, 0.93, 0.9)),
        (awning & (to_wall * 2 % 1 < 0.5), (0.8, 0.2, 0.15)),
        (awning, (0.95, 0.9, 0.8)),
        ((up > 0.4) & (up < 2) & (column < 0.4), (0.22, 0.16, 0.14)),  # shops
        (solid, paint),
    ]
    picture = np.select([holds[..., None] for holds, _ in colors], [np.array(color) for _, color in colors])
    in_shade = np.where(ground, across > 0.3, right & solid)
    haze = np.where(solid, 1 - np.exp(-np.minimum(to_wall, to_ground) / 40), 0)[..., None]
    picture = (1 - haze) * picture * np.where(in_shade, 0.65, 1)[..., None] + haze * (1, 0.9, 0.8)
    return (255 * (picture + random.normal(scale=0.02, size=picture.shape)).clip(0, 1)).astype(np.uint8)


def show(images):
    """Show four images, two by two."""
    height, width = SIZE
    _, axes = plt.subplots(2, 2, figsize=(6.4, 6.4 * height / width), layout="constrained")
    for axis, image in zip(axes.flat, images, strict=True):
        axis.imshow(image)
        axis.axis("off")


subjects = [data.astronaut(), load_photograph("china"), street(400, 600), data.coffee()]
photographs = [of_one_size(subject) for subject in subjects]
show(photographs)

# %%
# Four styles
# -----------
# Oil, printed dots, waves, and a woodcut.

kinds = {"oil": ("brush_strokes", 1), "pop": ("halftone", 0), "waves": ("waves", 1), "woodcut": ("woodcut", 2)}
styles = {name: make_style_image(kind, size=SIZE, random_state=seed) for name, (kind, seed) in kinds.items()}
show(styles.values())


def redrawn(name):
    """All subjects in one style, which is learnt once."""
    style = FrozenEstimator(PatchTransformer(random_state=0).fit([styles[name]]))
    return StylePropagator(style=style, random_state=0).fit_transform(photographs)


# %%
# In oil
# ------
# Faces are not looked for: the eyes stay because there the photograph has structure.

show(redrawn("oil"))

# %%
# In printed dots
# ---------------

show(redrawn("pop"))

# %%
# As waves
# --------

show(redrawn("waves"))

# %%
# As a woodcut
# ------------

show(redrawn("woodcut"))
plt.show()
