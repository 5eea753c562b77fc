"""Who is told of a C-VAE's training: the terminal, a progress listener, scikit-learn's callbacks."""

from collections.abc import Callable
from typing import Any

from .._progress import report
from ._training import TrainingLog

__all__ = ["EpochWatcher"]


class EpochWatcher:
    """Tells of every epoch, and says when a callback asks to stop.

    Parameters
    ----------
    estimator : CVAETransformer
    max_iter : int
        Epochs at most.
    X, y : array-like or None
        What the callbacks are shown; an X of None leaves them out.
    fitted_attributes : callable or None
        From a :class:`TrainingLog` to the attributes of the estimator as if it ended now.
    """

    def __init__(
        self,
        estimator: Any,
        max_iter: int,
        X: Any = None,
        y: Any = None,
        fitted_attributes: Callable[[TrainingLog], dict[str, Any]] | None = None,
    ) -> None:
        self._estimator = estimator
        self._max_iter = max_iter
        self._fitted_attributes = fitted_attributes
        self._shown = {"estimator": estimator, "X": X, "y": y}
        self._fit: Any = None if X is None else estimator._init_callback_context(max_subtasks=max_iter)
        if self._fit is not None:
            self._fit.call_on_fit_task_begin(**self._shown)

    def begin(self, epoch: int) -> None:
        """Before an epoch, counted from 0."""
        if self._fit is not None:
            self._epoch = self._fit.subcontext(task_name="epoch")
            self._epoch.call_on_fit_task_begin(**self._shown)

    def end(self, epoch: int, log: TrainingLog) -> bool:
        """After an epoch; returns whether a callback asks to stop."""
        losses = f"loss {log.loss_curve[-1]:.6g}"
        if log.validation_loss_curve:
            losses += f", validation loss {log.validation_loss_curve[-1]:.6g}"
        report("fit C-VAE", epoch + 1, self._max_iter, losses)
        if self._estimator.verbose:
            print(f"epoch {epoch + 1}/{self._max_iter}: {losses}")
        return self._fit is not None and self._tell_end(self._epoch, log)

    def close(self, log: TrainingLog) -> None:
        """After the last epoch."""
        if self._fit is not None:
            self._tell_end(self._fit, log)

    def _tell_end(self, context: Any, log: TrainingLog) -> bool:
        def attributes() -> dict[str, Any]:  # only made if a callback asks for the fitted estimator
            return {} if self._fitted_attributes is None else self._fitted_attributes(log)

        return bool(context.call_on_fit_task_end(**self._shown, reconstruction_attributes=attributes))
