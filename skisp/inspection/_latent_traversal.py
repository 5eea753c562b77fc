"""What each coordinate of a code stands for."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._base import unfrozen
from ..cvae import CVAETransformer
from ..propagation import PatchTransformer
from ._checks import check_number, fitted_cvae
from ._pictures import as_pictures, aspect_of, is_picture, value_range
from ._plotting import CellGrid, label_width, require_matplotlib, show

__all__ = ["LatentTraversalDisplay"]


class LatentTraversalDisplay:
    r"""What a C-VAE decodes while one coordinate of the code moves and the others stay.

    One row of pictures a coordinate j: the decoded codes :math:`z + t\, \sigma_j e_j`, where t runs over
    ``steps``, z is the code of an image or the origin, and :math:`\sigma_j` the standard deviation of the
    coordinate over the training data (of its aggregate posterior; close to 1 where it is in use).

    Parameters
    ----------
    decoded : array-like (n_coordinates, n_steps, H, W[, C]) or (n_coordinates, n_steps, D)
        Decoded images; or rows, which are drawn as lines.
    components : array-like of int (n_coordinates,)
        Which coordinates these are, from 0.
    steps : array-like (n_steps,)
        Distances from the centre, in standard deviations.
    kl_per_component : array-like (n_coordinates,) or None, default=None
        What each coordinate tells of a row, in nats: stands beside its pictures.

    Attributes
    ----------
    images_ : ndarray (n_coordinates, n_steps) of matplotlib AxesImage, or Line2D for rows
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    References
    ----------
    Higgins et al., "beta-VAE: learning basic visual concepts with a constrained variational framework",
    ICLR 2017 (latent traversals).

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_digits
    >>> from skisp import CVAETransformer
    >>> from skisp.inspection import LatentTraversalDisplay
    >>> digits = load_digits().images[:300] / 16
    >>> cvae = CVAETransformer(4, hidden_layer_sizes=(16,), max_iter=2, random_state=0).fit(digits)
    >>> display = LatentTraversalDisplay.from_estimator(cvae, digits[0], n_components=2, n_steps=5)
    >>> display.decoded.shape
    (2, 5, 8, 8)
    >>> plt.close(display.figure_)
    """

    def __init__(
        self,
        *,
        decoded: ArrayLike,
        components: ArrayLike,
        steps: ArrayLike,
        kl_per_component: ArrayLike | None = None,
    ) -> None:
        self.decoded = decoded
        self.components = components
        self.steps = steps
        self.kl_per_component = kl_per_component

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        image: ArrayLike | None = None,
        *,
        components: Sequence[int] | None = None,
        n_components: int = 8,
        limits: tuple[float, float] = (-3.0, 3.0),
        n_steps: int = 9,
        image_shape: Sequence[int] | None = None,
        ax: Any = None,
        cmap: Any = "gray",
    ) -> Self:
        """Decode along the coordinates of a fitted C-VAE, and plot.

        Parameters
        ----------
        estimator : CVAETransformer, or PatchTransformer of one
            Fitted.
        image : array-like (H, W[, C]) or row (D,), or None, default=None
            The one around whose code the coordinates move, of the form that was fitted; for a
            PatchTransformer one patch (p, p, C). None takes the origin, the prior's mean.
        components : sequence of int or None, default=None
            Coordinates to show, from 0; None takes those of the greatest KL divergence.
        n_components : int, default=8
            How many those are, at most.
        limits : (float, float), default=(-3, 3)
            First and last step, in standard deviations.
        n_steps : int, default=9
            An odd number has the centre in the middle where the limits are symmetric.
        image_shape : (H, W) or (H, W, C) or None, default=None
            Of the images that rows hold, where the estimator doesn't know it.
        ax : matplotlib Axes or None, default=None
            None makes a figure.
        cmap : str or matplotlib Colormap, default="gray"
            For grey images.

        Returns
        -------
        display : LatentTraversalDisplay
            Plotted.

        Raises
        ------
        TypeError
            If the estimator holds no C-VAE.
        NotFittedError
            If it is not fitted.
        ValueError
            If a component, a number or a shape is out of range.
        ImportError
            If matplotlib is not installed.
        """
        require_matplotlib(f"{cls.__name__}.from_estimator")
        cvae = fitted_cvae(estimator, cls.__name__)
        chosen = _chosen(cvae, components, n_components)
        steps = np.linspace(*_checked_limits(limits), check_number("n_steps", n_steps, 1))
        codes = _traversal_codes(cvae, _centre(estimator, cvae, image), chosen, steps)
        decoded = _as_images(estimator, cvae.inverse_transform(codes), image_shape)
        decoded = decoded.reshape(len(chosen), len(steps), *decoded.shape[1:])
        kl = cvae.kl_per_component_[chosen]
        return cls(decoded=decoded, components=chosen, steps=steps, kl_per_component=kl).plot(ax=ax, cmap=cmap)

    def plot(self, *, ax: Any = None, cmap: Any = "gray") -> Self:
        """Plot one row of pictures, or lines, a coordinate.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            None makes a figure.
        cmap : str or matplotlib Colormap, default="gray"
            For grey images.

        Returns
        -------
        self : LatentTraversalDisplay
            With ``ax_`` and ``figure_``.
        """
        decoded = np.asarray(self.decoded)
        n_rows, n_columns = decoded.shape[:2]
        as_lines = not is_picture(decoded[0, 0])
        grid = CellGrid(n_rows, [1.4 if as_lines else aspect_of([decoded[0, 0]])] * n_columns)
        labels = self._row_labels()
        ax = grid.axes(ax, 0.9, (label_width(labels) + 0.35, 0.5), f"{type(self).__name__}.plot")
        self.images_ = np.empty((n_rows, n_columns), dtype=object)
        limits = value_range([decoded], outliers=0.01)
        for row, column in np.ndindex(n_rows, n_columns):
            if as_lines:
                self._plot_line(ax, grid, row, column)
            else:
                picture = show(ax, decoded[row, column], grid.cell(row, column), limits, cmap=cmap)
                self.images_[row, column] = picture
        grid.label(ax, labels, [f"{_signed(step)}" for step in np.asarray(self.steps)])
        ax.set(xlabel="Standard deviations from the centre", ylabel="Coordinate of the code")
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _plot_line(self, ax: Any, grid: CellGrid, row: int, column: int) -> None:
        """A decoded row, over the one in the middle of the same coordinate's steps."""
        decoded, steps = np.asarray(self.decoded), np.asarray(self.steps)
        limits = float(decoded.min()), float(decoded.max())
        grid.draw_frame(ax, row, column)
        middle = decoded[row, int(np.argmin(np.abs(steps)))]
        grid.draw_line(ax, row, column, middle, limits, color="0.75", linewidth=1)
        self.images_[row, column] = grid.draw_line(
            ax, row, column, decoded[row, column], limits, color="tab:blue", linewidth=1.2
        )

    def _row_labels(self) -> list[str]:
        components = np.asarray(self.components)
        if self.kl_per_component is None:
            return [str(component) for component in components]
        kl = np.asarray(self.kl_per_component)
        return [f"{component}\n{nats:.1f} nats" for component, nats in zip(components, kl, strict=True)]


def _signed(step: float) -> str:
    return "0" if abs(step) < 1e-9 else f"{step:+.3g}".replace("-", "−")


def _checked_limits(limits: Any) -> tuple[float, float]:
    if np.shape(limits) != (2,) or not np.all(np.isfinite(limits)):
        raise ValueError(f"limits={limits!r}; expected two numbers, the first and the last step, such as (-3, 3).")
    return float(limits[0]), float(limits[1])


def _chosen(cvae: CVAETransformer, components: Sequence[int] | None, n_components: int) -> NDArray[np.intp]:
    """The coordinates asked for, or those of the greatest KL divergence, greatest first."""
    available = len(cvae.kl_per_component_)
    if components is None:
        most = check_number("n_components", n_components, 1)
        return np.argsort(-cvae.kl_per_component_, kind="stable")[:most]
    chosen = np.asarray(components)
    is_list = chosen.ndim == 1 and len(chosen) > 0 and chosen.dtype.kind in "iu"
    if not is_list or chosen.min() < 0 or chosen.max() >= available:
        raise ValueError(
            f"components={components!r}; expected a list of coordinates from 0 to {available - 1}, or None for the "
            "most active ones."
        )
    return chosen.astype(np.intp)


def _traversal_codes(
    cvae: CVAETransformer, centre: NDArray[Any], components: NDArray[np.intp], steps: NDArray[Any]
) -> NDArray[np.float32]:
    """Codes (n_coordinates * n_steps, d): the centre, moved along one coordinate at a time."""
    deviations = np.sqrt(np.diag(cvae.latent_covariance_))[components]
    codes = np.tile(np.asarray(centre, dtype=np.float32), (len(components), len(steps), 1))
    for row, (component, deviation) in enumerate(zip(components, deviations, strict=True)):
        codes[row, :, component] += steps * deviation
    return codes.reshape(-1, codes.shape[-1])


def _centre(estimator: Any, cvae: CVAETransformer, image: ArrayLike | None) -> NDArray[Any]:
    """The code of an image, or the origin."""
    if image is None:
        return np.zeros(len(cvae.kl_per_component_), dtype=np.float32)
    values = np.asarray(image)
    if values.size != cvae.n_features_in_:
        raise ValueError(
            f"image has shape {values.shape}, {values.size} values; expected one of {cvae.n_features_in_} values, "
            "of the form that was fitted, without an axis for the samples."
        )
    if isinstance(unfrozen(estimator), PatchTransformer) and values.ndim == 3:
        values = values.transpose(2, 0, 1)
    return np.asarray(cvae.transform(values.reshape(1, -1)))[0]


def _as_images(estimator: Any, decoded: NDArray[Any], image_shape: Sequence[int] | None) -> NDArray[Any]:
    """Decoded rows as images where their shape is known; patches have theirs channel by channel."""
    patches = unfrozen(estimator)
    if isinstance(patches, PatchTransformer) and patches.n_channels_ > 0:
        side = patches.patch_size
        return decoded.reshape(len(decoded), patches.n_channels_, side, side).transpose(0, 2, 3, 1)
    return np.stack(as_pictures(decoded, image_shape))
