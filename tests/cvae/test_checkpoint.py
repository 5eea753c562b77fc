"""A fit that notes after every epoch where it is: killed at any moment, it ends with the same bits."""

import multiprocessing
import os
import random

import numpy as np
import pytest
from sklearn.base import clone

from skisp import CVAETransformer
from skisp._chunks import chunk_sizes
from skisp.cvae._checkpoint import Checkpoint
from skisp.persistence import load_model, save_model

from ._shared import assert_same_bits, at_step

ROWS = np.random.default_rng(0).normal(size=(80, 6)) @ np.random.default_rng(1).normal(size=(6, 6))
# What is noted of each of these is not the same.
KINDS = [
    {},
    {"early_stopping": True, "n_iter_no_change": 3, "max_iter": 30},
    {"max_iter": "auto", "batch_size": 80},
    {"likelihood": "gaussian", "init": "random", "contraction": 0.1, "learning_rate_schedule": "constant"},
    {"augment": ("flip",), "image_shape": (2, 3), "kl_warmup": 3.0, "weight_decay": 0.01},
]


def small_cvae(**parameters):
    defaults = {"n_components": 2, "hidden_layer_sizes": (8,), "max_iter": 6, "batch_size": 40, "random_state": 0}
    return CVAETransformer(**{**defaults, "device": "cpu", **parameters})


def state(cvae):
    latent = [cvae.latent_mean_, cvae.latent_covariance_, cvae.latent_samples_]
    return [cvae.loss_curve_, cvae.validation_loss_curve_, *latent, *cvae.module_.to_arrays().values()]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "fit.checkpoint"


@pytest.fixture
def ended_after(monkeypatch):
    """Let a fit end by an error as soon as it has noted so many epochs; as often as it is told."""
    save = Checkpoint.save

    def set_end(n_epochs):
        def saved(self, trainer, log, stopping, *, ended):
            save(self, trainer, log, stopping, ended=ended)
            if len(log.loss_curve) == n_epochs:
                raise MemoryError("the end")

        monkeypatch.setattr(Checkpoint, "save", saved)

    return set_end


@pytest.mark.parametrize("parameters", KINDS, ids=str)
@pytest.mark.parametrize("n_epochs", [0, 4])
def test_a_fit_that_goes_on_has_the_bits_of_one_that_was_not_disturbed(parameters, n_epochs, path, ended_after):
    whole = small_cvae(**parameters).fit(ROWS)
    ended_after(n_epochs)
    with pytest.raises(MemoryError):
        small_cvae(**parameters, checkpoint=path).fit(ROWS)
    assert path.exists()
    ended_after(-1)
    again = small_cvae(**parameters, checkpoint=str(path)).fit(ROWS)
    assert_same_bits(state(again), state(whole))
    assert not path.exists()


def test_a_training_that_had_stopped_is_not_gone_on_with(path, ended_after, monkeypatch):
    """Killed after its last epoch, before the model was there."""
    parameters = {"early_stopping": True, "n_iter_no_change": 1, "max_iter": 50, "tol": 10.0}
    whole = small_cvae(**parameters).fit(ROWS)
    assert whole.n_iter_ < 50
    ended_after(whole.n_iter_)
    with pytest.raises(MemoryError):
        small_cvae(**parameters, checkpoint=path).fit(ROWS)
    ended_after(-1)
    steps = at_step(monkeypatch, -1)
    assert_same_bits(state(small_cvae(**parameters, checkpoint=path).fit(ROWS)), state(whole))
    assert not steps


def test_a_fit_by_chance_goes_on_with_its_own_seed(path, ended_after):
    ended_after(3)
    fitted = small_cvae(random_state=None, checkpoint=path)
    with pytest.raises(MemoryError):
        fitted.fit(ROWS)
    ended_after(-1)
    again = small_cvae(random_state=None, checkpoint=path).fit(ROWS)
    assert again.n_iter_ == 6
    from_seed = small_cvae(random_state=FixedSeed(again.fitted_.seed)).fit(ROWS)
    assert_same_bits(state(again), state(from_seed))


class FixedSeed(np.random.RandomState):
    """Draws one number."""

    def __init__(self, seed):
        super().__init__(0)
        self.seed_to_draw = seed

    def randint(self, *arguments, **parameters):
        return self.seed_to_draw


def test_data_in_blocks_go_on_too(path, ended_after, tmp_path, monkeypatch):
    monkeypatch.setattr(chunk_sizes, "row_bytes", 4 * 6 * 20)
    np.save(tmp_path / "rows.npy", ROWS)
    rows = np.load(tmp_path / "rows.npy", mmap_mode="r")
    whole = small_cvae().fit(rows)
    ended_after(3)
    with pytest.raises(MemoryError):
        small_cvae(checkpoint=path).fit(rows)
    ended_after(-1)
    assert_same_bits(state(small_cvae(checkpoint=path).fit(rows)), state(whole))


@pytest.mark.parametrize(
    ("change", "X", "weight", "message"),
    [
        ({"n_components": 3}, ROWS, None, r"another n_components \(3, was 2\)\. Set it back .* delete the file"),
        ({"learning_rate": 0.5}, ROWS, None, r"another learning_rate \(0.5, was auto\)"),
        ({"random_state": 1}, ROWS, None, "another random_state"),
        ({}, ROWS + 1, None, r"another X or sample_weight\. Set it back"),
        ({}, ROWS[:-1], None, "another X or sample_weight"),
        ({}, ROWS, np.arange(80), "another X or sample_weight"),
    ],
)
def test_another_training_is_refused_by_name(change, X, weight, message, path, ended_after):
    ended_after(2)
    with pytest.raises(MemoryError):
        small_cvae(checkpoint=path).fit(ROWS)
    ended_after(-1)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=f"checkpoint=.*fit.checkpoint.* is of a training with {message}"):
        small_cvae(checkpoint=path, **change).fit(X, sample_weight=weight)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"no archive", "cut"])
def test_a_file_that_is_no_checkpoint_is_refused(content, path, ended_after):
    ended_after(2)
    with pytest.raises(MemoryError):
        small_cvae(checkpoint=path).fit(ROWS)
    path.write_bytes(path.read_bytes()[:-300] if content == "cut" else content)
    with pytest.raises(ValueError, match="is no checkpoint of a training, or damaged; delete it"):
        small_cvae(checkpoint=path).fit(ROWS)


def test_a_place_where_nothing_can_be_written_is_told_before_the_first_epoch(tmp_path, monkeypatch):
    steps = at_step(monkeypatch, -1)
    with pytest.raises(FileNotFoundError, match=r"cannot write .*its folder does not exist"):
        small_cvae(checkpoint=tmp_path / "missing" / "file").fit(ROWS)
    assert not steps


def test_partial_fit_and_models_in_files_have_none(path, tmp_path):
    cvae = small_cvae(checkpoint=path)
    assert clone(cvae).get_params()["checkpoint"] == path
    cvae.partial_fit(ROWS)
    assert not path.exists()
    save_model(tmp_path / "model.skisp", cvae)
    assert load_model(tmp_path / "model.skisp").checkpoint is None
    assert cvae.checkpoint is path


def train(path, answers=None):
    rows = np.random.default_rng(0).normal(size=(200, 6)) @ np.random.default_rng(1).normal(size=(6, 6))
    cvae = small_cvae(max_iter=30, batch_size=16, early_stopping=True, n_iter_no_change=30, checkpoint=path).fit(rows)
    if answers is not None:
        answers.put([cvae.n_iter_, *state(cvae)])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")
def test_killed_at_random_moments_it_ends_with_the_same_bits(path, tmp_path):
    context, moments = multiprocessing.get_context("fork"), random.Random(0)
    n_killed = 0
    while n_killed < 4:
        process = context.Process(target=train, args=(path,))
        process.start()
        process.join(moments.uniform(0.0, 0.3))
        n_killed += process.exitcode is None
        process.kill()
        process.join()
    answers, found = context.Queue(), []
    for file in (path, tmp_path / "other"):
        process = context.Process(target=train, args=(file, answers))
        process.start()
        found.append(answers.get(timeout=60))
        process.join()
    assert_same_bits(*found)
    assert found[0][0] == 30
    assert not path.exists()
