"""Who is told of a C-VAE's training: a progress listener, scikit-learn's callbacks."""

from collections.abc import Callable
from typing import Any

from .._progress import report
from ._fitted import FittedCVAE
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
    fitted : callable or None
        From a :class:`TrainingLog` to the :class:`FittedCVAE` as if training ended now.
    """

    def __init__(
        self,
        estimator: Any,
        max_iter: int,
        X: Any = None,
        y: Any = None,
        fitted: Callable[[TrainingLog], FittedCVAE] | None = None,
    ) -> None:
        self._estimator = estimator
        self._max_iter = max_iter
        self._fitted = fitted
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
        if log.unexplained_curve:
            losses += f", {1 - log.unexplained_curve[-1]:.1%} explained"
        report("fit C-VAE", epoch + 1, self._max_iter, losses)

        def attributes() -> dict[str, Any]:  # only made if a callback asks for the fitted estimator
            return {} if self._fitted is None else {"fitted_": self._fitted(log)}

        return self._fit is not None and self._tell_end(self._epoch, attributes)

    def close(self) -> None:
        """After the last epoch, of an estimator that is fitted."""
        if self._fit is not None:
            self._tell_end(self._fit, dict)

    def _tell_end(self, context: Any, attributes: Callable[[], dict[str, Any]]) -> bool:
        return bool(context.call_on_fit_task_end(**self._shown, reconstruction_attributes=attributes))
