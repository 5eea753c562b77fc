"""What a code keeps of an image."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import get_tags

from .._base import unfrozen
from .._batches import flatten_images
from .._images import as_images, to_channels
from ..propagation import PatchTransformer
from ..propagation._patch_transformer import is_rows
from ._checks import check_number, fitted_transformer
from ._pictures import as_pictures, aspect_of, is_picture, value_range
from ._plotting import CellGrid, label_width, require_matplotlib, show

__all__ = ["ReconstructionDisplay"]


class ReconstructionDisplay:
    r"""Images, and below them what a transformer makes of their codes.

    Below each column stands its error, the root of the mean squared difference over the values of the
    image, :math:`\sqrt{\tfrac{1}{D} \sum_j (x_j - \hat x_j)^2}`, in the units of the data.

    Parameters
    ----------
    originals : array-like (n, H, W[, C]), list of (H, W[, C]), or rows (n, D)
        The samples.
    reconstructions : like ``originals``
        What was made of their codes.
    errors : array-like (n,) or None, default=None
        None computes them.
    name : str or None, default=None
        Of the transformer: names the lower row.

    Attributes
    ----------
    errors_ : ndarray (n,)
    images_ : ndarray (2, n) of matplotlib AxesImage, or Line2D for rows
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.decomposition import PCA
    >>> from skisp.inspection import ReconstructionDisplay
    >>> digits = load_digits().images[:300] / 16
    >>> pca = PCA(8).fit(digits.reshape(300, 64))
    >>> display = ReconstructionDisplay.from_estimator(pca, digits, n_samples=5)
    >>> display.reconstructions.shape, display.errors_.shape
    ((5, 8, 8), (5,))
    >>> plt.close(display.figure_)
    """

    def __init__(
        self, *, originals: Any, reconstructions: Any, errors: ArrayLike | None = None, name: str | None = None
    ) -> None:
        self.originals = originals
        self.reconstructions = reconstructions
        self.errors = errors
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        n_samples: int = 10,
        image_shape: Sequence[int] | None = None,
        name: str | None = None,
        ax: Any = None,
        cmap: Any = "gray",
    ) -> Self:
        """Code and decode the first samples, and plot.

        Parameters
        ----------
        estimator : transformer with ``inverse_transform``
            Fitted: a CVAETransformer, a PatchTransformer, a PCA, a pipeline of such.
        X : ndarray (n, H, W[, C]), list of ndarray (H, W[, C]), or array-like (n, D) of rows
            Images are flattened for an estimator that takes only rows.
        n_samples : int, default=10
            How many samples to show, from the first on.
        image_shape : (H, W) or (H, W, C) or None, default=None
            Of the images that rows hold; None draws rows as lines.
        name : str or None, default=None
            Names the lower row; None takes the class.
        ax : matplotlib Axes or None, default=None
            None makes a figure.
        cmap : str or matplotlib Colormap, default="gray"
            For grey images.

        Returns
        -------
        display : ReconstructionDisplay
            Plotted.

        Raises
        ------
        TypeError
            If the estimator has no ``transform`` or no ``inverse_transform``.
        NotFittedError
            If it is not fitted.
        ValueError
            If a number or a shape is out of range.
        ImportError
            If matplotlib is not installed.
        """
        require_matplotlib(f"{cls.__name__}.from_estimator")
        estimator = fitted_transformer(estimator, cls.__name__, "transform", "inverse_transform")
        some = X[: check_number("n_samples", n_samples, 1)]
        originals, reconstructions = _reconstructed(estimator, some, image_shape)
        name = type(estimator).__name__ if name is None else name
        return cls(originals=originals, reconstructions=reconstructions, name=name).plot(ax=ax, cmap=cmap)

    def plot(self, *, ax: Any = None, cmap: Any = "gray") -> Self:
        """Plot the originals, the reconstructions below, and the errors.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            None makes a figure.
        cmap : str or matplotlib Colormap, default="gray"
            For grey images.

        Returns
        -------
        self : ReconstructionDisplay
            With ``ax_`` and ``figure_``.
        """
        rows = [[np.asarray(item) for item in items] for items in (self.originals, self.reconstructions)]
        self.errors_ = _errors(*rows) if self.errors is None else np.asarray(self.errors)
        as_lines = not is_picture(rows[0][0])
        grid = CellGrid(2, [1.6 if as_lines else aspect_of([item]) for item in rows[0]])
        inches = 1.1 if max(np.shape(rows[0][0])) <= 64 else 2.2
        labels = ["original", self.name or "reconstruction"]
        ax = grid.axes(ax, inches, (label_width(labels) + 0.15, 0.5), f"{type(self).__name__}.plot")
        self.images_ = np.empty((2, len(rows[0])), dtype=object)
        limits = _line_limits(rows) if as_lines else value_range(rows[0])
        for row, column in np.ndindex(*self.images_.shape):
            if as_lines:
                self._plot_line(ax, grid, rows, (row, column), limits)
            else:
                self.images_[row, column] = show(ax, rows[row][column], grid.cell(row, column), limits, cmap=cmap)
        grid.label(ax, labels, [f"{error:#.3g}" for error in self.errors_])
        ax.set_xlabel("Root mean squared error")
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _plot_line(
        self, ax: Any, grid: CellGrid, rows: list[list[Any]], at: tuple[int, int], limits: tuple[float, float]
    ) -> None:
        """A row as a line; a reconstruction over its original in grey."""
        row, column = at
        grid.draw_frame(ax, row, column)
        if row == 1:
            grid.draw_line(ax, row, column, rows[0][column], limits, color="0.75", linewidth=1)
        self.images_[row, column] = grid.draw_line(
            ax, row, column, rows[row][column], limits, color=("0.3", "tab:blue")[row], linewidth=1.2
        )


def _reconstructed(estimator: Any, X: Any, image_shape: Sequence[int] | None) -> tuple[Any, Any]:
    """The samples and what the estimator makes of their codes, both as images where their shape is known."""
    if isinstance(unfrozen(estimator), PatchTransformer) and not is_rows(X):
        # It gives values in [0, 1] in its own channels, whatever came in.
        images, _ = as_images(X)
        originals = [to_channels(image, unfrozen(estimator).n_channels_) for image in images]
        return originals, estimator.inverse_transform(estimator.transform(originals))
    rows, shape = (X, None) if get_tags(estimator).input_tags.three_d_array else flatten_images(X)
    decoded = np.asarray(estimator.inverse_transform(estimator.transform(rows)))
    shape = shape if image_shape is None else tuple(image_shape)
    return np.stack(as_pictures(np.asarray(X), shape)), np.stack(as_pictures(decoded, shape))


def _errors(originals: Sequence[NDArray[Any]], reconstructions: Sequence[NDArray[Any]]) -> NDArray[np.float64]:
    """Root mean squared error of each sample, in the units of the data."""
    return np.array([_error(*pair) for pair in zip(originals, reconstructions, strict=True)])


def _error(original: NDArray[Any], reconstruction: NDArray[Any]) -> float:
    difference = np.asarray(original, dtype=np.float64) - np.asarray(reconstruction, dtype=np.float64)
    return float(np.sqrt(np.mean(difference**2)))


def _line_limits(rows: list[list[NDArray[Any]]]) -> tuple[float, float]:
    every = [item for items in rows for item in items]
    return min(float(item.min()) for item in every), max(float(item.max()) for item in every)
