"""How the loss of a C-VAE fell."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from ._checks import fitted_cvae
from ._plotting import axes_for, require_matplotlib

__all__ = ["LossCurveDisplay"]


class LossCurveDisplay:
    """Loss of each epoch of a :class:`~skisp.CVAETransformer`, of the training and the validation rows.

    Several are compared in one plot by giving each the axes of the first, ``ax=display.ax_``, and a name.

    Parameters
    ----------
    loss_curve : array-like (n_epochs,)
        Mean loss a training row, in nats.
    validation_loss_curve : array-like (m,) or None, default=None
        The same of the rows held back, m at most n_epochs.
    first_epoch : int, default=1
        Number of the epoch of ``loss_curve[0]``.
    first_validation_epoch : int or None, default=None
        Likewise of ``validation_loss_curve[0]``; None takes ``first_epoch``.
    name : str or None, default=None
        Stands in the legend.

    Attributes
    ----------
    best_epoch_ : int or None
        Number of the epoch of the least validation loss, whose weights the model has kept; None without
        validation.
    line_ : matplotlib Line2D
        The training loss.
    validation_line_ : matplotlib Line2D or None
    best_mark_ : matplotlib Line2D or None
        The mark of the best epoch.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_digits
    >>> from skisp import CVAETransformer
    >>> from skisp.inspection import LossCurveDisplay
    >>> digits = load_digits().images[:300] / 16
    >>> cvae = CVAETransformer(4, hidden_layer_sizes=(16,), max_iter=4, early_stopping=True, random_state=0)
    >>> display = LossCurveDisplay.from_estimator(cvae.fit(digits), name="narrow")
    >>> len(display.loss_curve), display.ax_.get_xlabel()
    (4, 'Epoch')
    >>> plt.close(display.figure_)
    """

    def __init__(
        self,
        *,
        loss_curve: Sequence[float],
        validation_loss_curve: Sequence[float] | None = None,
        first_epoch: int = 1,
        first_validation_epoch: int | None = None,
        name: str | None = None,
    ) -> None:
        self.loss_curve = loss_curve
        self.validation_loss_curve = validation_loss_curve
        self.first_epoch = first_epoch
        self.first_validation_epoch = first_validation_epoch
        self.name = name

    @classmethod
    def from_estimator(cls, estimator: Any, *, name: str | None = None, ax: Any = None, **line_kw: Any) -> Self:
        """Plot the loss curves that a fitted C-VAE has kept.

        Parameters
        ----------
        estimator : CVAETransformer, or PatchTransformer of one
            Fitted. With ``early_stopping=True`` it has a validation loss.
        name : str or None, default=None
            Stands in the legend.
        ax : matplotlib Axes or None, default=None
            None makes a figure.
        **line_kw
            Go to matplotlib's ``plot``.

        Returns
        -------
        display : LossCurveDisplay
            Plotted.

        Raises
        ------
        TypeError
            If the estimator holds no C-VAE.
        NotFittedError
            If it is not fitted.
        ImportError
            If matplotlib is not installed.
        """
        require_matplotlib(f"{cls.__name__}.from_estimator")
        cvae = fitted_cvae(estimator, cls.__name__)
        losses, of_validation = cvae.loss_curve_, cvae.validation_loss_curve_
        first = cvae.n_iter_ - len(losses) + 1
        # A fit that went on from one without early stopping has validated its last epochs only.
        offset = len(losses) - len(of_validation) if cvae.early_stopping else 0
        display = cls(
            loss_curve=list(losses),
            validation_loss_curve=list(of_validation) or None,
            first_epoch=first,
            first_validation_epoch=first + offset,
            name=name,
        )
        return display.plot(ax=ax, **line_kw)

    def plot(self, *, ax: Any = None, name: str | None = None, **line_kw: Any) -> Self:
        """Plot the curves.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            None makes a figure.
        name : str or None, default=None
            Stands in the legend; None takes that of the display.
        **line_kw
            Go to matplotlib's ``plot``.

        Returns
        -------
        self : LossCurveDisplay
            With ``ax_`` and ``figure_``.
        """
        ax = axes_for(ax, (6.0, 4.0), f"{type(self).__name__}.plot")
        name = self.name if name is None else name
        epochs = self.first_epoch + np.arange(len(self.loss_curve))
        style = {"label": _label(name, "training"), "linewidth": 1.5} | line_kw
        [self.line_] = ax.plot(epochs, self.loss_curve, **style)
        self.validation_line_ = self.best_mark_ = None
        self.best_epoch_: int | None = None
        if self.validation_loss_curve is not None and len(self.validation_loss_curve) > 0:
            self._plot_validation(ax, name, style)
        ax.set(xlabel="Epoch", ylabel="Loss (nats a row)")
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(frameon=False)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _plot_validation(self, ax: Any, name: str | None, style: dict[str, Any]) -> None:
        """The validation loss in the colour of the training loss, with a mark where it is least."""
        losses = np.asarray(self.validation_loss_curve, dtype=float)
        first = self.first_epoch if self.first_validation_epoch is None else self.first_validation_epoch
        epochs, best = first + np.arange(len(losses)), int(np.argmin(losses))
        color = self.line_.get_color()
        own = {"color": color, "label": _label(name, "validation"), "linestyle": "--"}
        [self.validation_line_] = ax.plot(epochs, losses, **style | own)
        self.best_epoch_ = int(epochs[best])
        label = _label(name, f"best epoch, {self.best_epoch_}")
        [self.best_mark_] = ax.plot(
            epochs[best], losses[best], "o", color=color, markeredgecolor="white", markersize=8, label=label
        )


def _label(name: str | None, what: str) -> str:
    return what if name is None else f"{name}: {what}"
