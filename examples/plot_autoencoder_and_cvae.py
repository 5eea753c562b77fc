"""
What does a C-VAE have that an autoencoder lacks?
=================================================

A plain autoencoder asks one thing of its codes: that images can be drawn from them again. A
:class:`~skisp.CVAETransformer` also asks that the codes be distributed in a known way, and that they keep their meaning
when they are moved a little. It draws images again less exactly for that, but can invent images, and say how likely one
is. Here the two are one class: ``kl_weight=0`` makes the plain autoencoder.
"""

# %%
# Two models
# ----------
# What a C-VAE minimises is the negative evidence lower bound,
#
# .. math:: -E_{q(z|x)} \log p(x|z) + w \cdot KL(q(z|x) \,\|\, N(0, I)), \qquad w = 1,
#
# and ``kl_weight`` is the weight w of its second term: all that differs between the two models. They code digits by 16
# numbers. scikit-learn's digits have 8x8 pixels, and are enlarged threefold and given a margin; 450 are held out.

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
    settings = {"likelihood": "bernoulli", "batch_size": 64, "max_iter": 40, "random_state": 0}
    return {
        name: CVAETransformer(
            n_components, network="dense", hidden_layer_sizes=(256, 128), kl_weight=weight, **settings
        ).fit(train)
        for name, weight in {"autoencoder": 0.0, "C-VAE": 1.0}.items()
    }


models = fit(n_components=16)

# %%
# Drawn again
# -----------
# The autoencoder does better what it was trained for: below each held-out digit stands its error.

for name, model in models.items():
    ReconstructionDisplay.from_estimator(model, test, name=name, cmap="gray_r")

# %%
# Invented
# --------
# ``sample`` draws codes from the standard normal distribution, and digits from the codes. The C-VAE's codes are
# distributed like that. The autoencoder's are wherever it was convenient, and from elsewhere it draws scraps. With
# ``prior="aggregate"`` codes come from a mixture of Gaussians that is fitted to those of the training digits: the
# autoencoder's samples are then as dark and as various as real digits, though many cannot be read, and the C-VAE's gain
# too.


def sheet(images, columns):
    """Images of 28x28 pixels as one, in columns."""
    return images.reshape(-1, columns, 28, 28).swapaxes(1, 2).reshape(-1, columns * 28)


priors = ("standard", "aggregate")
_, axes = plt.subplots(2, 2, figsize=(9, 6), layout="constrained")
for prior, row in zip(priors, axes, strict=True):
    for (name, model), axis in zip(models.items(), row, strict=True):
        axis.imshow(sheet(model.sample(60, random_state=0, prior=prior), columns=10), "gray_r", vmin=0, vmax=1)
        axis.set_title(f"{name}, {prior} prior")
        axis.axis("off")

# %%
# In figures
# ----------
# The error and the log likelihood are those of the held-out digits. ``score`` integrates over all codes that an image
# may have come from; a model whose codes follow another distribution than the one it is asked about finds real digits
# unlikely. The last columns say how far an invented digit is from the nearest training digit, in the median; the last
# line says it of real ones that were held out. With the aggregate prior the C-VAE's are nearly as near. The
# autoencoder's remain far, as between its codes lies what is no digit.

neighbours = NearestNeighbors(n_neighbors=1).fit(train.reshape(len(train), -1))


def distance(images):
    """Median distance to the nearest training digit."""
    return np.median(neighbours.kneighbors(images.reshape(len(images), -1))[0])


def error(model):
    """Root mean squared error of the held-out digits, drawn again."""
    return np.sqrt(np.mean((model.inverse_transform(model.transform(test)) - test) ** 2))


print("               error  log likelihood  distance of samples: standard, aggregate")
for name, model in models.items():
    of_samples = [distance(model.sample(500, random_state=0, prior=prior)) for prior in priors]
    print(f"{name:13s} {error(model):6.3f} {model.score(test):15.1f} {of_samples[0]:30.2f} {of_samples[1]:10.2f}")
print(f"{'held out':13s} {distance(test):53.2f}")

# %%
# Holes in the latent space
# -------------------------
# Two numbers a digit are too few to draw it well, but can be shown as they are. Each point is a held-out digit. The
# circle holds 95 per cent of the standard normal distribution, from which one samples. Nearly all codes
# of the C-VAE lie in it, and fill it; of the autoencoder's many lie outside, and with them all of some kinds of digits.

flat = fit(n_components=2)
_, axes = plt.subplots(1, 2, figsize=(10, 4.6), layout="constrained")
for axis, (name, model) in zip(axes, flat.items(), strict=True):
    LatentMapDisplay.from_estimator(model, test, y_test, ax=axis, n_thumbnails=0)
    axis.add_patch(plt.Circle((0, 0), 2.45, fill=False, linestyle="--"))
    axis.set_title(name)
    inside = np.linalg.norm(model.transform(test), axis=1) < 2.45
    print(f"{name}: {inside.mean():.0%} of the codes lie in the circle")

# %%
# The same seen from the other side: what each model draws from a regular grid of codes over the circle. The C-VAE goes
# from digit to digit and leaves out few of them. The autoencoder leaves out all that lie outside, and much of what it
# draws cannot be read.

steps = np.linspace(-2.45, 2.45, 12)
grid = np.stack(np.meshgrid(steps, steps[::-1]), axis=-1).reshape(-1, 2)
_, axes = plt.subplots(1, 2, figsize=(10, 5.2), layout="constrained")
for axis, (name, model) in zip(axes, flat.items(), strict=True):
    drawn = sheet(model.inverse_transform(grid), columns=12)
    axis.imshow(drawn, "gray_r", vmin=0, vmax=1, extent=(-2.67, 2.67, -2.67, 2.67))
    axis.set(title=name, xlabel="code 0", ylabel="code 1")
plt.show()
