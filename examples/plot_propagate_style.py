"""
A photograph in the style of a picture
======================================

One call redraws a photograph in the style of a picture, and one parameter says how much of the style to apply.
"""

# %%
# The photograph and the style
# ----------------------------
# Both are installed: the photograph comes with scikit-learn, and the style picture is computed. ``propagate_style``
# takes paths of your own files as well.

import matplotlib.pyplot as plt

from skisp import StylePropagator, propagate_style
from skisp.datasets import load_photograph, make_style_image

photograph = load_photograph("china", size=320)
style = make_style_image("brush_strokes", size=photograph.shape[:2], random_state=0)

# %%
# Redraw it
# ---------
# A collapsed variational autoencoder learns the style from the one picture. Then the photograph is redrawn with patches
# of that style, from coarse to fine. The same seed gives the same picture.

picture = propagate_style(photograph, style, random_state=0)


def show(images, columns):
    """Show images of one size in columns, each with its name on top."""
    rows = -(-len(images) // columns)
    height, width = photograph.shape[:2]
    size = (6.4, rows * (6.4 / columns * height / width + 0.35))
    _, axes = plt.subplots(rows, columns, figsize=size, layout="constrained")
    for axis, (name, image) in zip(axes.flat, images.items(), strict=True):
        axis.imshow(image)
        axis.set_title(name)
        axis.axis("off")


show({"Photograph": photograph, "Style": style, "Result": picture}, columns=3)

# %%
# How much of the style
# ---------------------
# ``strength`` goes from 0, the photograph, to 1. A :class:`~skisp.StylePropagator` learns the style once, and can then
# redraw with one strength after another.

propagator = StylePropagator(style_images=[style], random_state=0).fit([photograph])
pictures = {}
for strength in (0.25, 0.5, 0.75):
    pictures[f"strength={strength}"] = propagator.set_params(strength=strength).transform([photograph])[0]

show({**pictures, "strength=1": picture}, columns=2)
plt.show()
