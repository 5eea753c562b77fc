"""
Digits in another hand
======================

A :class:`~skisp.StylePropagator` redraws whole rows too, here upright digits in a slanted hand with thick strokes. It
learns the hand from other digits: no digit is given in both hands, and no label is used.
"""

# %%
# Two hands
# ---------
# :func:`~skisp.datasets.make_digit_styles` takes scikit-learn's digits, sets 600 upright, and slants and thickens 600
# others.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import PCA
from sklearn.svm import SVC

from skisp import CVAETransformer, StylePropagator
from skisp.datasets import digit_slant, digit_thickness, make_digit_styles

digits = make_digit_styles(600, random_state=0)

# %%
# Redrawn
# -------
# Both coders are unfitted: the propagator fits the content's coder on upright digits, and the style's on slanted ones.
# It then learns the map of codes by optimal transport. ``strength`` says how far along that map to go.

cvae = CVAETransformer(32, network="dense", max_iter=60, random_state=0)
propagator = StylePropagator(cvae, cvae, style_images=digits.style, random_state=0).fit(digits.content)
redrawn = {strength: propagator.set_params(strength=strength).transform(digits.content) for strength in (0, 0.5, 1)}

# %%
# A PCA in place of the C-VAE is fitted in almost no time. If only its moments are known, the map is optimal transport
# between Gaussians, which may take a digit to the code of another digit.

rows = {name: digits[name].reshape(600, -1) for name in ("content", "style")}
pca = PCA(32, random_state=0).fit(rows["style"])
by_pca = {
    "PCA": StylePropagator(style=pca, style_images=rows["style"], random_state=0),
    "PCA, moments": StylePropagator(style=pca, random_state=0),
}

# %%
# Slant, thickness, and who can read it
# -------------------------------------
# The judge is a classifier that was fitted on digits of neither set, in the slanted hand; it reads upright digits
# badly. With so few and so small digits, the results of PCA with the style's digits are read even a little better than
# those of the C-VAE.

judge = SVC(C=5).fit(digits.held_out.reshape(len(digits.held_out), -1), digits.held_out_target)
shown = {
    "content": digits.content,
    "strength 0.5": redrawn[0.5],
    "strength 1": redrawn[1],
    **{name: model.fit_transform(rows["content"]).reshape(-1, 28, 28) for name, model in by_pca.items()},
    "style": digits.style,
}
print("                slant  thickness    read")
for name, images in shown.items():
    images = images.clip(0, 1)
    target = digits.style_target if name == "style" else digits.content_target
    read = judge.score(images.reshape(600, -1), target)
    print(f"{name:14s} {digit_slant(images).mean():6.2f} {digit_thickness(images).mean():10.2f} {read:7.1%}")

# %%
# The last row shows other digits, from which the hand was learnt:

_, axes = plt.subplots(len(shown), 1, figsize=(6.4, 3.4), layout="constrained")
for axis, (name, images) in zip(axes, shown.items(), strict=True):
    axis.imshow(np.hstack(images[:14]), "gray_r", vmin=0, vmax=1)
    axis.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=12)
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)
plt.show()
