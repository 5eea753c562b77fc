"""
Handwritten digits: coded, reconstructed and sampled
====================================================

A :class:`~skisp.CVAETransformer` learns to code images of 28x28 pixels by 32 numbers. Because it also learns how those
codes are distributed, it can sample new digits. This is the classical case: rows of 784 values, 50 epochs of Adam.
"""

# %%
# The digits
# ----------
# Nothing is downloaded: scikit-learn comes with digits of 8x8 pixels, which are enlarged threefold and given a margin,
# so that they have the usual 28x28 pixels (blurred, without more detail). A quarter of them is held out. The model is
# trained on the others, and on the same turned by ten degrees to the left and to the right, since they are few.

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import rotate, zoom
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skisp import CVAETransformer
from skisp.inspection import LossCurveDisplay

# sphinx_gallery_thumbnail_number = 3

enlarged = zoom(load_digits().images / 16, (1, 3, 3), order=3, mode="nearest", grid_mode=True).clip(0, 1)
digits = np.pad(enlarged, ((0, 0), (2, 2), (2, 2)))
train, test = train_test_split(digits, test_size=0.25, random_state=0)
train = np.concatenate([rotate(train, angle, axes=(1, 2), reshape=False, order=1) for angle in (-10, 0, 10)])
print(f"{len(train)} digits to learn from and {len(test)} held out, of {digits.shape[1]}x{digits.shape[2]} pixels")

# %%
# Fit
# ---
# 32 numbers a digit; dense layers (quick; for images of this size the default is convolutions, which reach a better
# score in somewhat more time); Adam with a constant learning rate of 1e-3, in batches of 256; the Bernoulli likelihood,
# which is for values from 0, paper, to 1, ink. ``n_active_units_`` counts the numbers that carry something: fewer than
# 32.

classical = {"n_components": 32, "network": "dense", "likelihood": "bernoulli", "batch_size": 256, "max_iter": 50}
cvae = CVAETransformer(**classical, learning_rate=1e-3, learning_rate_schedule="constant", random_state=0).fit(train)
print(f"{cvae.n_active_units_} of {cvae.n_components} numbers are used")

# %%
# ``score`` is the mean log likelihood of a digit, in nats. By default the learning rate rises to 3e-3 and falls to
# almost 0, which makes unseen digits a little more likely after the same number of epochs:

one_cycle = CVAETransformer(**classical, random_state=0).fit(train)
axis = None
for name, model in {"constant": cvae, "one cycle": one_cycle}.items():
    print(f"learning rate {name:9s} digits held out: {model.score(test):.1f} nats")
    axis = LossCurveDisplay.from_estimator(model, name=name, ax=axis).ax_
axis.set_ylim(top=axis.get_ylim()[0] + 60)

# %%
# Reconstruct digits
# ------------------
# ``transform`` codes digits that were never seen, and ``inverse_transform`` decodes the codes.

reconstructed = cvae.inverse_transform(cvae.transform(test))


def show_rows(rows):
    """Show rows of twelve digits, each with its name on the left."""
    _, axes = plt.subplots(len(rows), 1, figsize=(6.4, 0.55 * len(rows)), layout="constrained")
    for axis, (name, images) in zip(axes, rows.items(), strict=True):
        axis.imshow(np.hstack(images[:12]), cmap="gray_r", vmin=0, vmax=1)
        axis.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=12)
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)


show_rows({"held out": test, "reconstructed": reconstructed})

# %%
# Sample digits
# -------------
# ``sample`` samples codes from the standard normal distribution and decodes them. Nobody wrote these digits; some lie
# between two digits. With ``prior="aggregate"`` the codes come from where those of the training digits lie, which
# leaves out most of the gaps between them.


def show_sheets(sheets):
    """Show sheets of ten by ten digits side by side, each with its name on top."""
    _, axes = plt.subplots(1, len(sheets), figsize=(3.2 * len(sheets), 3.6), layout="constrained", squeeze=False)
    for axis, (name, images) in zip(axes.flat, sheets.items(), strict=True):
        axis.imshow(
            np.vstack([np.hstack(row) for row in images.reshape(10, 10, 28, 28)]), cmap="gray_r", vmin=0, vmax=1
        )
        axis.set_title(name)
        axis.axis("off")


samples = cvae.sample(100, random_state=0)
show_sheets({"100 sampled digits": samples, "prior='aggregate'": cvae.sample(100, random_state=0, prior="aggregate")})

# %%
# From one digit to another
# -------------------------
# ``interpolate`` goes from one digit to another in even steps; :ref:`sphx_glr_auto_examples_plot_latent_walk.py` shows
# more of this, and :ref:`sphx_glr_auto_examples_plot_autoencoder_and_cvae.py` compares with a model that has no known
# distribution of codes.

pairs = {"2 to 8": (0, 1), "2 to 6": (2, 3), "6 to 7": (4, 5)}
show_rows({name: cvae.interpolate(test[a], test[b], 12, path="straight") for name, (a, b) in pairs.items()})
plt.show()
