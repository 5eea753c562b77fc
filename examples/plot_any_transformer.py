"""
Any transformer as the coder of the style
=========================================

The patches of the style may be coded by any scikit-learn transformer that has an ``inverse_transform``.
"""

# %%
# Three coders
# ------------
# A :class:`~skisp.PatchTransformer` makes a coder of patches from a transformer of rows. Principal components are fast,
# non-negative factors add up and never cancel, and a collapsed VAE, the default, loses less of a patch with a code of
# the same length and can generate new patches. The pictures are about equally good.

import matplotlib.pyplot as plt
from sklearn.decomposition import NMF, PCA

from skisp import CVAETransformer, PatchTransformer, StylePropagator
from skisp.datasets import load_photograph, make_style_image

photograph = load_photograph("china", size=192)
style = make_style_image("stained_glass", size=photograph.shape[:2], random_state=0)
transformers = {
    "PCA": PCA(12),
    "NMF": NMF(12, init="nndsvda", max_iter=100, tol=1e-2),
    "C-VAE": CVAETransformer(12, hidden_layer_sizes=(128, 64), likelihood="gaussian", noise_scale=0.05, max_iter=16),
}


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


# %%
# The same photograph by each
# ---------------------------
# ``detail=0`` renders without the residual, which shows what the codes alone hold.

pictures = {"Photograph": photograph, "Style": style}
for name, transformer in transformers.items():
    coder = PatchTransformer(transformer, max_patches=8000, random_state=0)
    propagator = StylePropagator(style=coder, style_images=style, random_state=0).fit([photograph])
    pictures[name] = propagator.transform([photograph])[0]
    pictures[f"{name}, codes alone"] = propagator.set_params(detail=0.0).transform([photograph])[0]

show(pictures, columns=2)
plt.show()
