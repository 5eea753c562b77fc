"""A propagator with a memory: what is trained in searches and pipelines, and how often."""

import multiprocessing
import os
import time
import warnings

import numpy as np
import PIL.Image
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


def test_several_styles_are_each_fitted_once(
    propagator, cvae_fits, photographs, painting, other_painting, tiny_patches
):
    propagator.set_params(style_images=[painting, other_painting], style_weights=[1, 1])
    propagator.fit(photographs[:1])
    clone(propagator).set_params(style_weights=[1, 3]).fit(photographs[:1])
    assert len(cvae_fits) == 2
    listed = clone(propagator).set_params(style=[tiny_patches, tiny_patches], style_weights=None)
    listed.fit(photographs[:1])
    assert len(cvae_fits) == 2


def test_a_style_is_known_by_what_is_read_not_by_its_path(propagator, cvae_fits, painting, photographs, tmp_path):
    path = tmp_path / "style.png"
    PIL.Image.fromarray(np.rint(painting * 255).astype(np.uint8)).save(path)
    propagator.set_params(style_images=path).fit(photographs[:1])
    (tmp_path / "moved").mkdir()
    moved = path.rename(tmp_path / "moved" / "other.png")
    clone(propagator).set_params(style_images=[str(moved)]).fit(photographs[:1])
    assert len(cvae_fits) == 1
    PIL.Image.fromarray(photographs[0]).save(moved)
    clone(propagator).set_params(style_images=[str(moved)]).fit(photographs[:1])
    assert len(cvae_fits) == 2


def test_rows_have_their_sub_estimators_kept_too(memory, cvae_fits, rng):
    cvae = CVAETransformer(2, hidden_layer_sizes=(4,), max_iter=1)
    rows, style_rows = rng.normal(size=(2, 40, 6)).astype(np.float32)
    propagator = StylePropagator(cvae, cvae, style_images=style_rows, random_state=0, memory=memory)
    redrawn = [clone(propagator).set_params(strength=1.0).fit(rows).transform(rows) for _ in range(2)]
    assert len(cvae_fits) == 2
    np.testing.assert_array_equal(*redrawn)
    np.testing.assert_array_equal(redrawn[0], clone(propagator).set_params(memory=None).fit(rows).transform(rows))


def test_without_a_seed_every_fit_is_a_new_one(propagator, cvae_fits, photographs):
    propagator.set_params(random_state=None)
    for _ in range(2):
        clone(propagator).fit(photographs[:1])
    assert len(cvae_fits) == 2


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


def fit_at_once(propagator, photographs, n_processes):
    """Fit in forked processes that start together; the parameters and codes of their styles' C-VAEs, and the ids."""
    fork = multiprocessing.get_context("fork")
    start, answers = fork.Barrier(n_processes), fork.SimpleQueue()

    def fit(self, *args):
        started.append(os.getpid())
        time.sleep(0.5)  # long enough for the others to ask before it is done
        return fit_of_the_class(self, *args)

    def child():
        start.wait(30)
        fitted = clone(propagator).fit(photographs)
        answers.put((fitted.style_.transform(photographs)[0], started))

    fit_of_the_class, started = CVAETransformer.fit, []
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.setattr(CVAETransformer, "fit", fit)
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks of a process with threads
        processes = [fork.Process(target=child) for _ in range(n_processes)]
        for process in processes:
            process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    return [answers.get() for _ in processes]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")
def test_processes_that_need_a_sub_estimator_at_once_fit_it_once(propagator, photographs):
    codes, started = zip(*fit_at_once(propagator, photographs[:1], n_processes=3), strict=True)
    assert len([process for each in started for process in each]) == 1
    for other in (*codes[1:], propagator.fit(photographs[:1]).style_.transform(photographs[:1])[0]):
        np.testing.assert_array_equal(codes[0], other)
