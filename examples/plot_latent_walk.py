"""
What lies between two images?
=============================

A :class:`~skisp.CVAETransformer` gives each image a place in a space of codes, in which one can walk: from one image to
another, along a coordinate, or over the whole map.
"""

# %%
# A map of the codes
# ------------------
# :func:`~skisp.datasets.make_digit_styles` enlarges scikit-learn's digits to the usual 28x28 pixels and sets them
# upright. With two numbers for each digit, the codes are a map. Equal digits lie together, though the model does not
# know which digit an image shows.

import matplotlib.pyplot as plt
import numpy as np

from skisp import CVAETransformer
from skisp.datasets import make_digit_styles
from skisp.inspection import LatentMapDisplay, LatentTraversalDisplay

data = make_digit_styles(898, random_state=0)
digits, target = data.content, data.content_target
settings = {"network": "dense", "likelihood": "bernoulli", "batch_size": 64, "random_state": 0}
flat = CVAETransformer(2, **settings).fit(digits)
LatentMapDisplay.from_estimator(flat, digits, target, cmap="gray_r")

# %%
# From one digit to another
# -------------------------
# ``interpolate`` goes from one image to another, in steps that change the image evenly. On the map a straight line from
# 2 to 4 crosses the regions of 8 and of 5, and the line from 0 to 3 that of 9.


def first(digit):
    """The first digit of a kind."""
    return digits[np.flatnonzero(target == digit)[0]]


def show_rows(rows):
    """Show rows of images, each with its name on the left."""
    _, axes = plt.subplots(len(rows), 1, figsize=(6.4, 0.6 * len(rows)), layout="constrained")
    for axis, (name, images) in zip(axes, rows.items(), strict=True):
        axis.imshow(np.hstack(images), "gray_r", vmin=0, vmax=1)
        axis.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=12)
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)


pairs = [(2, 4), (0, 3), (6, 7)]
show_rows(
    {f"{start} to {end}": flat.interpolate(first(start), first(end), 12, path="straight") for start, end in pairs}
)

# %%
# The shortest path
# -----------------
# Sixteen numbers describe a digit far better than two. ``path="geodesic"`` takes the shortest path on the
# surface of images that the decoder spans: the one on which the image changes least in total. Beside each path is its
# length, the sum of the changes from step to step. Mixing the pixels gives an even shorter path, but it leaves that
# surface: in the middle both digits are visible, each half as dark. The geodesic comes near to that, so for a walk
# through other shapes take the straight path, the default.

cvae = CVAETransformer(16, **settings).fit(digits)
rows = {}
for start, end in pairs[:2]:
    ways = {path: cvae.interpolate(first(start), first(end), 12, path=path) for path in ("straight", "geodesic")}
    ways["pixels"] = np.linspace(ways["straight"][0], ways["straight"][-1], 12)
    for name, images in ways.items():
        length = np.sqrt(np.square(np.diff(images, axis=0)).sum(axis=(1, 2))).sum()
        rows[f"{start} to {end},\n{name}, {length:.1f}"] = images
show_rows(rows)

# %%
# One coordinate at a time
# ------------------------
# A traversal changes one coordinate of a code and keeps the others. The rows are the coordinates that carry most, and
# beside each is how much: its KL divergence. In the middle is a 3. A coordinate need not mean anything that has a name,
# since nothing in the training requires that.

LatentTraversalDisplay.from_estimator(cvae, first(3), n_components=6, cmap="gray_r")
plt.show()
