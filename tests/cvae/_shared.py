"""What the tests of fitting share."""

import numpy as np
import pytest

from skisp import CVAETransformer
from skisp.cvae._training import Trainer


def small_cvae(**parameters):
    """One that is fitted in no time, on the CPU, the same every time."""
    defaults = {"n_components": 2, "hidden_layer_sizes": (8,), "max_iter": 3, "n_scoring_samples": 4}
    return CVAETransformer(**{**defaults, "random_state": 0, "device": "cpu", **parameters})


def waves(n, *shape):
    """Rows or images (n, *shape) in [0, 1] that no one has collected: products of sines."""
    n_features = int(np.prod(shape))
    i, j = np.arange(1, n + 1)[:, None], np.arange(1, n_features + 1)[None]
    values = 0.5 + 0.25 * np.sin(0.7 * i + 0.3 * j) + 0.25 * np.sin(1.3 * i) * np.cos(0.11 * i * j)
    return values.clip(0, 1).astype(np.float32).reshape(n, *shape)


def as_memmap(X, folder):
    np.save(folder / "rows.npy", X)
    return np.load(folder / "rows.npy", mmap_mode="r")


def as_dask(X, folder):
    return pytest.importorskip("dask.array").from_array(X, chunks=(25, *X.shape[1:]))


def interrupt(*arguments):
    raise KeyboardInterrupt


def at_step(monkeypatch, number, action=interrupt):
    """Let ``action`` happen instead of one gradient step, counted from 0; returns the steps taken so far."""
    step, taken = Trainer.step, []

    def counted(self, *arguments):
        taken.append(arguments)
        return action() if len(taken) == number + 1 else step(self, *arguments)

    monkeypatch.setattr(Trainer, "step", counted)
    return taken


def assert_same_bits(ours, theirs):
    for our, their in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(our, their, strict=True)
