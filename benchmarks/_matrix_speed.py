"""What share of a machine's matrix-product speed a computation reaches."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["operations", "products_a_second"]


def operations(run: Callable[[], Any]) -> float:
    """Floating-point operations of the matrix products and convolutions in a run, counted by torch.

    A product of (m, k) and (k, n) counts 2 m k n; what is done element by element counts nothing.
    """
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        run()
    return float(counter.get_total_flops())


def products_a_second(n_threads: int, side: int = 1024, n_runs: int = 15) -> float:
    """Operations a second of float32 products of square matrices: the best of some runs."""
    import torch

    torch.set_num_threads(n_threads)
    a, b = torch.rand(2, side, side)
    seconds = []
    for _ in range(n_runs):
        start = time.perf_counter()
        a @ b
        seconds.append(time.perf_counter() - start)
    return 2 * side**3 / float(np.min(seconds))
