"""Files of format 1 are still loaded.

``tests/data/model_format_1_*.skisp`` are models as the first format stores them, beside what they answered
(``.npz``). They were made by :func:`make_fixtures` of this module, on the CPU (x86-64, torch 2.13,
scikit-learn 1.9, NumPy 2.4), from rows and images that are sines. They are not to be made anew: a version that
stores models otherwise raises the format, still reads these, and adds files of its own. Only the answer of the model
of images, which are pictures, is of the present synthesis, by the model that was stored then.
"""

from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline

from skisp import CVAETransformer, ImageReader, PatchTransformer, StylePropagator
from skisp.persistence import load_model, save_model

DATA = Path(__file__).parents[1] / "data"


def waves(n, *shape):
    """Rows or images (n, *shape) in [0, 1] that no one has collected: products of sines."""
    i, j = np.arange(1, n + 1)[:, None], np.arange(1, int(np.prod(shape)) + 1)[None]
    values = 0.5 + 0.25 * np.sin(0.7 * i + 0.3 * j) + 0.25 * np.sin(1.3 * i) * np.cos(0.11 * i * j)
    return values.clip(0, 1).astype(np.float32).reshape(n, *shape)


def small_cvae(**parameters):
    defaults = {"n_components": 2, "hidden_layer_sizes": (8,), "max_iter": 2, "precision": "float32"}
    return CVAETransformer(**{**defaults, "random_state": 0, "device": "cpu", **parameters})


def patches(transformer):
    return PatchTransformer(transformer, patch_size=3, max_patches=200, random_state=0)


def fitted_cvae():
    return small_cvae(likelihood="gaussian").partial_fit(waves(24, 6)), waves(30, 6)[24:]


def fitted_conv():
    return small_cvae(conv_channels=(2, 3), likelihood="bernoulli").fit(waves(9, 16, 17)), waves(12, 16, 17)[9:]


def fitted_images():
    """Several styles, a content of its own, frozen parts, a pipeline."""
    styles = [FrozenEstimator(patches(PCA(3)).fit(waves(1, 14, 15, 3))), patches(small_cvae()).fit(waves(1, 15, 14, 3))]
    propagator = StylePropagator(patches(PCA(4)), styles, style_weights=[1, 2.0], random_state=0, device="cpu")
    X = waves(3, 16, 15, 3)
    return make_pipeline(ImageReader(size=16), propagator).fit(X[:2]), X[2:]


def fitted_rows():
    X = waves(24, 6)
    style = StylePropagator(style=PCA(2), style_images=X**2, random_state=np.random.RandomState(0), device="cpu")
    return style.fit(X), waves(30, 6)[24:]


FIXTURES = {"cvae": fitted_cvae, "conv": fitted_conv, "images": fitted_images, "rows": fitted_rows}


def make_fixtures(folder):
    """Write the files of ``tests/data`` to ``folder``: ``make_fixtures(Path("tests/data"))``. No test calls this."""
    for name, make in FIXTURES.items():
        model, X = make()
        path = Path(folder) / f"model_format_1_{name}"
        save_model(path.with_suffix(".skisp"), model)
        np.savez_compressed(path.with_suffix(".npz"), X=X, answer=np.asarray(model.transform(X)))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
@pytest.mark.parametrize("name", sorted(FIXTURES))
def test_a_stored_model_answers_as_it_did(name):
    model = load_model(DATA / f"model_format_1_{name}.skisp")
    with np.load(DATA / f"model_format_1_{name}.npz") as expected:
        answer = np.asarray(model.transform(expected["X"]))
        assert answer.shape == expected["answer"].shape
        if name != "images":
            np.testing.assert_allclose(answer, expected["answer"], rtol=1e-5, atol=1e-5)
        else:  # another machine's rounding may find another patch here and there
            assert np.mean(np.abs(answer - expected["answer"]) < 1e-4) > 0.9


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
def test_the_stored_models_are_what_their_names_say():
    models = {name: load_model(DATA / f"model_format_1_{name}.skisp") for name in FIXTURES}
    assert models["cvae"].likelihood == "gaussian"
    assert models["cvae"].fitted_.optimization is not None
    assert models["cvae"].partial_fit(waves(24, 6)).n_iter_ == 2
    assert models["conv"].module_.config["conv_channels"] == [2, 3]
    assert models["conv"].image_shape_ == (16, 17)
    assert [type(step).__name__ for step in models["images"]] == ["ImageReader", "StylePropagator"]
    assert len(models["images"][1].style_) == 2
    assert isinstance(models["images"][1].style_[0], FrozenEstimator)
    assert models["images"][1].content_.transformer_.n_components_ == 4
    assert isinstance(models["rows"].random_state, np.random.RandomState)


def test_the_stored_models_are_small():
    files = list(DATA.glob("model_format_1_*"))
    assert len(files) == 2 * len(FIXTURES)
    assert max(file.stat().st_size for file in files) < 50_000
