"""Sub-estimators that are fitted once and kept, for every clone and every process that needs the same."""

import copy
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_memory

from .._version import __version__
from ._patch_transformer import PatchTransformer, checked_images, is_rows, seeded

try:
    import fcntl
except ImportError:  # Windows: two processes may both fit a sub-estimator, and keep the same
    fcntl = None  # type: ignore[assignment]

__all__ = ["fit_once"]


def fit_once(memory: Any, transformer: Any, X: Any, seed: int) -> Any:
    """A clone of a transformer, seeded and fitted on ``X``, or taken from the memory if that was done before.

    What is found has the same bits as a new fit would have. A sub-estimator is identified by the class and
    the parameters of the seeded clone, the contents of ``X`` and the version of this package. If several
    processes or threads need the same one at once, one fits it and the others wait.

    Parameters
    ----------
    memory : None, str, path or joblib.Memory
        Where fitted sub-estimators are kept; None always fits.
    transformer : transformer
    X : list of ndarray (H, W, C), or rows
        What to fit on.
    seed : int
        For every ``random_state`` that is None.

    Returns
    -------
    transformer : transformer
        Its arrays are in memory, even if the joblib.Memory would map them from files.

    Raises
    ------
    ValueError
        If ``memory`` is of another type.
    """
    unfitted = seeded(clone(transformer), seed)
    if memory is None:
        return unfitted.fit(X)
    memory = _without_mapping(check_memory(os.fspath(memory) if isinstance(memory, os.PathLike) else memory))
    key = joblib.hash([unfitted, _contents(X), __version__], coerce_mmap=True)
    # joblib would give the same arrays another hash where they are mapped from files, as in its workers.
    fit = memory.cache(_fit_without_images, ignore=["transformer", "X"])
    with _alone(memory, key):
        fitted = fit(unfitted, X, key)
    if _keeps_images(fitted, X):
        fitted.images_ = checked_images(X, fitted.patch_size, "X")
    return fitted


def _fit_without_images(transformer: Any, X: Any, key: str) -> Any:  # noqa: ARG001 - the key is for the memory
    """Fit, and drop the images, which the caller has: they may be most of what would be stored."""
    fitted = transformer.fit(X)
    if _keeps_images(fitted, X):
        fitted.images_ = []
    return fitted


def _keeps_images(fitted: Any, X: Any) -> bool:
    return isinstance(fitted, PatchTransformer) and not is_rows(X)


def _contents(X: Any) -> Any:
    """Plain arrays in memory in place of views and of maps of files."""
    if isinstance(X, (list, tuple)) or (type(X) is np.ndarray and X.dtype == object):
        return [_contents(item) for item in X]
    # The memory order stays: sums over arrays in row and in column order may round differently.
    return np.array(X, order="A") if type(X) in (np.ndarray, np.memmap) else X


def _without_mapping(memory: Any) -> Any:
    """The cache, but reading arrays into memory: mapped ones are read-only, or writing would change the files."""
    if getattr(memory, "mmap_mode", None) is None or memory.store_backend is None:
        return memory
    memory = copy.deepcopy(memory)
    memory.mmap_mode = memory.store_backend.mmap_mode = None
    return memory


@contextmanager
def _alone(memory: Any, key: str) -> Iterator[None]:
    """Hold the lock of a key in the cache's folder; the system releases it if the process dies."""
    store = getattr(memory, "store_backend", None)
    if fcntl is None or store is None or getattr(memory, "backend", None) != "local":
        yield
        return
    with ExitStack() as stack:
        with suppress(OSError):  # a read-only folder, or a network file system without locks
            folder = Path(store.location) / "locks"
            folder.mkdir(parents=True, exist_ok=True)
            fcntl.flock(stack.enter_context(open(folder / key, "wb")), fcntl.LOCK_EX)
        yield
