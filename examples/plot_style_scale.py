"""
Large strokes and small ones
============================

``style_scale`` sets the size of the style's strokes relative to the picture.
"""

# %%
# Half, once and twice the size
# -----------------------------
# At 1, a stroke is as large in the picture as in the style, relative to their sizes. Small strokes show fine things;
# large ones leave them out, as a broad brush does.

import matplotlib.pyplot as plt

from skisp import StylePropagator
from skisp.datasets import load_photograph, make_style_image

photograph = load_photograph("china", size=192)
style = make_style_image("mosaic", size=photograph.shape[:2], random_state=0)
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
for scale in (0.5, 1.0, 1.5, 2.0):
    pictures[f"style_scale={scale}"] = propagator.set_params(style_scale=scale).transform([photograph])[0]

show(pictures, columns=2)
plt.show()
