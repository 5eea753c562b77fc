"""Photographs redrawn: layouts, strength, seeds, borders, sub-estimators."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator

from skisp import CVAETransformer, PatchTransformer, StylePropagator
from skisp.datasets import load_photograph, make_style_image
from skisp.metrics import content_similarity, propagation_score, style_distance


def as_rgba(image):
    alpha = np.random.default_rng(1).integers(0, 256, image.shape[:2], dtype=np.uint8)
    return np.dstack([image, alpha])


# Layouts, sizes and dtypes.


@pytest.mark.parametrize(
    "convert",
    [
        lambda image: image,
        lambda image: image / 255,
        lambda image: (image / 255).astype(np.float32),
        lambda image: (image / 255).astype(np.float16),
        lambda image: image.astype(np.uint16) * 257,
        lambda image: image[..., 0],
        lambda image: image[..., :1],
        lambda image: image[..., :2],
        as_rgba,
        lambda image: as_rgba(image) / 255,
        lambda image: image[..., 0] > 100,
    ],
    ids=["uint8", "float64", "float32", "float16", "uint16", "grey", "1", "2", "rgba", "float rgba", "bool"],
)
def test_pictures_have_the_form_of_the_photographs(propagator, photograph, convert):
    content = convert(photograph)
    [picture] = propagator.transform([content])
    assert picture.shape == content.shape
    assert picture.dtype == content.dtype
    assert not np.array_equal(picture, content)
    values = picture.astype(np.float64)
    assert np.isfinite(values).all()
    assert values.min() >= 0
    assert values.max() <= (1 if content.dtype.kind in "fb" else np.iinfo(content.dtype).max)


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_flat_photographs_and_flat_styles(pca_style, photograph, value):
    flat = np.full((20, 24, 3), value)
    [picture] = StylePropagator(style=pca_style, random_state=0).fit_transform([flat])
    assert np.isfinite(picture).all()
    style = PatchTransformer(CVAETransformer(2, hidden_layer_sizes=(4,), max_iter=1), patch_size=5, max_patches=300)
    propagator = StylePropagator(style=style, style_images=flat, random_state=0)
    np.testing.assert_allclose(propagator.fit_transform([photograph / 255])[0].mean(), value, atol=0.15)


# Strength.


@pytest.mark.parametrize(("name", "kind"), [("china", "stained_glass"), ("flower", "waves")])
def test_style_rises_and_content_falls_with_strength(name, kind):
    content = load_photograph(name, size=72)
    style = make_style_image(kind, size=64, random_state=0)
    coder = PatchTransformer(PCA(8), patch_size=7, max_patches=3000, random_state=0).fit([style])
    propagator = StylePropagator(style=coder, random_state=0).fit([content])
    style_distances, content_distances = [], []
    for strength in (0.0, 0.25, 0.5, 0.75, 1.0):
        [picture] = propagator.set_params(strength=strength).transform([content])
        style_distances.append(style_distance(style, picture))
        content_distances.append(1 - content_similarity(content, picture))
    noise = 0.02 * style_distances[0]
    assert np.all(np.diff(style_distances) < noise)
    assert np.all(np.diff(content_distances) > -0.005)
    assert style_distances[-1] < 0.5 * style_distances[0]
    assert content_distances[0] == pytest.approx(0, abs=1e-6)
    assert content_distances[-1] > 0.05


def test_a_little_strength_changes_little(pca_style, painting, photograph):
    grey_style = PatchTransformer(PCA(4), patch_size=5, max_patches=500, random_state=0).fit([painting.mean(2)])
    for style in (pca_style, grey_style):
        [picture] = StylePropagator(style=style, strength=0.02, random_state=0).fit_transform([photograph])
        assert np.abs(picture.astype(int) - photograph).max() <= np.ceil((1 - 0.98**3.5) * 255)


# Seeds and threads.


@pytest.fixture
def seeded_propagator(cvae_patches, painting):
    """Unfitted sub-estimators, so that their training belongs to what must be repeated."""
    content = PatchTransformer(CVAETransformer(3, hidden_layer_sizes=(8,), max_iter=1), patch_size=5, max_patches=500)
    return StylePropagator(content, cvae_patches, style_images=painting, random_state=0)


def test_one_seed_gives_the_same_bits_twice_and_another_others(seeded_propagator, photograph):
    first, second = (clone(seeded_propagator).fit_transform([photograph])[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    other = clone(seeded_propagator).set_params(random_state=1).fit_transform([photograph])[0]
    assert not np.array_equal(first, other)


def redrawn(propagator, content):
    return clone(propagator).fit_transform([content])[0]


@pytest.mark.parametrize("n_threads", [1, 2])
def test_the_same_bits_whatever_torchs_threads(seeded_propagator, photograph, set_threads, n_threads):
    content = photograph / 255
    expected = redrawn(seeded_propagator, content)
    set_threads(n_threads)
    np.testing.assert_array_equal(redrawn(seeded_propagator, content), expected)
    assert torch.get_num_threads() == n_threads


def test_a_picture_does_not_depend_on_the_others(propagator, photograph, picture, rng):
    others = [rng.random((20, 30, 3)), photograph[::-1], rng.random((33, 17))]
    np.testing.assert_array_equal(propagator.transform([*others, photograph])[-1], picture)
    np.testing.assert_array_equal(propagator.transform([photograph, *others])[0], picture)


def test_a_second_fit_forgets_the_first(pca_style, photograph, picture):
    other = FrozenEstimator(
        PatchTransformer(PCA(3), patch_size=5, max_patches=500, random_state=0).fit([1 - photograph])
    )
    propagator = StylePropagator(style=other, random_state=0)
    propagator.fit([photograph[:20]]).transform([photograph])
    again = propagator.set_params(style=pca_style).fit([photograph]).transform([photograph])[0]
    np.testing.assert_array_equal(again, picture)


# Borders.


def rings(values, width=3):
    """The outermost ring of pixels of an image (H, W, ...), and the next."""
    down, across = (np.minimum(np.arange(n), np.arange(n)[::-1]) for n in values.shape[:2])
    depth = np.minimum(down[:, None], across) // width
    return values[depth == 0], values[depth == 1]


def gradient(image):
    return np.hypot(*np.gradient(image.mean(2)))


def test_a_style_of_one_colour_and_grain_reaches_the_border(rng):
    # Noise in noise: every ring of the picture has the same statistics, up to chance.
    content, style = rng.random((60, 61, 3)), 0.3 + 0.4 * rng.random((48, 48, 3))
    coder = PatchTransformer(PCA(8), patch_size=7, max_patches=3000, random_state=0).fit([style])
    [picture] = StylePropagator(style=coder, random_state=0).fit_transform([content])
    outer, inner = rings(picture)
    assert np.abs(outer.mean(0) - inner.mean(0)).max() < 0.03
    assert 0.85 < outer.std() / inner.std() < 1.2
    outer, inner = rings(gradient(picture))
    assert 0.8 < outer.mean() / inner.mean() < 1.25


# Sub-estimators.


def test_an_unfitted_style_is_cloned_and_fitted_on_the_style_images(pca_patches, painting, photograph):
    propagator = StylePropagator(style=pca_patches, style_images=painting, random_state=0).fit([photograph])
    assert propagator.style_ is not pca_patches
    assert not hasattr(pca_patches, "images_")
    np.testing.assert_array_equal(propagator.style_.images_[0], painting)


def test_a_fitted_style_leaves_style_images_alone(pca_style, photograph):
    assert StylePropagator(style=pca_style, style_images="nowhere.jpg").fit([photograph]).style_ is pca_style


def test_content_may_be_unfitted_fitted_or_frozen(pca_style, pca_patches, photograph):
    other = photograph[:, ::-1].copy()
    unfitted = StylePropagator(pca_patches, pca_style, random_state=0).fit([photograph])
    assert not hasattr(pca_patches, "images_")
    np.testing.assert_allclose(unfitted.content_.images_[0], photograph / 255, atol=1e-6)
    fitted = clone(pca_patches).fit([other])
    by_fitted = StylePropagator(fitted, pca_style, random_state=0).fit([photograph])
    assert by_fitted.content_ is fitted
    np.testing.assert_allclose(fitted.images_[0], other / 255, atol=1e-6)
    by_frozen = StylePropagator(FrozenEstimator(fitted), pca_style, random_state=0).fit([photograph])
    np.testing.assert_array_equal(by_frozen.transform([photograph])[0], by_fitted.transform([photograph])[0])
    assert unfitted.transform([photograph])[0].shape == photograph.shape


def test_a_grey_style_makes_colour_photographs_grey_toned(pca_patches, painting, photograph):
    propagator = StylePropagator(style=pca_patches, style_images=painting.mean(2), random_state=0)
    [picture] = propagator.fit_transform([photograph])
    assert picture.shape == photograph.shape
    np.testing.assert_array_equal(picture[..., 0], picture[..., 1])
    np.testing.assert_array_equal(picture[..., 0], picture[..., 2])


def test_more_content_weight_keeps_more_of_the_photograph(pca_style):
    content = load_photograph("china", size=60)
    kept = [
        content_similarity(
            content,
            StylePropagator(style=pca_style, content_weight=weight, random_state=0).fit_transform([content])[0],
        )
        for weight in (0.0, 1.0, 3.0)
    ]
    assert kept[0] < kept[1] < kept[2]


# Score.


def test_the_score_is_the_mean_of_the_propagation_scores(propagator, painting):
    # Of smaller ones recolouring is as near to the style.
    contents = [load_photograph(name, size=48) for name in ("china", "flower")]
    other = contents[1]
    expected = [
        propagation_score(content, painting, picture)
        for content, picture in zip(contents, propagator.transform(contents), strict=True)
    ]
    assert propagator.score(contents) == pytest.approx(np.mean(expected), abs=2e-3)  # of uint8 and of floats
    assert 0.01 < propagator.score(contents) <= 1
    weighted = propagator.score(contents, sample_weight=[1, 3])
    assert weighted == pytest.approx(np.average(expected, weights=[1, 3]), abs=2e-3)
    assert propagator.score(contents, sample_weight=[0, 1]) == pytest.approx(propagator.score([other]))


def test_the_photograph_itself_scores_0(pca_style, photograph):
    assert StylePropagator(style=pca_style, strength=0, random_state=0).fit([photograph]).score([photograph]) == 0


@pytest.mark.parametrize("size", [96, 300])
def test_a_picture_in_its_own_style_stays_what_it_is(size):
    picture = load_photograph("china", size=size)
    redrawn = StylePropagator(style=PatchTransformer(PCA(12)), style_images=[picture], random_state=0).fit_transform(
        [picture]
    )[0]
    error = np.sqrt(np.mean((redrawn / 255 - picture / 255) ** 2))
    assert error < 0.1 * np.std(picture / 255)
