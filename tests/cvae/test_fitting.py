"""How a C-VAE is fitted: in one call or many, again, with weights, with rows held back, and interrupted."""

import copy
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV

from skisp import CVAETransformer
from skisp._progress import listening
from skisp.cvae._fitting import Fitting
from skisp.cvae._objectives import Objective
from skisp.cvae._training import Trainer

IMAGES = (load_digits().images[:50] / 16).astype(np.float32)
ROWS = IMAGES.reshape(50, 64)
LARGE = IMAGES[:30].repeat(2, axis=1).repeat(2, axis=2)
CONV = {"network": "conv", "conv_channels": (3, 4)}
CONSTANT = {"learning_rate_schedule": "constant"}
WEIGHT = np.random.default_rng(0).integers(0, 4, size=50).astype(float)
FRACTIONS = np.random.default_rng(1).uniform(0.2, 3.0, size=50)


def small_cvae(**parameters):
    defaults = {"n_components": 3, "hidden_layer_sizes": (8,), "max_iter": 3, "batch_size": 16, "n_scoring_samples": 4}
    return CVAETransformer(**{**defaults, "random_state": 0, "device": "cpu", **parameters})


def results(cvae, X=ROWS):
    """Everything a fitted model says of X, and of its training."""
    codes = cvae.transform(X)
    moments = cvae.latent_mean_, cvae.latent_covariance_, cvae.kl_per_component_
    curves = cvae.loss_curve_, cvae.validation_loss_curve_, cvae.n_iter_
    samples = cvae.sample(3, random_state=0, prior="aggregate")
    return [codes, cvae.inverse_transform(codes), cvae.score_samples(X), *moments, *map(np.asarray, curves), samples]


def assert_same_bits(ours, theirs):
    for our, their in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(our, their, strict=True)


def fitted_attributes(cvae):
    return {name for name in vars(cvae) if name.endswith("_")} - {"n_features_in_", "feature_names_in_"}


def pickled(cvae):
    return pickle.loads(pickle.dumps(cvae))


def at_step(monkeypatch, number, action):
    """Let ``action`` happen instead of one gradient step, counted from 0; returns the steps taken so far."""
    step, taken = Trainer.step, []

    def counted(self, *arguments):
        taken.append(arguments)
        return action() if len(taken) == number + 1 else step(self, *arguments)

    monkeypatch.setattr(Trainer, "step", counted)
    return taken


def interrupt(*arguments):
    raise KeyboardInterrupt


# partial_fit


@pytest.mark.parametrize(
    ("parameters", "X", "sample_weight"),
    [
        ({}, ROWS, None),
        ({"batch_norm": False, "weight_decay": 0.1}, ROWS, None),
        ({"likelihood": "gaussian"}, ROWS, None),
        ({"likelihood": "gaussian", "noise_scale": 0.3, "contraction": 0.1}, ROWS, None),
        ({"n_importance_samples": 3}, ROWS, None),
        ({"free_bits": 0.2}, ROWS, None),
        ({"kl_weight": 0.0}, ROWS, None),
        ({"kl_warmup": 0.5}, ROWS, None),
        ({"kl_warmup": 10.0}, ROWS, None),
        ({"likelihood": "bernoulli", "binarize": True}, ROWS, None),
        ({}, ROWS, WEIGHT),
        ({}, ROWS, FRACTIONS),
        (CONV, LARGE, None),
        ({**CONV, "augment": ("shift", "flip")}, LARGE, None),
        ({**CONV, "likelihood": "bernoulli", "binarize": True}, LARGE, WEIGHT[:30]),
    ],
    ids=[
        *["plain", "decay", "learnt noise", "fixed noise", "importance", "free bits", "autoencoder", "short warm-up"],
        *["long warm-up", "binarize", "weights", "fractions", "conv", "augment", "conv binarize"],
    ],
)
def test_calls_of_partial_fit_are_one_fit_at_a_constant_rate(parameters, X, sample_weight):
    """On the same object, on one that was pickled, and on a deep copy."""
    whole = small_cvae(max_iter=4, **CONSTANT, **parameters).fit(X, sample_weight=sample_weight)
    partial = small_cvae(max_iter=4, **parameters)
    for copied in (pickled, copy.copy, pickled, copy.deepcopy):
        partial = copied(partial).partial_fit(X, sample_weight=sample_weight)
    assert_same_bits(results(partial, X), results(whole, X))


def test_partial_fit_does_not_look_at_max_iter_or_the_schedule():
    one = small_cvae(max_iter=1, **CONSTANT).partial_fit(ROWS).partial_fit(ROWS)
    other = small_cvae(max_iter=99, learning_rate_schedule="one_cycle").partial_fit(ROWS).partial_fit(ROWS)
    assert_same_bits(results(one), results(other))
    assert one.n_iter_ == len(one.loss_curve_) == 2


def test_partial_fit_goes_on_from_a_fit():
    cvae = small_cvae(max_iter=10).fit(ROWS)
    fresh = small_cvae().partial_fit(ROWS).loss_
    curve = list(cvae.loss_curve_)
    cvae.partial_fit(ROWS)
    assert cvae.n_iter_ == 11
    assert cvae.loss_curve_[:-1] == curve
    assert cvae.loss_ == cvae.loss_curve_[-1] < fresh


def test_partial_fit_learns_from_rows_that_come_in_parts_and_standardises_by_the_first():
    cvae = small_cvae(learning_rate=0.01).partial_fit(ROWS[:25])
    mean, scale = cvae.module_.mean.clone(), cvae.module_.scale.clone()
    before = cvae.score(ROWS[25:])
    for _ in range(15):
        cvae.partial_fit(ROWS[25:]).partial_fit(ROWS[:25])
    assert cvae.score(ROWS[25:]) > before + 5
    assert torch.equal(cvae.module_.mean, mean)
    assert torch.equal(cvae.module_.scale, scale)
    np.testing.assert_allclose(mean, ROWS[:25].mean(axis=0), atol=1e-6)


def test_a_generator_as_random_state_is_drawn_from_once():
    state = np.random.RandomState(0)
    cvae = small_cvae(random_state=state).partial_fit(ROWS)
    before = state.get_state()[1].tolist()
    cvae.partial_fit(ROWS)
    assert state.get_state()[1].tolist() == before


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_the_first_call_sets_the_columns_and_later_ones_must_have_them():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(ROWS[:, :4], columns=list("abcd"))
    cvae = small_cvae().partial_fit(frame)
    assert cvae.n_features_in_ == 4
    assert cvae.feature_names_in_.tolist() == list("abcd")
    expected = results(cvae, frame)
    with pytest.raises(ValueError, match="feature names should match"):
        cvae.partial_fit(frame.rename(columns={"a": "e"}))
    with pytest.raises(ValueError, match="has 5 features, but CVAETransformer is expecting 4"):
        cvae.partial_fit(ROWS[:, :5])
    assert_same_bits(results(cvae, frame), expected)
    assert cvae.n_features_in_ == 4


def test_later_images_must_have_the_shape_of_the_first():
    cvae = small_cvae().partial_fit(IMAGES)
    with pytest.raises(ValueError, match=r"images of shape \(4, 16\), but \(8, 8\) were fitted"):
        cvae.partial_fit(IMAGES.reshape(50, 4, 16))
    assert cvae.partial_fit(ROWS).image_shape_ == (8, 8)
    assert cvae.inverse_transform(cvae.transform(ROWS)).shape == IMAGES.shape


def test_columns_are_named_after_partial_fit():
    names = small_cvae().partial_fit(ROWS).get_feature_names_out()
    assert names.tolist() == ["cvaetransformer0", "cvaetransformer1", "cvaetransformer2"]


def test_partial_fit_refuses_to_stop_early():
    cvae = small_cvae(early_stopping=True)
    with pytest.raises(ValueError, match="single epoch; set early_stopping=False"):
        cvae.partial_fit(ROWS)
    assert not fitted_attributes(cvae)


def test_a_diverged_partial_fit_leaves_the_model_of_before():
    cvae = small_cvae().partial_fit(ROWS)
    expected = results(cvae)
    with pytest.raises(ArithmeticError, match="Lower learning_rate"):
        cvae.set_params(learning_rate=1e30).partial_fit(ROWS)
    assert_same_bits(results(cvae), expected)
    twin = small_cvae().partial_fit(ROWS).partial_fit(ROWS)
    assert_same_bits(results(cvae.set_params(learning_rate=3e-3).partial_fit(ROWS)), results(twin))


def test_a_first_partial_fit_that_diverges_leaves_no_model():
    cvae = small_cvae(learning_rate=1e30)
    with pytest.raises(ArithmeticError):
        cvae.partial_fit(ROWS)
    assert not fitted_attributes(cvae)
    with pytest.raises(NotFittedError):
        cvae.transform(ROWS)


def test_an_interrupted_partial_fit_leaves_the_model_of_before(monkeypatch):
    cvae = small_cvae().partial_fit(ROWS)
    expected = results(cvae)
    at_step(monkeypatch, 2, interrupt)
    with pytest.raises(KeyboardInterrupt):
        cvae.partial_fit(ROWS)
    assert_same_bits(results(cvae), expected)


def test_an_interrupt_at_the_end_of_a_partial_fit_is_not_swallowed():
    """Whether the epoch is kept or not, the model and its count of epochs agree."""
    cvae = small_cvae().partial_fit(ROWS)
    after = {1: results(cvae), 2: results(copy.deepcopy(cvae).partial_fit(ROWS))}
    with pytest.raises(KeyboardInterrupt), listening(interrupt):
        cvae.partial_fit(ROWS)
    assert_same_bits(results(cvae), after[cvae.n_iter_])


def test_curves_are_bounded_and_the_epochs_are_counted_on(monkeypatch):
    whole = small_cvae()
    for _ in range(6):
        whole.partial_fit(ROWS)
    monkeypatch.setattr("skisp.cvae._fitting._LONGEST_CURVE", 4)
    bounded = small_cvae()
    for _ in range(6):
        bounded.partial_fit(ROWS)
    assert len(whole.loss_curve_) == whole.n_iter_ == bounded.n_iter_ == 6
    assert bounded.loss_curve_ == whole.loss_curve_[2:]
    assert bounded.loss_ == whole.loss_
    assert_same_bits([bounded.transform(ROWS)], [whole.transform(ROWS)])


def test_the_validation_curve_is_bounded_too(monkeypatch):
    whole = small_cvae(max_iter=5, early_stopping=True).fit(ROWS)
    monkeypatch.setattr("skisp.cvae._fitting._LONGEST_CURVE", 4)
    bounded = small_cvae(max_iter=5, early_stopping=True).fit(ROWS)
    assert bounded.validation_loss_curve_ == whole.validation_loss_curve_[1:]


# warm_start


@pytest.mark.parametrize(
    ("parameters", "X"),
    [({}, ROWS), ({"kl_warmup": 4.0}, ROWS), ({"weight_decay": 0.1, "n_importance_samples": 2}, ROWS), (CONV, LARGE)],
    ids=["plain", "warm-up", "decay", "conv"],
)
def test_a_warm_start_at_a_constant_rate_is_one_long_fit(parameters, X):
    warm = small_cvae(max_iter=3, warm_start=True, **CONSTANT, **parameters).fit(X)
    warm = pickled(warm).set_params(max_iter=2).fit(X)
    assert warm.n_iter_ == len(warm.loss_curve_) == 5
    assert_same_bits(results(warm, X), results(small_cvae(max_iter=5, **CONSTANT, **parameters).fit(X), X))


def test_a_warm_start_goes_on_where_the_last_fit_ended():
    cvae = small_cvae(max_iter=20, warm_start=True).fit(ROWS)
    first = list(cvae.loss_curve_)
    cvae.set_params(max_iter=2).fit(ROWS)
    assert cvae.n_iter_ == 22
    assert cvae.loss_curve_[:20] == first
    assert cvae.loss_curve_[20] < first[0] - 1


def test_without_a_warm_start_a_fit_starts_anew():
    cvae = small_cvae().fit(IMAGES)
    assert_same_bits(results(cvae.fit(IMAGES), IMAGES), results(small_cvae().fit(IMAGES), IMAGES))
    cvae.set_params(n_components=2).fit(ROWS[:, :7])
    assert_same_bits(results(cvae, ROWS[:, :7]), results(small_cvae(n_components=2).fit(ROWS[:, :7]), ROWS[:, :7]))
    assert cvae.image_shape_ is None
    assert cvae.n_iter_ == 3


def test_a_first_warm_start_is_a_fit():
    assert_same_bits(results(small_cvae(warm_start=True).fit(ROWS)), results(small_cvae().fit(ROWS)))


def test_a_clone_of_a_warm_model_starts_anew():
    cvae = small_cvae(warm_start=True).fit(ROWS).fit(ROWS)
    assert clone(cvae).fit(ROWS).n_iter_ == 3


@pytest.mark.parametrize(
    ("name", "value", "X"),
    [
        ("n_components", 4, ROWS),
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
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_going_on_with_another_network_names_the_parameter_and_the_cure_and_leaves_the_model(name, value, X, method):
    parameters = {"likelihood": "gaussian", "noise_scale": 0.3, **(CONV if X is LARGE else {})}
    cvae = small_cvae(warm_start=True, **parameters).fit(X)
    expected = results(cvae, X)
    cvae.set_params(**{name: value})
    with pytest.raises(ValueError, match=rf"\b{name}\b.* cannot go on with .*warm_start=False"):
        getattr(cvae, method)(X)
    assert_same_bits(results(cvae.set_params(**{name: parameters.get(name, 3)}), X), expected)


def test_the_same_noise_scale_goes_on_in_any_units():
    cvae = small_cvae(warm_start=True, likelihood="gaussian", noise_scale=7.7)
    assert cvae.fit(31.3 * ROWS).fit(31.3 * ROWS).n_iter_ == 6


def test_a_noise_scale_that_the_likelihood_does_not_use_may_change():
    assert small_cvae(warm_start=True).fit(ROWS).set_params(noise_scale=0.5).fit(ROWS).n_iter_ == 6


def test_parameters_of_the_training_may_change_between_warm_starts():
    cvae = small_cvae(warm_start=True).fit(ROWS)
    changes = {"learning_rate": 0.01, "batch_size": 7, "kl_weight": 0.5, "contraction": 0.1, "weight_decay": 0.1}
    assert cvae.set_params(**changes, free_bits=0.1, early_stopping=True).fit(ROWS).n_iter_ == 6


@pytest.mark.parametrize("X", [ROWS[:, :5], np.full((3, 64), np.nan)], ids=["columns", "nan"])
def test_a_warm_start_that_fails_leaves_the_model(X):
    cvae = small_cvae(warm_start=True).fit(ROWS)
    expected = results(cvae)
    with pytest.raises(ValueError, match=r"features|NaN"):
        cvae.fit(X)
    with pytest.raises(ArithmeticError):
        cvae.set_params(learning_rate=1e30).fit(ROWS)
    assert_same_bits(results(cvae), expected)


def test_an_interrupted_warm_start_counts_the_epochs_of_both_fits(monkeypatch):
    cvae = small_cvae(warm_start=True, **CONSTANT).fit(ROWS)
    at_step(monkeypatch, 2 * 4 + 1, interrupt)
    with pytest.raises(KeyboardInterrupt) as raised:
        cvae.fit(ROWS)
    assert "epoch 5" in raised.value.__notes__[0]
    assert cvae.n_iter_ == 5
    assert_same_bits([cvae.transform(ROWS)], [small_cvae(max_iter=5, **CONSTANT).fit(ROWS).transform(ROWS)])


# early_stopping


def fitting_of(cvae, X, sample_weight=None):
    return Fitting(cvae, X, sample_weight, torch.device("cpu"), before=None)


def numbers(blocks, X):
    """Which rows of ``X``, all different, the blocks hold."""
    return [int(np.flatnonzero((row == X).all(axis=1))[0]) for rows, _ in blocks.parts(1000) for row in rows.numpy()]


@pytest.mark.parametrize(("fraction", "n_held_back"), [(0.1, 5), (0.5, 25), (0.001, 1)])
def test_a_share_of_the_rows_is_held_back_and_the_others_are_trained_on(fraction, n_held_back):
    fitting = fitting_of(small_cvae(early_stopping=True, validation_fraction=fraction), ROWS)
    held_back, kept = numbers(fitting.held_back, ROWS), numbers(fitting.rows, ROWS)
    assert len(held_back) == n_held_back
    assert sorted(held_back + kept) == list(range(50))


def test_rows_held_back_are_drawn_by_the_random_state():
    drawn = [
        numbers(fitting_of(small_cvae(early_stopping=True, random_state=seed), ROWS).held_back, ROWS)
        for seed in (0, 0, 1)
    ]
    assert drawn[0] == drawn[1] != drawn[2]


def test_rows_of_weight_zero_are_not_held_back():
    weight = np.zeros(50)
    weight[10:20] = 2
    fitting = fitting_of(small_cvae(early_stopping=True, validation_fraction=0.3), ROWS, weight)
    held_back, kept = numbers(fitting.held_back, ROWS), numbers(fitting.rows, ROWS)
    assert len(held_back) == 3
    assert sorted(held_back + kept) == list(range(10, 20))


def test_a_warm_start_holds_the_same_rows_back_again():
    cvae = small_cvae(early_stopping=True, warm_start=True)
    first = numbers(fitting_of(cvae, ROWS).held_back, ROWS)
    cvae.fit(ROWS)
    again = Fitting(cvae, ROWS, None, torch.device("cpu"), resumed=True)
    assert numbers(again.held_back, ROWS) == first


def test_the_validation_curve_has_one_entry_an_epoch_and_is_empty_without_early_stopping():
    cvae = small_cvae(early_stopping=True).fit(ROWS)
    assert len(cvae.validation_loss_curve_) == len(cvae.loss_curve_) == cvae.n_iter_ == 3
    assert np.isfinite(cvae.validation_loss_curve_).all()
    assert cvae.set_params(early_stopping=False).fit(ROWS).validation_loss_curve_ == []


NOISE = np.random.default_rng(0).normal(size=(60, 20)).astype(np.float32)
OVERFITTING = {"hidden_layer_sizes": (64,), "learning_rate": 0.02, "max_iter": 200, "kl_weight": 0.0}


def test_training_on_noise_ends_early_at_exactly_its_patience():
    parameters = {**OVERFITTING, **CONSTANT}
    cvae = small_cvae(early_stopping=True, n_iter_no_change=4, tol=0.0, **parameters).fit(NOISE)
    best = int(np.argmin(cvae.validation_loss_curve_)) + 1
    assert cvae.n_iter_ == best + 4 < 200


def test_the_best_epoch_is_kept():
    """The model scores the held-back rows as the best epoch did, to the bit; and it is the model of that epoch."""
    parameters = {**OVERFITTING, **CONSTANT}
    cvae = small_cvae(early_stopping=True, n_iter_no_change=4, tol=0.0, **parameters)
    held_back = fitting_of(cvae, NOISE).held_back
    cvae.fit(NOISE)
    trainer = Trainer(copy.deepcopy(cvae.module_), Objective(kl_weight=0.0), torch.Generator())
    trainer.network.eval()
    assert trainer.evaluate(held_back, 0) == min(cvae.validation_loss_curve_) < cvae.validation_loss_curve_[-1]
    best = int(np.argmin(cvae.validation_loss_curve_)) + 1
    short = small_cvae(early_stopping=True, n_iter_no_change=99, **{**parameters, "max_iter": best}).fit(NOISE)
    assert_same_bits([cvae.transform(NOISE)], [short.transform(NOISE)])


def test_held_back_rows_do_not_reach_the_model():
    """Other values there change no bit of the first epoch's model."""
    cvae = small_cvae(early_stopping=True, max_iter=1)
    X = ROWS.copy()
    X[numbers(fitting_of(cvae, ROWS).held_back, ROWS)] += 1
    assert_same_bits([cvae.fit(ROWS).transform(ROWS)], [cvae.fit(X).transform(ROWS)])


@pytest.mark.parametrize(("n_samples", "fraction", "held_back"), [(1, 0.1, 1), (4, 0.9, 4), (50, 0.999, 50)])
def test_too_few_samples_to_hold_back_are_refused_with_a_cure(n_samples, fraction, held_back):
    cvae = small_cvae(early_stopping=True, validation_fraction=fraction)
    with pytest.raises(ValueError, match=rf"holds back {held_back} of {n_samples} samples.*Lower validation_fraction"):
        cvae.fit(ROWS[:n_samples])
    assert not fitted_attributes(cvae)


def test_too_few_samples_of_any_weight_are_refused():
    weight = np.zeros(50)
    weight[3] = 1
    with pytest.raises(ValueError, match="holds back 1 of 1 samples"):
        small_cvae(early_stopping=True).fit(ROWS, sample_weight=weight)


@pytest.mark.parametrize("seed", range(4))
def test_every_epoch_sees_rows_on_both_sides_whatever_their_weights(seed):
    """One row outweighs all others together, on one side; the weights of the other side matter among themselves."""
    weight = np.full(50, 1e-3)
    weight[0] = 1000.5
    cvae = small_cvae(early_stopping=True, validation_fraction=0.5, random_state=seed)
    cvae.fit(ROWS, sample_weight=weight)
    assert 0.0 not in cvae.loss_curve_
    assert 0.0 not in cvae.validation_loss_curve_


# sample_weight


def weighted_and_repeated(X, weight, **parameters):
    repeated = X.repeat(weight.astype(int), axis=0)
    return small_cvae(**parameters).fit(X, sample_weight=weight), small_cvae(**parameters).fit(repeated)


@pytest.mark.parametrize(
    ("parameters", "X"),
    [({}, ROWS), ({"likelihood": "bernoulli", "binarize": True}, ROWS), (CONV, LARGE)],
    ids=["dense", "binarize", "conv"],
)
def test_whole_weights_are_repeated_rows(parameters, X):
    weighted, repeated = weighted_and_repeated(X, WEIGHT[: len(X)], **parameters)
    np.testing.assert_allclose(weighted.transform(X), repeated.transform(X), atol=1e-6)
    np.testing.assert_allclose(weighted.score_samples(X), repeated.score_samples(X), rtol=1e-6, atol=1e-4)
    np.testing.assert_allclose(weighted.loss_curve_, repeated.loss_curve_, rtol=1e-6)
    np.testing.assert_allclose(weighted.latent_mean_, repeated.latent_mean_, atol=1e-6)
    np.testing.assert_allclose(weighted.latent_covariance_, repeated.latent_covariance_, atol=1e-6)
    np.testing.assert_allclose(weighted.kl_per_component_, repeated.kl_per_component_, atol=1e-6)
    assert weighted.n_active_units_ == repeated.n_active_units_


@pytest.mark.parametrize(("parameters", "X"), [({}, ROWS), (CONV, LARGE)], ids=["dense", "conv"])
def test_weight_zero_is_leaving_out(parameters, X):
    weight = (np.arange(len(X)) % 3 > 0).astype(float)
    wild = X.copy()
    wild[weight == 0] += 1e6
    left_out = small_cvae(**parameters).fit(X[weight > 0])
    assert_same_bits(results(small_cvae(**parameters).fit(wild, sample_weight=weight), X), results(left_out, X))


@pytest.mark.parametrize("sample_weight", [np.ones(50), np.full(50, 0.5), 1.0, np.ones(50).tolist()])
def test_equal_weights_are_none(sample_weight):
    assert_same_bits(results(small_cvae().fit(ROWS, sample_weight=sample_weight)), results(small_cvae().fit(ROWS)))


@pytest.mark.parametrize("scale", [0.25, 2.0**10])
def test_the_scale_of_weights_that_are_not_whole_does_not_matter(scale):
    scaled = small_cvae().fit(ROWS, sample_weight=scale * FRACTIONS)
    assert_same_bits(results(scaled), results(small_cvae().fit(ROWS, sample_weight=FRACTIONS)))


def test_rows_of_weight_zero_do_not_lengthen_an_epoch_of_fractions(monkeypatch):
    weight = np.zeros(50)
    weight[:20] = np.linspace(0.55, 1.45, 20)
    taken = at_step(monkeypatch, -1, interrupt)
    small_cvae(max_iter=20).fit(ROWS, sample_weight=weight)
    assert np.mean(sum(len(x) for x, *_ in taken) / 20) == pytest.approx(20, abs=2)


def test_weights_settle_the_mean_and_the_scale_by_which_rows_are_standardised():
    network = small_cvae(max_iter=1).fit(ROWS, sample_weight=FRACTIONS).module_
    mean = np.average(ROWS, axis=0, weights=FRACTIONS)
    variance = np.average((ROWS - mean) ** 2, axis=0, weights=FRACTIONS)
    np.testing.assert_allclose(network.mean, mean, atol=1e-6)
    assert float(network.scale) == pytest.approx(np.sqrt(variance.mean()), rel=1e-6)


def test_a_cluster_with_weight_is_reconstructed_better():
    """One unit for two clusters that vary in directions of their own: it goes where the weight is."""
    rng = np.random.default_rng(0)
    X = 0.05 * rng.normal(size=(80, 8))
    X[:40, 0] += rng.normal(size=40)
    X[40:, 1] += rng.normal(size=40)
    errors = []
    for weight in (10.0, 1 / 10):
        cvae = small_cvae(n_components=1, hidden_layer_sizes=(), kl_weight=0.0, learning_rate=0.05, max_iter=40)
        cvae.set_params(batch_size=100)
        cvae.fit(X, sample_weight=np.where(np.arange(80) < 40, weight, 1.0))
        error = ((cvae.inverse_transform(cvae.transform(X)) - X) ** 2).sum(axis=1)
        errors.append([error[:40].mean(), error[40:].mean()])
    (first_heavy, second_light), (first_light, second_heavy) = errors
    assert first_heavy < 0.3 * first_light
    assert second_heavy < 0.3 * second_light


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    ("sample_weight", "message"),
    [
        (-np.ones(50), "Negative values in data passed to `sample_weight`"),
        (np.where(np.arange(50) == 3, np.nan, 1.0), "sample_weight contains NaN"),
        (np.where(np.arange(50) == 3, np.inf, 1.0), "sample_weight contains infinity"),
        (np.ones(49), r"sample_weight.shape == \(49,\), expected \(50,\)"),
        (np.ones((50, 1)), "must be 1D"),
        (np.zeros(50), "at least one non-zero"),
    ],
    ids=["negative", "nan", "infinite", "length", "2-D", "zero"],
)
def test_weights_that_are_none_are_refused(method, sample_weight, message):
    cvae = small_cvae()
    with pytest.raises(ValueError, match=message):
        getattr(cvae, method)(ROWS, sample_weight=sample_weight)
    assert not fitted_attributes(cvae)


def test_weights_that_are_all_zero_are_refused_with_early_stopping_too():
    with pytest.raises(ValueError, match="at least one non-zero"):
        small_cvae(early_stopping=True).fit(ROWS, sample_weight=np.zeros(50))


# The order of rows


@pytest.mark.parametrize(
    ("parameters", "X"),
    [({}, ROWS), ({"n_importance_samples": 2}, ROWS), ({"hidden_layer_sizes": ()}, ROWS), (CONV, LARGE)],
    ids=["dense", "importance", "linear", "conv"],
)
def test_the_order_of_rows_does_not_matter(parameters, X):
    order = np.random.default_rng(0).permutation(len(X))
    plain, shuffled = small_cvae(**parameters).fit(X), small_cvae(**parameters).fit(X[order])
    np.testing.assert_allclose(shuffled.transform(X), plain.transform(X), atol=1e-4)
    np.testing.assert_allclose(shuffled.latent_covariance_, plain.latent_covariance_, atol=1e-4)


def test_the_order_of_rows_with_their_weights_does_not_matter():
    order = np.random.default_rng(0).permutation(50)
    plain = small_cvae().fit(ROWS, sample_weight=FRACTIONS)
    shuffled = small_cvae().fit(ROWS[order], sample_weight=FRACTIONS[order])
    np.testing.assert_allclose(shuffled.transform(ROWS), plain.transform(ROWS), atol=1e-4)


# Ctrl-C


@pytest.mark.parametrize(("early_stopping", "number"), [(False, 8), (False, 10), (True, 6), (True, 8)])
def test_an_interrupted_fit_holds_the_last_finished_epoch_and_says_so(monkeypatch, number, early_stopping):
    """The third epoch is cut short: of 4 steps, or of 3 with rows held back."""
    common = {**CONSTANT, "early_stopping": early_stopping}
    expected = results(small_cvae(max_iter=2, **common).fit(ROWS))
    cvae = small_cvae(max_iter=50, **common)
    at_step(monkeypatch, number, interrupt)
    with pytest.raises(KeyboardInterrupt) as raised:
        cvae.fit(ROWS)
    (note,) = raised.value.__notes__
    assert "the model holds epoch 2" in note
    assert "can be used" in note
    assert cvae.n_iter_ == 2
    assert_same_bits(results(cvae), expected)
    assert_same_bits(results(pickled(cvae)), expected)


def test_an_interrupt_between_two_epochs_keeps_the_first():
    cvae = small_cvae(**CONSTANT)
    with pytest.raises(KeyboardInterrupt) as raised, listening(interrupt):
        cvae.fit(ROWS)
    assert "epoch 1" in raised.value.__notes__[0]
    assert_same_bits(results(cvae), results(small_cvae(max_iter=1, **CONSTANT).fit(ROWS)))


@pytest.mark.parametrize("number", [0, 3])
@pytest.mark.parametrize("warm_start", [False, True])
def test_an_interrupt_in_the_first_epoch_leaves_the_estimator_unfitted(monkeypatch, number, warm_start):
    cvae = small_cvae(warm_start=warm_start)
    at_step(monkeypatch, number, interrupt)
    with pytest.raises(KeyboardInterrupt) as raised:
        cvae.fit(ROWS)
    assert not getattr(raised.value, "__notes__", [])
    assert not fitted_attributes(cvae)
    with pytest.raises(NotFittedError):
        cvae.transform(ROWS)


def test_an_interrupt_in_the_first_epoch_of_a_warm_start_leaves_the_model(monkeypatch):
    cvae = small_cvae(warm_start=True).fit(ROWS)
    expected = results(cvae)
    at_step(monkeypatch, 1, interrupt)
    with pytest.raises(KeyboardInterrupt):
        cvae.fit(ROWS)
    assert_same_bits(results(cvae), expected)


@pytest.mark.parametrize("number", [1, 15], ids=["first epoch", "second fit"])
def test_an_interrupt_ends_a_search(monkeypatch, number):
    search = GridSearchCV(small_cvae(), {"n_components": [1, 2]}, cv=2)
    taken = at_step(monkeypatch, number, interrupt)
    with pytest.raises(KeyboardInterrupt):
        search.fit(ROWS)
    assert len(taken) == number + 1
    assert not hasattr(search, "best_estimator_")


def test_the_number_of_threads_is_restored_after_an_interrupt(monkeypatch):
    before = torch.get_num_threads()
    at_step(monkeypatch, 9, interrupt)
    with pytest.raises(KeyboardInterrupt):
        small_cvae().fit(ROWS)
    assert torch.get_num_threads() == before


# Refusals


@pytest.mark.parametrize("again", [False, True], ids=["unfitted", "fitted before"])
@pytest.mark.parametrize(
    ("parameters", "X", "error", "message"),
    [
        ({"binarize": True}, ROWS, ValueError, "binarize=True needs likelihood='bernoulli', got 'collapsed'"),
        ({"binarize": True, "likelihood": "gaussian"}, ROWS, ValueError, "got 'gaussian'"),
        ({"n_importance_samples": 2, "free_bits": 0.1}, ROWS, ValueError, "needs kl_weight > 0 and free_bits=0"),
        ({"n_importance_samples": 2, "kl_weight": 0.0}, ROWS, ValueError, "needs kl_weight > 0 and free_bits=0"),
        ({"augment": ("rotate",)}, IMAGES, ValueError, r"augment=\('rotate',\); expected names among \['flip', 'shift"),
        ({"augment": ("shift",)}, ROWS, ValueError, r"augment=\('shift',\) needs images"),
        ({"conv_channels": (4, 0)}, ROWS, ValueError, r"conv_channels=\(4, 0\); expected integers greater than 0"),
        ({"image_shape": (4, 4)}, ROWS, ValueError, r"image_shape=\(4, 4\), but X holds rows of 64 features"),
        ({"image_shape": (4, 16)}, IMAGES, ValueError, r"but X holds images of shape \(8, 8\)"),
        ({"image_shape": (64,)}, ROWS, ValueError, r"expected \(H, W\) or \(H, W, C\), all at least 1"),
        ({"image_shape": (8, 8, 1, 1)}, ROWS, ValueError, r"expected \(H, W\) or \(H, W, C\)"),
        ({"image_shape": (-8, -8)}, ROWS, ValueError, "all at least 1"),
        ({"early_stopping": True, "validation_fraction": 0.999}, ROWS, ValueError, "none is left to train on"),
        ({"likelihood": "bernoulli"}, 2 * ROWS, ValueError, r"needs X in \[0, 1\]"),
        ({"device": "nonsense"}, ROWS, ValueError, "cannot be used here"),
        ({"learning_rate": 1e30}, ROWS, ArithmeticError, "Lower learning_rate"),
        ({}, np.full((4, 64), np.nan), ValueError, "contains NaN"),
    ],
    ids=[
        *["binarize collapsed", "binarize gaussian", "importance free bits", "importance autoencoder", "augment name"],
        *["augment rows", "channels", "shape of rows", "shape of images", "1-D shape", "4-D shape", "negative shape"],
        *["none left", "range", "device", "divergence", "nan"],
    ],
)
def test_a_fit_that_is_refused_or_fails_leaves_nothing_half_fitted(parameters, X, error, message, again):
    cvae = small_cvae()
    if again:
        cvae.fit(ROWS)
    with pytest.raises(error, match=message):
        cvae.set_params(**parameters).fit(X)
    assert not fitted_attributes(cvae)
    with pytest.raises(NotFittedError):
        cvae.set_params(device="cpu").transform(ROWS)


@pytest.mark.parametrize("parameters", [{"binarize": True}, {"augment": ("rotate",)}, {"image_shape": (4, 4)}])
def test_a_partial_fit_that_is_refused_leaves_the_model(parameters):
    cvae = small_cvae().partial_fit(ROWS)
    expected = results(cvae)
    with pytest.raises(ValueError, match=r"binarize|augment|image_shape"):
        cvae.set_params(**parameters).partial_fit(ROWS)
    assert_same_bits(results(cvae), expected)


# Options of the training


@pytest.mark.parametrize(
    "parameters",
    [
        {"kl_weight": 0.5},
        {"kl_warmup": 2.0},
        {"free_bits": 0.5},
        {"contraction": 0.1},
        {"n_importance_samples": 3},
        {"augment": ("shift",)},
        {"augment": ("flip",)},
        {"augment": ("flip", "shift")},
        {"likelihood": "bernoulli", "binarize": True},
        {"likelihood": "bernoulli"},
        {"likelihood": "gaussian"},
        {"likelihood": "gaussian", "noise_scale": 0.3},
        {"weight_decay": 1.0},
        {"batch_norm": False},
        {"early_stopping": True},
        CONSTANT,
    ],
    ids=lambda parameters: "-".join(f"{name}={value}" for name, value in parameters.items()),
)
def test_each_option_changes_the_model_and_keeps_it_reproducible(parameters):
    with_it = small_cvae(**parameters).fit(IMAGES)
    assert_same_bits(results(with_it, IMAGES), results(small_cvae(**parameters).fit(IMAGES), IMAGES))
    without = [name for name in parameters if name not in ("likelihood",)]
    base = {"likelihood": parameters["likelihood"]} if without and "likelihood" in parameters else {}
    assert not np.allclose(with_it.transform(IMAGES), small_cvae(**base).fit(IMAGES).transform(IMAGES), atol=1e-6)


def test_the_order_and_the_container_of_augmentations_do_not_matter():
    both = [small_cvae(augment=names).fit(IMAGES) for names in (("shift", "flip"), ["flip", "shift"])]
    assert_same_bits(*(results(cvae, IMAGES) for cvae in both))


def test_a_warm_up_without_an_end_trains_without_a_kl_term():
    endless, plain = (small_cvae(kl_warmup=end, max_iter=20, learning_rate=0.01).fit(ROWS) for end in (1e12, 0.0))
    assert endless.kl_per_component_.sum() > 2 * plain.kl_per_component_.sum()
