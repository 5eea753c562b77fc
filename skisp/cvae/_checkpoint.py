"""Where a training is, in a file after every epoch, so that one that was killed goes on with the same bits."""

import hashlib
import json
import os
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._files import opened, written_whole
from .._names import shown
from .._version import __version__
from ._parameters import CVAEParameters
from ._processes import is_first
from ._reading import RowSource
from ._training import EarlyStopping, Trainer, TrainingLog

__all__ = ["Checkpoint", "fingerprint", "settings_of"]

_NOTES = "notes"
_PARTS = ("network", "optimization", "best")
# Parameters that change nothing in the training, or are compared otherwise.
_NO_SETTINGS = {"checkpoint", "compile", "device", "n_scoring_samples", "random_state", "verbose", "warm_start"}
# Of data not in memory, the runs of rows by which they are known again.
_RUNS_SEEN, _ROWS_SEEN = 16, 64


class Checkpoint:
    """The file of one training: arrays and notes as :func:`numpy.savez` stores them, without code.

    Parameters
    ----------
    path : str or path-like
    settings : dict of str to plain values
        What the file must agree with, so that going on gives what an undisturbed training would have given.

    Attributes
    ----------
    seed : int or None
        That of the training in the file; None if there is no file.

    Raises
    ------
    ValueError
        If the file holds a training with other settings, or is damaged; the message names it, and says what to do.
    """

    def __init__(self, path: str | os.PathLike[str], settings: dict[str, Any]) -> None:
        self._name = os.fsdecode(path)
        self._settings = _as_stored({"version of skisp": __version__, **settings})
        self._arrays: dict[str, NDArray[Any]] = {}
        self._notes: dict[str, Any] = {}
        if os.path.lexists(self._name):
            self._read()
            self._check_settings(self._settings)
        self.seed: int | None = self._notes.get("seed")

    def agree(self, settings: dict[str, Any], seed: int) -> None:
        """Compare with what is known once the data are, and note it."""
        self._settings |= _as_stored(settings)
        self.seed = seed
        self._check_settings(self._settings)

    def resume(self, trainer: Trainer, stopping: EarlyStopping | None) -> tuple[TrainingLog, bool]:
        """Put a training where the file says it was: its log, and whether it had ended. A new one is noted."""
        if not self._notes:
            log = TrainingLog()
            self.save(trainer, log, stopping, ended=False)
            return log, False
        parts = {part: self._part(part) for part in _PARTS}
        self._arrays = {}
        trainer.load_weights(parts["network"])
        trainer.load_arrays(parts["optimization"])
        if stopping is not None:
            stopping.load(self._notes["stopping"], parts["best"])
        return TrainingLog(**self._notes["log"]), self._notes["ended"]

    def save(self, trainer: Trainer, log: TrainingLog, stopping: EarlyStopping | None, *, ended: bool) -> None:
        """Write where the training is; the file appears whole or stays what it was."""
        if not is_first():
            return
        best_weights = {} if stopping is None else stopping.best_weights
        best = {name: tensor.cpu().numpy() for name, tensor in best_weights.items()}
        parts = {"network": trainer.network.to_arrays(), "optimization": trainer.to_arrays(), "best": best}
        notes = {
            "settings": self._settings,
            "seed": self.seed,
            "log": {name: curve for name, curve in vars(log).items() if name != "interrupted"},
            "stopping": None if stopping is None else stopping.counts(),
            "ended": ended,
        }
        arrays = {f"{part}/{name}": array for part, named in parts.items() for name, array in named.items()}
        arrays[_NOTES] = np.frombuffer(json.dumps(notes).encode(), dtype=np.uint8)
        with written_whole(self._name) as file:
            np.savez(file, allow_pickle=False, **arrays)

    def remove(self) -> None:
        """Of a training that has given its model."""
        if is_first():
            os.unlink(self._name)

    def _read(self) -> None:
        try:
            with opened(self._name, "*.checkpoint") as file, np.load(file, allow_pickle=False) as arrays:
                self._arrays = dict(arrays)
            self._notes = json.loads(self._arrays.pop(_NOTES).tobytes())
        except (OSError, MemoryError):
            raise
        except Exception as error:  # of many kinds, on files that are something else
            raise ValueError(
                f"{self._title} is no checkpoint of a training, or damaged; delete it, or give another path."
            ) from error

    def _check_settings(self, settings: dict[str, Any]) -> None:
        stored = self._notes.get("settings", {})
        changed = [name for name in settings if self._notes and stored.get(name) != settings[name]]
        if changed:
            name = changed[0]
            values = (str(values.get(name)) for values in (settings, stored))
            now, before = (value if len(value) <= 30 else "" for value in values)
            told = f" ({now}, was {before})" if now and before else ""
            raise ValueError(
                f"{self._title} is of a training with another {name}{told}. Set it back to go on with that one; "
                "delete the file to start anew, or give each fit a path of its own."
            )

    @property
    def _title(self) -> str:
        return f"checkpoint={shown(self._name)}"

    def _part(self, part: str) -> dict[str, NDArray[Any]]:
        return {name.partition("/")[2]: array for name, array in self._arrays.items() if name.startswith(f"{part}/")}


def settings_of(estimator: CVAEParameters) -> dict[str, Any]:
    """Parameters on which the bits of a training depend."""
    parameters = estimator.get_params(deep=False)
    return {name: value for name, value in parameters.items() if name not in _NO_SETTINGS}


def fingerprint(source: RowSource, start: Iterable[NDArray[Any] | None]) -> str:
    """Tells a training from one with other rows or another start; of data not in memory by rows of all parts."""
    n_rows = len(source)
    firsts = [0] if source.in_memory else [i * n_rows // _RUNS_SEEN for i in range(_RUNS_SEEN)]
    length = n_rows if source.in_memory else _ROWS_SEEN
    arrays = (source.read(first, min(first + length, n_rows)) for first in firsts)
    digest = hashlib.blake2b(str(n_rows).encode(), digest_size=16)
    for array in (*arrays, *start):
        digest.update(b"" if array is None else array.tobytes())
    return digest.hexdigest()


def _as_stored(settings: dict[str, Any]) -> Any:
    """Plain values as JSON gives them back: lists for tuples, numbers for those of NumPy."""
    return json.loads(json.dumps(settings, default=lambda value: value.item()))
