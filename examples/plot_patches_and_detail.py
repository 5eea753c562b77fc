"""
New patches of a style
======================

A collapsed VAE has learnt how patches of the style look, so it can generate ones that the style does not hold.
``patches`` and ``detail`` say what the picture is rendered with.
"""

# %%
# Four ways to render
# -------------------
# With ``patches="style"`` the picture is put together of the style's own patches; with ``"generated"`` a new one is
# sampled about each of those from the model's posterior. What the code cannot say, the residual, is added back in the
# share ``detail``: at 0 it is the model alone, which is smooth.

import matplotlib.pyplot as plt
import numpy as np

from skisp import StylePropagator
from skisp.datasets import load_photograph, make_style_image

photograph = load_photograph("china", size=192)
style = make_style_image("brush_strokes", size=photograph.shape[:2], random_state=0)
propagator = StylePropagator(style_images=style, random_state=0).fit([photograph])


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


pictures = {"Photograph": photograph, "Style": style}
for detail in (1.0, 0.0):
    for patches in ("style", "generated"):
        propagator.set_params(patches=patches, detail=detail)
        pictures[f'patches="{patches}", detail={detail:.0f}'] = propagator.transform([photograph])[0]

show(pictures, columns=2)

# %%
# What is new
# -----------
# The difference between the style's own patches and the generated ones, five times enlarged about grey: it is small, of
# all colours, and greatest where the photograph has structure.

own, generated = (pictures[f'patches="{patches}", detail=1'] for patches in ("style", "generated"))
difference = np.clip(0.5 + 5 * (generated.astype(float) - own) / 255, 0, 1)
show({"Its own patches": own, "Generated": generated, "Difference, times 5": difference}, columns=3)
plt.show()
