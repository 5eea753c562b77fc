"""
Whose colours should it have?
=============================

A style is strokes and colours. ``color`` says which of them to take.
"""

# %%
# One photograph, one style
# -------------------------
# The style is blue and sand; the photograph is red and green.

import matplotlib.pyplot as plt

from skisp import StylePropagator
from skisp.datasets import load_photograph, make_style_image

# sphinx_gallery_thumbnail_number = 2

photograph = load_photograph("china", size=224)
style = make_style_image("waves", size=photograph.shape[:2], random_state=0)
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


show({"Photograph": photograph, "Style": style}, columns=2)

# %%
# Three answers
# -------------
# ``"style"`` takes both strokes and colours. ``"content"`` takes the strokes alone: the chroma of every pixel stays the
# photograph's. ``"only"`` takes the colours alone, by a linear map of all pixels, without any strokes.

pictures = {}
for color in ("style", "content", "only"):
    pictures[f'color="{color}"'] = propagator.set_params(color=color).transform([photograph])[0]

show(pictures, columns=3)
plt.show()
