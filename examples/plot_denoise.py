"""
Noise removed by reconstruction
===============================

A :class:`~skisp.CVAETransformer` that has learnt clean images decodes to clean images: a noisy image is coded, and
decoded without most of the noise. This is better than PCA if the noise is strong, and worse if it is weak.
"""

# %%
# The digits
# ----------
# scikit-learn comes with digits of 8x8 pixels, from 0, paper, to 1, ink. 500 are held out and get noise: normal, with a
# standard deviation from 0.1 to 0.5.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split

from skisp import CVAETransformer

# sphinx_gallery_thumbnail_number = 2

digits, labels = load_digits(return_X_y=True)
train, test = train_test_split(digits / 16, test_size=500, stratify=labels, random_state=0)

# %%
# Methods
# -------
# ``contraction`` makes the C-VAE's codes change little where the image changes little. The C-VAE has 24 components. PCA
# is tried with 24 too, and with the number that is best for each noise. The Wiener filter, the best linear method,
# knows how strong the noise is, and shrinks each component of PCA by the share of noise in it. The settings were chosen
# on parts of the training images.


def reconstruct(model, images):
    return model.inverse_transform(model.transform(images)).clip(0, 1)


def filter_linearly(noisy, noise):
    mean, covariance = train.mean(axis=0), np.cov(train.T)
    return (mean + (noisy - mean) @ np.linalg.solve(covariance + noise**2 * np.eye(64), covariance)).clip(0, 1)


best_numbers = {0.1: 42, 0.2: 26, 0.3: 18, 0.4: 12, 0.5: 10}
pca = {n: PCA(n, random_state=0).fit(train) for n in [24, *best_numbers.values()]}
runs = []
for seed in range(3):
    cvae = CVAETransformer(24, contraction=0.3, max_iter=60, random_state=seed).fit(train)
    standard_noise = np.random.default_rng(seed).normal(size=test.shape)
    for noise, best_number in best_numbers.items():
        noisy = test + noise * standard_noise
        ways = {
            "noisy": noisy,
            "PCA, 24 components": reconstruct(pca[24], noisy),
            "PCA, best number": reconstruct(pca[best_number], noisy),
            "Wiener filter": filter_linearly(noisy, noise),
            "C-VAE, 24 components": reconstruct(cvae, noisy),
        }
        runs.append([-10 * np.log10(np.mean((images - test) ** 2)) for images in ways.values()])
        if noise == 0.3:
            shown = {"clean": test, **ways}

# %%
# Peak signal-to-noise ratio
# --------------------------
# The mean over three seeds. Even a clean image is reconstructed by the C-VAE with an error almost as large as the
# weakest noise; there PCA with more components is better. From 0.2 on the C-VAE is better than PCA, and about as good
# as the Wiener filter without knowing the noise.

curves = np.reshape(runs, (3, len(best_numbers), len(ways))).mean(axis=0).T
_, axis = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
print("noise                       ", *(f"{noise:5.1f}" for noise in best_numbers))
for name, curve, style in zip(ways, curves, ["k:", "C0s--", "C0s-", "C2x-", "C3o-"], strict=True):
    print(f"PSNR in dB, {name:20s}", *(f"{value:5.1f}" for value in curve))
    axis.plot(list(best_numbers), curve, style, label=name)
axis.set(xlabel="standard deviation of the noise", ylabel="PSNR in dB", xticks=list(best_numbers))
axis.grid(alpha=0.3)
axis.legend(frameon=False)

# %%
# Noise of standard deviation 0.3, on images that were never seen:

_, axes = plt.subplots(len(shown), 1, figsize=(6.4, 2.9), layout="constrained")
for axis, (name, images) in zip(axes, shown.items(), strict=True):
    axis.imshow(np.hstack(np.pad(images[:12].reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))), "gray_r", vmin=0, vmax=1)
    axis.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=12)
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)
plt.show()
