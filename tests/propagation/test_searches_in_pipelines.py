"""Every search and validation of scikit-learn, over every kind of parameter, in one pipeline from files to pictures."""

from functools import cache, partial

import numpy as np
import PIL.Image
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - its import makes the next one work
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    KFold,
    RandomizedSearchCV,
    cross_validate,
    learning_curve,
    validation_curve,
)
from sklearn.pipeline import Pipeline

from skisp import CVAETransformer, ImageReader, PatchTransformer, StylePropagator
from skisp.datasets import load_photograph

FOLDS = KFold(2)


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """Four files of small photographs, of different sizes."""
    folder = tmp_path_factory.mktemp("photographs")
    china, flower = (load_photograph(name, size=26) for name in ("china", "flower"))
    images = [china, flower[:, 1:], china[:, ::-1], flower[::-1, :-2]]
    paths = [folder / f"{i}.png" for i in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        PIL.Image.fromarray(image).save(path)
    return paths


@pytest.fixture(scope="module")
def pipeline(other_painting):
    """Not changed by any test."""
    patches = PatchTransformer(CVAETransformer(2, hidden_layer_sizes=(8,), max_iter=1), patch_size=5, max_patches=200)
    propagator = StylePropagator(patches, clone(patches), style_images=other_painting, random_state=0)
    return Pipeline([("read", ImageReader(size=24)), ("redraw", propagator)])


def one(**parameters):
    return {f"redraw__{name}": [value] for name, value in parameters.items()}


# One candidate for a parameter of each estimator: the propagator, the patches, the style's C-VAE, the content's.
GRID = [
    one(strength=0.4),
    one(style__patch_size=4, content__patch_size=4),
    one(style__transformer__n_components=3),
    one(content__transformer__max_iter=2, content__transformer__learning_rate=0.01),
]

# A figure that differs for every picture: the score of pictures as poor as these is often 0. A lambda goes to other
# processes as it is, a function of a test module would have to be found there.
SCORING = {
    "darkness": lambda estimator, X, y=None: (
        -float(np.mean([np.average(p.ravel(), weights=1 + np.arange(p.size)) for p in estimator.transform(X)]))
    )
}

_halving = {"factor": 2, "random_state": 0}
SEARCHES = {
    "grid": partial(GridSearchCV, param_grid=GRID),
    "random": partial(RandomizedSearchCV, param_distributions=GRID, n_iter=2, random_state=0),
    "halving, images": partial(HalvingGridSearchCV, param_grid=GRID[1:3], min_resources=2, max_resources=4, **_halving),
    "halving, epochs of the content": partial(
        HalvingGridSearchCV,
        param_grid=GRID[:2],
        resource="redraw__content__transformer__max_iter",
        min_resources=1,
        max_resources=2,
        **_halving,
    ),
    "halving at random, epochs of the style": partial(
        HalvingRandomSearchCV,
        param_distributions=GRID[1:3],
        resource="redraw__style__transformer__max_iter",
        n_candidates=2,
        min_resources=2,
        max_resources=4,
        **_halving,
    ),
}


def search(name, pipeline, paths, **parameters):
    images = paths if name == "halving, images" else paths[:2]
    return SEARCHES[name](pipeline, cv=FOLDS, scoring=SCORING["darkness"], error_score="raise", **parameters).fit(
        images
    )


def curve(function, **parameters):
    """A function that gives by name what a curve of scikit-learn gives one after the other."""

    def validate(estimator, X, **kwargs):
        *_, train, test = function(estimator, X, None, **parameters, **kwargs)
        return {"train_score": train, "test_score": test}

    return validate


# With the parameters that the last column of the results is for.
VALIDATIONS = {
    "cross_validate": (cross_validate, {}),
    "learning_curve": (curve(learning_curve, train_sizes=[1, 2]), {}),
    "validation_curve, of the propagator": (
        curve(validation_curve, param_name="redraw__coherence", param_range=[0.0, 2.0]),
        {"redraw__coherence": 2.0},
    ),
    "validation_curve, of the style's C-VAE": (
        curve(validation_curve, param_name="redraw__style__transformer__max_iter", param_range=[1, 2]),
        {"redraw__style__transformer__max_iter": 2},
    ),
}


def validate(name, pipeline, paths, **parameters):
    return VALIDATIONS[name][0](pipeline, paths, cv=FOLDS, error_score="raise", **parameters)


@pytest.fixture(scope="module")
def one_job(pipeline, paths):
    """The searches and the results of validations by one job, each made when it is first asked for."""
    return cache(lambda name: (search if name in SEARCHES else validate)(name, pipeline, paths))


def results(found):
    """All results but the times."""
    found = found if isinstance(found, dict) else found.cv_results_
    return {name: value for name, value in found.items() if "time" not in name}


def assert_same_results(found, expected):
    found, expected = results(found), results(expected)
    assert found.keys() == expected.keys()
    for name in found:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


@pytest.mark.parametrize("name", [name for name in SEARCHES if name != "halving, images"])
def test_a_search_scores_a_candidate_as_one_would_alone(name, one_job, pipeline, paths):
    found = one_job(name)
    scores, last = found.cv_results_["split0_test_score"], found.cv_results_["params"][-1]
    alone = clone(pipeline).set_params(**last).fit(paths[1:2])
    assert scores[-1] == SCORING["darkness"](alone, paths[:1])
    assert len(set(scores)) == len(scores)  # every parameter makes a difference


def test_a_halving_search_gives_the_better_ones_more_images(one_job):
    found = one_job("halving, images")
    assert found.n_resources_ == [2, 4]
    assert list(found.cv_results_["n_resources"]) == [2, 2, 4]


@pytest.mark.parametrize(
    ("name", "epochs", "n_iter"),
    [
        ("halving, epochs of the content", [1, 1, 2], (2, 1)),
        ("halving at random, epochs of the style", [2, 2, 4], (1, 4)),
    ],
)
def test_a_halving_search_gives_the_better_ones_more_epochs(one_job, name, epochs, n_iter):
    found = one_job(name)
    assert list(found.cv_results_["n_resources"]) == epochs
    best = found.best_estimator_[-1]
    assert (best.content_.transformer_.n_iter_, best.style_.transformer_.n_iter_) == n_iter


@pytest.mark.parametrize("name", VALIDATIONS)
def test_a_validation_scores_as_one_would_alone(name, one_job, pipeline, paths):
    score = np.ravel(one_job(name)["test_score"])[-1]
    alone = clone(pipeline).set_params(**VALIDATIONS[name][1]).fit(paths[:2])
    assert score == alone.score(paths[2:])


def test_a_memory_trains_each_sub_estimator_once_in_a_whole_search(one_job, pipeline, paths, memory, cvae_fits):
    expected = one_job("grid")
    cvae_fits.clear()
    remembering = clone(pipeline).set_params(redraw__memory=memory, memory=str(memory))
    assert_same_results(search("grid", remembering, paths, refit=False), expected)
    # Styles: as given, of patches of 4 px, of 3 components. Contents, for each fold: as given, of 4 px, of 2 epochs.
    assert len(cvae_fits) == 3 + 3 * 2


@pytest.mark.slow
def test_two_jobs_find_what_one_finds(one_job, pipeline, paths):
    assert_same_results(search("grid", pipeline, paths, n_jobs=2, refit=False), one_job("grid"))


@pytest.mark.parametrize("name", ["style", "style__transformer", "style_images"])
def test_candidates_may_be_estimators_and_images(name, pca_style, pca_patches, painting, other_painting):
    candidates = {
        "style": [pca_style, FrozenEstimator(clone(pca_patches).fit([other_painting]))],
        "style__transformer": [PCA(4), CVAETransformer(2, hidden_layer_sizes=(8,), max_iter=1)],
        "style_images": [painting, [painting, other_painting]],
    }[name]
    photographs = [load_photograph(name, size=64) for name in ("china", "flower")]
    propagator = StylePropagator(style=pca_patches, style_images=painting, adaptation=0.0, random_state=0)
    found = GridSearchCV(propagator, {name: candidates}, cv=2, error_score="raise").fit(photographs)
    alone = clone(propagator).set_params(**{name: candidates[1]}).fit(photographs[1:])
    assert found.cv_results_["split0_test_score"][1] == alone.score(photographs[:1])
    assert len(set(found.cv_results_["mean_test_score"])) == 2
