"""
Which settings make the best picture?
=====================================

Weights of style and content are often chosen by eye, which nobody can repeat. ``GridSearchCV`` tries all combinations
on held-out photographs, with a score that is low for the photograph itself, for the style, and for a mere change of
colours.
"""

# %%
# A style of which a part is held out
# -----------------------------------
# :class:`~skisp.metrics.PropagationScorer` cuts a part off the style. The style is learnt from the rest, ``seen``, and
# pictures are compared with the part that was not seen.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV

from skisp import PatchTransformer, StylePropagator
from skisp.datasets import load_photograph, make_style_image
from skisp.metrics import PropagationScorer, propagation_score, trivial_answers

# sphinx_gallery_thumbnail_number = 2

china, flower = load_photograph("china", size=192), load_photograph("flower", size=192)
photographs = [china[:, :128], china[:, -128:], flower[:, 32:160]]
style = make_style_image("brush_strokes", size=(160, 224), random_state=0)
scorer = PropagationScorer(style, multimetric=True)


def show(images, titles, columns):
    """Show images side by side."""
    rows = -(-len(images) // columns)
    _, axes = plt.subplots(rows, columns, figsize=(6.4, 7.2 * rows / columns), layout="constrained", squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, image, title in zip(axes.flat, images, titles, strict=False):
        axis.imshow(image)
        axis.set_title(title)


show([*photographs, scorer.seen], ["Photographs", "", "", "Style, seen part"], columns=4)

# %%
# The search
# ----------
# Twelve candidates, each on three photographs in turn. The style is learnt once and frozen: a search over how it is
# applied need not learn it again.

coder = FrozenEstimator(PatchTransformer(random_state=0).fit([scorer.seen]))
grid = {"strength": [0.0, 0.4, 0.7, 1.0], "content_weight": [0.2, 1.0, 4.0]}
search = GridSearchCV(
    StylePropagator(style=coder, random_state=0), grid, scoring=scorer, refit="score", cv=3, error_score="raise"
)
search.fit(photographs)
print(search.best_params_)

# %%
# Style against content
# ---------------------
# The score is a product of three shares: style gained, picture redrawn, and content kept. More strength raises the
# first two and lowers the last. Above is the score for each pair of settings. Below is style against
# content for each pair, and for fifty-two trivial answers: recolourings, blends, sharpening, noise. None of those gains
# the style, keeps the content and redraws the picture at once.

results = search.cv_results_
scores = results["mean_test_score"].reshape(len(grid["content_weight"]), -1)
photograph = photographs[1]
answers = trivial_answers(photograph, scorer.seen)


class Answer:
    """A stand-in for a propagator that always returns one picture."""

    def __init__(self, picture):
        self.picture = picture

    def transform(self, X):
        return [self.picture]


trivial = [scorer(Answer(picture), [photograph]) for picture in answers.values()]

_, (above, below) = plt.subplots(2, 1, figsize=(6.4, 8), layout="constrained")
image = above.imshow(scores, cmap="viridis", vmin=0)
for (row, column), value in np.ndenumerate(scores):
    above.text(
        column, row, f"{value:.2f}", ha="center", va="center", color="white" if value < 0.6 * scores.max() else "black"
    )
above.set_xticks(range(len(grid["strength"])), grid["strength"])
above.set_yticks(range(len(grid["content_weight"])), grid["content_weight"])
above.set(xlabel="strength", ylabel="content_weight", title="Mean score on held-out photographs")
points = below.scatter(
    results["mean_test_content_kept"],
    results["mean_test_style_gained"],
    c=results["mean_test_score"],
    s=60,
    vmin=0,
    label="Candidates",
)
below.scatter(
    [report["content_kept"] for report in trivial],
    [report["style_gained"] for report in trivial],
    c=[report["score"] for report in trivial],
    vmin=0,
    vmax=scores.max(),
    marker="x",
    label="Trivial answers",
)
below.set(
    xlabel="content kept", ylabel="style gained", title="Colour: the score", xlim=(-0.05, 1.05), ylim=(-0.05, 1.05)
)
below.legend(loc="upper right")
plt.colorbar(points, ax=below)

# %%
# The ends and the best
# ---------------------
# The photograph scores 0, its best recolouring almost 0, and the picture with the strongest style has lost the content.
# The picture that was chosen has both.

settings = [{"strength": 0.4, "content_weight": 4.0}, {"strength": 1.0, "content_weight": 0.2}, search.best_params_]
pictures = [search.best_estimator_.set_params(**values).transform([photograph])[0] for values in settings]
images = [photograph, answers["histogram"], *pictures]
names = ["Photograph", "Recoloured", "Least style", "Most style", "Chosen"]
values = [propagation_score(photograph, scorer.seen, image) for image in images]
titles = [f"{name}: {value:.2f}" for name, value in zip(names, values, strict=True)]
show([*images, scorer.seen], [*titles, "Style"], columns=3)

plt.show()
