"""A propagator with a memory: what is trained in searches and pipelines, and how often."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

import skisp
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


CODER = """
import os
from skisp import CVAETransformer


class CountedCVAE(CVAETransformer):
    def fit(self, X, y=None):
        with open(os.environ["FITS"], "a") as file:
            file.write(f"{os.getpid()}\\n")
        return super().fit(X)
"""

SEARCH = """
import sys
from counted import CountedCVAE
from sklearn.model_selection import GridSearchCV
from skisp import PatchTransformer, StylePropagator
from skisp.datasets import load_photograph, make_style_image

if __name__ == "__main__":
    propagator = StylePropagator(
        # Long enough for the second process to ask before the first is done.
        style=PatchTransformer(CountedCVAE(4, max_iter=5), patch_size=5, max_patches=2000),
        style_images=make_style_image("waves", size=32, random_state=0),
        random_state=0,
        memory=sys.argv[1],
    )
    photographs = [load_photograph(name, size=24) for name in ("china", "flower")]
    GridSearchCV(propagator, {"strength": [0.5, 1.0]}, cv=2, n_jobs=2, error_score="raise").fit(photographs)
"""


@pytest.mark.slow
def test_two_processes_that_need_a_sub_estimator_at_once_fit_it_once(tmp_path, memory):
    """Two workers of a search, and the process that refits the best."""
    (tmp_path / "counted.py").write_text(CODER)
    script = tmp_path / "search.py"
    script.write_text(SEARCH)
    fits = tmp_path / "fits.txt"
    path = os.pathsep.join([str(tmp_path), str(Path(skisp.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "FITS": str(fits)}
    subprocess.run([sys.executable, str(script), str(memory)], env=environment, check=True, timeout=300)
    assert len(fits.read_text().split()) == 1
