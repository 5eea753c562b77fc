import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline

from skisp.datasets import load_photograph, make_style_image
from skisp.metrics import PropagationScorer, propagation_report
from skisp.metrics._working import resize


class Answers(BaseEstimator):
    """Gives back what it was made with, whatever it is shown; ``scale`` brightens it."""

    def __init__(self, answers=None, scale=1.0):
        self.answers = answers
        self.scale = scale

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        answers = X if self.answers is None else self.answers
        return [np.clip(self.scale * answer, 0, 1) for answer in answers]


class Halved(BaseEstimator):
    """Reduces images to half their size."""

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        return [resize(np.asarray(image, np.float32), [length // 2 for length in image.shape[:2]]) for image in X]


@pytest.fixture(scope="module")
def style():
    return make_style_image("brush_strokes", size=(96, 128), random_state=0)


@pytest.fixture(scope="module")
def contents():
    return [load_photograph(name, size=96).astype(np.float32) / 255 for name in ("china", "flower")]


@pytest.fixture(scope="module")
def pictures(contents, style):
    """The contents, with pieces of the style here and there."""
    turned = style[::-1, ::-1]
    return [0.6 * image + 0.4 * resize(np.ascontiguousarray(turned), image.shape[:2]) for image in contents]


def test_what_is_seen_and_what_is_held_back_make_up_the_style(style):
    scorer = PropagationScorer(style, held_out=0.25)
    assert scorer.seen.shape in [(96, 96, 3), (72, 128, 3)]
    assert scorer.seen.dtype == style.dtype
    starts = [
        style[: scorer.seen.shape[0], : scorer.seen.shape[1]],
        style[-scorer.seen.shape[0] :, -scorer.seen.shape[1] :],
    ]
    assert any(np.array_equal(scorer.seen, part) for part in starts)
    [cut] = scorer._cuts
    seen, held_out = cut.split(style)
    assert seen.size + held_out.size == style.size
    np.testing.assert_array_equal(seen, scorer.seen)


def test_the_part_held_back_is_the_one_most_like_the_rest():
    y, x = np.mgrid[:64, :128]
    stripes = np.where(x < 100, 0.5 + 0.4 * np.sin(x + y), 0.5 + 0.4 * np.sin(y / 3.0))
    scorer = PropagationScorer(stripes, held_out=0.25)
    # Neither the left nor the right end: the upper and the lower have both kinds of stripes.
    assert scorer.seen.shape == (48, 128)


def test_with_nothing_held_back_it_is_the_mean_of_the_propagation_scores(style, contents, pictures):
    reports = [propagation_report(*pair) for pair in zip(contents, [style] * 2, pictures, strict=True)]
    means = PropagationScorer(style, held_out=0, multimetric=True)(Answers(pictures), contents)
    for name, mean in means.items():
        assert mean == pytest.approx(np.mean([report[name] for report in reports]), abs=1e-6), name
    assert PropagationScorer(style, held_out=0)(Answers(pictures), contents) == means["score"] > 0


def test_images_can_have_weights(style, contents, pictures):
    scorer = PropagationScorer(style)
    both = scorer(Answers(pictures), contents, sample_weight=[1, 3])
    each = [scorer(Answers([picture]), [content]) for picture, content in zip(pictures, contents, strict=True)]
    assert both == pytest.approx(np.average(each, weights=[1, 3]))


def test_the_content_and_a_recolouring_score_nothing(style, contents):
    scorer = PropagationScorer(style)
    assert scorer(Answers(), contents) < 0.01
    assert scorer(Answers(scale=0.7), contents) < 0.01


def test_of_several_styles_the_nearest_counts(style, contents, pictures):
    styles = [make_style_image("woodcut", size=(96, 128), random_state=0), style]
    scores = [PropagationScorer(one)(Answers(pictures[:1]), contents[:1]) for one in styles]
    assert abs(scores[0] - scores[1]) > 0.01
    both = PropagationScorer(styles)
    assert both(Answers(pictures[:1]), contents[:1]) == max(scores)
    assert [seen.shape[2] for seen in both.seen] == [3, 3]


def test_the_last_step_of_a_pipeline_is_scored_on_what_it_was_given(style, contents):
    halved = Halved().transform(contents)
    turned = resize(np.ascontiguousarray(style[::-1, ::-1]), halved[0].shape[:2])
    answers = Answers([0.6 * halved[0] + 0.4 * turned])
    scorer = PropagationScorer(style)
    pipeline = make_pipeline(Halved(), answers).fit(contents)
    assert scorer(pipeline, contents[:1]) == scorer(answers, halved[:1]) > 0


def test_searches_take_all_parts_and_refit_by_one(style, contents):
    scorer = PropagationScorer(style, multimetric=True)
    search = GridSearchCV(Answers(), {"scale": [1.0, 0.5]}, scoring=scorer, refit="score", cv=2, error_score="raise")
    search.fit(contents)
    for name in ("score", "style_gained", "redrawn", "content_kept"):
        assert np.all((search.cv_results_[f"mean_test_{name}"] >= 0) & (search.cv_results_[f"mean_test_{name}"] <= 1))
    best = search.cv_results_["mean_test_score"][search.best_index_]
    assert best == search.cv_results_["mean_test_score"].max() == search.best_score_
    alone = cross_validate(search.best_estimator_, contents, scoring=scorer, cv=2)["test_score"]
    np.testing.assert_array_equal(
        alone, [search.cv_results_[f"split{fold}_test_score"][search.best_index_] for fold in (0, 1)]
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"held_out": 0.6}, "held_out is 0.6"),
        ({"held_out": -0.1}, "held_out is -0.1"),
        ({"held_out": 0.1}, "Give a larger picture, or held_out=0"),
    ],
)
def test_cuts_that_cannot_be_are_refused(style, arguments, message):
    with pytest.raises(ValueError, match=message):
        PropagationScorer(style, **arguments)


def test_no_style_is_refused():
    with pytest.raises(ValueError, match="at least one picture"):
        PropagationScorer([])


def test_rows_are_refused(style):
    with pytest.raises(ValueError, match="X"):
        PropagationScorer(style)(Answers(), np.zeros((5, 20)))
