"""Several styles: shares, barycentres, a mask each, and scikit-learn's company."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV

from skisp import PatchTransformer, StylePropagator
from skisp.datasets import load_photograph
from skisp.propagation._steps import propagation_steps


def patches_of(image, n_components=6):
    return PatchTransformer(PCA(n_components), patch_size=5, max_patches=1500, random_state=0).fit([image])


@pytest.fixture(scope="module")
def content():
    return load_photograph("china", size=36)


@pytest.fixture(scope="module")
def large_content():
    return load_photograph("china", size=60)


@pytest.fixture(scope="module")
def second_style(other_painting):
    """Coded by another number of components than the first."""
    return FrozenEstimator(patches_of(other_painting, n_components=4))


@pytest.fixture(scope="module")
def styles(pca_style, second_style):
    return [pca_style, second_style]


def redrawn(style, content, mask=None, **parameters):
    propagator = StylePropagator(style=style, random_state=0, **parameters)
    return propagator.fit([content]).transform([content], mask=mask)[0]


# Weights.


@pytest.mark.parametrize(("weights", "only", "patches"), [((3.5, 0), 0, "generated"), ((0, 1), 1, "style")])
def test_all_weight_on_one_style_is_that_style_alone(styles, content, weights, only, patches):
    picture = redrawn(styles, content, style_weights=weights, patches=patches)
    np.testing.assert_array_equal(picture, redrawn(styles[only], content, patches=patches))


def test_a_list_of_one_style_is_that_style(pca_style, content):
    np.testing.assert_array_equal(redrawn([pca_style], content), redrawn(pca_style, content))


@pytest.mark.parametrize("factor", [0.25, 1024])
def test_only_the_ratios_of_weights_count(styles, content, factor):
    weights = np.array([0.25, 0.75])
    picture = redrawn(styles, content, style_weights=factor * weights)
    np.testing.assert_array_equal(picture, redrawn(styles, content, style_weights=weights))


def test_without_weights_all_styles_count_the_same(styles, content):
    np.testing.assert_array_equal(redrawn(styles, content), redrawn(styles, content, style_weights=[1, 1]))


def test_the_weights_that_were_used_are_kept(styles, content):
    propagator = StylePropagator(style=styles, style_weights=[1, 3], random_state=0).fit([content])
    np.testing.assert_allclose(propagator.style_weights_, [0.25, 0.75])
    assert propagator.style_weights == [1, 3]


# Shares of the patches.


def share_of_the_first(styles, content, weights):
    """Of the positions of the finest level, at how many a patch of the first of two styles stands."""
    propagator = StylePropagator(style=styles, style_weights=weights, random_state=0).fit([content])
    step = propagation_steps(propagator, content)[0][-1]
    return (step.corners[..., 1] < step.style.shape[1] // 2).mean()  # side by side, and both square


def test_the_patches_of_a_style_occur_in_about_its_share(styles, large_content):
    weights = np.array([0.1, 0.5, 0.75])
    shares = np.array([share_of_the_first(styles, large_content, (weight, 1 - weight)) for weight in weights])
    assert (np.diff(shares) > 0).all()
    np.testing.assert_allclose(shares, weights, atol=0.1)


# A mask a style.


def halves(content):
    masks = np.zeros((2, *content.shape[:2]), dtype=np.float32)
    masks[0, :, : content.shape[1] // 2] = 1.0
    masks[1, :, content.shape[1] // 2 :] = 1.0
    return masks


@pytest.mark.parametrize("weights", [None, (1, 0)])
def test_each_style_is_alone_where_its_mask_is_whatever_the_weights(styles, content, weights):
    picture = redrawn(styles, content, mask=[halves(content)], style_weights=weights)
    first, second = (redrawn(style, content) for style in styles)
    middle = content.shape[1] // 2
    np.testing.assert_array_equal(picture[:, :middle], first[:, :middle])
    np.testing.assert_array_equal(picture[:, middle:], second[:, middle:])


def test_where_no_style_has_a_mask_the_photograph_stays(styles, content):
    masks = halves(content)
    masks[:, :10] = 0.0
    picture = redrawn(styles, content, mask=[masks])
    np.testing.assert_array_equal(picture[:10], content[:10])
    assert not np.array_equal(picture[10:], content[10:])


@pytest.mark.parametrize("value", [0.5, 1.0])
def test_where_masks_overlap_the_styles_share(styles, content, value):
    picture = redrawn(styles, content, mask=[np.full((2, *content.shape[:2]), value)])
    first, second = (redrawn(style, content).astype(float) for style in styles)
    np.testing.assert_allclose(picture, (first + second) / 2, atol=1)


def test_one_mask_for_several_styles_acts_on_their_mixture(styles, content):
    mask = halves(content)[0]
    picture, whole = redrawn(styles, content, mask=[mask]), redrawn(styles, content)
    np.testing.assert_array_equal(picture[mask == 1], whole[mask == 1])
    np.testing.assert_array_equal(picture[mask == 0], content[mask == 0])


@pytest.mark.parametrize("shape", [(3, 24, 36), (2, 5, 36), (24, 36, 2), (24, 36, 4), (36, 24), (24,)])
def test_masks_of_other_shapes_are_refused_by_name(styles, content, shape):
    assert content.shape[:2] == (24, 36)
    with pytest.raises(ValueError, match=r"mask 0 has shape .*expected .*\(24, 36\) or \(2, 24, 36\), one a style"):
        redrawn(styles, content, mask=[np.ones(shape)])


@pytest.mark.parametrize("shape", [(2, 24, 36), (24, 36, 2), (36, 24)])
def test_one_style_takes_one_mask_an_image(pca_style, content, shape):
    with pytest.raises(ValueError, match=r"mask 0 has shape .*expected the image's \(24, 36\)\.$"):
        redrawn(pca_style, content, mask=[np.ones(shape)])


def test_images_must_all_have_one_mask_or_all_one_a_style(styles, content):
    propagator = StylePropagator(style=styles, random_state=0).fit([content])
    with pytest.raises(ValueError, match="give all the same"):
        propagator.transform([content, content], mask=[halves(content), halves(content)[0]])


# How styles may be given.


def test_lists_may_mix_fitted_and_unfitted(pca_style, pca_patches, painting, other_painting, content):
    propagator = StylePropagator(
        style=[pca_style, pca_patches], style_images=[None, other_painting], random_state=0
    ).fit([content])
    assert propagator.style_[0] is pca_style
    assert propagator.style_[1] is not pca_patches
    assert not hasattr(pca_patches, "images_")
    np.testing.assert_array_equal(propagator.style_[1].images_[0], other_painting)


def test_a_style_of_a_list_may_have_several_images(pca_patches, painting, other_painting, content):
    propagator = StylePropagator(
        style=[pca_patches, pca_patches], style_images=[painting, [painting, other_painting]], random_state=0
    ).fit([content])
    assert [len(style.images_) for style in propagator.style_] == [1, 2]


def test_weights_make_a_style_of_every_image(pca_patches, painting, other_painting, content):
    propagator = StylePropagator(
        style=pca_patches, style_images=[painting, other_painting], style_weights=[1, 1], random_state=0
    ).fit([content])
    assert len(propagator.style_) == 2
    by_list = redrawn([clone(pca_patches).fit([painting]), clone(pca_patches).fit([other_painting])], content)
    np.testing.assert_array_equal(propagator.transform([content])[0], by_list)


@pytest.mark.parametrize(
    ("parameters", "kind", "message"),
    [
        ({"style": []}, ValueError, "style is an empty list; give at least one"),
        ({"style_weights": [1]}, ValueError, r"shape \(1,\); expected one weight for each of 2 styles"),
        ({"style_weights": [1, 2, 3]}, ValueError, r"shape \(3,\); expected one weight for each of 2 styles"),
        ({"style_weights": [[1, 2]]}, ValueError, r"shape \(1, 2\); expected one weight for each of 2 styles"),
        ({"style_weights": [1, -1]}, ValueError, "numbers of at least 0, not all 0"),
        ({"style_weights": [0, 0]}, ValueError, "numbers of at least 0, not all 0"),
        ({"style_weights": [1, np.nan]}, ValueError, "numbers of at least 0, not all 0"),
        ({"style_weights": [1, np.inf]}, ValueError, "numbers of at least 0, not all 0"),
        ({"style_images": [np.zeros((9, 9))]}, ValueError, "style_images as a list of as many, or None"),
        ({"style_images": "nowhere.jpg"}, ValueError, "style_images as a list of as many, or None"),
    ],
)
def test_styles_and_weights_that_do_not_fit_are_refused(styles, content, parameters, kind, message):
    unfitted = [PatchTransformer(PCA(3), patch_size=5)] * 2
    style = unfitted if "style_images" in parameters else styles
    with pytest.raises(kind, match=message):
        StylePropagator(**{"style": style, "random_state": 0} | parameters).fit([content])


def test_one_fitted_style_cannot_be_several(pca_style, content):
    with pytest.raises(ValueError, match="style_weights needs several styles; give style as a list"):
        StylePropagator(style=pca_style, style_weights=[1, 1]).fit([content])


def test_weights_without_any_style_name_both_cures(content):
    with pytest.raises(NotFittedError, match="neither a list of styles nor style_images"):
        StylePropagator(style_weights=[1, 1]).fit([content])


@pytest.mark.parametrize("different", ["patch_size", "channels"])
def test_styles_of_other_patches_are_refused_by_number(pca_style, other_painting, content, different):
    if different == "patch_size":
        other = PatchTransformer(PCA(3), patch_size=7, random_state=0).fit([other_painting])
    else:
        other = patches_of(other_painting.mean(axis=2))
    with pytest.raises(ValueError, match=r"Style 0 has patch_size=5 and 3 channels, style 1 .*one patch_size"):
        StylePropagator(style=[pca_style, other]).fit([content])


# In scikit-learn's company.


def test_a_search_over_weights_scores_each(styles, content):
    photographs = [content, content[:, ::-1].copy()]
    grid = {"style_weights": [(1, 0), (0.5, 0.5), (0, 1)]}
    search = GridSearchCV(StylePropagator(style=styles, random_state=0), grid, cv=2, error_score="raise")
    search.fit(photographs)
    scores = search.cv_results_["mean_test_score"]
    assert np.all((scores >= 0) & (scores <= 1))
    assert search.best_params_["style_weights"] == grid["style_weights"][int(np.argmax(scores))]
    alone = StylePropagator(style=styles[1], random_state=0).fit(photographs[1:]).score(photographs[:1])
    assert search.cv_results_["split0_test_score"][2] == pytest.approx(alone)
