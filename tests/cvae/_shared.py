"""What the tests of fitting share."""

import numpy as np

from skisp.cvae._training import Trainer


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
