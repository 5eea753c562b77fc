"""
How many components do the data need?
=====================================

Cross-validation answers it: a :class:`~skisp.CVAETransformer` is fitted with ever more components, and scored by the
log likelihood of held-out images. scikit-learn's digits need about sixteen; more gain nothing, and the C-VAE leaves
some of them unused.
"""

# %%
# Scores
# ------
# ``score`` is the mean log likelihood of an image, in nats, with the code integrated out; no labels are needed. Two
# other figures are shown with it: the error of reconstructed images, and the number of components that carry something.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import KFold, cross_validate

from skisp import CVAETransformer

digits = load_digits().data / 16


def figures(cvae, images):
    """Figures of merit by name, the form in which scikit-learn takes several at once."""
    reconstructed = cvae.inverse_transform(cvae.transform(images))
    return {
        "score": cvae.score(images),
        "error": np.sqrt(np.mean((reconstructed - images) ** 2)),
        "active": cvae.n_active_units_,
    }


# %%
# Fits
# ----
# Six numbers of components on three folds of the digits, images of 8x8 pixels. On several cores ``n_jobs=-1`` runs the
# folds in parallel, with the same results.

numbers = [2, 4, 8, 16, 24, 32]
cvae = CVAETransformer(likelihood="gaussian", hidden_layer_sizes=(128,), batch_size=128, max_iter=100, random_state=0)
runs = [
    cross_validate(
        cvae.set_params(n_components=number),
        digits,
        cv=KFold(3, shuffle=True, random_state=0),
        scoring=figures,
        return_train_score=True,
        error_score="raise",
    )
    for number in numbers
]


def curve(name):
    """Mean and standard deviation over the folds, for each number of components."""
    values = np.array([run[name] for run in runs])
    return values.mean(axis=1), values.std(axis=1)


training, validation = curve("train_score"), curve("test_score")
active = curve("test_active")
print("components                      ", *(f"{number:6d}" for number in numbers))
for name, (mean, _) in [
    ("log likelihood, training images", training),
    ("log likelihood, held-out images", validation),
    ("error, held-out images", curve("test_error")),
    ("components in use", active),
]:
    print(f"{name:32s}", *(f"{value:6.{3 if 'error' in name else 1}f}" for value in mean))

# %%
# Curves
# ------
# Up to sixteen components, each doubling makes held-out images more likely. More components do not. That is not
# overfitting: the score of the training images does the same. What further components could code gains fewer nats than
# it costs, so the C-VAE does not use them all. Trained for 250 epochs instead of 100 it uses 18 of 32, with the score
# of 16. The bands are one standard deviation over the folds.

best = numbers[int(np.argmax(validation[0]))]
_, (left, right) = plt.subplots(1, 2, figsize=(6.4, 3.4), layout="constrained")
for name, (mean, deviation), style in [("training", training, "C0o--"), ("held out", validation, "C3o-")]:
    left.plot(numbers, mean, style, label=name)
    left.fill_between(numbers, mean - deviation, mean + deviation, color=style[:2], alpha=0.2, linewidth=0)
left.axvline(best, color="k", linestyle=":")
left.annotate(f"best: {best}", (best, validation[0].min()), xytext=(-5, 0), textcoords="offset points", ha="right")
left.set(ylabel="log likelihood of an image, nats")
left.legend(frameon=False, loc="lower right", bbox_to_anchor=(0.98, 0.1))

right.plot([0, 32], [0, 32], "k:", label="all")
right.errorbar(numbers, active[0], active[1], fmt="C3o-", capsize=3, label="in use")
right.set(ylabel="components in use", yticks=[0, 8, 16, 24, 32])
right.legend(frameon=False, loc="lower right")
for axis in (left, right):
    axis.set(xlabel="components", xticks=numbers)
    axis.grid(alpha=0.3)
plt.show()
