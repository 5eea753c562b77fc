import numpy as np
import pytest

from skisp.metrics import (
    gradient_correlation,
    propagation_report,
    propagation_score,
    self_similarity_distance,
    structure_similarity,
    style_content_f,
    style_distance,
    trivial_answers,
)
from skisp.metrics._color_match import match_histograms
from skisp.metrics._working import resize


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


def test_style_scores_nothing_at_any_size(pair):
    content, style = pair
    assert propagation_score(content, style, style) == 0.0
    assert propagation_score(content, style, resize(style, content.shape[:2])) == 0.0


@pytest.mark.parametrize("name", ["noise", "flat"])
def test_contentless_results_score_nothing(name, pair):
    assert propagation_score(*pair, trivial_answers(*pair)[name]) == pytest.approx(0.0, abs=1e-6)


def test_a_mixture_scores_something(pair, mixture):
    assert 0.2 < propagation_score(*pair, mixture) < 1.0
    assert 0.2 < style_content_f(*pair, mixture) < 1.0


def test_report_follows_from_the_public_figures(pair, mixture):
    content, style = pair
    # Of the working size already, so that each figure sees the same pixels.
    style = resize(style, (71, 64))
    report = propagation_report(content, style, mixture)
    fitted = resize(style, content.shape[:2])

    def texture(a, b):
        return style_distance(a, b, texture_only=True)

    matched = match_histograms(content, style)
    raw = 1 - style_distance(style, mixture) / style_distance(style, content)
    fine = 1 - texture(style, mixture) / min(texture(style, content), texture(style, matched))
    kept = (1 - structure_similarity(mixture, content)) / (1 - structure_similarity(fitted, content))
    kin = self_similarity_distance(content, mixture) / self_similarity_distance(content, fitted)
    between = structure_similarity(content, fitted)
    leak = (structure_similarity(mixture, fitted) - between) / (1 - between)
    expected = {
        "raw_gained": raw,
        "texture_gained": fine,
        "structure_kept": 1 - kept,
        "self_similarity_kept": 1 - kin,
        "leak": leak,
    }
    for name, value in expected.items():
        assert report[name] == pytest.approx(np.clip(value, 0, 1), abs=1e-5), name


def test_score_is_the_harmonic_mean_of_gained_and_kept(pair, mixture):
    report = propagation_report(*pair, mixture)
    gained, kept = report["style_gained"], report["content_kept"]
    assert gained == pytest.approx(np.sqrt(report["raw_gained"] * report["texture_gained"]))
    unleaked = np.sqrt(report["structure_kept"] * report["self_similarity_kept"])
    assert kept == pytest.approx(unleaked * (1 - report["leak"]))
    assert report["score"] == pytest.approx(2 * gained * kept / (gained + kept))
    assert propagation_score(*pair, mixture) == report["score"]


def test_cross_fades_leak(pair):
    content, style = pair
    fitted = resize(style, content.shape[:2])
    leaks = [propagation_report(*pair, (1 - t) * content + t * fitted)["leak"] for t in (0.0, 0.3, 0.6, 1.0)]
    assert leaks == sorted(leaks)
    assert leaks[0] == 0.0
    # Not quite 1: the score resizes the style twice.
    assert leaks[-1] == pytest.approx(1.0, abs=0.005)


def test_nothing_to_gain_scores_nothing(pair, mixture):
    content, style = pair
    assert propagation_score(content, content, mixture) == 0.0
    assert propagation_score(content, np.full_like(style, 0.3), mixture) == 0.0
    assert style_content_f(content, content, content) == 0.0


def test_f_is_zero_without_edges(pair):
    content, style = pair
    assert style_content_f(content, style, np.full_like(content, 0.4)) == 0.0


def test_recolouring_gains_little_f(pair):
    content, style = pair
    assert style_content_f(content, style, match_histograms(content, style)) < 0.5
    assert style_content_f(content, style, (0.5 * content + 0.2)) < 0.05
    assert gradient_correlation(content, 0.5 * content + 0.2) > 0.99


def test_another_seed_gives_nearly_the_same_score(pair, mixture):
    scores = [propagation_score(*pair, mixture, random_state=seed) for seed in range(3)]
    assert len(set(scores)) == 3
    assert np.ptp(scores) < 0.05
