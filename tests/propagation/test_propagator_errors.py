"""Bad input: each a clear error that names the cure."""

import copy

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator

from skisp import CVAETransformer, PatchTransformer, StylePropagator
from skisp.metrics import PropagationScorer
from skisp.propagation import _image_propagation


def with_value(value):
    image = np.full((12, 14, 3), 0.5)
    image[3, 4, 1] = value
    return image


BAD_IMAGES = [
    ([with_value(np.nan)], ValueError, "image 0 of X contains NaN or infinite values; remove or fill them"),
    (np.zeros((12, 14, 3)), ValueError, r"looks like a single image .* put it in a list: \[image\]"),
    ("photo.jpg", TypeError, r"Read files first, for instance with skisp\.ImageReader"),
]


@pytest.mark.parametrize(("bad", "kind", "message"), BAD_IMAGES)
def test_bad_photographs_are_refused_by_fit_and_by_transform(pca_style, propagator, bad, kind, message):
    with pytest.raises(kind, match=message):
        StylePropagator(style=pca_style).fit(bad)
    with pytest.raises(kind, match=message):
        propagator.transform(bad)
    with pytest.raises(kind, match=message):
        propagator.score(bad)


@pytest.mark.parametrize(
    ("bad", "kind", "message"),
    [
        (with_value(np.nan), ValueError, "NaN or infinite values; remove or fill them"),
        (np.zeros((4, 14, 3)), ValueError, "image 0 of style_images is 4 x 14 pixels, smaller than a patch"),
        ([np.zeros((12, 14, 3)), np.zeros((12, 14))], ValueError, r"mixes grey and colour images.*convert\('RGB'\)"),
        ("nowhere.jpg", FileNotFoundError, "cannot read nowhere.jpg: there is no such file; check the spelling"),
    ],
)
def test_bad_style_images_are_refused(pca_patches, photograph, bad, kind, message):
    with pytest.raises(kind, match=message):
        StylePropagator(style=pca_patches, style_images=bad).fit([photograph])


@pytest.mark.parametrize("style", [None, PatchTransformer(PCA(3), patch_size=5)])
def test_an_unfitted_style_without_images_names_both_cures(photograph, style):
    with pytest.raises(NotFittedError, match=r"style=FrozenEstimator\(.*\), or style_images="):
        StylePropagator(style=style).fit([photograph])


def test_a_fitted_style_that_was_cloned_away_names_both_cures(pca_style, photograph):
    propagator = StylePropagator(style=pca_style.estimator)
    propagator.fit([photograph])
    with pytest.raises(NotFittedError, match=r"FrozenEstimator"):
        clone(propagator).fit([photograph])


def test_other_patch_sizes_are_refused(pca_style, photograph):
    content = PatchTransformer(PCA(3), patch_size=7)
    for coder in (content, FrozenEstimator(clone(content).fit([photograph]))):
        with pytest.raises(ValueError, match="content has patch_size=7 and the style 5; give both the same"):
            StylePropagator(coder, pca_style).fit([photograph])


@pytest.mark.parametrize("content", [PCA(3), CVAETransformer(3, hidden_layer_sizes=(), max_iter=1)])
def test_a_content_that_codes_rows_is_refused(pca_style, photograph, content, rng):
    fitted = clone(content).fit(rng.random((40, 75), dtype=np.float32))
    for coder in (content, fitted, FrozenEstimator(fitted)):
        with pytest.raises(ValueError, match="content must be a PatchTransformer where the style is one"):
            StylePropagator(coder, pca_style).fit([photograph, photograph[:20]])


def test_a_style_fitted_on_rows_is_refused(photograph, rng):
    style = PatchTransformer(PCA(3), patch_size=5).fit(rng.random((40, 75)))
    with pytest.raises(ValueError, match=r"style was fitted on rows; fit its .* on images.*put that in a list"):
        StylePropagator(style=style).fit([photograph])


def test_a_content_fitted_on_grey_is_refused_by_a_style_of_colour(pca_style, pca_patches, photograph):
    content = pca_patches.fit([photograph[..., 0]])
    with pytest.raises(ValueError, match=r"25 values and the style of 75.*Fit the content on images of the style's"):
        StylePropagator(content, pca_style).fit([photograph])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("strength", 1.5),
        ("strength", -0.1),
        ("content_weight", -1.0),
        ("coherence", -1.0),
        ("balance", -1.0),
        ("patches", "other"),
        ("detail", 2.0),
        ("style", 3),
        ("content", "pca"),
        ("random_state", "seed"),
    ],
)
def test_parameters_are_validated(pca_style, photograph, name, value):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of StylePropagator must be"):
        StylePropagator(**{"style": pca_style, name: value}).fit([photograph])


def test_an_unknown_device_names_those_that_work(pca_style, photograph):
    with pytest.raises(ValueError, match=r"device='gpu9' cannot be used here .* use 'auto' or 'cpu'"):
        StylePropagator(style=pca_style, device="gpu9").fit([photograph])


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([1.0], r"\(1,\), expected \(2,\)"),
        ([1.0, 2.0, 3.0], r"\(3,\), expected \(2,\)"),
        ([[1.0], [2.0]], "must be 1D"),
        ([1.0, np.nan], "sample_weight contains NaN"),
        ([1.0, np.inf], "sample_weight contains infinity"),
        ([1.0, -1.0], "Negative values in data passed to `sample_weight`"),
        ([0.0, 0.0], "at least one non-zero"),
    ],
)
@pytest.mark.parametrize("scores", ["propagator", "scorer", "cvae"])
def test_weights_of_scores_that_are_none_are_refused_before_anything_is_scored(
    propagator, photograph, painting, monkeypatch, scores, weight, message
):
    rows = np.random.default_rng(0).random((20, 5))
    cvae = CVAETransformer(2, hidden_layer_sizes=(4,), max_iter=1, random_state=0).fit(rows)
    score = {
        "propagator": propagator.score,
        "scorer": lambda X, sample_weight: PropagationScorer(painting, held_out=0)(propagator, X, None, sample_weight),
        "cvae": lambda X, sample_weight: cvae.score(rows[:2], sample_weight=sample_weight),
    }[scores]
    monkeypatch.setattr(type(propagator.propagation_), "redraw", lambda *_: pytest.fail("it was redrawn"))
    with pytest.raises(ValueError, match=message):
        score([photograph] * 2, sample_weight=weight)


@pytest.mark.parametrize("scale", [0, -1, 8.1, 60, np.inf, np.nan])
def test_a_style_is_enlarged_8_times_at_most(pca_style, propagator, photograph, scale):
    with pytest.raises(ValueError, match=r"'style_scale' parameter of StylePropagator must be .* range \(0.0, 8.0\]"):
        StylePropagator(style=pca_style, style_scale=scale).fit([photograph])
    changed = copy.copy(propagator).set_params(style_scale=scale)
    for method in (changed.transform, changed.score, changed.propagate_sequence):
        with pytest.raises(ValueError, match="'style_scale' parameter"):
            method([photograph])


def test_a_style_is_enlarged_to_so_many_pixels_at_most(propagator, photograph, monkeypatch):
    # The photograph has 24 x 36 pixels, the style 32 x 32.
    monkeypatch.setattr(_image_propagation, "_MOST_STYLE_PIXELS", 48**2)
    copy.copy(propagator).set_params(style_scale=2).transform([photograph])
    larger = copy.copy(propagator).set_params(style_scale=2.1)
    message = r"style_scale=2.1 would enlarge the style to 0 million pixels for an image of 24 x 36.*lower it"
    with pytest.raises(ValueError, match=message):
        larger.transform([photograph])
    with pytest.raises(ValueError, match=message):
        larger.propagate_sequence([photograph])
    monkeypatch.setattr(_image_propagation, "_MOST_STYLE_PIXELS", 1)
    propagator.transform([photograph])  # of no large photograph is the style refused at its own scale


@pytest.mark.parametrize("name", ["content_weight", "coherence", "balance", "strength", "detail", "adaptation"])
def test_parameters_that_are_changed_after_fit_are_checked_too(propagator, photograph, name):
    changed = copy.copy(propagator).set_params(**{name: np.nan})
    with pytest.raises(ValueError, match=f"'{name}' parameter of StylePropagator must be"):
        changed.transform([photograph])
