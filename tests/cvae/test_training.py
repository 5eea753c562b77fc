"""Steps, epochs, learning rates, when training ends, and what one run of it reports."""

import math

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.decomposition import FactorAnalysis

from skisp import CVAETransformer
from skisp._base import module_initialised_with
from skisp._progress import listening
from skisp.cvae._fitting import Fitting
from skisp.cvae._networks import CVAENetwork
from skisp.cvae._objectives import Objective
from skisp.cvae._rows import RowBlocks
from skisp.cvae._training import (
    EarlyStopping,
    Trainer,
    learning_rate_at,
    n_rising_epochs,
    one_cycle,
    train,
)

from ._shared import interrupt, small_cvae

ROWS = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)


def test_one_cycle_is_torchs_schedule():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.5, total_steps=5000)
    theirs = []
    for _ in range(5000):
        theirs.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    ours = [one_cycle(step / 5000, 0.5) for step in range(5000)]
    np.testing.assert_allclose(ours, theirs, atol=1e-3)


def lines_of(cvae):
    """What is reported of each epoch."""
    losses = zip(cvae.loss_curve_, cvae.validation_loss_curve_, strict=True)
    return [f"loss {loss:.6g}, validation loss {validation:.6g}" for loss, validation in losses]


def explained_by(cvae, X):
    return 1 - np.sum((cvae.inverse_transform(cvae.transform(X)) - X) ** 2) / np.sum(
        (X - cvae.module_.mean.numpy()) ** 2
    )


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_verbose_prints_one_line_an_epoch_and_silence_is_the_default(method, capsys):
    getattr(small_cvae(), method)(ROWS)
    assert capsys.readouterr().out == ""
    cvae = getattr(small_cvae(verbose=1), method)(ROWS)
    n = cvae.n_iter_
    expected = [f"fit C-VAE: {i} of {n} loss {loss:.6g}" for i, loss in enumerate(cvae.loss_curve_, start=1)]
    assert capsys.readouterr().out.splitlines() == expected


@pytest.mark.parametrize("verbose", [0, 1])
def test_a_listener_hears_every_epoch_once_and_nothing_is_printed_beside_it(verbose, capsys):
    heard = []
    with listening(heard.append):
        cvae = small_cvae(early_stopping=True, verbose=verbose).fit(ROWS)
    assert [(step.task, step.done, step.total) for step in heard] == [("fit C-VAE", i, 3) for i in (1, 2, 3)]
    assert all(step.detail.startswith(line) for step, line in zip(heard, lines_of(cvae), strict=True))
    assert capsys.readouterr().out == ""


def test_the_share_of_variance_that_is_explained_is_told_of_rows_held_back():
    heard = []
    with listening(heard.append):
        cvae = small_cvae(early_stopping=True, n_iter_no_change=9).fit(ROWS)
    held_back = Fitting(cvae, ROWS, None, torch.device("cpu"), before=None).held_back
    X = torch.cat([rows for rows, _ in held_back.parts(100)]).numpy()
    best = int(np.argmin(cvae.validation_loss_curve_))
    assert heard[best].detail == f"{lines_of(cvae)[best]}, {explained_by(cvae, X):.1%} explained"


def test_nothing_is_told_of_explained_variance_where_no_rows_are_held_back_or_values_are_probabilities():
    heard = []
    with listening(heard.append):
        small_cvae().fit(ROWS)
        small_cvae(early_stopping=True, likelihood="bernoulli").fit(np.abs(ROWS) / 10)
    assert not any("explained" in step.detail for step in heard)


def test_a_learnt_noise_scale_is_that_of_factor_analysis():
    """A linear decoder with one variance a feature is factor analysis; its maximum is known."""
    rng = np.random.default_rng(0)
    noise = np.array([0.1, 0.2, 0.3, 0.4, 0.1, 0.2, 0.3, 0.4]) * rng.normal(size=(300, 8))
    X = 5 + 2 * (rng.normal(size=(300, 1)) + noise)
    exact = FactorAnalysis(1).fit(X)
    cvae = small_cvae(
        n_components=1,
        hidden_layer_sizes=(),
        likelihood="gaussian",
        learning_rate=0.02,
        batch_size=50,
        max_iter=300,
        n_scoring_samples=256,
    ).fit(X)
    learnt = cvae.module_.likelihood.log_scale().exp() * cvae.module_.scale
    np.testing.assert_allclose(learnt.numpy(), np.sqrt(exact.noise_variance_), rtol=0.02)
    assert cvae.score(X) == pytest.approx(exact.score(X), abs=0.02)


# The trainer

DENSE = {"n_features": 6, "hidden_layer_sizes": (5,)}
CONV = {"n_features": 16, "conv_channels": (2, 3), "image_shape": (4, 4, 1)}
STEADY = learning_rate_at("constant", 0.01, 1)


def make_trainer(config=DENSE, objective=None, **parameters):
    with module_initialised_with(0):
        network = CVAENetwork(n_components=2, **config)
    network.standardise_by(torch.full((config["n_features"],), 0.3), 1.4)
    generator = torch.Generator().manual_seed(0)
    return Trainer(network, objective or Objective(), generator, **{"batch_size": 16, **parameters})


def blocks(X=ROWS, **parameters):
    return RowBlocks(lambda start, stop: X[start:stop], len(X), rows_a_block=len(X), **parameters)


def state(trainer):
    """Everything that training changes, as arrays."""
    return {**trainer.network.to_arrays(), **trainer.to_arrays()}


def assert_same_state(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name, strict=True)


def trained(n_epochs, **parameters):
    trainer = make_trainer(**parameters)
    for epoch in range(n_epochs):
        trainer.run_epoch(blocks(), epoch, STEADY)
    return trainer


def test_arrays_are_copies_that_later_steps_do_not_change():
    trainer = trained(1)
    arrays = trainer.to_arrays()
    before = {name: array.copy() for name, array in arrays.items()}
    trainer.run_epoch(blocks(), 1, STEADY)
    assert_same_state(arrays, before)
    assert any(not np.array_equal(array, before[name]) for name, array in trainer.to_arrays().items())


def test_restoring_a_snapshot_brings_back_every_weight_and_running_statistic():
    trainer = trained(1)
    before, snapshot = trainer.network.to_arrays(), trainer.snapshot()
    trainer.run_epoch(blocks(), 1, STEADY)
    after = trainer.network.to_arrays()
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert changed == before.keys() - {"mean", "scale"}
    trainer.restore(snapshot)
    assert_same_state(trainer.network.to_arrays(), before)


@pytest.mark.parametrize("config", [{**DENSE, "likelihood": "gaussian"}, CONV], ids=["dense", "conv"])
@pytest.mark.parametrize("batch_norm", [True, False])
def test_weights_decay_and_biases_normalisations_and_noise_scales_do_not(config, batch_norm):
    """A step without gradients multiplies what decays by 1 - rate * decay; powers of two make that exact."""
    trainer = make_trainer({**config, "batch_norm": batch_norm}, weight_decay=0.25)
    before = {name: parameter.detach().clone() for name, parameter in trainer.network.named_parameters()}
    for parameter in trainer.network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    trainer.optimizer.step(0.5)
    for name, parameter in trainer.network.named_parameters():
        is_weight = name.endswith("weight") and before[name].ndim > 1
        assert torch.equal(parameter, before[name] * (0.875 if is_weight else 1.0)), name


def test_every_step_takes_the_learning_rate_of_its_share_of_the_epoch():
    trainer, asked, used, rates = make_trainer(), [], [], []
    step, step_of_optimizer = trainer.step, trainer.optimizer.step

    def recording_step(x, time, learning_rate):
        used.append((len(x), time))
        return step(x, time, learning_rate)

    trainer.step = recording_step
    trainer.optimizer.step = lambda rate: rates.append(rate) or step_of_optimizer(rate)
    trainer.run_epoch(blocks(), 3, lambda time: asked.append(time) or 0.001 * time)
    assert asked == [3.0, 3.25, 3.5, 3.75]
    assert used == list(zip((16, 16, 16, 2), asked, strict=True))
    assert rates == [0.001 * time for time in asked]


def test_the_loss_of_an_epoch_is_a_mean_over_its_rows_not_its_batches():
    trainer = make_trainer()
    trainer.step = lambda x, time, learning_rate: torch.tensor(float(len(x)))
    assert trainer.run_epoch(blocks(), 0, STEADY) == pytest.approx((3 * 16**2 + 2**2) / 50)


# Evaluation


@pytest.mark.parametrize("n_epochs", [0, 1], ids=["fresh", "trained"])
@pytest.mark.parametrize(
    "objective", [Objective(), Objective(n_importance_samples=3), Objective(contraction=1.0)], ids=["1", "3", "J"]
)
def test_evaluation_is_deterministic_and_trains_nothing(n_epochs, objective):
    trainer = trained(n_epochs, objective=objective)
    before = state(trainer)
    losses = {trainer.evaluate(blocks(), epoch) for epoch in range(3)}
    assert len(losses) == 1
    assert_same_state(state(trainer), before)
    assert all(parameter.grad is None or n_epochs for parameter in trainer.network.parameters())


def test_evaluation_has_all_of_the_kl_weight_and_no_contraction():
    plain = trained(1)
    other = make_trainer(objective=Objective(kl_warmup=100.0, contraction=7.0))
    other.restore(plain.snapshot())
    other.network.eval()
    assert other.evaluate(blocks(), 0) == plain.evaluate(blocks(), 0)


def test_evaluation_is_the_loss_by_running_statistics_of_all_rows_at_once():
    trainer = trained(1, objective=Objective(kl_weight=0.0))
    x = torch.from_numpy(ROWS)
    exact = Objective(kl_weight=0.0).loss(trainer.network.eval(), x, 0.0, torch.Generator())
    assert trainer.evaluate(blocks(), 0) == pytest.approx(exact.item(), rel=1e-5)


def test_evaluation_counts_rows_by_their_weight():
    trainer = trained(1, objective=Objective(kl_weight=0.0))
    weight = np.zeros(50)
    weight[[3, 7]] = 1, 2
    losses = [trainer.evaluate(blocks(ROWS[[row]]), 0) for row in (3, 7)]
    weighted = trainer.evaluate(blocks(weight=weight), 0)
    assert weighted == pytest.approx((losses[0] + 2 * losses[1]) / 3, rel=1e-5)


def test_a_validation_loss_that_is_not_finite_is_an_error():
    X = ROWS.copy()
    X[0, 0] = np.nan
    with pytest.raises(ArithmeticError, match="nan in epoch 5"):
        trained(1).evaluate(blocks(X), 4)


# When to stop


def stops_at(losses, tol, n_iter_no_change, n_iter_exempt):
    """The epoch, from 1, at which training stops, and the epoch of the best weights; by the definition."""
    for last in range(1, len(losses) + 1):
        best, since = math.inf, 0
        for epoch, loss in enumerate(losses[:last], start=1):
            since = 0 if loss < best - tol or epoch <= n_iter_exempt else since + 1
            best = min(best, loss)
        if since >= n_iter_no_change:
            break
    return last, int(np.argmin(losses[:last])) + 1


@given(
    losses=st.lists(st.integers(-8, 8), min_size=1, max_size=20),
    tol=st.sampled_from([0.0, 0.5, 1.0, 3.0]),
    n_iter_no_change=st.integers(1, 4),
    n_iter_exempt=st.integers(0, 4),
)
@example(losses=[5, 4, 4, 4], tol=1.5, n_iter_no_change=3, n_iter_exempt=0)
@example(losses=[1, 2, 2, 2, 2], tol=0.0, n_iter_no_change=2, n_iter_exempt=3)
@settings(max_examples=200, deadline=None)
def test_stopping_follows_its_definition_and_keeps_the_best_weights(losses, tol, n_iter_no_change, n_iter_exempt):
    stopping = EarlyStopping(tol, n_iter_no_change, n_iter_exempt)
    for epoch, loss in enumerate(losses, start=1):
        if stopping.update(loss, {"epoch": torch.tensor(epoch)}):
            break
    found = epoch, int(stopping.best_weights["epoch"])
    assert found == stops_at(losses, tol, n_iter_no_change, n_iter_exempt)
    assert stopping.best_loss == min(losses[:epoch])


@pytest.mark.parametrize("max_iter", [1, 7, 10, 50])
def test_the_one_cycle_rate_has_its_peak_in_the_last_of_the_exempt_epochs(max_iter):
    rate = learning_rate_at("one_cycle", 1.0, max_iter)
    peak = np.argmax([rate(step / 100) for step in range(100 * max_iter + 1)]) / 100
    assert n_rising_epochs("one_cycle", max_iter) - 1 < peak <= n_rising_epochs("one_cycle", max_iter)
    assert n_rising_epochs("constant", max_iter) == 0


def test_a_rate_that_still_rises_ends_no_training():
    # Without the exemption, with this seed, it ended after 11 epochs with nothing learnt.
    few = load_digits().data[:200] / 16
    cvae = CVAETransformer(init="random", hidden_layer_sizes=(512, 256), max_iter=160, early_stopping=True)
    cvae.set_params(random_state=1).fit(few)
    assert min(cvae.validation_loss_curve_) < min(cvae.validation_loss_curve_[:11]) - 10


# A run


class Watching:
    """Keeps what it is told, and does what it is asked to at one of the calls."""

    def __init__(self, at=None, action=None):
        self.heard, self._at, self._action = [], at, action

    def begin(self, epoch):
        self._hear("begin", epoch)

    def end(self, epoch, log):
        assert len(log.loss_curve) == epoch + 1
        return self._hear("end", epoch)

    def _hear(self, name, epoch):
        self.heard.append((name, epoch))
        return self._action() if (name, epoch) == self._at and self._action is not None else False


def run(trainer, watcher=None, max_iter=4, learning_rate=STEADY, **parameters):
    return train(trainer, blocks(), max_iter, learning_rate, watcher or Watching(), **parameters)


def run_interrupted(*arguments, **parameters):
    """A run that is to take note of Ctrl-C; one let through would end pytest."""
    try:
        return run(*arguments, **parameters)
    except KeyboardInterrupt:
        return pytest.fail("Ctrl-C was raised, though an epoch was finished.")


def at_step(trainer, number, action):
    """Let ``action`` happen instead of one of the trainer's steps, counted from 0; an epoch has 4."""
    step, count = trainer.step, iter(range(10_000))
    trainer.step = lambda *arguments: action() if next(count) == number else step(*arguments)


def weights_after(n_epochs):
    return trained(n_epochs).network.to_arrays()


def test_a_run_is_its_epochs_and_tells_of_each():
    trainer, watcher = make_trainer(), Watching()
    log = run(trainer, watcher)
    assert watcher.heard == [(name, epoch) for epoch in range(4) for name in ("begin", "end")]
    twin = make_trainer()
    assert log.loss_curve == [twin.run_epoch(blocks(), epoch, STEADY) for epoch in range(4)]
    assert log.validation_loss_curve == []
    assert not log.interrupted
    assert_same_state(state(trainer), state(twin))


@pytest.mark.parametrize("epoch", [0, 2])
def test_a_watcher_ends_the_training(epoch):
    trainer, watcher = make_trainer(), Watching(("end", epoch), lambda: True)
    log = run(trainer, watcher)
    assert len(log.loss_curve) == epoch + 1
    assert watcher.heard[-1] == ("end", epoch)
    assert_same_state(trainer.network.to_arrays(), weights_after(epoch + 1))


@pytest.mark.parametrize("number", [0, 3, 8, 11])
def test_an_interrupt_goes_back_to_the_last_finished_epoch_and_is_raised_where_none_is(number):
    trainer, n_finished = make_trainer(), number // 4
    at_step(trainer, number, interrupt)
    if n_finished == 0:
        with pytest.raises(KeyboardInterrupt):
            run(trainer)
    else:
        log = run_interrupted(trainer)
        assert log.interrupted
        assert len(log.loss_curve) == n_finished
    assert_same_state(trainer.network.to_arrays(), weights_after(n_finished))


@pytest.mark.parametrize(("at", "n_finished"), [(("begin", 2), 2), (("end", 0), 1), (("end", 3), 4)])
def test_a_watchers_interrupt_keeps_the_epochs_that_are_finished(at, n_finished):
    """Ctrl-C comes where it likes: while a callback scores the model, or a line is printed."""
    trainer = make_trainer()
    log = run_interrupted(trainer, Watching(at, interrupt))
    assert log.interrupted
    assert len(log.loss_curve) == n_finished
    assert_same_state(trainer.network.to_arrays(), weights_after(n_finished))


def test_an_interrupt_while_the_held_back_rows_are_scored_loses_that_epoch_alone(monkeypatch):
    trainer, evaluate = make_trainer(), Trainer.evaluate
    monkeypatch.setattr(
        Trainer, "evaluate", lambda self, rows, epoch: (interrupt if epoch == 2 else evaluate)(self, rows, epoch)
    )
    log = run_interrupted(trainer, validation_rows=blocks())
    assert log.interrupted
    assert (len(log.loss_curve), len(log.validation_loss_curve)) == (2, 2)
    assert_same_state(trainer.network.to_arrays(), weights_after(2))


@pytest.mark.parametrize("n_finished", [0, 2])
def test_diverging_training_is_raised_with_the_weights_of_the_last_good_epoch(n_finished):
    trainer = make_trainer()
    with pytest.raises(ArithmeticError, match=f"in epoch {n_finished + 1}"):
        run(trainer, learning_rate=lambda time: 0.01 if time < n_finished else 1e30)
    assert_same_state(trainer.network.to_arrays(), weights_after(n_finished))


def test_a_watchers_error_is_raised_with_the_weights_of_the_last_finished_epoch():
    trainer = make_trainer()

    def fail():
        raise LookupError

    with pytest.raises(LookupError):
        run(trainer, Watching(("end", 1), fail))
    assert_same_state(trainer.network.to_arrays(), weights_after(2))


@pytest.mark.parametrize(
    ("losses", "patience", "watcher", "n_epochs", "best"),
    [
        ([5.0, 3.0, 4.0, 3.5, 1.0], 2, Watching(), 4, 2),
        ([5.0, 3.0, 4.0], 9, Watching(), 3, 2),  # nothing stops early
        ([5.0, 3.0, 2.0], 9, Watching(("end", 1), lambda: True), 2, 2),  # after the best epoch so far
    ],
    ids=["patience", "last epoch", "watcher"],
)
def test_the_best_weights_are_restored_whatever_ends_the_training(
    losses, patience, watcher, n_epochs, best, monkeypatch
):
    monkeypatch.setattr(Trainer, "evaluate", lambda self, rows, epoch: losses[epoch])
    trainer = make_trainer()
    stopping = EarlyStopping(0.0, patience)
    log = run(trainer, watcher, max_iter=len(losses), validation_rows=blocks(), stopping=stopping)
    assert log.validation_loss_curve == losses[:n_epochs]
    assert len(log.loss_curve) == n_epochs
    assert_same_state(trainer.network.to_arrays(), weights_after(best))
