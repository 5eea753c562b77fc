"""
Codes for a classifier that has few labels
==========================================

There are many images but few labels. A :class:`~skisp.CVAETransformer` learns codes from all the images, and a
classifier uses the codes in place of the pixels. That is better with up to about ten labels per digit, but not with
many more.
"""

# %%
# The digits
# ----------
# scikit-learn comes with digits of 8x8 pixels. 500 are held out for the test; of the others, most will have no label.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skisp import CVAETransformer

digits, labels = load_digits(return_X_y=True)
train, test, y_train, y_test = train_test_split(digits / 16, labels, test_size=500, stratify=labels, random_state=0)

# %%
# Pipelines
# ---------
# The C-VAE and PCA learn codes of 16 numbers from all the training images, without labels. A
# :class:`~sklearn.frozen.FrozenEstimator` keeps them unchanged when the pipeline is fitted to the few images with a
# label. With ``free_bits`` the C-VAE uses all 16 numbers; without it, four of them would carry almost everything. The
# settings, PCA's and the classifier's too, were chosen on parts of the training images.

cvae = CVAETransformer(16, likelihood="bernoulli", free_bits=0.2, max_iter=100)


def make_pipelines(seed):
    """The same classifier on codes of the C-VAE, on codes of PCA and on pixels."""
    coders = [cvae.set_params(random_state=seed).fit(train), PCA(16, random_state=seed).fit(train)]
    steps = {"C-VAE": FrozenEstimator(coders[0]), "PCA": FrozenEstimator(coders[1]), "pixels": "passthrough"}
    return {name: make_pipeline(step, LogisticRegression(max_iter=1000)) for name, step in steps.items()}


# %%
# Accuracy
# --------
# The coders are fitted with four seeds, and for each the labelled images are chosen at random five times.

label_counts = [10, 20, 50, 100, 200, 500]
runs = []
for seed in range(4):
    pipelines = make_pipelines(seed)
    for choice in range(5):
        for count in label_counts:
            few, _, y_few, _ = train_test_split(
                train, y_train, train_size=count, stratify=y_train, random_state=5 * seed + choice
            )
            runs.append([pipeline.fit(few, y_few).score(test, y_test) for pipeline in pipelines.values()])
accuracy = 100 * np.reshape(runs, (20, len(label_counts), len(pipelines)))

print("labelled images             ", *(f"{count:5d}" for count in label_counts))
for name, curve in zip(pipelines, accuracy.mean(axis=0).T, strict=True):
    print(f"accuracy in %, {name:13s}", *(f"{value:5.1f}" for value in curve))
print("C-VAE beats PCA, of 20 times", *(f"{wins:5d}" for wins in (accuracy[..., 0] > accuracy[..., 1]).sum(axis=0)))

# %%

_, axis = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
for name, curve, style in zip(pipelines, accuracy.mean(axis=0).T, ["C3o-", "C0s--", "k:"], strict=True):
    axis.semilogx(label_counts, curve, style, label=name)
axis.set(xlabel="labelled images", ylabel="accuracy in %", xticks=label_counts, xticklabels=label_counts)
axis.minorticks_off()
axis.grid(alpha=0.3)
axis.legend(frameon=False)
plt.show()
