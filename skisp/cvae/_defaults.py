"""What ``"auto"`` means: sizes of the network and epochs that fit the data."""

import math

__all__ = ["auto_hidden_layer_sizes", "auto_max_iter", "is_small"]

# Fewer rows are gone through more often, and what training gained is tested on rows held back.
_SMALL = 5000
# Columns from which on a single layer has 128 units at least. With them and more epochs 8x8 digits came out 18 nats
# above probabilistic PCA; with 64 units and half the epochs 13.
_SEVERAL_COLUMNS = 32


def is_small(n_rows: int) -> bool:
    """Whether there are so few rows that a network may learn them by heart."""
    return n_rows < _SMALL


def auto_hidden_layer_sizes(n_rows: int, n_features: int, *, starts_linear: bool) -> tuple[int, ...]:
    """Widths of the hidden layers: two from some thousand rows on, one for less.

    Where a linear map does most of the work (``starts_linear``) about a third of the columns, from 64 to 256;
    elsewhere 512 and 256, which suits black and white images.
    """
    if not starts_linear and not is_small(n_rows):
        return 512, 256
    width = 2 ** min(8, max(6, round(math.log2(max(n_features, 1) / 3))))
    if is_small(n_rows):
        return (max(width, 128) if n_features >= _SEVERAL_COLUMNS else width,)
    return width, width


def auto_max_iter(n_rows: int, *, starts_linear: bool) -> int:
    """Epochs: 100,000 rows to see where a linear map does most of the work, 300,000 of few rows, 500,000 elsewhere."""
    if starts_linear and not is_small(n_rows):
        return max(5, round(100_000 / n_rows))
    return min(150, max(10, round((300_000 if starts_linear else 500_000) / n_rows)))
