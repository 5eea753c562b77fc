"""
A face, a place, a night, a cup
===============================

The same styles on photographs of different kinds.
"""

# %%
# Four photographs
# ----------------
# One comes with scikit-learn, the others with scikit-image.

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from skimage import data
from sklearn.frozen import FrozenEstimator

from skisp import PatchTransformer, StylePropagator
from skisp.datasets import load_photograph, make_style_image
from skisp.inspection import StyleGridDisplay

SIZE = (160, 240)


def of_one_size(image):
    """The upper part of an image, 240 pixels wide and 160 high."""
    height, width = SIZE
    reduced = Image.fromarray(image).convert("RGB")
    reduced = reduced.resize((width, round(width * reduced.height / reduced.width)), Image.Resampling.LANCZOS)
    return np.asarray(reduced)[:height]


subjects = [data.astronaut(), load_photograph("china"), data.rocket(), data.coffee()]
photographs = [of_one_size(subject) for subject in subjects]

# %%
# Four styles
# -----------
# Each style is learnt once, from one picture, and applied to all photographs. Faces are not looked for: the eyes stay
# because there the photograph has structure.

kinds = {"oil": ("brush_strokes", 1), "pop": ("halftone", 0), "waves": ("waves", 1), "woodcut": ("woodcut", 0)}
propagators = []
for kind, seed in kinds.values():
    style = PatchTransformer(random_state=0).fit([make_style_image(kind, size=SIZE, random_state=seed)])
    propagators.append(StylePropagator(style=FrozenEstimator(style), random_state=0).fit(photographs[:1]))

StyleGridDisplay.from_estimator(propagators, photographs, style_names=list(kinds))
plt.show()
