"""How a C-VAE is fitted: in one call or many, again, with weights, and with rows held back."""

import copy
import pickle
from functools import cache

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from skisp import CVAETransformer
from skisp.cvae._fitting import Fitting
from skisp.cvae._objectives import Objective
from skisp.cvae._training import Trainer

from ._shared import assert_same_bits, at_step, interrupt

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


def pickled(cvae):
    return pickle.loads(pickle.dumps(cvae))


# partial_fit


@pytest.mark.parametrize(
    ("parameters", "X", "sample_weight"),
    [
        ({}, ROWS, None),
        ({"likelihood": "gaussian", "batch_norm": False, "weight_decay": 0.1, "free_bits": 0.2}, ROWS, None),
        ({"likelihood": "gaussian", "noise_scale": 0.3, "contraction": 0.1, "kl_warmup": 0.5}, ROWS, FRACTIONS),
        ({"n_importance_samples": 3, "kl_warmup": 10.0}, ROWS, WEIGHT),
        ({"kl_weight": 0.0}, ROWS, None),
        ({**CONV, "augment": ("shift", "flip")}, LARGE, None),
        ({**CONV, "likelihood": "bernoulli", "binarize": True}, LARGE, WEIGHT[:30]),
    ],
    ids=["plain", "learnt noise", "fixed noise", "importance", "autoencoder", "augment", "binarize"],
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
    stopping = small_cvae(max_iter=6, early_stopping=True).fit(ROWS)
    assert len(stopping.validation_loss_curve_) == 4


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


def test_without_a_warm_start_a_fit_starts_anew():
    cvae = small_cvae().fit(IMAGES)
    assert_same_bits(results(cvae.fit(IMAGES), IMAGES), results(small_cvae().fit(IMAGES), IMAGES))
    cvae.set_params(n_components=2).fit(ROWS[:, :7])
    assert_same_bits(results(cvae, ROWS[:, :7]), results(small_cvae(n_components=2).fit(ROWS[:, :7]), ROWS[:, :7]))
    assert cvae.image_shape_ is None
    assert cvae.n_iter_ == 3


def test_the_same_noise_scale_goes_on_in_any_units():
    cvae = small_cvae(warm_start=True, likelihood="gaussian", noise_scale=7.7)
    assert cvae.fit(31.3 * ROWS).fit(31.3 * ROWS).n_iter_ == 6


def test_a_noise_scale_that_the_likelihood_does_not_use_may_change():
    assert small_cvae(warm_start=True).fit(ROWS).set_params(noise_scale=0.5).fit(ROWS).n_iter_ == 6


def test_parameters_of_the_training_may_change_between_warm_starts():
    cvae = small_cvae(warm_start=True).fit(ROWS)
    changes = {"learning_rate": 0.01, "batch_size": 7, "kl_weight": 0.5, "contraction": 0.1, "weight_decay": 0.1}
    assert cvae.set_params(**changes, free_bits=0.1, early_stopping=True).fit(ROWS).n_iter_ == 6


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
    again = Fitting(cvae, ROWS, None, torch.device("cpu"), before=cvae.fitted_)
    assert numbers(again.held_back, ROWS) == first


NOISE = np.random.default_rng(0).normal(size=(60, 20)).astype(np.float32)
OVERFITTING = {"hidden_layer_sizes": (64,), "learning_rate": 0.02, "max_iter": 200, "kl_weight": 0.0}


def test_training_on_noise_ends_at_its_patience_and_keeps_the_best_epoch():
    """The model scores the held-back rows as the best epoch did, to the bit; and it is the model of that epoch."""
    parameters = {**OVERFITTING, **CONSTANT}
    cvae = small_cvae(early_stopping=True, n_iter_no_change=4, tol=0.0, **parameters)
    held_back = fitting_of(cvae, NOISE).held_back
    cvae.fit(NOISE)
    trainer = Trainer(copy.deepcopy(cvae.module_), Objective(kl_weight=0.0), torch.Generator())
    trainer.network.eval()
    assert trainer.evaluate(held_back, 0) == min(cvae.validation_loss_curve_) < cvae.validation_loss_curve_[-1]
    best = int(np.argmin(cvae.validation_loss_curve_)) + 1
    assert cvae.n_iter_ == best + 4 < 200
    short = small_cvae(early_stopping=True, n_iter_no_change=99, **{**parameters, "max_iter": best}).fit(NOISE)
    assert_same_bits([cvae.transform(NOISE)], [short.transform(NOISE)])


def test_held_back_rows_do_not_reach_the_model():
    """Other values there change no bit of the first epoch's model."""
    cvae = small_cvae(early_stopping=True, max_iter=1)
    X = ROWS.copy()
    X[numbers(fitting_of(cvae, ROWS).held_back, ROWS)] += 1
    assert_same_bits([cvae.fit(ROWS).transform(ROWS)], [cvae.fit(X).transform(ROWS)])


@pytest.mark.parametrize(("scale", "tolerance"), [(1.0, 0.02), (0.7, 0.1)], ids=["whole", "drawn"])
def test_the_loss_of_rows_held_back_is_their_mean_by_weight(scale, tolerance):
    """Rows that weigh more are farther away: their loss, by the bound that the model states, counts as much more."""
    rng = np.random.default_rng(0)
    weight = rng.permutation(np.repeat([1.0, 4.0], 100))
    X = rng.normal(size=(200, 6)) * weight[:, None]
    cvae = small_cvae(
        early_stopping=True, validation_fraction=0.5, max_iter=1, likelihood="gaussian", noise_scale=1.0
    ).set_params(n_scoring_samples=256)
    held_back = numbers(fitting_of(cvae, X, scale * weight).held_back, X.astype(np.float32))
    losses = -cvae.fit(X, sample_weight=scale * weight).elbo(X[held_back]).sum(axis=1)
    expected = np.average(losses, weights=weight[held_back])
    assert expected > 1.25 * losses.mean()
    assert cvae.validation_loss_curve_ == pytest.approx([expected], rel=tolerance)


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


@pytest.mark.parametrize("sample_weight", [np.full(50, 0.5), 1.0, np.ones(50).tolist()])
def test_equal_weights_are_none(sample_weight):
    assert_same_bits(results(small_cvae().fit(ROWS, sample_weight=sample_weight)), results(small_cvae().fit(ROWS)))


def test_rows_of_weight_zero_do_not_lengthen_an_epoch_of_fractions(monkeypatch):
    weight = np.zeros(50)
    weight[:20] = np.linspace(0.55, 1.45, 20)
    taken = at_step(monkeypatch, -1, interrupt)
    small_cvae(max_iter=20).fit(ROWS, sample_weight=weight)
    assert np.mean(sum(len(x) for x, *_ in taken) / 20) == pytest.approx(20, abs=2)


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


# Options of the training


@cache
def codes_without(likelihood):
    """Of a model with no other option."""
    return small_cvae(likelihood=likelihood).fit(IMAGES).transform(IMAGES)


@pytest.mark.parametrize(
    "parameters",
    [
        {"kl_weight": 0.5},
        {"kl_warmup": 2.0},
        {"free_bits": 3.0},  # components start at 1 to 3 nats
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
    with_it, again = (small_cvae(**parameters).fit(IMAGES) for _ in range(2))
    assert_same_bits(results(with_it, IMAGES), results(again, IMAGES))
    has_others = len(parameters) > 1 and "likelihood" in parameters
    base = codes_without(parameters["likelihood"] if has_others else "collapsed")
    assert not np.allclose(with_it.transform(IMAGES), base, atol=1e-6)
