"""
Anomalies are unlikely
======================

A :class:`~skisp.CVAETransformer` estimates how likely an image is, so an image that it finds unlikely may be an
anomaly. Ten times it learns nine of the ten digits and must find the tenth, which it has never seen. It is far better
at this than PCA, and as good as a comparison with the nearest neighbours.
"""

# %%
# The digits
# ----------
# scikit-learn ships with digits of 8x8 pixels; 500 of them are held out.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.neighbors import LocalOutlierFactor

from skisp import CVAETransformer

# sphinx_gallery_thumbnail_number = 2

digits, labels = load_digits(return_X_y=True)
train, test, y_train, y_test = train_test_split(digits / 16, labels, test_size=500, stratify=labels, random_state=0)

# %%
# Scores
# ------
# ``score_samples`` is the log likelihood of each image. PCA has it too, and its error of reconstruction is a
# usual score as well. The local outlier factor compares an image with its nearest neighbours among the training images,
# all of which it keeps. The settings of all methods, such as eight components, were chosen on parts of the training
# images.


def score(normal, seed):
    """Fit to normal digits and score the held-out ones: greater is more normal."""
    cvae = CVAETransformer(8, hidden_layer_sizes=(256, 128), max_iter=100, random_state=seed).fit(normal)
    pca = PCA(8, random_state=seed).fit(normal)
    return {
        "C-VAE, likelihood": cvae.score_samples(test),
        "PCA, likelihood": pca.score_samples(test),
        "PCA, error": -np.square(pca.inverse_transform(pca.transform(test)) - test).sum(axis=1),
        "local outlier factor": LocalOutlierFactor(n_neighbors=5, novelty=True).fit(normal).score_samples(test),
    }


scores = [score(train[y_train != digit], seed=digit) for digit in range(10)]

# %%
# How well is the unseen digit found?
# -----------------------------------
# The area under the ROC curve is the probability that an image of the unseen digit scores below one of the digits
# learnt: 1 is perfect, 0.5 is chance.

_, axis = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
print("unseen digit          ", *(f"{digit:5d}" for digit in range(10)), "  mean")
for name, style in zip(scores[0], ["C3o", "C0s", "C0x", "k_"], strict=True):
    areas = [roc_auc_score(y_test != digit, scores[digit][name]) for digit in range(10)]
    print(f"{name:22s}", *(f"{area:5.2f}" for area in areas), f" {np.mean(areas):.3f}")
    axis.plot(areas, style, label=f"{name} (mean {np.mean(areas):.3f})", markersize=8)
axis.set(xlabel="unseen digit", ylabel="area under the ROC curve", xticks=range(10), ylim=(0.5, 1.02))
axis.grid(alpha=0.3)
axis.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.24), ncols=2)

# %%
# The most and the least likely images
# ------------------------------------
# The twelve most likely and the twelve least likely of the held-out images, for models that have never seen an 8.
# Eights are red.

_, axes = plt.subplots(4, 1, figsize=(6.4, 2.2), layout="constrained")
for name, pair in zip(["C-VAE", "PCA"], [axes[:2], axes[2:]], strict=True):
    order = np.argsort(scores[8][f"{name}, likelihood"])
    print(f"{name}: {np.sum(y_test[order[:12]] == 8)} of the 12 least likely images are eights")
    for axis, which, indices in zip(pair, ["most", "least"], [order[:-13:-1], order[:12]], strict=True):
        ink = np.hstack(np.pad(test[indices].reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1))))
        is_eight = np.repeat(y_test[indices] == 8, 10)
        axis.imshow(1 - ink[..., None] * np.where(is_eight[:, None], [0.2, 1, 1], [1, 1, 1]))
        axis.set_ylabel(f"{name}, {which} likely", rotation=0, ha="right", va="center", fontsize=12)
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
plt.show()
