"""What ``"auto"`` means: sizes of the network, batches, learning rates and epochs that fit the data."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ._parameters import CVAEParameters

__all__ = [
    "FittingSizes",
    "auto_batch_size",
    "auto_hidden_layer_sizes",
    "auto_learning_rate",
    "auto_max_iter",
    "is_small",
]

# Fewer rows are gone through more often, and what training gained is tested on rows held back.
_SMALL = 5000
# Columns from which on a single layer has 128 units at least. With them and more epochs 8x8 digits came out 18 nats
# above probabilistic PCA; with 64 units and half the epochs 13.
_SEVERAL_COLUMNS = 32
# Rows a step that the learning rate and the epochs are measured for, and those of many rows that start from a linear
# model: 20,000 patches came out as likely in half of the time, and 20,000 images of MNIST likelier in a seventh less.
_BATCH_SIZE, _LARGE_BATCH_SIZE = 256, 1024
_LEARNING_RATE = 3e-3


@dataclass(frozen=True)
class FittingSizes:
    """Sizes of one fit: those that the estimator's parameters give, or those that fit the data.

    Attributes
    ----------
    estimator : CVAEParameters
    n_rows, n_features : int
        Of the data.
    starts_linear : bool
        Whether a linear map, which is known, does most of the work.
    given_max_iter : int or "auto"
        Instead of the estimator's.
    """

    estimator: CVAEParameters
    n_rows: int
    n_features: int
    starts_linear: bool
    given_max_iter: int | str

    @property
    def hidden_layer_sizes(self) -> Sequence[int]:
        """Widths of the encoder's hidden layers."""
        given = self.estimator.hidden_layer_sizes
        if not isinstance(given, str):
            return given
        return auto_hidden_layer_sizes(self.n_rows, self.n_features, starts_linear=self.starts_linear)

    @property
    def batch_size(self) -> int:
        """Rows a step."""
        given = self.estimator.batch_size
        return auto_batch_size(self.n_rows, starts_linear=self.starts_linear) if isinstance(given, str) else given

    @property
    def learning_rate(self) -> float:
        """The rate, or the peak of its cycle."""
        given = self.estimator.learning_rate
        return auto_learning_rate(self.batch_size) if isinstance(given, str) else float(given)

    @property
    def max_iter(self) -> int:
        """Epochs."""
        given = self.given_max_iter
        if not isinstance(given, str):
            return given
        return auto_max_iter(self.n_rows, self.batch_size, starts_linear=self.starts_linear)


def is_small(n_rows: int) -> bool:
    """Whether there are so few rows that a network may learn them by heart."""
    return n_rows < _SMALL


def auto_hidden_layer_sizes(n_rows: int, n_features: int, *, starts_linear: bool) -> tuple[int, ...]:
    """Widths of the hidden layers: two from some thousand rows on, one for less.

    Where a linear map does most of the work (``starts_linear``) eight times the square root of the columns, from 64
    to 256; elsewhere 512 and 256, which suits black and white images.
    """
    if not starts_linear and not is_small(n_rows):
        return 512, 256
    width = min(256, max(64, 32 * round(math.sqrt(n_features) / 4)))
    if is_small(n_rows):
        return (max(width, 128) if n_features >= _SEVERAL_COLUMNS else width,)
    return width, width


def auto_batch_size(n_rows: int, *, starts_linear: bool) -> int:
    """Rows a step: 1024 of many where a linear map does most of the work, else 256."""
    return _LARGE_BATCH_SIZE if starts_linear and not is_small(n_rows) else _BATCH_SIZE


def auto_learning_rate(batch_size: int) -> float:
    """The rate for batches of 256, and for larger ones more, as the square root of their size.

    References
    ----------
    Malladi et al., "On the SDEs and scaling rules for adaptive gradient algorithms", NeurIPS 2022, arXiv:2205.10287.
    """
    return _LEARNING_RATE * math.sqrt(max(batch_size, _BATCH_SIZE) / _BATCH_SIZE)


def auto_max_iter(n_rows: int, batch_size: int, *, starts_linear: bool) -> int:
    """Epochs: 100,000 rows to see where a linear map does most of the work, 300,000 of few rows, 500,000 elsewhere.

    The 100,000 are for batches of 256; eight epochs of 1024 rows a step came out as five of 256.
    """
    if starts_linear and not is_small(n_rows):
        return round(max(5, 100_000 / n_rows) * max(1.0, batch_size / _BATCH_SIZE) ** (1 / 3))
    return min(150, max(10, round((300_000 if starts_linear else 500_000) / n_rows)))
