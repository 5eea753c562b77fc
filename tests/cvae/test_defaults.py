"""The defaults: sizes and epochs that fit the data, when training ends, and never worse than PCA."""

import tracemalloc

import numpy as np
import pytest
import torch
from sklearn.datasets import load_diabetes, load_wine
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from skisp import CVAETransformer
from skisp.cvae._defaults import (
    auto_batch_size,
    auto_hidden_layer_sizes,
    auto_learning_rate,
    auto_max_iter,
)
from skisp.cvae._fitting import Fitting
from skisp.cvae._networks import CVAENetwork
from skisp.cvae._objectives import Objective
from skisp.cvae._rows import RowBlocks, relative_weights
from skisp.cvae._training import Trainer, TrainingLog, learning_rate_at, reaches_plateau, train

CPU = torch.device("cpu")
ROWS = np.random.default_rng(0).normal(size=(60, 6)).astype(np.float32)


def fitting_of(cvae, X, sample_weight=None):
    return Fitting(cvae, X, sample_weight, CPU, before=None)


def n_rows_of(blocks):
    return sum(len(rows) for rows, _ in blocks.parts(1000))


# Never worse than PCA


def correlated_normals(seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(200, 50)) @ rng.normal(size=(50, 50)) / 7


TABLES = {
    "wine": lambda: StandardScaler().fit_transform(load_wine().data),
    "wine in its units": lambda: load_wine().data,
    "diabetes": lambda: load_diabetes().data,
    "normals": correlated_normals,
}


@pytest.mark.parametrize("table", TABLES)
def test_the_default_is_never_worse_than_pca_on_rows_held_out(table):
    train_rows, test_rows = train_test_split(TABLES[table](), random_state=0)
    n_components = 8 if table != "wine in its units" else 3
    cvae, pca = CVAETransformer(n_components, random_state=0).fit(train_rows), PCA(n_components).fit(train_rows)
    ours, theirs = (
        np.mean((model.inverse_transform(model.transform(test_rows)) - test_rows) ** 2) for model in (cvae, pca)
    )
    assert ours <= theirs * (1 + 1e-5)
    assert cvae.score(test_rows) >= pca.score(test_rows) - 0.05


def test_what_training_gained_is_kept_where_rows_held_back_are_likelier():
    """Rows on a curve, which no plane fits."""
    angle = np.random.default_rng(0).uniform(0, 2 * np.pi, 1000)
    circle = np.column_stack([np.cos(angle), np.sin(angle), np.cos(2 * angle), np.sin(3 * angle)])
    circle += 0.05 * np.random.default_rng(1).normal(size=circle.shape)
    cvae, pca = CVAETransformer(2, random_state=0).fit(circle[:800]), PCA(2).fit(circle[:800])
    assert cvae.score(circle[800:]) > pca.score(circle[800:]) + 0.1


def test_where_there_is_nothing_to_gain_the_closed_form_is_kept():
    normals = correlated_normals()
    cvae = CVAETransformer(8, random_state=0).fit(normals)
    start = fitting_of(CVAETransformer(8, random_state=0), normals).fitted(TrainingLog()).network.to_arrays()
    for name, array in cvae.module_.to_arrays().items():
        np.testing.assert_array_equal(array, start[name], err_msg=name, strict=True)
    assert len(cvae.validation_loss_curve_) == cvae.n_iter_ > 0


# Sizes


@pytest.mark.parametrize(
    ("n_rows", "n_features", "starts_linear", "sizes"),
    [
        (4999, 784, True, (224,)),
        (5000, 784, True, (224, 224)),
        (5000, 147, True, (96, 96)),
        (200, 13, True, (64,)),
        (200, 31, True, (64,)),
        (200, 32, True, (128,)),
        (100_000, 75, True, (64, 64)),
        (100_000, 31, True, (64, 64)),
        (100_000, 10_000, True, (256, 256)),
        (5000, 784, False, (512, 256)),
        (4999, 784, False, (224,)),
    ],
)
def test_hidden_layers_fit_the_data(n_rows, n_features, starts_linear, sizes):
    assert auto_hidden_layer_sizes(n_rows, n_features, starts_linear=starts_linear) == sizes


@pytest.mark.parametrize(
    ("n_rows", "batch_size", "starts_linear", "n_epochs"),
    [
        (1, 256, True, 150),
        (4999, 256, True, 60),
        (5000, 256, True, 20),
        (20_000, 32, True, 5),
        (20_000, 256, True, 5),
        (20_000, 1024, True, 8),
        (10**7, 256, True, 5),
        (200, 256, False, 150),
        (10_000, 1024, False, 50),
        (10**6, 256, False, 10),
    ],
)
def test_epochs_fit_the_data(n_rows, batch_size, starts_linear, n_epochs):
    assert auto_max_iter(n_rows, batch_size, starts_linear=starts_linear) == n_epochs


@pytest.mark.parametrize(
    ("n_rows", "starts_linear", "batch_size"),
    [(4999, True, 256), (5000, True, 1024), (5000, False, 256)],
)
def test_many_rows_that_start_from_a_linear_model_go_in_large_batches(n_rows, starts_linear, batch_size):
    assert auto_batch_size(n_rows, starts_linear=starts_linear) == batch_size


@pytest.mark.parametrize(("batch_size", "rate"), [(1, 3e-3), (256, 3e-3), (1024, 6e-3), (4096, 12e-3)])
def test_the_learning_rate_grows_as_the_square_root_of_the_batch(batch_size, rate):
    assert auto_learning_rate(batch_size) == pytest.approx(rate, rel=1e-12)


@pytest.mark.parametrize(
    ("parameters", "like"),
    [
        ({"batch_size": 512}, {"batch_size": 512, "learning_rate": 3e-3 * 2**0.5}),
        ({"learning_rate": 1e-3}, {"batch_size": 1024, "learning_rate": 1e-3}),
        ({}, {"batch_size": 1024, "learning_rate": 6e-3}),
    ],
)
def test_batch_and_rate_by_default_are_those_stated(parameters, like):
    rows = np.random.default_rng(0).normal(size=(5000, 4)).astype(np.float32)
    ours, stated = (CVAETransformer(2, max_iter=1, random_state=0, **given).fit(rows) for given in (parameters, like))
    np.testing.assert_array_equal(ours.transform(rows), stated.transform(rows))


def test_automatic_sizes_do_not_change_when_training_goes_on_with_other_rows():
    cvae = CVAETransformer(2, max_iter=1, warm_start=True, random_state=0).fit(ROWS)
    many = np.random.default_rng(0).normal(size=(5000, 6))
    assert cvae.fit(many).partial_fit(many).module_.config["hidden_layer_sizes"] == [64]


# Rows held back


@pytest.mark.parametrize(("n_rows", "n_held_back"), [(20, 2), (60, 6), (12_000, 1000)])
def test_a_tenth_of_the_rows_is_held_back_at_most_a_thousand(n_rows, n_held_back):
    X = np.random.default_rng(0).normal(size=(n_rows, 3))
    fitting = fitting_of(CVAETransformer(2, random_state=0), X)
    assert n_rows_of(fitting.held_back) == n_held_back
    assert n_rows_of(fitting.rows) == n_rows - n_held_back


@pytest.mark.parametrize(
    ("parameters", "n_rows"),
    [({}, 19), ({"max_iter": 5}, 60), ({"init": "random"}, 60), ({"likelihood": "bernoulli"}, 60)],
    ids=["few", "max_iter", "random", "bernoulli"],
)
def test_no_rows_are_held_back_where_none_is_asked_for(parameters, n_rows):
    X = np.random.default_rng(0).random((n_rows, 3))
    fitting = fitting_of(CVAETransformer(2, random_state=0, **parameters), X)
    assert fitting.held_back is None
    assert n_rows_of(fitting.rows) == n_rows


def test_some_rows_are_left_to_train_on_whatever_the_validation_fraction():
    fitting = fitting_of(CVAETransformer(2, validation_fraction=0.99, random_state=0), ROWS)
    assert n_rows_of(fitting.rows) == n_rows_of(fitting.held_back) == 30


# When training ends


@pytest.mark.parametrize(
    ("unexplained", "ends"),
    [
        ([], False),
        ([0.5], False),
        ([0.5, 0.4], False),
        ([0.5, 0.4949], False),
        ([0.5, 0.4951], False),
        ([0.5, 0.4951, 0.491], True),
        ([0.5, 0.4951, 0.490], False),
        ([0.5, 0.494, 0.4939], False),
        ([0.5, 0.6, 0.4951], True),
        ([0.5, 0.6, 0.494], False),
        ([0.5, 0.5, 0.4], False),
        ([0.0, 0.0, 0.0], False),
    ],
)
def test_a_plateau_is_two_epochs_that_each_explain_less_than_a_per_cent_of_what_was_left(unexplained, ends):
    assert reaches_plateau(unexplained) is ends


class Silent:
    def begin(self, epoch):
        pass

    def end(self, epoch, log):
        return False


@pytest.mark.parametrize(("n_iter_exempt", "n_epochs"), [(0, 4), (4, 5), (9, 6)])
def test_training_ends_at_a_plateau_after_the_exempt_epochs(n_iter_exempt, n_epochs, monkeypatch):
    shares = iter([0.5, 0.4, 0.399, 0.398, 0.397, 0.396])
    monkeypatch.setattr(Trainer, "unexplained", lambda self, rows: next(shares))
    trainer = Trainer(
        CVAENetwork(6, n_components=2), fitting_of(CVAETransformer(2), ROWS).trainer.objective, torch.Generator()
    )
    blocks = RowBlocks(lambda start, stop: ROWS[start:stop], 60, rows_a_block=60)
    rate = learning_rate_at("constant", 1e-3, 6)
    log = train(trainer, blocks, 6, rate, Silent(), monitored_rows=blocks, n_iter_exempt=n_iter_exempt)
    assert len(log.loss_curve) == len(log.unexplained_curve) == n_epochs


def test_the_unexplained_share_is_that_of_weighted_squares():
    cvae = CVAETransformer(2, max_iter=2, random_state=0).fit(ROWS)
    weight = np.random.default_rng(0).integers(0, 3, 60).astype(float)
    blocks = RowBlocks(lambda start, stop: ROWS[start:stop], 60, rows_a_block=60, weight=weight)
    left = ((cvae.inverse_transform(cvae.transform(ROWS)) - ROWS) ** 2).sum(axis=1)
    total = ((ROWS - cvae.module_.mean.numpy()) ** 2).sum(axis=1)
    trainer = Trainer(cvae.module_, Objective(), torch.Generator())
    assert trainer.unexplained(blocks) == pytest.approx(weight @ left / (weight @ total), rel=1e-5)


# Large weights


def test_large_whole_weights_cost_no_memory():
    weight = np.full(60, 10**6)
    cvae = CVAETransformer(2, max_iter=2, random_state=0)
    tracemalloc.start()
    cvae.fit(ROWS, sample_weight=weight)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20e6
    assert fitting_of(cvae, ROWS, weight).rows.total_weight == 60


def test_an_epoch_of_large_weights_is_as_long_as_its_rows():
    weight = np.ones(60)
    weight[0] = 10**6
    blocks = fitting_of(CVAETransformer(2, max_iter=1), ROWS, weight).rows
    assert sum(map(len, blocks.batches(16, torch.Generator()))) == pytest.approx(60, abs=2)


@pytest.mark.parametrize("heavy", [1000.0, 40_000.0])
def test_a_whole_weight_and_one_a_little_greater_train_the_same(heavy):
    def loss(weight):
        weights = np.ones(60)
        weights[::2] = weight
        cvae = CVAETransformer(2, max_iter=20, hidden_layer_sizes=(8,), random_state=0)
        return cvae.fit(ROWS, sample_weight=weights).loss_

    assert loss(heavy + 0.5) == pytest.approx(loss(heavy), abs=0.1)


@pytest.mark.parametrize(
    ("weights", "expected"),
    [([1, 2, 3], [1, 2, 3]), ([16, 16], [16, 16]), ([17, 17], [1, 1]), ([0, 100, 300], [0, 0.5, 1.5]), ([0.5], [1])],
)
def test_small_whole_weights_are_repetitions_and_large_ones_are_relative(weights, expected):
    np.testing.assert_allclose(relative_weights(np.array(weights)), expected)


# Models that started otherwise


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("now", ["pca", "random"])
def test_a_model_that_goes_on_keeps_its_kind(method, now):
    before = {"pca": "random", "random": "pca"}[now]
    cvae = CVAETransformer(2, init=before, max_iter=2, warm_start=True, random_state=0).fit(ROWS)
    config = dict(cvae.module_.config)
    getattr(cvae.set_params(init=now), method)(ROWS)
    assert cvae.module_.config == config
    assert cvae.module_.is_linear == (before == "pca")
