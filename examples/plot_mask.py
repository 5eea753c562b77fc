"""
A style for a part of the photograph
====================================

A mask says where the style acts: 1 redraws, 0 keeps the photograph's own pixels, and values between mix.
"""

# %%
# A mask made by hand
# -------------------
# Any array of the photograph's size can be a mask: painted in an image editor, or computed. This one is a soft disc
# around the flower.

import matplotlib.pyplot as plt
import numpy as np

from skisp import StylePropagator
from skisp.datasets import load_photograph, make_style_image

# sphinx_gallery_thumbnail_number = 2

photograph = load_photograph("flower", size=192)
style = make_style_image("brush_strokes", size=photograph.shape[:2], random_state=0)

height, width = photograph.shape[:2]
rows, columns = np.mgrid[:height, :width]
distance = np.hypot(rows - 0.52 * height, columns - 0.48 * width)
flower = np.clip((0.38 * height - distance) / 6, 0, 1).astype(np.float32)


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


show({"Photograph": photograph, "Style": style, "Mask": np.dstack([flower] * 3)}, columns=3)

# %%
# The flower, and everything but the flower
# -----------------------------------------
# Masks are given to ``transform``, one for each image.

propagator = StylePropagator(style_images=style, random_state=0).fit([photograph])
pictures = {
    name: propagator.transform([photograph], mask=[mask])[0]
    for name, mask in {"mask=[flower]": flower, "mask=[1 - flower]": 1 - flower}.items()
}
show(pictures, columns=2)
plt.show()
