"""Files of format 1 are still loaded.

``tests/data/model_format_1_*.skisp`` are models as the first format stores them, beside what they answered
(``.npz``). They were made by what this module was before it read them, on the CPU (x86-64, torch 2.13,
scikit-learn 1.9, NumPy 2.4), from rows and images that are sines. They are not to be made anew: a version that
stores models otherwise raises the format, still reads these, and adds files of its own. Only the answer of the model
of images, which are pictures, is of the present synthesis, by the model that was stored then.
"""

from pathlib import Path

import numpy as np
import pytest
from sklearn.frozen import FrozenEstimator

from skisp.persistence import load_model

DATA = Path(__file__).parents[1] / "data"


FIXTURES = ("conv", "cvae", "images", "rows")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
@pytest.mark.parametrize("name", FIXTURES)
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
    assert models["cvae"].partial_fit(np.random.default_rng(0).random((24, 6))).n_iter_ == 2
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
