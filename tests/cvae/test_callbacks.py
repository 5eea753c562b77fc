"""Scikit-learn's callbacks hear a C-VAE's training, may end it, and are handed models that work."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError

from skisp import CVAETransformer
from skisp.cvae._fitting import Fitting

callbacks = pytest.importorskip("sklearn.callback")

DIGITS = load_digits()
IMAGES = (DIGITS.images[:40] / 16).astype(np.float32)
ROWS = IMAGES.reshape(40, 64)
LABELS = DIGITS.target[:40] % 2


def small_cvae(**parameters):
    defaults = {"n_components": 2, "hidden_layer_sizes": (6,), "max_iter": 3, "batch_size": 16, "n_scoring_samples": 4}
    defaults |= {"learning_rate_schedule": "constant", "random_state": 0, "device": "cpu"}
    return CVAETransformer(**{**defaults, **parameters})


class Recording:
    """Keeps what it hears; ``stop`` says of an epoch, counted from 0, whether to end after it."""

    def __init__(self, stop=lambda epoch: False):
        self.heard, self.shown, self._stop = [], [], stop

    def setup(self, estimator, context):
        self._hear("setup", context)

    def teardown(self, estimator, context):
        self._hear("teardown", context)

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None):
        self._hear("begin", context)
        self.shown.append((estimator, X, y))

    def on_fit_task_end(self, estimator, context, *, X=None, y=None):
        self._hear("end", context)
        self.shown.append((estimator, X, y))
        return context.task_name == "epoch" and self._stop(context.task_id)

    def _hear(self, what, context):
        self.heard.append((what, context.task_name, context.task_id))


class Collecting(Recording):
    """Keeps the fitted estimators it is handed, with what they say of some rows then."""

    def __init__(self, X=ROWS):
        super().__init__()
        self.models, self.said, self._X = [], [], X

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        self._hear("end", context)
        self.models.append(fitted_estimator)
        self.said.append(says(fitted_estimator, self._X))


def says(cvae, X=ROWS):
    codes = cvae.transform(X)
    latent = [cvae.latent_covariance_, cvae.n_active_units_, cvae.sample(3, random_state=0, prior="aggregate")]
    decoded = cvae.inverse_transform(codes)
    return [codes, decoded, cvae.score_samples(X), np.array(cvae.loss_curve_), cvae.n_iter_, *latent]


def assert_says(ours, theirs):
    for our, their in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(our, their)


def whole_story(n_epochs):
    """What a callback hears of a fit."""
    epochs = [(what, "epoch", epoch) for epoch in range(n_epochs) for what in ("begin", "end")]
    return [("setup", "fit", 0), ("begin", "fit", 0), *epochs, ("end", "fit", 0), ("teardown", "fit", 0)]


# What is heard


@pytest.mark.parametrize("X", [ROWS, IMAGES], ids=["rows", "images"])
def test_a_callback_hears_the_fit_and_every_epoch_in_order(X):
    recording = Recording()
    cvae = small_cvae().set_callbacks(recording).fit(X)
    assert recording.heard == whole_story(3)
    assert all(estimator is cvae and shown is X for estimator, shown, _ in recording.shown)


def test_partial_fit_tells_callbacks_nothing():
    recording = Recording()
    small_cvae().set_callbacks(recording).partial_fit(ROWS).partial_fit(ROWS)
    assert recording.heard == []


def test_a_fit_that_is_refused_sets_no_callback_up():
    recording = Recording()
    with pytest.raises(ValueError, match="NaN"):
        small_cvae().set_callbacks(recording).fit(np.full((4, 3), np.nan))
    assert recording.heard == []


# What a callback does


@pytest.mark.parametrize("epoch", [0, 1, 4])
def test_a_callback_that_returns_true_ends_the_training_after_that_epoch(epoch):
    recording = Recording(stop=lambda number: number == epoch)
    cvae = small_cvae(max_iter=5).set_callbacks(recording).fit(ROWS)
    assert cvae.n_iter_ == len(cvae.loss_curve_) == epoch + 1
    assert recording.heard == whole_story(epoch + 1)
    assert_says(says(cvae), says(small_cvae(max_iter=epoch + 1).fit(ROWS)))


class Failing(Recording):
    def __init__(self, error, at):
        super().__init__()
        self._error, self._at = error, at

    def _hear(self, what, context):
        super()._hear(what, context)
        if (what, context.task_name, context.task_id) == self._at:
            raise self._error


@pytest.mark.parametrize("at", [("begin", "fit", 0), ("begin", "epoch", 0), ("end", "epoch", 1), ("end", "epoch", 2)])
def test_an_error_of_a_callback_is_raised_and_leaves_no_model(at):
    failing = Failing(LookupError("no"), at)
    cvae = small_cvae().set_callbacks(failing)
    with pytest.raises(LookupError):
        cvae.fit(ROWS)
    assert failing.heard[-1] == ("teardown", "fit", 0)
    with pytest.raises(NotFittedError):
        cvae.transform(ROWS)
    assert "_callback_fit_ctx" not in vars(cvae)


# The models a callback is handed


@pytest.mark.parametrize(
    ("parameters", "X"),
    [
        ({}, ROWS),
        ({}, IMAGES),
        ({"likelihood": "gaussian"}, ROWS),
        ({"network": "conv", "conv_channels": (2, 3)}, IMAGES),
    ],
    ids=["rows", "images", "learnt noise", "conv"],
)
def test_each_epoch_hands_over_the_model_as_if_training_had_ended_there(parameters, X):
    collecting = Collecting(X)
    small_cvae(**parameters).set_callbacks(collecting).fit(X)
    for n_epochs, said in zip((1, 2, 3, 3), collecting.said, strict=True):
        assert_says(said, says(small_cvae(max_iter=n_epochs, **parameters).fit(X), X))


def test_a_model_handed_over_is_a_copy_that_later_epochs_do_not_change():
    collecting = Collecting()
    cvae = small_cvae().set_callbacks(collecting).fit(ROWS)
    assert len({id(model) for model in [cvae, *collecting.models]}) == 5
    for model, said in zip(collecting.models, collecting.said, strict=True):
        assert isinstance(model, CVAETransformer)
        assert not model.module_.training
        assert not any(parameter.requires_grad for parameter in model.module_.parameters())
        assert_says(says(model), said)
    before = says(cvae)
    for model in collecting.models:
        for parameter in model.module_.parameters():
            parameter.fill_(0)
    assert_says(says(cvae), before)


def test_models_of_a_warm_start_count_the_epochs_of_all_fits_once():
    collecting = Collecting()
    cvae = small_cvae(warm_start=True).fit(ROWS).set_callbacks(collecting).fit(ROWS)
    assert [model.n_iter_ for model in collecting.models] == [4, 5, 6, 6]
    assert [len(model.loss_curve_) for model in collecting.models] == [4, 5, 6, 6]
    assert_says(collecting.said[-1], says(cvae))


def test_no_model_is_made_for_a_callback_that_does_not_ask(monkeypatch):
    made, fitted = [], Fitting.fitted
    monkeypatch.setattr(Fitting, "fitted", lambda *args, **options: made.append(args) or fitted(*args, **options))
    small_cvae().set_callbacks(Recording()).fit(ROWS)
    assert len(made) == 1  # the estimator's own
    small_cvae().set_callbacks(Collecting()).fit(ROWS)
    assert len(made) == 1 + 3 + 1


# Scikit-learn's own callbacks


def log_likelihood(estimator, X, y):
    return {"log_likelihood": estimator.score(X)}


def scores_of(monitor, **columns):
    """The monitor's scores, of the tasks whose columns are those given, in their order."""
    data = monitor.get_logs().data
    return [row["log_likelihood"] for row in data if columns.items() <= row.items()]


def epoch_scores(**parameters):
    return [small_cvae(max_iter=n, **parameters).fit(ROWS).score(ROWS) for n in (1, 2, 3)]


def test_a_scoring_monitor_scores_every_epoch():
    monitor = callbacks.ScoringMonitor(scoring=log_likelihood)
    cvae = small_cvae().set_callbacks(monitor).fit(ROWS, LABELS)
    assert scores_of(monitor, task_name="epoch") == epoch_scores()
    assert scores_of(monitor, task_name="fit") == [cvae.score(ROWS)]


# Copies


@pytest.mark.parametrize("copied", [lambda cvae: pickle.loads(pickle.dumps(cvae)), copy.deepcopy, copy.copy])
def test_a_fitted_model_with_callbacks_can_be_copied(copied):
    cvae = small_cvae().set_callbacks(Plain()).fit(ROWS)
    twin = copied(cvae)
    assert_says(says(twin), says(cvae))
    assert twin.set_params(max_iter=1).fit(ROWS).n_iter_ == 1


class Plain:
    """A callback that can be pickled."""

    def setup(self, estimator, context): ...

    def teardown(self, estimator, context): ...

    def on_fit_task_begin(self, estimator, context): ...

    def on_fit_task_end(self, estimator, context): ...


# Without the protocol

WITHOUT = """
import sys
import sklearn.callback, sklearn.mixture  # what else needs the mixin has it
del sklearn.callback.CallbackSupportMixin  # as in a version that has moved it
import numpy as np
from sklearn.base import clone
from skisp import CVAETransformer
X = np.load(sys.argv[1])
cvae = CVAETransformer(2, hidden_layer_sizes=(6,), max_iter=3, batch_size=16, n_scoring_samples=4,
                       learning_rate_schedule="constant", random_state=0, device="cpu")
assert not hasattr(cvae, "set_callbacks")
codes = clone(cvae).fit(X).transform(X)
warm = clone(cvae).set_params(warm_start=True, early_stopping=True).fit(X).fit(X)
assert warm.n_iter_ == 6
np.save(sys.argv[2], codes)
assert clone(cvae).partial_fit(X).partial_fit(X).n_iter_ == 2
"""


def test_without_scikit_learns_callbacks_a_fit_is_the_same(tmp_path):
    np.save(tmp_path / "rows.npy", ROWS)
    command = [sys.executable, "-W", "error::ImportWarning", "-c", WITHOUT, "rows.npy", "codes.npy"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(np.load(tmp_path / "codes.npy"), small_cvae().fit(ROWS).transform(ROWS))
