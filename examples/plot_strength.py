"""
How much of the style, how much of the photograph
=================================================

Two parameters balance them: ``strength`` says how much of the style to apply, and ``content_weight`` how much the
photograph counts when the style is applied in full.
"""

# %%
# A style that is learnt once
# ---------------------------
# The parameters act in ``transform``, so one fit is enough for all that follows.

import matplotlib.pyplot as plt

from skisp import StylePropagator
from skisp.datasets import load_photograph, make_style_image

# sphinx_gallery_thumbnail_number = 2

photograph = load_photograph("china", size=300)
style = make_style_image("woodcut", size=photograph.shape[:2], random_state=2)
propagator = StylePropagator(style_images=style, random_state=0).fit([photograph])


def redrawn(**parameters):
    """The photograph redrawn with some parameters changed."""
    return propagator.set_params(**parameters).transform([photograph])[0]


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
# Strength
# --------
# 0 returns the photograph, bit for bit, and 1 is the full style. Between 0 and 1 the strokes follow the photograph more
# closely, and are mixed with it.

show({f"strength={strength}": redrawn(strength=strength) for strength in (0.0, 0.33, 0.67, 1.0)}, columns=2)

# %%
# Weight of the content
# ---------------------
# At full strength, too, the search prefers patches that fit the photograph, mainly where it has structure. With a
# weight of 0 the style is free; a greater weight keeps eyes, letters and lines.

show({f"content_weight={weight}": redrawn(content_weight=weight) for weight in (0.0, 0.5, 1.0, 3.0)}, columns=2)
plt.show()
