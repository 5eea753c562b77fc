"""Masks as metadata that scikit-learn routes: through pipelines and into searches."""

import numpy as np
import pytest
import sklearn
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline

from skisp import ImageReader, StylePropagator
from skisp.datasets import load_photograph


@pytest.fixture(autouse=True)
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.fixture(scope="module")
def photographs():
    china, flower = (load_photograph(name, size=60) for name in ("china", "flower"))
    return [china, flower[:, 6:], china[:34], flower[::-1]]


@pytest.fixture(scope="module")
def masks(photographs):
    """One mask an image, each of another part of it."""
    masks = [np.zeros(image.shape[:2], dtype=np.float32) for image in photographs]
    for i, mask in enumerate(masks):
        mask[:, 6 * i :] = 1.0
    return masks


@pytest.fixture(scope="module")
def expected(pca_style, photographs, masks):
    return StylePropagator(style=pca_style, random_state=0).fit(photographs).transform(photographs, mask=masks)


@pytest.fixture
def asking(pca_style):
    """A propagator that asks for masks."""
    return StylePropagator(style=pca_style, random_state=0).set_transform_request(mask=True)


def assert_all_equal(pictures, expected):
    for picture, other in zip(pictures, expected, strict=True):
        np.testing.assert_array_equal(picture, other)


def test_fit_transform_takes_masks_itself_without_a_warning(asking, photographs, masks, expected, recwarn):
    assert_all_equal(asking.fit_transform(photographs, mask=masks), expected)
    with sklearn.config_context(enable_metadata_routing=False):
        assert_all_equal(asking.fit_transform(photographs, mask=masks), expected)
    assert not [warning for warning in recwarn if "fit_transform" in str(warning.message)]


def test_a_step_in_the_middle_is_fitted_and_applied_with_the_masks(asking, pca_style, photographs, masks, expected):
    last = StylePropagator(style=pca_style, strength=0, random_state=0).set_transform_request(mask=False)
    pipeline = make_pipeline(asking, last).fit(photographs, mask=masks)
    assert_all_equal(pipeline.transform(photographs, mask=masks), expected)
    # The last step saw masked pictures, so its map is that of a propagator fitted on them.
    alone = StylePropagator(style=pca_style, strength=0, random_state=0).fit(expected)
    np.testing.assert_array_equal(pipeline[-1].alignment_.matrix, alone.alignment_.matrix)


def test_the_score_with_masks_is_that_of_the_masked_pictures(propagator, photographs, masks):
    nothing = [np.zeros_like(mask) for mask in masks]
    everything = [np.ones_like(mask) for mask in masks]
    assert propagator.score(photographs, mask=nothing) == 0
    assert propagator.score(photographs, mask=everything) == pytest.approx(propagator.score(photographs), abs=1e-6)
    assert 0 < propagator.score(photographs, mask=masks) < propagator.score(photographs)


@pytest.mark.parametrize("in_pipeline", [False, True])
def test_a_search_gives_every_fold_its_masks(asking, photographs, masks, in_pipeline):
    asking.set_score_request(mask=True)
    estimator = make_pipeline(ImageReader(), asking) if in_pipeline else asking
    name = "stylepropagator__strength" if in_pipeline else "strength"
    search = GridSearchCV(estimator, {name: [0.0, 1.0]}, cv=2, error_score="raise").fit(photographs, mask=masks)
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"] == 0, [True, False])
    alone = asking.set_params(strength=1.0).fit(photographs[2:])
    expected = alone.score(photographs[:2], mask=masks[:2])
    assert search.cv_results_["split0_test_score"][1] == pytest.approx(expected)


def test_cross_validation_with_masks_and_weights(asking, photographs, masks):
    asking.set_score_request(mask=True, sample_weight=True)
    weights = np.array([1.0, 0.0, 1.0, 0.0])
    result = cross_validate(
        asking, photographs, cv=2, params={"mask": masks, "sample_weight": weights}, error_score="raise"
    )
    alone = asking.fit(photographs[2:]).score(photographs[:1], mask=masks[:1])
    assert result["test_score"][0] == pytest.approx(alone)


def test_rows_have_no_mask_in_any_method(rng):
    rows = rng.normal(size=(30, 4))
    propagator = StylePropagator(style=FrozenEstimator(PCA(2).fit(rows)), random_state=0)
    with pytest.raises(ValueError, match="Rows have no mask"):
        propagator.fit_transform(rows, mask=np.ones(30))
    with pytest.raises(ValueError, match="Rows have no mask"):
        propagator.fit(rows).score(rows, mask=np.ones(30))
