import numpy as np
import pytest

from skisp.datasets import load_photograph, make_style_image
from skisp.metrics import (
    propagation_score,
    style_content_f,
    trivial_answers,
)
from skisp.metrics._color_match import match_histograms
from skisp.metrics._frechet import StyleDescriptors
from skisp.metrics._propagation import PropagationPair
from skisp.metrics._working import resize, working_images


@pytest.fixture(scope="module")
def pair():
    """A smooth content and a style of small tiles, float32, of different sizes."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:64, :96] / 16
    content = np.stack([0.5 + 0.4 * np.sin(x), 0.5 + 0.4 * np.cos(x * y), 0.5 + 0.3 * np.cos(y)], axis=2)
    style = np.kron(rng.random((20, 18, 3)) * [0.9, 0.6, 0.3], np.ones((4, 4, 1)))
    return content.astype(np.float32), style.astype(np.float32)


@pytest.fixture(scope="module")
def mixture(pair):
    """Content with tiles over it, at other places than in the style."""
    content, style = pair
    tiles = resize(np.ascontiguousarray(style[::-1, ::-1]), content.shape[:2])
    return 0.6 * match_histograms(content, style) + 0.4 * tiles


@pytest.mark.parametrize("score", [propagation_score, style_content_f])
def test_content_and_style_score_nothing(score, pair):
    content, style = pair
    assert score(content, style, content) == 0.0
    assert score(content, style, style) == pytest.approx(0.0, abs=0.05)


@pytest.mark.parametrize("name", ["noise", "flat"])
def test_contentless_results_score_nothing(name, pair):
    assert propagation_score(*pair, trivial_answers(*pair)[name]) == pytest.approx(0.0, abs=1e-6)


def test_the_bank_of_trivial_answers_scores_next_to_nothing():
    content, style = load_photograph("china", size=128), make_style_image("brush_strokes", size=128, random_state=0)
    # As propagation_score does, which would measure the two anew for each answer.
    content, style = working_images(content=content, style=style)
    pair = PropagationPair.of(content, style, StyleDescriptors.of(style))
    for name, image in trivial_answers(content, style).items():
        assert pair.report(image)["score"] < 0.05, name


def test_nothing_to_gain_scores_nothing(pair, mixture):
    content, style = pair
    assert propagation_score(content, content, mixture) == 0.0
    assert propagation_score(content, np.full_like(style, 0.3), mixture) == 0.0
    assert style_content_f(content, content, content) == 0.0


def test_another_seed_gives_nearly_the_same_score(pair, mixture):
    scores = [propagation_score(*pair, mixture, random_state=seed) for seed in range(3)]
    assert len(set(scores)) == 3
    assert np.ptp(scores) < 0.05
