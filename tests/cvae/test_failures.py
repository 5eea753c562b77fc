"""Fits that fail, at every stage: what they say, and that they leave the model they were to go on with, or nothing."""

import copy
import pickle

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError

from skisp import CVAETransformer
from skisp._progress import listening

from ._shared import at_step, interrupt

IMAGES = (load_digits().images[:50] / 16).astype(np.float32)
ROWS = IMAGES.reshape(50, 64)
LARGE = IMAGES.repeat(2, axis=1).repeat(2, axis=2)
NAN = np.where(np.arange(50)[:, None] == 40, np.nan, ROWS)
ONE_WEIGHT = np.eye(50)[3]


def small_cvae(**parameters):
    defaults = {"n_components": 3, "hidden_layer_sizes": (8,), "max_iter": 3, "batch_size": 16, "n_scoring_samples": 4}
    return CVAETransformer(**{**defaults, "random_state": 0, "device": "cpu", **parameters})


def case(name, parameters, X, message, sample_weight=None, error=ValueError):
    return pytest.param(parameters, X, sample_weight, error, message, id=name)


EARLY = {"early_stopping": True}
IMPORTANCE = {"n_importance_samples": 2}
FIXED = {"likelihood": "gaussian", "noise_scale": 0.3}
DIVERGING = {"learning_rate": 1e30}
DIVERGED = r"in epoch \d\. Lower learning_rate"

# What fit and partial_fit refuse, or fail in, by the stage at which they notice.
FAILURES = [
    case("components", {"n_components": 0}, ROWS, "'n_components' parameter"),
    case("no integer", {"n_components": 2.0}, ROWS, "'n_components' parameter"),
    case("no tuple", {"hidden_layer_sizes": 8}, ROWS, "'hidden_layer_sizes' parameter"),
    case("activation", {"activation": "sine"}, ROWS, "'activation' parameter"),
    case("likelihood", {"likelihood": "poisson"}, ROWS, "'likelihood' parameter"),
    case("noise", {"noise_scale": 0.0}, ROWS, "'noise_scale' parameter"),
    case("KL weight", {"kl_weight": -1}, ROWS, "'kl_weight' parameter"),
    case("rate", {"learning_rate": 0}, ROWS, "'learning_rate' parameter"),
    case("batch", {"batch_size": 0}, ROWS, "'batch_size' parameter"),
    case("epochs", {"max_iter": 0}, ROWS, "'max_iter' parameter"),
    case("scoring", {"n_scoring_samples": 0}, ROWS, "'n_scoring_samples' parameter"),
    case("precision", {"precision": "float16"}, ROWS, "'precision' parameter"),
    case("seed", {"random_state": "seed"}, ROWS, "'random_state' parameter"),
    case("device's type", {"device": 3}, ROWS, "'device' parameter"),
    case("augment's type", {"augment": "shift"}, IMAGES, "'augment' parameter"),
    case(
        "sizes", {"hidden_layer_sizes": (8, 0)}, ROWS, r"hidden_layer_sizes=\(8, 0\); expected integers greater than 0"
    ),
    case("no sizes", {"hidden_layer_sizes": ("a",)}, ROWS, "expected integers greater than 0"),
    case("channels", {"conv_channels": (4, 0)}, ROWS, r"conv_channels=\(4, 0\); expected integers greater than 0"),
    case("binarize", {"binarize": True}, ROWS, "binarize=True needs likelihood='bernoulli', got 'collapsed'"),
    case("free bits", {**IMPORTANCE, "free_bits": 0.1}, ROWS, "needs kl_weight > 0 and free_bits=0"),
    case("autoencoder", {**IMPORTANCE, "kl_weight": 0.0}, ROWS, "needs kl_weight > 0 and free_bits=0"),
    case(
        "augment", {"augment": ("rotate",)}, IMAGES, r"augment=\('rotate',\); expected names among \['flip', 'shift'\]"
    ),
    case("device", {"device": "nonsense"}, ROWS, "device='nonsense' cannot be used here .*use 'auto' or 'cpu'"),
    case("no such device", {"device": "cuda:99"}, ROWS, "device='cuda:99' cannot be used here .*use 'auto' or 'cpu'"),
    case("NaN", {}, NAN, "contains NaN"),
    case("infinity", {}, np.where(np.isnan(NAN), np.inf, NAN), "contains infinity"),
    case("5-D", {}, np.zeros((2, 2, 2, 2, 8)), "dim 5"),
    case("no rows", {}, ROWS[:0], "0 sample"),
    case("1-D", {}, np.zeros(64), "Reshape your data"),
    case("text", {}, np.array([["a", "b"]]), "could not convert string"),
    case("greys", {"likelihood": "bernoulli"}, 255 * ROWS, r"needs X in \[0, 1\], got values .*Scale X, or use likeli"),
    case("below 0", {"likelihood": "bernoulli"}, ROWS - 0.5, r"needs X in \[0, 1\], got values from -0.5"),
    case("shape of rows", {"image_shape": (4, 4)}, ROWS, r"image_shape=\(4, 4\), but X holds rows of 64 features"),
    case("shape of images", {"image_shape": (4, 16)}, IMAGES, r"but X holds images of shape \(8, 8\)"),
    case("1-D shape", {"image_shape": (64,)}, ROWS, r"expected \(H, W\) or \(H, W, C\), all at least 1"),
    case("4-D shape", {"image_shape": (8, 8, 1, 1)}, ROWS, r"expected \(H, W\) or \(H, W, C\)"),
    case("negative shape", {"image_shape": (-8, -8)}, ROWS, "all at least 1"),
    case("augmented rows", {"augment": ("shift",)}, ROWS, r"augment=\('shift',\) needs images: .* set image_shape"),
    case("negative weight", {}, ROWS, "Negative values in data passed to `sample_weight`", -np.ones(50)),
    case("NaN weight", {}, ROWS, "sample_weight contains NaN", np.where(ONE_WEIGHT, np.nan, 1.0)),
    case("weights", {}, ROWS, r"sample_weight.shape == \(49,\), expected \(50,\)", np.ones(49)),
    case("2-D weights", {}, ROWS, "must be 1D", np.ones((50, 1))),
    case("no weight", {}, ROWS, "at least one non-zero", np.zeros(50)),
    case("divergence", DIVERGING, ROWS, DIVERGED, error=ArithmeticError),
    case("last step", {**DIVERGING, "max_iter": 1, "batch_size": 50}, ROWS, DIVERGED, error=ArithmeticError),
    case("linear", {**DIVERGING, "hidden_layer_sizes": ()}, ROWS, DIVERGED, error=ArithmeticError),
]
OF_FIT = [
    case(
        "none left", {**EARLY, "validation_fraction": 0.999}, ROWS, "holds back 50 of 50 samples.*Lower validation_fr"
    ),
    case("one row", EARLY, ROWS[:1], "holds back 1 of 1 samples"),
    case("one weight", EARLY, ROWS, "holds back 1 of 1 samples", ONE_WEIGHT),
    case("no weight held back", EARLY, ROWS, "at least one non-zero", np.zeros(50)),
]
OF_PARTIAL_FIT = [case("early stopping", EARLY, ROWS, "single epoch; set early_stopping=False")]
EACH = ("parameters", "X", "sample_weight", "error", "message")


def fail(cvae, method, X, sample_weight, error, message):
    with pytest.raises(error, match=message):
        getattr(cvae, method)(X, sample_weight=sample_weight)


@pytest.fixture(scope="module")
def fitted_before():
    """A model of rows; each test takes a copy."""
    return small_cvae().fit(ROWS)


@pytest.mark.parametrize("again", [False, True], ids=["unfitted", "fitted before"])
@pytest.mark.parametrize(EACH, FAILURES + OF_FIT)
def test_a_fit_that_fails_says_why_and_leaves_nothing(
    parameters, X, sample_weight, error, message, again, fitted_before
):
    cvae = copy.deepcopy(fitted_before) if again else small_cvae()
    unfitted = vars(small_cvae())
    fail(cvae.set_params(**parameters), "fit", X, sample_weight, error, message)
    assert vars(cvae) == {**unfitted, **parameters}


@pytest.mark.parametrize(EACH, FAILURES + OF_PARTIAL_FIT)
def test_a_first_partial_fit_that_fails_says_why_and_leaves_nothing(parameters, X, sample_weight, error, message):
    cvae = small_cvae(**parameters)
    unfitted = dict(vars(cvae))
    fail(cvae, "partial_fit", X, sample_weight, error, message)
    assert vars(cvae) == unfitted


@pytest.mark.parametrize("again", [False, True], ids=["unfitted", "fitted before"])
@pytest.mark.parametrize("warm_start", [False, True])
def test_an_interrupt_in_the_first_epoch_leaves_nothing_but_an_earlier_model_to_go_on_with(
    monkeypatch, warm_start, again
):
    cvae = small_cvae(warm_start=warm_start)
    before = dict(vars(cvae))
    if again:
        cvae.fit(ROWS)
        before = dict(vars(cvae)) if warm_start else before
    at_step(monkeypatch, 3)
    with pytest.raises(KeyboardInterrupt) as raised:
        cvae.fit(ROWS)
    assert not getattr(raised.value, "__notes__", [])
    assert vars(cvae) == before


def test_names_of_columns_are_forgotten_too():
    frame = pytest.importorskip("pandas").DataFrame(ROWS[:, :2], columns=["a", "b"])
    cvae = small_cvae()
    unfitted = dict(vars(cvae))
    cvae.fit(frame)
    assert {"n_features_in_", "feature_names_in_"} <= vars(cvae).keys()
    fail(cvae, "fit", frame.assign(b=np.nan), None, ValueError, "contains NaN")
    assert vars(cvae) == unfitted


ATTRIBUTES = [
    *("module_", "image_shape_", "loss_curve_", "validation_loss_curve_", "loss_", "n_iter_", "kl_per_component_"),
    *("n_active_units_", "latent_mean_", "latent_covariance_", "latent_samples_", "fitted_", "n_features_in_"),
]


def test_after_a_fit_that_failed_an_estimator_is_one_that_was_never_fitted():
    cvae = small_cvae().fit(ROWS)
    assert all(hasattr(cvae, name) for name in ATTRIBUTES)
    fail(cvae.set_params(**DIVERGING), "fit", ROWS, None, ArithmeticError, DIVERGED)
    assert not any(hasattr(cvae, name) for name in ATTRIBUTES)
    assert pickle.dumps(cvae) == pickle.dumps(small_cvae(**DIVERGING))
    calls = [
        (name, [ROWS]) for name in ("transform", "inverse_transform", "posterior", "elbo", "score_samples", "score")
    ]
    for name, arguments in [*calls, ("sample", []), ("interpolate", [*ROWS[:2]]), ("get_feature_names_out", [])]:
        with pytest.raises(NotFittedError, match="Call 'fit'"):
            getattr(cvae, name)(*arguments)


# Going on


@pytest.fixture(scope="module")
def going_on():
    """A model of images that is to be trained further; each test takes a copy."""
    return small_cvae(warm_start=True).fit(IMAGES)


def saying(cvae):
    """Everything that a later call depends on, as bytes."""
    return pickle.dumps(cvae.__getstate__())


@pytest.mark.parametrize(
    EACH,
    [
        case("parameter", {"binarize": True}, ROWS, "binarize"),
        case("columns", {}, ROWS[:, :5], "has 5 features, but CVAETransformer is expecting 64"),
        case("shape", {}, IMAGES.reshape(50, 4, 16), r"images of shape \(4, 16\), but \(8, 8\) were fitted"),
        case("NaN", {}, NAN, "NaN"),
        case("weights", {}, ROWS, "at least one non-zero", np.zeros(50)),
        case("divergence", DIVERGING, ROWS, DIVERGED, error=ArithmeticError),
        case("network", {"n_components": 4}, ROWS, r"\bn_components\b.* cannot go on with .*warm_start=False"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_going_on_that_fails_keeps_the_model_and_what_it_goes_on_with(
    method, parameters, X, sample_weight, error, message, going_on
):
    cvae, twin = copy.deepcopy(going_on), copy.deepcopy(going_on)
    fail(cvae.set_params(**parameters), method, X, sample_weight, error, message)
    cvae.set_params(**twin.get_params())
    assert saying(cvae) == saying(twin)
    assert saying(cvae.partial_fit(IMAGES)) == saying(twin.partial_fit(IMAGES))


@pytest.mark.parametrize(
    ("name", "value", "X"),
    [
        ("network", "conv", ROWS),
        ("hidden_layer_sizes", (9,), ROWS),
        ("activation", "relu", ROWS),
        ("batch_norm", False, ROWS),
        ("likelihood", "bernoulli", ROWS),
        ("noise_scale", 0.5, ROWS),
        ("noise_scale", None, ROWS),
        ("network", "dense", LARGE),
        ("conv_channels", (3, 5), LARGE),
    ],
    ids=lambda value: str(value) if not isinstance(value, np.ndarray) else str(value.shape),
)
def test_going_on_with_another_network_names_the_parameter_and_the_cure(name, value, X):
    cvae = small_cvae(warm_start=True, conv_channels=(3, 4), **FIXED).fit(X)
    fail(
        cvae.set_params(**{name: value}),
        "fit",
        X,
        None,
        ValueError,
        rf"\b{name}\b.* cannot go on with .*warm_start=False",
    )


# Ctrl-C after a finished epoch


@pytest.mark.parametrize("early_stopping", [False, True])
def test_an_interrupted_fit_holds_the_last_finished_epoch_and_says_so(monkeypatch, early_stopping):
    """The third epoch is cut short: of 4 steps, or of 3 with rows held back."""
    common = {"learning_rate_schedule": "constant", "early_stopping": early_stopping}
    expected = saying(small_cvae(max_iter=2, **common).fit(ROWS).set_params(max_iter=50))
    cvae = small_cvae(max_iter=50, **common)
    at_step(monkeypatch, 8)
    with pytest.raises(KeyboardInterrupt) as raised:
        cvae.fit(ROWS)
    (note,) = raised.value.__notes__
    assert "the model holds epoch 2" in note
    assert "can be used" in note
    assert saying(cvae) == expected


def test_an_interrupted_warm_start_counts_the_epochs_of_both_fits(monkeypatch):
    constant = {"learning_rate_schedule": "constant"}
    cvae = small_cvae(warm_start=True, **constant).fit(ROWS)
    at_step(monkeypatch, 2 * 4 + 1)
    with pytest.raises(KeyboardInterrupt) as raised:
        cvae.fit(ROWS)
    assert "epoch 5" in raised.value.__notes__[0]
    assert cvae.n_iter_ == 5
    assert cvae.fitted_.optimization is None  # it is some steps ahead of the weights
    np.testing.assert_array_equal(cvae.transform(ROWS), small_cvae(max_iter=5, **constant).fit(ROWS).transform(ROWS))


def test_an_interrupt_at_the_end_of_a_partial_fit_keeps_the_epoch_and_is_raised():
    cvae = small_cvae().partial_fit(ROWS)
    after = pickle.loads(pickle.dumps(cvae)).partial_fit(ROWS)
    with pytest.raises(KeyboardInterrupt), listening(interrupt):
        cvae.partial_fit(ROWS)
    assert cvae.n_iter_ == 2
    np.testing.assert_array_equal(cvae.transform(ROWS), after.transform(ROWS))
