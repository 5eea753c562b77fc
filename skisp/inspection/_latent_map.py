"""Where images lie in the space of codes."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from ._checks import check_number, fitted_transformer
from ._pictures import as_pictures, is_picture, value_range
from ._plotting import Box, axes_for, figure_size, require_matplotlib, show

__all__ = ["LatentMapDisplay", "without_overlap"]

# Classes that have a colour and a line in the legend each; more are shown by a colour bar.
_MOST_CLASSES = 20


class LatentMapDisplay:
    """A map of codes in two dimensions, with some of the images where their codes lie.

    Parameters
    ----------
    positions : array-like (n, 2)
        Where each code lies on the map.
    images : array-like (n, H, W[, C]), list of (H, W[, C]), or None, default=None
        What the codes stand for; None draws points only.
    y : array-like (n,) or None, default=None
        Classes, or values, that colour the points.
    axis_names : (str, str), default=("code 0", "code 1")
        What the two positions are.

    Attributes
    ----------
    shown_ : ndarray of int
        Indices of the images that stand on the map; none covers another.
    images_ : list of matplotlib AxesImage
        One for each of ``shown_``.
    points_ : matplotlib PathCollection, or list of them, one a class
    colorbar_ : matplotlib Colorbar or None
        Where ``y`` holds values rather than classes.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_digits
    >>> from skisp import CVAETransformer
    >>> from skisp.inspection import LatentMapDisplay
    >>> digits, y = load_digits().images[:300] / 16, load_digits().target[:300]
    >>> cvae = CVAETransformer(4, hidden_layer_sizes=(16,), max_iter=2, random_state=0).fit(digits)
    >>> display = LatentMapDisplay.from_estimator(cvae, digits, y)
    >>> display.positions.shape, display.axis_names
    ((300, 2), ('PCA 0', 'PCA 1'))
    >>> plt.close(display.figure_)
    """

    def __init__(
        self,
        *,
        positions: ArrayLike,
        images: Any = None,
        y: ArrayLike | None = None,
        axis_names: tuple[str, str] = ("code 0", "code 1"),
    ) -> None:
        self.positions = positions
        self.images = images
        self.y = y
        self.axis_names = axis_names

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike | None = None,
        *,
        projection: Any = None,
        image_shape: tuple[int, ...] | None = None,
        n_thumbnails: int = 120,
        thumbnail_size: float = 0.05,
        ax: Any = None,
        cmap: Any = "gray",
    ) -> Self:
        """Code rows or images, bring the codes to two dimensions, and plot.

        Parameters
        ----------
        estimator : transformer
            Fitted; codes rows or images by two numbers or more each.
        X : ndarray (n, H, W[, C]) or array-like (n, D)
            Images or rows to be coded.
        y : array-like (n,) or None, default=None
            Colours the points: up to 20 classes by a legend, values by a colour bar.
        projection : transformer or None, default=None
            Takes codes (n, d) to (n, 2). Fitted, it is used as it is; unfitted, a clone is fitted on the
            codes, for instance ``sklearn.manifold.TSNE()``. None takes two codes as they are, and a PCA
            of more.
        image_shape : (H, W) or (H, W, C) or None, default=None
            Of the images that rows hold; None draws rows as points only.
        n_thumbnails : int, default=120
            The most images that are shown.
        thumbnail_size : float in (0, 1], default=0.05
            Longest side of an image, as a share of the map's longer side.
        ax : matplotlib Axes or None, default=None
            None makes a figure.
        cmap : str or matplotlib Colormap, default="gray"
            For grey images.

        Returns
        -------
        display : LatentMapDisplay
            Plotted.

        Raises
        ------
        TypeError
            If the estimator has no ``transform``.
        NotFittedError
            If it is not fitted.
        ValueError
            If the codes have one dimension, or a number or a shape is out of range.
        ImportError
            If matplotlib is not installed.
        """
        require_matplotlib(f"{cls.__name__}.from_estimator")
        estimator = fitted_transformer(estimator, cls.__name__, "transform")
        if y is not None:
            check_consistent_length(X, y)
        positions, names = _projected(estimator.transform(X), projection)
        images = as_pictures(np.asarray(X), image_shape or getattr(estimator, "image_shape_", None))
        display = cls(
            positions=positions,
            images=np.stack(images) if is_picture(images[0]) else None,
            y=None if y is None else np.asarray(y),
            axis_names=names,
        )
        return display.plot(ax=ax, cmap=cmap, n_thumbnails=n_thumbnails, thumbnail_size=thumbnail_size)

    def plot(
        self, *, ax: Any = None, cmap: Any = "gray", n_thumbnails: int = 120, thumbnail_size: float = 0.05
    ) -> Self:
        """Plot the points, and over them as many images as do not cover each other.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            None makes a figure.
        cmap : str or matplotlib Colormap, default="gray"
            For grey images.
        n_thumbnails : int, default=120
            The most images that are shown.
        thumbnail_size : float in (0, 1], default=0.05
            Longest side of an image, as a share of the map's longer side.

        Returns
        -------
        self : LatentMapDisplay
            With ``ax_`` and ``figure_``.
        """
        most = check_number("n_thumbnails", n_thumbnails, 0)
        if not 0 < thumbnail_size <= 1:
            raise ValueError(f"thumbnail_size={thumbnail_size!r}; expected a share greater than 0, at most 1.")
        positions = np.asarray(self.positions, dtype=float)
        spans = np.ptp(positions, axis=0)
        side = float(spans.max()) * thumbnail_size or 1.0
        size = figure_size(spans[0] + side, spans[1] + side, 6.5 / (spans.max() + side), (1.8, 1.0))
        ax = axes_for(ax, size, f"{type(self).__name__}.plot")
        ax.set_aspect("equal", adjustable="datalim")  # distances are distances
        colors = self._plot_points(ax, positions)
        shown = without_overlap(positions, side * 1.1)[:most] if self.images is not None else []
        self.shown_ = np.asarray(shown, dtype=np.intp)
        self.images_ = self._plot_images(ax, positions, side, colors, cmap)
        ax.use_sticky_edges = False  # images have none here
        ax.autoscale()
        ax.spines[["top", "right"]].set_visible(False)
        ax.set(xlabel=self.axis_names[0], ylabel=self.axis_names[1])
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _plot_points(self, ax: Any, positions: NDArray[Any]) -> list[Any]:
        """The points in the colours of ``y``; returns the colour of each."""
        style = {"s": 14, "alpha": 0.6, "linewidths": 0}
        self.colorbar_ = None
        if self.y is None:
            self.points_ = ax.scatter(*positions.T, color="0.55", **style)
            return ["0.4"] * len(positions)
        y = np.asarray(self.y)
        if _is_continuous(y):
            self.points_ = ax.scatter(*positions.T, c=y, cmap="viridis", **style)
            self.colorbar_ = ax.figure.colorbar(self.points_, ax=ax, label="y")
            self.colorbar_.solids.set_alpha(1.0)
            return list(self.points_.cmap(self.points_.norm(y)))
        return self._plot_classes(ax, positions, y, style)

    def _plot_classes(self, ax: Any, positions: NDArray[Any], y: NDArray[Any], style: dict[str, Any]) -> list[Any]:
        from matplotlib import colormaps

        classes, of_each = np.unique(y, return_inverse=True)
        palette = colormaps["tab10" if len(classes) <= 10 else "tab20"](np.arange(len(classes)))
        self.points_ = [
            ax.scatter(*positions[of_each == i].T, color=palette[i], label=str(name), **style)
            for i, name in enumerate(classes)
        ]
        legend = ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, markerscale=1.8, title="y")
        for handle in legend.legend_handles:
            handle.set_alpha(1.0)
        return [palette[i] for i in of_each]

    def _plot_images(self, ax: Any, positions: NDArray[Any], side: float, colors: list[Any], cmap: Any) -> list[Any]:
        """The images of ``shown_``, each centred on its point, framed in its colour."""
        from matplotlib.patches import Rectangle

        images = []
        limits = (0.0, 1.0) if self.images is None else value_range(self.images)
        for i in self.shown_:
            x, y = positions[i]
            picture = show(ax, self.images[i], Box(x - side / 2, y - side / 2, side, side), limits, cmap=cmap, zorder=3)
            left, right, high, low = picture.get_extent()
            picture.set_extent((left, right, low, high))  # the map's y grows upwards, a box's downwards
            style = {"fill": False, "edgecolor": colors[i], "linewidth": 1.2, "zorder": 4}
            ax.add_patch(Rectangle((left, low), right - left, high - low, **style))
            images.append(picture)
        return images


def without_overlap(positions: NDArray[Any], side: float) -> list[int]:
    """Indices, in order, of points whose squares of a side, centred on them, do not overlap.

    Each point is taken unless its square would cover part of one already taken.

    Examples
    --------
    >>> import numpy as np
    >>> without_overlap(np.array([[0, 0], [0.5, 0.9], [0.5, 1.0], [2, 0]]), side=1.0)
    [0, 2, 3]
    """
    taken: list[int] = []
    for i, position in enumerate(positions):
        distances = np.abs(positions[taken] - position).max(axis=1)
        if np.all(distances >= side):
            taken.append(i)
    return taken


def _projected(codes: Any, projection: Any) -> tuple[NDArray[np.float64], tuple[str, str]]:
    """Positions (n, 2) of codes (n, d), and the names of the two axes."""
    if isinstance(codes, list) or np.ndim(codes) != 2:
        raise ValueError(
            "The estimator gives a field of codes for every image; a map needs one code a sample. Give a transformer "
            "of rows or whole images, such as a CVAETransformer, or rows of patches."
        )
    codes = np.asarray(codes)
    if codes.shape[1] < 2:
        raise ValueError(
            f"The codes have {codes.shape[1]} component; a map needs two at least. Fit with n_components=2 or more."
        )
    if projection is None and codes.shape[1] == 2:
        return codes.astype(np.float64), ("code 0", "code 1")
    projection = PCA(2, svd_solver="full") if projection is None else projection
    positions = np.asarray(_apply(projection, codes), dtype=np.float64)
    if positions.shape != (len(codes), 2):
        raise ValueError(
            f"The projection gives shape {positions.shape}; expected {(len(codes), 2)}. Set its n_components to 2."
        )
    name = type(projection).__name__
    return positions, (f"{name} 0", f"{name} 1")


def _apply(projection: Any, codes: NDArray[Any]) -> Any:
    """A fitted projection of the codes; an unfitted one is cloned and fitted on them."""
    try:
        check_is_fitted(projection)
    except NotFittedError:
        return clone(projection).fit_transform(codes)
    if not hasattr(projection, "transform"):
        return clone(projection).fit_transform(codes)
    return projection.transform(codes)


def _is_continuous(y: NDArray[Any]) -> bool:
    """Whether ``y`` holds values rather than up to 20 classes."""
    if type_of_target(y).startswith("continuous"):
        return True
    n_classes = len(np.unique(y))
    if n_classes > _MOST_CLASSES and y.dtype.kind not in "iufb":
        raise ValueError(
            f"y names {n_classes} classes; expected at most {_MOST_CLASSES}. Join some, or show fewer samples."
        )
    return n_classes > _MOST_CLASSES
