"""What is learnt of styles and content together."""

from unittest.mock import patch

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator

from skisp import CVAETransformer, PatchTransformer, StylePropagator
from skisp._math.gaussian import Moments
from skisp._tensors import resize, to_tensor
from skisp.propagation._fitted_styles import StyleSide
from skisp.propagation.synthesis._patches import extract_patches
from skisp.propagation.synthesis._settings import SynthesisSettings


def model_of(propagator):
    """The fitted styles as the synthesis needs them."""
    return propagator.propagation_._model(None, SynthesisSettings.of(propagator))


def test_content_codes_are_moved_to_where_the_styles_codes_live(pca_style, painting, photograph):
    content = PatchTransformer(PCA(5), patch_size=5, max_patches=2000, random_state=0)
    propagator = StylePropagator(content, pca_style, random_state=0).fit([photograph])
    rows = [extract_patches(to_tensor(image), 5) for image in (np.float32(photograph / 255), painting)]
    model = model_of(propagator)
    moved = propagator.alignment_(model.encode_content(rows[0]))
    wanted = model.coder.encode(rows[1])
    # Up to the sample of 6000 patches that both were estimated from.
    scale = float(wanted.var(0).sum()) ** 0.5
    np.testing.assert_allclose(moved.mean(0), wanted.mean(0), atol=0.06 * scale)
    np.testing.assert_allclose(np.cov(moved.T), np.cov(wanted.T), atol=0.08 * scale**2)


def square_root_mixture(deviations, weights):
    """Deviations of the barycentre of Gaussians whose covariances commute: the weighted mean of theirs."""
    return np.tensordot(weights, deviations, axes=1)


@pytest.mark.parametrize("weights", [(0.5, 0.5), (0.3, 0.7)])
def test_colours_meet_in_the_barycentre_in_closed_form(rng, weights):
    # Independent channels: the covariances are diagonal and commute. Kept well inside [0, 1], so nothing is cut.
    means = np.array([[0.4, 0.5, 0.6], [0.6, 0.45, 0.5]])
    deviations = np.array([[0.02, 0.08, 0.04], [0.08, 0.02, 0.04]])
    images = []
    for mean, deviation in zip(means, deviations, strict=True):
        noise = np.linalg.qr(rng.normal(size=(900, 4)) * [0, 1, 1, 1] + [1, 0, 0, 0])[0][:, 1:] * 900**0.5
        images.append((mean + deviation * noise).reshape(30, 30, 3).clip(0, 1).astype(np.float32))
    styles = [PatchTransformer(PCA(6), patch_size=5, random_state=0).fit([image]) for image in images]
    propagator = StylePropagator(style=styles, style_weights=weights, random_state=0).fit([images[0]])
    for [image] in model_of(propagator).images:
        moments = Moments.of(image.flatten(1).T)
        np.testing.assert_allclose(moments.mean, weights @ means, atol=2e-3)
        np.testing.assert_allclose(
            moments.covariance.diagonal().sqrt(), square_root_mixture(deviations, weights), atol=2e-3
        )
        off_diagonal = moments.covariance - torch.diag(moments.covariance.diagonal())
        assert off_diagonal.abs().max() < 1e-4


class Recording(PCA):
    """A PCA that keeps the patches which it is asked to code once it is fitted."""

    def transform(self, X):
        self.asked = [*getattr(self, "asked", []), X]
        return super().transform(X)


@pytest.mark.parametrize(("max_size", "largest"), [(24, 24), (512, 96)])
def test_patches_are_sampled_from_no_larger_level_than_the_styles_max_size(max_size, largest):
    """The noise of the pictures differs from level to level, so a patch tells its own."""
    pictures = np.random.default_rng(0).random((2, 96, 100, 3), dtype=np.float32)
    style, content = (
        PatchTransformer(Recording(6), patch_size=5, max_size=max_size, random_state=0).fit([picture])
        for picture in pictures
    )
    StylePropagator(FrozenEstimator(content), FrozenEstimator(style), random_state=0).fit([pictures[1]])
    for fitted, picture in zip((style, content), pictures, strict=True):
        sampled = fitted.transformer_.asked[0][-500:]  # of the finest level, which comes last
        level = resize(to_tensor(picture), (largest, round(100 / 96 * largest)))
        assert cdist(sampled, extract_patches(level, 5)).min(axis=1).max() < 1e-4


@pytest.mark.parametrize("n_styles", [1, 2])
@pytest.mark.parametrize("has_content", [False, True])
def test_fitted_on_other_photographs_with_the_same_style_it_is_as_if_fitted_anew(
    pca_style, other_painting, photograph, n_styles, has_content
):
    other = PatchTransformer(PCA(4), patch_size=5, max_patches=2000, random_state=0).fit([other_painting])
    content = PatchTransformer(PCA(5), patch_size=5, max_patches=2000, random_state=0).fit([photograph])
    styles = {"style": [pca_style, other], "style_weights": [0.3, 0.7]} if n_styles == 2 else {"style": pca_style}
    kept = StylePropagator(content if has_content else None, **styles, random_state=0).fit([photograph])
    kept.transform([photograph])
    with patch.object(StyleSide, "of", wraps=StyleSide.of) as learnt:
        for image in (photograph[::-1, 5:], photograph[:, ::-1] // 2, photograph):
            picture = kept.fit([image]).transform([image])[0]
            n_learnt = learnt.call_count
            anew = StylePropagator(content if has_content else None, **styles, random_state=0).fit([image])
            np.testing.assert_array_equal(picture, anew.transform([image])[0])
            learnt.reset_mock()
    assert n_learnt == 0  # the last time; it is kept from the second on


def refitted(style, painting):
    style.fit([painting])


def trained_on(style, painting):
    style.transformer_.partial_fit(extract_patches(to_tensor(painting), 5).numpy())


def with_another_weight(style, painting):
    return {"style_weights": [0.9, 0.1]}


def with_another_seed(style, painting):
    return {"random_state": 1}


@pytest.mark.parametrize("change", [refitted, trained_on, with_another_weight, with_another_seed])
def test_a_style_that_was_changed_between_two_fits_is_learnt_anew(painting, other_painting, photograph, change):
    coder = CVAETransformer(4, hidden_layer_sizes=(8,), max_iter=1, random_state=0)
    style, other = (
        PatchTransformer(coder, patch_size=5, max_patches=500, random_state=0).fit([one])
        for one in (painting, other_painting)
    )
    propagator = StylePropagator(style=[style, other], random_state=0)
    before = [propagator.fit([photograph]).transform([photograph])[0] for _ in range(2)][1]
    propagator.set_params(**(change(style, other_painting) or {}))
    picture = propagator.fit([photograph]).transform([photograph])[0]
    assert not np.array_equal(picture, before)
    anew = StylePropagator(**propagator.get_params(deep=False)).fit([photograph])
    np.testing.assert_array_equal(picture, anew.transform([photograph])[0])
