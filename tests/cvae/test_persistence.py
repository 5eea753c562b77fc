"""Models that are saved and loaded: the same bits again, without torch in the file, now and in later versions.

``tests/data/cvae_format_1_*.joblib`` are models as the first released form of the state stores them,
beside what they answered (``.npz``). They were made by what this module was before it read them, on the CPU
(x86-64, torch 2.13, scikit-learn 1.9, NumPy 2.4), from rows that are sines. They are not to be made anew:
a version that stores models otherwise raises ``STATE_FORMAT``, still reads these, and adds files of its own.
"""

import copy
import io
import pickle
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from skisp import CVAETransformer
from skisp.cvae._state import STATE_FORMAT

from ._shared import assert_same_bits, small_cvae, waves

DATA = Path(__file__).parents[1] / "data"


FIXTURES = ("conv", "dense", "gaussian")


def answers(cvae, X):
    """What a fitted model says of X, by name."""
    codes = cvae.transform(X)
    return {"codes": codes, "decoded": cvae.inverse_transform(codes), "scores": cvae.score_samples(X)}


# Files of the first form


@pytest.fixture(params=FIXTURES)
def stored(request):
    """A model of a file, and what it answered when it was stored."""
    path = DATA / f"cvae_format_1_{request.param}"
    with np.load(path.with_suffix(".npz")) as archive:
        return joblib.load(path.with_suffix(".joblib")), dict(archive)


@pytest.mark.filterwarnings("error")
def test_a_stored_model_answers_as_it_did(stored):
    cvae, expected = stored
    for name, answer in answers(cvae, expected["X"]).items():
        assert answer.shape == expected[name].shape
        np.testing.assert_allclose(answer, expected[name], rtol=1e-5, atol=1e-5)
    for prior in ("standard", "aggregate"):
        samples = cvae.sample(3, random_state=0, prior=prior)
        np.testing.assert_allclose(samples, expected[prior], rtol=1e-4, atol=1e-4)


def test_a_stored_model_can_be_trained_further(stored):
    """It goes on with the moments of the optimiser and the state of the generator, where it holds them."""
    cvae, expected = stored
    n_iter, loss_curve = cvae.n_iter_, cvae.loss_curve_
    X = expected["X"]
    cvae.partial_fit(np.concatenate([X, X[::-1] ** 2]))
    assert cvae.n_iter_ == n_iter + 1
    assert cvae.loss_curve_[:-1] == loss_curve
    assert cvae.loss_ == pytest.approx(float(expected["next_loss"]), abs=1e-2)
    for name, answer in answers(cvae, X).items():
        np.testing.assert_allclose(answer, expected[f"next_{name}"], rtol=1e-4, atol=1e-3)


def test_a_stored_model_is_what_its_name_says():
    models = {name: joblib.load(DATA / f"cvae_format_1_{name}.joblib") for name in FIXTURES}
    assert {name: cvae.likelihood for name, cvae in models.items()} == {
        "dense": "collapsed",
        "conv": "bernoulli",
        "gaussian": "gaussian",
    }
    assert models["conv"].image_shape_ == (16, 16)
    assert models["conv"].module_.config["conv_channels"] == [2, 4]
    assert models["dense"].n_iter_ == 3
    assert models["gaussian"].n_iter_ == 2
    assert {name for name, cvae in models.items() if cvae.fitted_.optimization} == {"gaussian"}


# Round trips


class WithoutTorch(pickle.Unpickler):
    """Knows no class and no function of torch."""

    def find_class(self, module, name):
        if module.split(".")[0] == "torch":
            raise pickle.UnpicklingError(f"the pickle holds {module}.{name}")
        return super().find_class(module, name)


def through_pickle(cvae):
    return WithoutTorch(io.BytesIO(pickle.dumps(cvae))).load()


def through_joblib(cvae):
    buffer = io.BytesIO()
    joblib.dump(cvae, buffer, compress=3)
    buffer.seek(0)
    return joblib.load(buffer)


def after_fit(cvae, X):
    return cvae.fit(X)


def after_partial_fit(cvae, X):
    return cvae.partial_fit(X).partial_fit(X)


def after_warm_start(cvae, X):
    return cvae.set_params(warm_start=True).fit(X).fit(X)


def after_early_stopping(cvae, X):
    return cvae.set_params(early_stopping=True, n_iter_no_change=1).fit(X).set_params(early_stopping=False)


def fitted_then_partially(cvae, X):
    return cvae.fit(X).partial_fit(X)


HISTORIES = [after_fit, after_partial_fit, after_warm_start, after_early_stopping, fitted_then_partially]
MODELS = {
    "dense": ({}, (6,)),
    "linear": ({"hidden_layer_sizes": (), "kl_weight": 0.0}, (6,)),
    "images": ({"likelihood": "gaussian", "batch_norm": False}, (3, 4)),
    "fixed-noise": ({"likelihood": "gaussian", "noise_scale": 0.1, "activation": "tanh"}, (6,)),
    "bernoulli": ({"likelihood": "bernoulli", "binarize": True}, (2, 3, 2)),
    "conv": ({"conv_channels": (2, 3), "augment": ("shift",)}, (16, 17)),
    "conv-bernoulli": ({"conv_channels": (2,), "likelihood": "bernoulli"}, (16, 16, 3)),
    "conv-gaussian-rows": ({"conv_channels": (2,), "network": "conv", "likelihood": "gaussian"}, (9,)),
}


# Every model after two calls of partial_fit, which keep the most, one of them after everything.
PASTS = [(model, after_partial_fit) for model in MODELS]
PASTS += [("dense", history) for history in HISTORIES if history != after_partial_fit]
EACH_PAST = pytest.mark.parametrize(("model", "history"), PASTS)


def make(model, history):
    parameters, shape = MODELS[model]
    X = waves(20, *shape)
    return history(small_cvae(**parameters), X), X


def everything(cvae, X):
    """Answers, samples and paths, fitted attributes and weights."""
    return [
        *answers(cvae, X).values(),
        *cvae.posterior(X),
        cvae.elbo(X),
        cvae.sample(3, random_state=1),
        cvae.sample(3, random_state=1, prior="aggregate"),
        cvae.interpolate(X[0], X[1], 3),
        cvae.latent_mean_,
        cvae.latent_covariance_,
        cvae.kl_per_component_,
        cvae.n_active_units_,
        cvae.n_iter_,
        cvae.loss_,
        cvae.loss_curve_,
        cvae.validation_loss_curve_,
        *cvae.module_.to_arrays().values(),
    ]


@EACH_PAST
def test_copies_give_the_same_bits_and_go_on_with_the_same_bits(model, history):
    cvae, X = make(model, history)
    before = everything(cvae, X)
    twins = [copied(cvae) for copied in (through_pickle, through_joblib, copy.deepcopy)]
    after = everything(cvae.partial_fit(X), X)
    for twin in twins:
        assert twin.get_params() == cvae.get_params()
        assert_same_bits(everything(twin, X), before)
        assert_same_bits(everything(twin.partial_fit(X), X), after)


def test_training_a_copy_further_does_not_change_the_original():
    for copied in (copy.copy, copy.deepcopy, through_pickle):
        cvae, X = make("dense", after_partial_fit)
        before = everything(cvae, X)
        copied(cvae).partial_fit(X + 0.1)
        assert_same_bits(everything(cvae, X), before)


def test_a_file_mapped_into_memory_serves(tmp_path):
    """Joblib maps the arrays of a file that is not compressed, read-only: for many processes with one model."""
    cvae, X = make("dense", after_partial_fit)
    joblib.dump(cvae, tmp_path / "cvae.joblib")
    twin = joblib.load(tmp_path / "cvae.joblib", mmap_mode="r")
    assert_same_bits(everything(twin, X), everything(cvae, X))
    assert_same_bits(everything(twin.partial_fit(X), X), everything(cvae.partial_fit(X), X))


# What is in the file


@pytest.mark.parametrize(("model", "history"), [("images", after_fit), *(("dense", each) for each in HISTORIES)])
def test_equal_models_have_equal_hashes_whatever_they_went_through(model, history):
    (cvae, X), (twin, _) = make(model, history), make(model, history)
    expected = joblib.hash(cvae)
    assert joblib.hash(twin) == expected
    everything(twin, X)
    assert joblib.hash(twin) == expected
    for copied in (through_pickle, through_joblib, copy.deepcopy, copy.copy):
        assert joblib.hash(copied(twin)) == expected
    assert joblib.hash(twin.partial_fit(X)) != expected


# Versions


@pytest.mark.parametrize("later", [STATE_FORMAT + 1, STATE_FORMAT + 100])
def test_a_model_of_a_later_version_is_refused_with_the_words_to_upgrade(later):
    cvae, _ = make("dense", after_fit)
    state = {**cvae.__getstate__(), "_state_format": later}
    twin = CVAETransformer()
    with pytest.raises(ValueError, match=r"saved by a later version of skisp. Upgrade skisp to load it."):
        twin.__setstate__(state)
    with pytest.raises(NotFittedError):
        twin.transform(waves(2, 6))


# Devices


class OnAnotherDevice:
    """Weights that are not on the CPU: nothing but ``cpu`` gives their numbers, as with torch's own."""

    def __init__(self, tensor):
        self._tensor = tensor

    def cpu(self):
        return self._tensor

    def numpy(self):
        raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() to copy the tensor first.")

    __array__ = numpy

    def __reduce__(self):
        raise TypeError("a tensor of another device is in the pickle")


@pytest.mark.parametrize("model", ["dense", "conv"])
def test_a_model_on_another_device_is_pickled_as_arrays(model, monkeypatch):
    cvae, X = make(model, after_partial_fit)
    expected, state_dict = pickle.dumps(cvae), cvae.module_.state_dict
    monkeypatch.setattr(
        cvae.module_,
        "state_dict",
        lambda: {name: OnAnotherDevice(tensor) for name, tensor in state_dict().items()},
    )
    found = pickle.dumps(cvae)
    assert found == expected
    assert_same_bits(answers(through_pickle(cvae), X).values(), answers(cvae, X).values())


def test_a_loaded_model_is_on_the_cpu_and_moves_when_it_is_used():
    cvae, X = make("dense", after_fit)
    cvae.device = "cuda:99"
    twin = through_pickle(cvae)
    assert {str(tensor.device) for tensor in twin.module_.state_dict().values()} == {"cpu"}
    with pytest.raises(ValueError, match="device='cuda:99' cannot be used here"):
        twin.transform(X)
    twin.set_params(device="cpu").transform(X)
