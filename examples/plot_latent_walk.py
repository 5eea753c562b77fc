"""
What lies between two images?
=============================

A :class:`~skisp.CVAETransformer` gives images places in a space of codes, and one can walk there: from one image to
another, along a coordinate, or over the whole map.
"""

# %%
# A map of the codes
# ------------------
# :func:`~skisp.datasets.make_digit_styles` enlarges scikit-learn's digits to the usual 28x28 pixels and sets them
# upright. With two numbers a digit, the codes are a map. Digits of a kind lie together, though the model is never told
# what a digit means.

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
# ``interpolate`` leads from an image to another, in steps that change it evenly. On the map a straight line from 2 to 4
# crosses the country of 8 and that of 5, and the one from 0 to 3 that of 9.


def first(digit):
    """The first digit of a kind."""
    return digits[np.flatnonzero(target == digit)[0]]


def show_rows(rows):
    """Draw rows of images, each with its name on the left."""
    _, axes = plt.subplots(len(rows), 1, figsize=(9, 0.85 * len(rows)), layout="constrained")
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
# The shortest way
# ----------------
# Sixteen numbers draw a digit far better than two. ``path="geodesic"``, the default, takes the shortest way over the
# surface of images that the decoder draws: the one on which the image changes least in all. Beside each way stands how
# long it is, the sum of the changes from step to step. A mixture of the pixels is shorter still, but it leaves that
# surface: in the middle both digits are there, each half as dark. The geodesic comes near to it, so that a walk that is
# to pass through other shapes had better be straight.

cvae = CVAETransformer(16, **settings).fit(digits)
rows = {}
for start, end in pairs[:2]:
    ways = {path: cvae.interpolate(first(start), first(end), 12, path=path) for path in ("straight", "geodesic")}
    ways["pixels"] = np.linspace(ways["straight"][0], ways["straight"][-1], 12)
    for name, images in ways.items():
        length = np.sqrt(np.square(np.diff(images, axis=0)).sum(axis=(1, 2))).sum()
        rows[f"{start} to {end}, {name}, {length:.1f}"] = images
show_rows(rows)

# %%
# One coordinate at a time
# ------------------------
# A traversal moves one coordinate of a code and leaves the others. The rows shown are those that carry most, and beside
# each stands how much: its KL divergence. Here is a 3 in the middle. A coordinate need not mean anything that has a
# name, for nothing in the training asks for that.

LatentTraversalDisplay.from_estimator(cvae, first(3), n_components=6, cmap="gray_r")
plt.show()
