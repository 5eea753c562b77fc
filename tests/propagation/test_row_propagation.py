"""Propagation of whole rows: code, move the codes, decode with the style."""

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from scipy.spatial.distance import pdist
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.svm import SVC

from skisp import CVAETransformer, StylePropagator
from skisp._math.gaussian import Moments
from skisp.datasets import digit_slant, digit_thickness, make_digit_styles
from skisp.propagation._row_alignment import style_codes
from skisp.propagation._row_score import row_score


def small_cvae(n_components=3):
    return CVAETransformer(n_components, hidden_layer_sizes=(8,), max_iter=3, random_state=0)


@pytest.fixture
def rows(rng):
    return (rng.normal(size=(120, 4)) @ rng.normal(size=(4, 9)) + 1.0).astype(np.float32)


@pytest.fixture
def style_rows(rng):
    return (rng.normal(size=(150, 4)) @ rng.normal(size=(4, 9)) - 2.0).astype(np.float32)


@pytest.mark.parametrize("content", [None, PCA(3), PCA(5), small_cvae(4)])
@pytest.mark.parametrize("style", [PCA(3), small_cvae()])
def test_without_strength_rows_come_back(rows, style_rows, content, style):
    propagator = StylePropagator(content, FrozenEstimator(style.fit(style_rows)), strength=0.0, random_state=0)
    np.testing.assert_allclose(propagator.fit_transform(rows), rows, atol=1e-5)


def test_with_a_pca_it_is_gaussian_transport_of_the_codes(rows, style_rows):
    style = PCA(3).fit(style_rows)
    pictures = StylePropagator(style=style, random_state=0).fit_transform(rows)
    codes = style.transform(rows).astype(float)
    source = np.cov(codes.T, bias=True)
    target = np.diag(style.explained_variance_)
    for covariance in (source, target):
        covariance += (1e-4 * np.diag(covariance).mean() + 1e-12) * np.eye(3)
    root = sqrtm(source).real
    matrix = np.linalg.solve(root, sqrtm(root @ target @ root).real) @ np.linalg.inv(root)
    expected = style.inverse_transform((codes - codes.mean(0)) @ matrix)
    np.testing.assert_allclose(pictures, expected, rtol=1e-3, atol=1e-3)


def test_transported_codes_have_the_moments_of_the_cvaes_posterior(rows, style_rows):
    style = small_cvae().fit(style_rows)
    codes = style.transform(rows)
    transport = StylePropagator(style=style, random_state=0).fit(rows).row_alignment_.transport
    moved = np.asarray(transport(torch.from_numpy(codes).double()))
    np.testing.assert_allclose(moved.mean(0), style.latent_mean_, atol=1e-5)
    np.testing.assert_allclose(np.cov(moved.T, bias=True), style.latent_covariance_, atol=1e-5)


def test_moments_come_from_the_style_rows_where_they_are_given(rows, style_rows):
    propagator = StylePropagator(style=PCA(3), style_images=style_rows, random_state=0).fit(rows)
    codes = propagator.style_.transform(style_rows)
    np.testing.assert_allclose(propagator.style_moments_.mean, codes.mean(0), atol=1e-5)
    np.testing.assert_allclose(propagator.style_moments_.covariance, np.cov(codes.T, bias=True), rtol=1e-4, atol=1e-4)


def test_strength_moves_in_a_straight_line(rows, style_rows):
    propagator = StylePropagator(style=PCA(3).fit(style_rows), random_state=0).fit(rows)
    start, middle, end = (propagator.set_params(strength=a).transform(rows) for a in (0.0, 0.5, 1.0))
    np.testing.assert_allclose(middle, (start + end) / 2, atol=1e-4)


@pytest.mark.parametrize("shape", [(120, 3, 3), (120, 3, 1, 3)])
def test_images_keep_their_shape(rows, style_rows, shape):
    style = FrozenEstimator(PCA(3).fit(style_rows))
    expected = StylePropagator(style=style, random_state=0).fit_transform(rows)
    pictures = StylePropagator(style=style, random_state=0).fit_transform(rows.reshape(shape))
    assert pictures.shape == shape
    np.testing.assert_array_equal(pictures.reshape(120, 9), expected)


def test_a_style_of_images_codes_images(rows, style_rows):
    propagator = StylePropagator(style=small_cvae(), style_images=style_rows.reshape(150, 3, 3), random_state=0)
    pictures = propagator.fit_transform(rows.reshape(120, 3, 3))
    assert pictures.shape == (120, 3, 3)
    assert np.isfinite(pictures).all()


def test_a_style_of_other_features_decodes_to_its_own(rows, style_rows):
    style = PCA(3).fit(style_rows[:, :7])
    pictures = StylePropagator(PCA(3), style, random_state=0).fit_transform(rows)
    assert pictures.shape == (120, 7)
    codes = style.transform(pictures)
    np.testing.assert_allclose(codes.std(0), np.sqrt(style.explained_variance_), rtol=0.02)


def test_other_features_and_other_components_are_refused(rows, style_rows):
    with pytest.raises(ValueError, match=r"content has 4 components and the style 3.*Give both the same n_components"):
        StylePropagator(PCA(4), PCA(3).fit(style_rows[:, :7])).fit(rows)


class WithoutMoments(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return X

    def inverse_transform(self, X):
        return X


def test_a_style_without_moments_is_refused_or_gets_them_from_its_rows(rows, style_rows):
    style = WithoutMoments().fit(style_rows)
    with pytest.raises(ValueError, match=r"WithoutMoments does not tell the moments.*as style_images"):
        StylePropagator(style=style).fit(rows)
    pictures = StylePropagator(style=style, style_images=style_rows).fit_transform(rows)
    np.testing.assert_allclose(pictures.mean(0), style_rows.mean(0), atol=1e-3)
    np.testing.assert_allclose(np.cov(pictures.T), np.cov(style_rows.T), atol=0.05)


def test_the_score_is_1_where_style_is_gained_and_distances_are_kept(rng):
    codes = rng.normal(size=(200, 3)).astype(np.float32)
    result = codes + 5  # a shift keeps all distances
    moments = Moments.of(torch.from_numpy(result))
    assert row_score(codes, result, codes, moments) == pytest.approx(1, abs=1e-6)
    assert row_score(codes, codes, codes, moments) == pytest.approx(0, abs=1e-6)
    constant = np.zeros_like(codes)
    assert row_score(codes, constant, codes, moments) == 0


def wasserstein(mean, covariance, other_mean, other_covariance):
    """Between Gaussians, with the ridge that keeps roots of few rows possible."""
    a, b = (c + (1e-4 * np.diag(c).mean() + 1e-12) * np.eye(len(c)) for c in (covariance, other_covariance))
    root = sqrtm(a)
    return np.sqrt(np.square(mean - other_mean).sum() + np.trace(a + b - 2 * sqrtm(root @ b @ root)).real)


def expected_score(codes, result, style_mean, style_covariance):
    """Harmonic mean of the share of the distance that is closed and the correlation of distances, in [0, 1]."""
    left, gap = (
        wasserstein(part.mean(0), np.cov(part.T, bias=True), style_mean, style_covariance) for part in (result, codes)
    )
    gained = min(max(1 - left / gap, 0), 1)
    kept = max(0, np.corrcoef(pdist(codes[:500]), pdist(result[:500]))[0, 1])
    return 2 * gained * kept / (gained + kept) if gained + kept > 0 else 0.0


@pytest.mark.parametrize("strength", [0.3, 0.6, 1.0])
def test_the_score_is_what_is_gained_and_kept_of_codes(rows, style_rows, strength):
    style = PCA(3).fit(style_rows)
    propagator = StylePropagator(style=style, strength=strength, random_state=0).fit(rows)
    result = style.transform(propagator.transform(rows)).astype(float)
    expected = expected_score(
        style.transform(rows).astype(float), result, np.zeros(3), np.diag(style.explained_variance_)
    )
    assert 0.05 < expected < 1
    assert propagator.score(rows) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("n", [200, 700])
@pytest.mark.parametrize("direction", [0.6, 1.0, -1.0, 3.0])
def test_the_score_stays_within_0_and_1_whatever_the_result(rng, n, direction):
    """Results that miss the style, on this side or beyond it, and rows whose distances are turned over."""
    codes = rng.normal(size=(n, 3)).astype(np.float32)
    moments = Moments(np.full(3, 4.0), np.eye(3))
    far = codes[np.argsort(-np.linalg.norm(codes, axis=1))] / (0.1 + np.linalg.norm(codes, axis=1, keepdims=True) ** 2)
    for result in (codes + 4 * direction, far + 4 * direction):
        result = result.astype(np.float32)
        expected = expected_score(codes.astype(float), result.astype(float), *moments)
        score = row_score(codes, result, codes, moments)
        assert 0 <= score <= 1
        assert score == pytest.approx(expected, abs=1e-4)


def test_the_seed_draws_the_rows_between_which_the_map_is_learnt(rows, style_rows):
    """Of more rows than a round samples; nothing else here is random."""
    many = np.concatenate([rows + shift for shift in np.linspace(0, 1, 12, dtype=np.float32)])
    style = PCA(3).fit(style_rows)
    pictures = [
        StylePropagator(style=style, style_images=style_rows, random_state=seed).fit_transform(many)
        for seed in (0, 0, 1, np.random.RandomState(5), np.random.RandomState(5))
    ]
    np.testing.assert_array_equal(pictures[0], pictures[1])
    np.testing.assert_array_equal(pictures[3], pictures[4])
    assert 1e-6 < np.abs(pictures[0] - pictures[2]).max() < 0.1 * np.ptp(style_rows)
    assert np.abs(pictures[0] - pictures[3]).max() > 1e-6


def test_weights_of_rows_are_refused(rows, style_rows):
    propagator = StylePropagator(style=PCA(3).fit(style_rows)).fit(rows)
    with pytest.raises(ValueError, match="leave sample_weight out"):
        propagator.score(rows, sample_weight=np.ones(120))


def test_an_unfitted_style_without_rows_is_refused(rows):
    with pytest.raises(ValueError, match=r"FrozenEstimator.*style_images="):
        StylePropagator(style=PCA(2)).fit(rows)


def test_other_features_than_fitted_are_refused(rows, style_rows):
    propagator = StylePropagator(style=PCA(3).fit(style_rows)).fit(rows)
    with pytest.raises(ValueError, match="X has 8 features, but StylePropagator is expecting 9"):
        propagator.transform(rows[:, :8])


def test_with_rows_of_the_style_transport_is_of_samples_without_them_between_gaussians(rng):
    """Where a rotation of the codes is all there is, the samples tell of it and the moments do not."""
    corners = np.array([[-3.0, 0.0], [0.0, 1.5], [2.0, -2.0], [3.5, 2.0]], dtype=np.float32)
    angle = np.deg2rad(40)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]], dtype=np.float32)
    rows, style_rows = (np.tile(corners, (n, 1)) + rng.normal(0, 0.1, (4 * n, 2)).astype(np.float32) for n in (90, 80))
    style_rows = style_rows @ turn
    style = FrozenEstimator(PCA(2).fit(style_rows))
    with_rows = StylePropagator(style=style, style_images=style_rows, random_state=0).fit_transform(rows)
    without = StylePropagator(style=style, random_state=0).fit_transform(rows)
    np.testing.assert_allclose(with_rows, rows @ turn, atol=0.2)
    assert np.abs(without - rows @ turn).mean() > 0.5


def test_codes_that_a_cvae_has_kept_are_samples_of_the_style(rows, style_rows):
    style = small_cvae().fit(style_rows)
    known = style_codes(FrozenEstimator(style))
    assert known.samples.shape == (150, 3)
    np.testing.assert_array_equal(known.moments.mean, style.latent_mean_)
    np.testing.assert_allclose(known.samples.mean(0), style.latent_mean_, atol=0.3)


@pytest.mark.parametrize("style", [PCA(3), small_cvae()])
def test_one_random_state_gives_one_map_whatever_the_threads(rows, style_rows, style, set_threads):
    many = np.concatenate(
        [rows + shift for shift in np.linspace(0, 1, 12, dtype=np.float32)]
    )  # more than a round samples
    pictures = []
    for n_threads in (1, 2):
        set_threads(n_threads)
        pictures.append(StylePropagator(style=style, style_images=style_rows, random_state=3).fit_transform(many))
    np.testing.assert_array_equal(*pictures)


def share_closed(measure, redrawn, digits):
    start, now, end = (measure(images).mean() for images in (digits.content, redrawn.clip(0, 1), digits.style))
    return (now - start) / (end - start)


def redrawn_and_read(digits, content, style):
    """Content redrawn in the style, and the share of it read by a judge that has seen neither set."""
    judge = SVC(C=5).fit(digits.held_out.reshape(len(digits.held_out), -1), digits.held_out_target)
    propagator = StylePropagator(content, style, style_images=digits.style, random_state=0)
    redrawn = propagator.fit_transform(digits.content)
    return redrawn, judge.score(redrawn.clip(0, 1).reshape(len(redrawn), -1), digits.content_target)


@pytest.mark.slow
def test_digits_take_the_slant_and_the_thickness_and_can_still_be_read():
    digits = make_digit_styles(random_state=0)
    cvae = CVAETransformer(32, network="dense", max_iter=30, random_state=0)
    redrawn, read = redrawn_and_read(digits, cvae, cvae)
    assert share_closed(digit_slant, redrawn, digits) > 0.8
    assert share_closed(digit_thickness, redrawn, digits) > 0.8
    assert read > 0.8
