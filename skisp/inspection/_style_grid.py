"""Several contents in several styles."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .._base import unfrozen
from .._batches import as_sequence
from .._images import as_images
from .._tensors import from_tensor, resize, to_tensor
from ..propagation import StylePropagator
from ..propagation._image_propagation import ImagePropagation
from ._checks import check_number, fitted_propagator
from ._pictures import as_pictures, aspect_of, is_picture, value_range
from ._plotting import CellGrid, label_width, require_matplotlib, show

__all__ = ["StyleGridDisplay"]


class StyleGridDisplay:
    """Contents by styles: the contents above, the styles at the left, and what becomes of each pair.

    Parameters
    ----------
    contents : list of ndarray (H, W[, C])
        One a column.
    styles : list of ndarray (H, W[, C]) or None
        One a row; None where a style has no picture.
    pictures : list of list of ndarray (H, W[, C])
        ``pictures[i][j]`` is content j in style i.
    style_names : list of str or None, default=None
        Written beside the rows.
    content_names : list of str or None, default=None
        Written above the columns.

    Attributes
    ----------
    images_ : ndarray (n_styles + 1, n_contents + 1) of matplotlib AxesImage or None
        The contents in row 0, the styles in column 0.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.decomposition import PCA
    >>> from skisp import PatchTransformer, StylePropagator
    >>> from skisp.datasets import load_photographs, make_style_image
    >>> from skisp.inspection import StyleGridDisplay
    >>> photographs = [photograph[::20, ::20] for photograph in load_photographs()]
    >>> propagators = {
    ...     kind: StylePropagator(
    ...         style=PatchTransformer(PCA(4), patch_size=5),
    ...         style_images=make_style_image(kind, size=32, random_state=0),
    ...         random_state=0,
    ...     ).fit(photographs)
    ...     for kind in ("waves", "mosaic")
    ... }
    >>> display = StyleGridDisplay.from_estimator(propagators, photographs)
    >>> display.images_.shape
    (3, 3)
    >>> plt.close(display.figure_)
    """

    def __init__(
        self,
        *,
        contents: Sequence[Any],
        styles: Sequence[Any],
        pictures: Sequence[Sequence[Any]],
        style_names: Sequence[str] | None = None,
        content_names: Sequence[str] | None = None,
    ) -> None:
        self.contents = contents
        self.styles = styles
        self.pictures = pictures
        self.style_names = style_names
        self.content_names = content_names

    @classmethod
    def from_estimator(
        cls,
        propagators: Any,
        X: Any,
        *,
        n_contents: int = 8,
        image_shape: Sequence[int] | None = None,
        style_names: Sequence[str] | None = None,
        content_names: Sequence[str] | None = None,
        ax: Any = None,
        cmap: Any = "gray",
    ) -> Self:
        """Redraw contents by each propagator, and plot.

        Parameters
        ----------
        propagators : StylePropagator, sequence of them, or dict of name to StylePropagator
            Fitted, one a style.
        X : list of ndarray (H, W[, C]), ndarray (n, H, W[, C]), or array-like (n, D) of rows
            The contents. Rows need to be images.
        n_contents : int, default=8
            How many to show, from the first on.
        image_shape : (H, W) or (H, W, C) or None, default=None
            Of the images that rows hold.
        style_names : sequence of str or None, default=None
            None takes the keys of a dict.
        content_names : sequence of str or None, default=None
            Written above the columns.
        ax : matplotlib Axes or None, default=None
            None makes a figure.
        cmap : str or matplotlib Colormap, default="gray"
            For grey images.

        Returns
        -------
        display : StyleGridDisplay
            Plotted.

        Raises
        ------
        TypeError
            If one is no StylePropagator.
        NotFittedError
            If one is not fitted.
        ValueError
            If there is none, rows have no shape of images, or a number is out of range.
        ImportError
            If matplotlib is not installed.

        Notes
        -----
        The picture of a style is the one its coder carries. In row mode, where it carries none, it is the
        first of ``style_images``, or else a sample drawn from the style's C-VAE.
        """
        require_matplotlib(f"{cls.__name__}.from_estimator")
        fitted, names = _as_propagators(propagators, cls.__name__)
        if isinstance(fitted[0].propagation_, ImagePropagation):
            as_sequence(X, "X")  # refuses a single image, which could be sliced as well
        some = X[: check_number("n_contents", n_contents, 1)]
        contents = _images(some, image_shape)
        shape = contents[0].shape
        display = cls(
            contents=contents,
            styles=[_style_picture(propagator, shape) for propagator in fitted],
            pictures=[_images(propagator.transform(some), shape) for propagator in fitted],
            style_names=names if style_names is None else list(style_names),
            content_names=None if content_names is None else list(content_names),
        )
        return display.plot(ax=ax, cmap=cmap)

    def plot(self, *, ax: Any = None, cmap: Any = "gray") -> Self:
        """Plot the grid.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            None makes a figure.
        cmap : str or matplotlib Colormap, default="gray"
            For grey images.

        Returns
        -------
        self : StyleGridDisplay
            With ``ax_`` and ``figure_``.
        """
        n_rows, n_columns = len(self.styles) + 1, len(self.contents) + 1
        of_styles = aspect_of([np.asarray(style) for style in self.styles if style is not None] or self.contents)
        grid = CellGrid(n_rows, [of_styles, *(aspect_of([np.asarray(content)]) for content in self.contents)])
        inches = 1.0 if max(np.shape(self.contents[0])[:2]) <= 32 else 2.2
        margins = (label_width(self.style_names or []) + 0.15, 0.1 if self.content_names is None else 0.35)
        ax = grid.axes(ax, inches, margins, f"{type(self).__name__}.plot")
        self.images_ = np.empty((n_rows, n_columns), dtype=object)
        for row, column in np.ndindex(n_rows, n_columns):
            picture = self._picture(row, column)
            if picture is not None:
                limits = value_range(self.contents if row == 0 else [picture])
                self.images_[row, column] = show(ax, picture, grid.cell(row, column), limits, cmap=cmap)
        grid.label(ax, ["", *(self.style_names or [])], ["", *(self.content_names or [])], on_top=True)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _picture(self, row: int, column: int) -> Any:
        """What stands in a cell: nothing in the corner."""
        if row == 0:
            return None if column == 0 else np.asarray(self.contents[column - 1])
        return self.styles[row - 1] if column == 0 else np.asarray(self.pictures[row - 1][column - 1])


def _as_propagators(propagators: Any, caller: str) -> tuple[list[StylePropagator], list[str] | None]:
    """Fitted propagators, and their names where there are any."""
    names = None
    if isinstance(propagators, Mapping):
        names, propagators = [str(name) for name in propagators], list(propagators.values())
    elif not isinstance(propagators, (list, tuple)):
        propagators = [propagators]
    if len(propagators) == 0:
        raise ValueError(f"{caller} was given no propagator; expected at least one fitted StylePropagator.")
    return [fitted_propagator(propagator, caller) for propagator in propagators], names


def _images(X: Any, image_shape: Sequence[int] | None) -> list[NDArray[Any]]:
    """A batch as a list of images."""
    images = as_pictures(X if isinstance(X, list) else np.asarray(X), image_shape)
    if not is_picture(images[0]):
        raise ValueError(
            f"X holds rows of {images[0].size} values, which have no shape to show; "
            "give image_shape=(H, W), or X as images (n, H, W)."
        )
    return images


def _style_picture(propagator: StylePropagator, shape: tuple[int, ...]) -> NDArray[Any] | None:
    """A picture of the style: what its coder carries, a row of it, a sample, or None."""
    if isinstance(propagator.propagation_, ImagePropagation):
        return side_by_side([image for style in propagator.propagation_.styles for image in style.images_])
    size = int(np.prod(shape))
    if propagator.style_images is not None:
        first = np.asarray(propagator.style_images)[0]
        return first.reshape(shape) if first.size == size else None
    style = unfrozen(propagator.style_)
    if hasattr(style, "sample"):
        sample = style.sample(1, random_state=0)
        return sample.reshape(shape) if sample.size == size else None
    return None


def side_by_side(images: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Images (H, W, C) in [0, 1] as one: all of the first one's height, beside each other."""
    if len(images) == 1:
        return images[0]
    height = images[0].shape[0]
    resized = [
        from_tensor(resize(to_tensor(image), (height, max(1, round(height * image.shape[1] / image.shape[0])))))
        for image in as_images(images)[0]
    ]
    return np.concatenate(resized, axis=1)
