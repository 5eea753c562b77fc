"""Batches, learning rates, and what one run of training reports."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import FactorAnalysis
from sklearn.exceptions import NotFittedError

from skisp import CVAETransformer
from skisp._progress import listening
from skisp.cvae._training import one_cycle


def small_cvae(**parameters):
    defaults = {"n_components": 2, "hidden_layer_sizes": (8,), "max_iter": 3, "n_scoring_samples": 4}
    return CVAETransformer(**{**defaults, "random_state": 0, "device": "cpu", **parameters})


ROWS = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)


def test_one_cycle_starts_low_reaches_its_peak_and_ends_near_zero():
    assert one_cycle(0, 3e-3) == pytest.approx(3e-3 / 25)
    assert one_cycle(0.3, 3e-3) == pytest.approx(3e-3)
    assert one_cycle(1, 3e-3) == pytest.approx(3e-3 / 25e4)


def test_one_cycle_rises_then_falls_without_a_jump():
    rates = np.array([one_cycle(progress, 1.0) for progress in np.linspace(0, 1, 1001)])
    assert rates.argmax() == 300
    assert np.all(np.diff(rates[:301]) > 0)
    assert np.all(np.diff(rates[300:]) < 0)
    assert np.abs(np.diff(rates)).max() < 0.01


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


def test_loss_curve_has_one_finite_figure_an_epoch_and_falls():
    cvae = small_cvae(max_iter=20).fit(ROWS)
    assert len(cvae.loss_curve_) == cvae.n_iter_ == 20
    assert np.isfinite(cvae.loss_curve_).all()
    assert cvae.loss_ == cvae.loss_curve_[-1] < cvae.loss_curve_[0]
    assert all(type(loss) is float for loss in cvae.loss_curve_)


def test_verbose_prints_one_line_an_epoch_and_silence_is_the_default(capsys):
    small_cvae(max_iter=3).fit(ROWS)
    assert capsys.readouterr().out == ""
    cvae = small_cvae(max_iter=3, verbose=1).fit(ROWS)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[2] == f"epoch 3/3: loss {cvae.loss_:.6g}"


def test_a_listener_hears_every_epoch():
    heard = []
    with listening(heard.append):
        small_cvae(max_iter=3).fit(ROWS)
    assert [(step.task, step.done, step.total) for step in heard] == [("fit C-VAE", i, 3) for i in (1, 2, 3)]
    assert all(step.detail.startswith("loss ") for step in heard)


@pytest.mark.parametrize("parameters", [{}, {"hidden_layer_sizes": ()}, {"max_iter": 1}, {"likelihood": "gaussian"}])
def test_diverging_training_names_the_epoch_and_the_cure_and_leaves_no_model(parameters):
    cvae = small_cvae(learning_rate=1e30, **parameters)
    with pytest.raises(ArithmeticError, match=r"in epoch \d\. Lower learning_rate"):
        cvae.fit(ROWS)
    assert {name for name in vars(cvae) if name.endswith("_")} <= {"n_features_in_"}
    with pytest.raises(NotFittedError):
        cvae.transform(ROWS)


def test_a_diverged_second_fit_does_not_leave_the_first_model_for_other_rows():
    cvae = small_cvae().fit(ROWS)
    with pytest.raises(ArithmeticError):
        cvae.set_params(learning_rate=1e30).fit(ROWS[:, :4])
    with pytest.raises(NotFittedError):
        cvae.transform(ROWS[:, :4])


def test_weight_decay_shrinks_the_weights():
    sizes = [
        sum(float(p.square().sum()) for p in small_cvae(weight_decay=decay, max_iter=30).fit(ROWS).module_.parameters())
        for decay in (0.0, 10.0)
    ]
    assert sizes[1] < sizes[0]


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
        learning_rate=0.05,
        batch_size=50,
        max_iter=300,
        n_scoring_samples=256,
    ).fit(X)
    learnt = cvae.module_.likelihood.log_scale().exp() * cvae.module_.scale
    np.testing.assert_allclose(learnt.numpy(), np.sqrt(exact.noise_variance_), rtol=0.02)
    assert cvae.score(X) == pytest.approx(exact.score(X), abs=0.02)
