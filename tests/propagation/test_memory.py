"""A propagator with a memory: what is trained in searches and pipelines, and how often."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from skisp import CVAETransformer, ImageReader, PatchTransformer, StylePropagator
from skisp.datasets import load_photograph


@pytest.fixture
def tiny_patches():
    return PatchTransformer(CVAETransformer(3, hidden_layer_sizes=(8,), max_iter=1), patch_size=5, max_patches=300)


@pytest.fixture(scope="module")
def photographs():
    china, flower = (load_photograph(name, size=24) for name in ("china", "flower"))
    return [china, flower[:, 2:], china[:, ::-1], flower[::-1]]


@pytest.fixture
def propagator(painting, memory, tiny_patches):
    return StylePropagator(style=tiny_patches, style_images=painting, random_state=0, memory=memory)


def test_what_is_no_memory_is_refused(painting, photographs, tiny_patches):
    with pytest.raises(ValueError, match="memory"):
        StylePropagator(style=tiny_patches, style_images=painting, memory=1.5).fit(photographs)


@pytest.mark.parametrize("parameters", [{"strength": 0.3}, {"content_weight": 3.0}, {"color": "content"}])
def test_clones_of_a_propagator_share_the_sub_estimator_and_redraw_as_without(
    propagator, cvae_fits, photographs, parameters
):
    propagator.fit(photographs[:2])
    other = clone(propagator).set_params(**parameters)
    pictures = other.fit(photographs[:2]).transform(photographs[:2])
    assert len(cvae_fits) == 1
    expected = clone(other).set_params(memory=None).fit(photographs[:2]).transform(photographs[:2])
    for picture, one in zip(pictures, expected, strict=True):
        np.testing.assert_array_equal(picture, one)


def test_style_and_content_are_each_fitted_once(propagator, cvae_fits, photographs, tiny_patches):
    propagator.set_params(content=tiny_patches)
    for strength in (0.0, 0.5, 1.0):
        clone(propagator).set_params(strength=strength).fit(photographs)
    assert len(cvae_fits) == 2
    clone(propagator).fit(photographs[:2])  # another fold: the content alone is new
    assert len(cvae_fits) == 3


def test_fitted_sub_estimators_are_not_touched(memory, pca_style, cvae_fits, painting, photographs, tiny_patches):
    fitted = clone(tiny_patches).set_params(random_state=0).fit([painting])
    cvae_fits.clear()
    propagator = StylePropagator(fitted, FrozenEstimator(fitted), random_state=0, memory=memory).fit(photographs[:1])
    assert propagator.content_ is fitted
    assert not cvae_fits
    assert not memory.exists()
    with pytest.raises(NotFittedError, match="frozen but was never fitted"):
        StylePropagator(style=FrozenEstimator(tiny_patches), memory=memory).fit(photographs[:1])


@pytest.mark.parametrize("last", [True, False])
def test_a_pipeline_with_a_memory_of_its_own_takes_one_with_a_memory(
    propagator, cvae_fits, photographs, memory, tmp_path, last
):
    steps = [("read", ImageReader()), ("style", propagator)]
    if not last:
        steps += [("again", clone(propagator).set_params(strength=0.5))]
    forgetful = clone(Pipeline(steps)).set_params(**{f"{name}__memory": None for name, _ in steps[1:]})
    expected = forgetful.fit(photographs[:1]).transform(photographs[:1])
    for folder in (memory, tmp_path / "other"):
        cvae_fits.clear()
        for _ in range(2):
            pipeline = clone(Pipeline(steps, memory=str(folder))).fit(photographs[:1])
            for picture, one in zip(pipeline.transform(photographs[:1]), expected, strict=True):
                np.testing.assert_array_equal(picture, one)
        assert len(cvae_fits) == (folder == memory)
