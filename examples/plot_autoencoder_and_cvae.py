"""
What does a C-VAE have that an autoencoder lacks?
=================================================

A plain autoencoder requires one thing of its codes: that images can be reconstructed from them. A
:class:`~skisp.CVAETransformer` also requires that codes have a known distribution, and keep their meaning when they
change a little. So it reconstructs images less exactly, but it can sample new images, and say how likely an image is.
Here the two are one class: with ``kl_weight=0`` it is the plain autoencoder.
"""

# %%
# Two models
# ----------
# What a C-VAE minimises is the negative evidence lower bound,
#
# .. math:: -E_{q(z|x)} \log p(x|z) + w \cdot KL(q(z|x) \,\|\, N(0, I)), \qquad w = 1,
#
# and ``kl_weight`` is the weight w of its second term, the only difference between the two models. They code digits by
# 16 numbers. scikit-learn's digits have 8x8 pixels, and are enlarged threefold and given a margin; 450 are held out.

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import zoom
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neighbors import NearestNeighbors

from skisp import CVAETransformer
from skisp.inspection import LatentMapDisplay, ReconstructionDisplay

# sphinx_gallery_thumbnail_number = 5

digits, labels = load_digits().images / 16, load_digits().target
enlarged = zoom(digits, (1, 3, 3), order=3, mode="nearest", grid_mode=True).clip(0, 1)
enlarged = np.pad(enlarged, ((0, 0), (2, 2), (2, 2)))
train, test, _, y_test = train_test_split(enlarged, labels, test_size=450, stratify=labels, random_state=0)


def fit(n_components):
    """The autoencoder and the C-VAE, alike but for one parameter."""
    settings = {"likelihood": "bernoulli", "batch_size": 64, "max_iter": 40, "random_state": 0, "init": "random"}
    return {
        name: CVAETransformer(
            n_components, network="dense", hidden_layer_sizes=(256, 128), kl_weight=weight, **settings
        ).fit(train)
        for name, weight in {"autoencoder": 0.0, "C-VAE": 1.0}.items()
    }


models = fit(n_components=16)

# %%
# Reconstructions
# ---------------
# The autoencoder is better at the one thing for which it was trained. Below each held-out digit is its error.

for name, model in models.items():
    ReconstructionDisplay.from_estimator(model, test, name=name, cmap="gray_r")

# %%
# Samples
# -------
# ``sample`` samples codes from the standard normal distribution, and decodes them to digits. The C-VAE's codes have
# that distribution. The autoencoder's codes lie anywhere, and codes from elsewhere decode to scraps. With
# ``prior="aggregate"`` codes come from a mixture of Gaussians that is fitted to those of the training digits. Then the
# autoencoder's samples are as dark and as varied as real digits, though many cannot be read, and the C-VAE's are better
# too.


def sheet(images, columns):
    """Images of 28x28 pixels as one, in columns."""
    return images.reshape(-1, columns, 28, 28).swapaxes(1, 2).reshape(-1, columns * 28)


priors = ("standard", "aggregate")
_, axes = plt.subplots(2, 2, figsize=(6.4, 4.6), layout="constrained")
for prior, row in zip(priors, axes, strict=True):
    for (name, model), axis in zip(models.items(), row, strict=True):
        axis.imshow(sheet(model.sample(60, random_state=0, prior=prior), columns=10), "gray_r", vmin=0, vmax=1)
        axis.set_title(f"{name}, {prior} prior")
        axis.axis("off")

# %%
# In figures
# ----------
# The error and the log likelihood are those of the held-out digits. ``score`` integrates over all codes from which an
# image may have come; a model whose codes do not follow the prior finds real digits unlikely. The last columns give the
# median distance of a sampled digit to the nearest training digit; the last line gives it for real, held-out digits.
# With the aggregate prior the C-VAE's samples are almost as near as those. The autoencoder's remain far, since codes
# between its codes do not decode to digits.

neighbours = NearestNeighbors(n_neighbors=1).fit(train.reshape(len(train), -1))


def distance(images):
    """Median distance to the nearest training digit."""
    return np.median(neighbours.kneighbors(images.reshape(len(images), -1))[0])


def error(model):
    """Root mean squared error of the reconstructed held-out digits."""
    return np.sqrt(np.mean((model.inverse_transform(model.transform(test)) - test) ** 2))


print("               error  log likelihood  distance of samples: standard, aggregate")
for name, model in models.items():
    of_samples = [distance(model.sample(500, random_state=0, prior=prior)) for prior in priors]
    print(f"{name:13s} {error(model):6.3f} {model.score(test):15.1f} {of_samples[0]:30.2f} {of_samples[1]:10.2f}")
print(f"{'held out':13s} {distance(test):53.2f}")

# %%
# Holes in the latent space
# -------------------------
# Two numbers are too few to reconstruct a digit well, but can be plotted directly. Each point is a held-out digit. The
# circle holds 95 per cent of the standard normal distribution, from which codes are sampled. Nearly all codes of the
# C-VAE lie in it, and fill it. Many of the autoencoder's lie outside, among them all codes of some digits.

flat = fit(n_components=2)
_, axes = plt.subplots(1, 2, figsize=(6.4, 3.2), layout="constrained")
for axis, (name, model) in zip(axes, flat.items(), strict=True):
    LatentMapDisplay.from_estimator(model, test, y_test, ax=axis, n_thumbnails=0)
    axis.add_patch(plt.Circle((0, 0), 2.45, fill=False, linestyle="--"))
    axis.set_title(name)
    inside = np.linalg.norm(model.transform(test), axis=1) < 2.45
    print(f"{name}: {inside.mean():.0%} of the codes lie in the circle")

# %%
# The same from the other side: what each model decodes from a regular grid of codes over the circle. The C-VAE goes
# from digit to digit and leaves out few of them. The autoencoder leaves out all that lie outside, and many of its
# pictures cannot be read.

steps = np.linspace(-2.45, 2.45, 12)
grid = np.stack(np.meshgrid(steps, steps[::-1]), axis=-1).reshape(-1, 2)
_, axes = plt.subplots(1, 2, figsize=(6.4, 3.5), layout="constrained")
for axis, (name, model) in zip(axes, flat.items(), strict=True):
    decoded = sheet(model.inverse_transform(grid), columns=12)
    axis.imshow(decoded, "gray_r", vmin=0, vmax=1, extent=(-2.67, 2.67, -2.67, 2.67))
    axis.set(title=name, xlabel="code 0", ylabel="code 1")
plt.show()
