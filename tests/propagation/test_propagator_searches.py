"""The propagator in scikit-learn's company: pipelines, searches, caches, jobs."""

import numpy as np
import PIL.Image
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, ParameterGrid, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline

from skisp import CVAETransformer, ImageReader, PatchTransformer, StylePropagator
from skisp.datasets import load_photograph


@pytest.fixture(scope="module")
def photographs():
    """Four small ones of different sizes."""
    china, flower = (load_photograph(name, size=27) for name in ("china", "flower"))
    return [china, flower[:, 2:], china[:, ::-1][:17], flower[::-1]]


def run(propagator, grid, photographs, **parameters):
    search = GridSearchCV(propagator, grid, cv=2, error_score="raise", **parameters).fit(photographs)
    scores = search.cv_results_["mean_test_score"]
    assert len(scores) == len(ParameterGrid(grid))
    assert np.all((scores >= 0) & (scores <= 1))
    assert search.best_score_ == max(scores)
    assert search.transform(photographs[:1])[0].shape == photographs[0].shape
    return search


def test_a_search_over_strength_prefers_some(pca_style, photographs):
    search = run(StylePropagator(style=pca_style, random_state=0), {"strength": [0.0, 1.0]}, photographs)
    assert search.best_params_ == {"strength": 1.0}
    assert search.cv_results_["mean_test_score"][0] == 0


def test_a_search_over_strengths_of_numpy(pca_style, photographs):
    search = run(StylePropagator(style=pca_style, random_state=0), {"strength": np.linspace(0, 1, 2)}, photographs)
    assert search.transform([photographs[0] / np.float32(255)])[0].dtype == np.float32


def test_a_search_over_frozen_styles(pca_style, other_painting, photographs):
    other = PatchTransformer(PCA(4), patch_size=5, max_patches=1000, random_state=0).fit([other_painting])
    styles = [pca_style, FrozenEstimator(other)]
    search = run(StylePropagator(random_state=0), {"style": styles}, photographs)
    assert search.best_estimator_.style_ in styles


def test_a_search_over_the_components_of_an_unfitted_style(pca_patches, painting, photographs):
    propagator = StylePropagator(style=pca_patches, style_images=painting, random_state=0)
    search = run(propagator, {"style__transformer__n_components": [1, 8]}, photographs)
    fitted = search.best_estimator_.style_.transformer_
    assert fitted.n_components == search.best_params_["style__transformer__n_components"]


def test_a_search_over_the_transformer_of_an_unfitted_style(pca_patches, painting, photographs):
    propagator = StylePropagator(style=pca_patches, style_images=painting, random_state=0)
    transformers = [CVAETransformer(4, hidden_layer_sizes=(16,), max_iter=2), PCA(4)]
    search = run(propagator, {"style__transformer": transformers}, photographs)
    assert type(search.best_estimator_.style_.transformer_) is type(search.best_params_["style__transformer"])


def test_a_search_over_an_unfitted_content(pca_style, pca_patches, photographs):
    propagator = StylePropagator(pca_patches, pca_style, random_state=0)
    run(propagator, {"content__transformer__n_components": [2, 5]}, photographs)


def test_a_search_over_style_images(pca_patches, painting, other_painting, photographs):
    propagator = StylePropagator(style=pca_patches, random_state=0)
    run(propagator, {"style_images": [painting, [painting, other_painting]]}, photographs[:2])


def test_cross_validation_scores_every_fold_alike_each_time(pca_style, photographs):
    propagator = StylePropagator(style=pca_style, random_state=0)
    scores = cross_val_score(propagator, photographs, cv=2)
    np.testing.assert_array_equal(scores, cross_val_score(propagator, photographs, cv=2))
    expected = propagator.fit(photographs[2:]).score(photographs[:2])
    assert scores[0] == pytest.approx(expected)


@pytest.mark.slow
def test_two_jobs_find_what_one_finds(painting, photographs):
    style = PatchTransformer(CVAETransformer(4, hidden_layer_sizes=(16,), max_iter=2), patch_size=5, max_patches=1000)
    propagator = StylePropagator(style=style, style_images=painting, random_state=0)
    searches = [run(propagator, {"strength": [0.5, 1.0]}, photographs, n_jobs=n_jobs) for n_jobs in (1, 2)]
    for fold in ("split0_test_score", "split1_test_score"):
        np.testing.assert_array_equal(*(search.cv_results_[fold] for search in searches))
    np.testing.assert_array_equal(*(search.transform(photographs[:1])[0] for search in searches))


def test_a_clone_has_the_parameters_and_nothing_fitted(propagator, pca_style):
    copy = clone(propagator.set_params(strength=1.0))
    assert copy.get_params()["random_state"] == 0
    assert copy.style is pca_style
    assert not [name for name in vars(copy) if name.endswith("_")]


def test_parameters_can_be_reached_by_name(pca_patches, painting, photographs):
    propagator = StylePropagator(PatchTransformer(), pca_patches, style_images=painting, random_state=0)
    propagator.set_params(style__patch_size=7, content__patch_size=7, content__transformer=PCA(2))
    fitted = propagator.fit(photographs[:1])
    assert fitted.style_.patch_size == fitted.content_.patch_size == 7


@pytest.fixture
def paths(tmp_path, photographs):
    paths = [tmp_path / f"{i}.png" for i in range(2)]
    for path, photograph in zip(paths, photographs, strict=False):
        PIL.Image.fromarray(photograph).save(path)
    return paths


def test_a_pipeline_from_paths_to_pictures(paths, pca_style, photographs):
    pipeline = make_pipeline(ImageReader(size=24), StylePropagator(style=pca_style, random_state=0))
    pictures = pipeline.fit(paths).transform(paths)
    assert [picture.dtype for picture in pictures] == [np.uint8] * 2
    assert [max(picture.shape) for picture in pictures] == [24, 24]
    arrays = ImageReader(size=24).transform(paths)
    expected = StylePropagator(style=pca_style, random_state=0).fit(arrays).transform(arrays)
    for picture, other in zip(pictures, expected, strict=True):
        np.testing.assert_array_equal(picture, other)
    assert 0 <= make_pipeline(ImageReader(), pipeline[-1]).score(paths) <= 1


def test_a_pipeline_with_a_cache_draws_the_same(tmp_path, paths, pca_style):
    steps = [
        ("read", ImageReader(size=24)),
        ("first", StylePropagator(style=pca_style, random_state=0)),
        ("second", StylePropagator(style=pca_style, strength=0.5, random_state=0)),
    ]
    expected = Pipeline(steps).fit_transform(paths)
    cached = Pipeline(steps, memory=str(tmp_path / "cache"))
    for _ in range(2):  # the second time from the cache
        for picture, other in zip(cached.fit(paths).transform(paths), expected, strict=True):
            np.testing.assert_array_equal(picture, other)


def test_a_search_over_a_pipeline(paths, pca_style):
    pipeline = make_pipeline(ImageReader(size=24), StylePropagator(style=pca_style, random_state=0))
    search = GridSearchCV(pipeline, {"stylepropagator__strength": [0.3, 1.0]}, cv=2, error_score="raise").fit(paths)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
