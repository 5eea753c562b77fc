"""Propagation of whole rows: code, move the codes, decode with the style."""

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, cross_val_score

from skisp import CVAETransformer, StylePropagator
from skisp.propagation._alignment import Moments
from skisp.propagation._row_mode import row_score


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


def test_redrawn_rows_have_the_styles_moments(rows, style_rows):
    style = PCA(3).fit(style_rows)
    codes = style.transform(StylePropagator(PCA(4), style, random_state=0).fit_transform(rows))
    np.testing.assert_allclose(codes.mean(0), 0, atol=1e-3)
    np.testing.assert_allclose(
        np.cov(codes.T, bias=True),
        np.diag(style.explained_variance_),
        atol=2e-3 * style.explained_variance_.max(),
    )


def test_transported_codes_have_the_moments_of_the_cvaes_posterior(rows, style_rows):
    """Exactly, but for the ridges that are added to both covariances."""
    style = small_cvae().fit(style_rows)
    codes = style.transform(rows)
    transport = StylePropagator(style=style, random_state=0).fit(rows).row_alignment_.transport
    moved = np.asarray(transport(torch.from_numpy(codes)))
    np.testing.assert_allclose(moved.mean(0), style.latent_mean_, atol=1e-3)
    ridge, target_ridge = (
        1e-4 * np.diag(covariance).mean() for covariance in (np.cov(codes.T, bias=True), style.latent_covariance_)
    )
    matrix = np.asarray(transport.matrix)
    expected = style.latent_covariance_ + target_ridge * np.eye(3) - ridge * matrix.T @ matrix
    np.testing.assert_allclose(np.cov(moved.T, bias=True), expected, atol=1e-3)


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


def test_the_score_is_0_without_strength_and_rises_with_it(rows, style_rows):
    propagator = StylePropagator(style=PCA(3).fit(style_rows), random_state=0).fit(rows)
    scores = [propagator.set_params(strength=a).score(rows) for a in (0.0, 0.5, 1.0)]
    assert scores[0] == pytest.approx(0, abs=1e-3)
    assert scores[0] < scores[1] < scores[2] <= 1


def test_the_score_is_1_where_style_is_gained_and_distances_are_kept(rng):
    codes = rng.normal(size=(200, 3)).astype(np.float32)
    result = codes + 5  # a shift keeps all distances
    moments = Moments.of(torch.from_numpy(result))
    assert row_score(codes, result, codes, moments) == pytest.approx(1, abs=1e-6)
    assert row_score(codes, codes, codes, moments) == pytest.approx(0, abs=1e-6)
    constant = np.zeros_like(codes)
    assert row_score(codes, constant, codes, moments) == 0


def test_weights_of_rows_are_refused(rows, style_rows):
    propagator = StylePropagator(style=PCA(3).fit(style_rows)).fit(rows)
    with pytest.raises(ValueError, match="leave sample_weight out"):
        propagator.score(rows, sample_weight=np.ones(120))


def test_searches_over_parameters_of_rows(rows, style_rows):
    propagator = StylePropagator(PCA(3), PCA(3), style_images=style_rows, random_state=0)
    search = GridSearchCV(propagator, {"strength": [0.0, 1.0], "style__n_components": [2, 4]}, cv=2).fit(rows)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_params_["strength"] == 1.0
    assert np.isfinite(cross_val_score(propagator, rows, cv=3)).all()


def test_an_unfitted_style_without_rows_is_refused(rows):
    with pytest.raises(ValueError, match=r"FrozenEstimator.*style_images="):
        StylePropagator(style=PCA(2)).fit(rows)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(rows, style_rows, value):
    bad = rows.copy()
    bad[3, 2] = value
    style = FrozenEstimator(PCA(3).fit(style_rows))
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        StylePropagator(style=style).fit(bad)
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        StylePropagator(style=style).fit(rows).transform(bad)


def test_other_features_than_fitted_are_refused(rows, style_rows):
    propagator = StylePropagator(style=PCA(3).fit(style_rows)).fit(rows)
    with pytest.raises(ValueError, match="X has 8 features, but StylePropagator is expecting 9"):
        propagator.transform(rows[:, :8])
