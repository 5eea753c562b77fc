"""
Handwritten digits: coded, drawn again and invented
===================================================

A :class:`~skisp.CVAETransformer` learns to code images of 28x28 pixels by 32 numbers. Because it also learns how those
codes are distributed, it can invent digits. A plain autoencoder draws digits again even better, but invents none.
"""

# %%
# The digits
# ----------
# Nothing is downloaded: scikit-learn ships with digits of 8x8 pixels, which are enlarged threefold and given a margin,
# so that they have the usual 28x28 pixels (blurred, without any more detail). A quarter of them is held out; the others
# are learnt from as they are and turned by ten degrees either way, which makes up for their small number.

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import rotate, zoom
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skisp import CVAETransformer

enlarged = zoom(load_digits().images / 16, (1, 3, 3), order=3, mode="nearest", grid_mode=True).clip(0, 1)
digits = np.pad(enlarged, ((0, 0), (2, 2), (2, 2)))
train, test = train_test_split(digits, test_size=0.25, random_state=0)
train = np.concatenate([rotate(train, angle, axes=(1, 2), reshape=False, order=1) for angle in (-10, 0, 10)])
print(f"{len(train)} digits to learn from and {len(test)} held out, of {digits.shape[1]}x{digits.shape[2]} pixels")

# %%
# Fit
# ---
# 32 numbers a digit, dense layers (quick; for images of this size the default is convolutions, which reach a better
# score in some more time), 50 epochs of Adam in batches of 256; the Bernoulli likelihood is for values from 0, paper,
# to 1, ink. ``n_active_units_`` counts the numbers that carry something: it takes fewer than 32. ``score`` is the mean
# log likelihood of a digit, in nats.

settings = {
    "n_components": 32,
    "network": "dense",
    "likelihood": "bernoulli",
    "batch_size": 256,
    "max_iter": 50,
    "random_state": 0,
}
cvae = CVAETransformer(**settings).fit(train)

print(f"{cvae.n_active_units_} of {cvae.n_components} numbers are used")
print(f"score of the digits held out: {cvae.score(test):.1f} nats")

# %%
# Draw digits again
# -----------------
# ``transform`` codes digits that were never seen, and ``inverse_transform`` draws them from their codes.

drawn = cvae.inverse_transform(cvae.transform(test))


def show_rows(rows):
    """Draw rows of twelve digits, each with its name on the left."""
    _, axes = plt.subplots(len(rows), 1, figsize=(8, 0.7 * len(rows)), layout="constrained")
    for axis, (name, images) in zip(axes, rows.items(), strict=True):
        axis.imshow(np.hstack(images[:12]), cmap="gray_r", vmin=0, vmax=1)
        axis.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=12)
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)


show_rows({"held out": test, "drawn again": drawn})

# %%
# Invent digits
# -------------
# ``sample`` draws codes from the standard normal distribution, and digits from the codes. Nobody wrote these; some lie
# between two digits. With ``prior="aggregate"`` the codes come from where those of the training digits were, which
# leaves out most of the gaps between them.


def show_sheets(sheets):
    """Draw sheets of ten by ten digits side by side, each with its name on top."""
    _, axes = plt.subplots(1, len(sheets), figsize=(4.8 * len(sheets), 5), layout="constrained", squeeze=False)
    for axis, (name, images) in zip(axes.flat, sheets.items(), strict=True):
        axis.imshow(
            np.vstack([np.hstack(row) for row in images.reshape(10, 10, 28, 28)]), cmap="gray_r", vmin=0, vmax=1
        )
        axis.set_title(name)
        axis.axis("off")


invented = cvae.sample(100, random_state=0)
show_sheets({"100 invented digits": invented, "prior='aggregate'": cvae.sample(100, random_state=0, prior="aggregate")})

# %%
# From one digit to another
# -------------------------
# ``interpolate`` leads from a digit to another one in even steps.

pairs = {"path": (0, 1), "another": (2, 3), "a third": (4, 5)}
show_rows({name: cvae.interpolate(test[a], test[b], 12, path="straight") for name, (a, b) in pairs.items()})

# %%
# A plain autoencoder
# -------------------
# With ``kl_weight=0`` nothing is asked of the codes but that digits can be drawn from them. Held-out digits are drawn
# again more exactly, but they are less likely under the model, for the codes may lie anywhere: codes drawn from the
# standard normal distribution give scraps of digits.

autoencoder = CVAETransformer(**settings, kl_weight=0).fit(train)
drawn_plainly = autoencoder.inverse_transform(autoencoder.transform(test))

for name, model, images in [("C-VAE", cvae, drawn), ("autoencoder", autoencoder, drawn_plainly)]:
    error = np.sqrt(np.mean((images - test) ** 2))
    print(
        f"{name}: held-out digits drawn with an error of {error:.3f} (root mean square), score {model.score(test):.1f}"
    )

show_rows({"held out": test, "C-VAE": drawn, "autoencoder": drawn_plainly})

# %%

show_sheets({"Invented by the C-VAE": invented, "By the autoencoder": autoencoder.sample(100, random_state=0)})
plt.show()
