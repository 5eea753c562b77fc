"""
Several styles in one picture
=============================

Styles can be mixed, each with a weight, or put side by side, each with a mask.
"""

# %%
# Two styles
# ----------
# Every style is learnt by a coder of its own. A fitted one is not fitted again, so it can take part in many mixtures;
# ``FrozenEstimator`` makes sure of that. Here is each style alone.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.frozen import FrozenEstimator

from skisp import PatchTransformer, StylePropagator
from skisp.datasets import load_photograph, make_style_image
from skisp.inspection import StyleGridDisplay

# sphinx_gallery_thumbnail_number = 3

photograph, flower = load_photograph("china", size=192), load_photograph("flower", size=192)
paintings = [make_style_image(kind, size=photograph.shape[:2], random_state=0) for kind in ("waves", "brush_strokes")]
styles = [FrozenEstimator(PatchTransformer(random_state=0).fit([painting])) for painting in paintings]
propagators = [StylePropagator(style=style, random_state=0).fit([photograph]) for style in styles]
StyleGridDisplay.from_estimator(propagators, [photograph, flower], style_names=["waves", "brush strokes"])

# %%
# Mixed by weights
# ----------------
# The colours of the styles meet in between, at their Wasserstein barycentre. Patches of both occur in the picture, more
# of those with the greater weight.


def show(images, columns):
    """Show images in columns, each with its name on top."""
    rows = -(-len(images) // columns)
    height, width = photograph.shape[:2]
    size = (6.4, rows * (6.4 / columns * height / width + 0.35))
    _, axes = plt.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, (name, image) in zip(axes.flat, images.items(), strict=False):
        axis.imshow(image)
        axis.set_title(name)


pictures = {}
for weight in (0.75, 0.5, 0.25):
    propagator = StylePropagator(style=styles, style_weights=[weight, 1 - weight], random_state=0)
    pictures[f"{weight:.0%} waves"] = propagator.fit_transform([photograph])[0]

show(pictures, columns=3)

# %%
# Side by side by masks
# ---------------------
# One mask for each style says where it acts. Masks may be soft: in the first picture one style fades into the other
# from left to right, and in the second each has its own half.

height, width = photograph.shape[:2]
ramp = np.broadcast_to(np.linspace(0, 1, width, dtype=np.float32), (height, width))
halves = np.round(ramp)
propagator = StylePropagator(style=styles, random_state=0).fit([photograph])
pictures = {
    name: propagator.transform([photograph], mask=[np.stack([1 - mask, mask])])[0]
    for name, mask in {"Soft masks": ramp, "Hard masks": halves}.items()
}
show(pictures, columns=2)
plt.show()
