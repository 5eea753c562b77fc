"""How a picture is drawn, and which piece of the style went where."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._math.color import luminance
from ..propagation._steps import propagation_steps, source_pixels
from ._checks import fitted_in_image_mode
from ._pictures import value_range
from ._plotting import Box, axes_for, figure_size, require_matplotlib, show, without_frame
from ._position_colors import position_colors

__all__ = ["PropagationStepsDisplay"]

# In heights of a small picture: space between pictures, for a title, and the height of the two maps below.
_GAP, _TITLE, _MAP = 0.08, 0.22, 2.7
# Small pictures in a row: how many at most, and how wide all of them together.
_MOST_COLUMNS, _WIDEST = 5, 8.0


class PropagationStepsDisplay:
    """The steps in which a :class:`~skisp.StylePropagator` draws a picture.

    Above: the content in the style's colours, what the patches draw at each scale, coarse to fine, and
    the result. Below: which piece of the style went where. Each place of the style has a
    colour of its own, and the picture shows at every pixel the colour of the place that was copied there.
    Large areas that run through a piece of the key without a break are whole strokes.

    Parameters
    ----------
    recolored : ndarray (H, W[, C])
        The content in the style's colours.
    estimates : list of ndarray (h, w, C)
        What was drawn at each scale, coarsest first.
    picture : ndarray (H, W[, C])
        The result.
    sources : ndarray (h, w, 2) of int
        Row and column in ``style`` of what each pixel of one of the estimates shows.
    style : ndarray (Hs, Ws, C)
        The style at that scale.
    scale : int, default=-1
        Which of the estimates that is.

    Attributes
    ----------
    images_ : list of matplotlib AxesImage
        The content in the style's colours, the estimates, and the result.
    map_ : matplotlib AxesImage
        The estimate in the colours of the places in the style.
    key_ : matplotlib AxesImage
        The style in the same.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    References
    ----------
    Barnes et al., "PatchMatch", SIGGRAPH 2009, doi:10.1145/1531326.1531330 (maps of nearest patches).

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.decomposition import PCA
    >>> from skisp import PatchTransformer, StylePropagator
    >>> from skisp.datasets import load_photograph, make_style_image
    >>> from skisp.inspection import PropagationStepsDisplay
    >>> photograph = load_photograph("china", size=100)
    >>> propagator = StylePropagator(
    ...     style=PatchTransformer(PCA(8), patch_size=7),
    ...     style_images=make_style_image("stained_glass", size=64, random_state=0),
    ...     random_state=0,
    ... ).fit([photograph])
    >>> display = PropagationStepsDisplay.from_estimator(propagator, photograph)
    >>> [estimate.shape for estimate in display.estimates], display.sources.shape
    ([(67, 100, 3)], (67, 100, 2))
    >>> bool((display.picture == propagator.transform([photograph])[0]).all())
    True
    >>> plt.close(display.figure_)
    """

    def __init__(
        self,
        *,
        recolored: ArrayLike,
        estimates: Sequence[Any],
        picture: ArrayLike,
        sources: ArrayLike,
        style: ArrayLike,
        scale: int = -1,
    ) -> None:
        self.recolored = recolored
        self.estimates = estimates
        self.picture = picture
        self.sources = sources
        self.style = style
        self.scale = scale

    @classmethod
    def from_estimator(
        cls, estimator: Any, image: ArrayLike, *, scale: int = -1, ax: Any = None, cmap: Any = "gray"
    ) -> Self:
        """Redraw one image, keep what is drawn at each scale, and plot.

        Parameters
        ----------
        estimator : StylePropagator
            Fitted on images.
        image : ndarray (H, W[, C])
            The content.
        scale : int, default=-1
            The scale whose patches are shown in the map: 0 is the coarsest, -1 the finest.
        ax : matplotlib Axes or None, default=None
            None makes a figure.
        cmap : str or matplotlib Colormap, default="gray"
            For grey images.

        Returns
        -------
        display : PropagationStepsDisplay
            Plotted.

        Raises
        ------
        TypeError
            If the estimator is no StylePropagator.
        NotFittedError
            If it is not fitted.
        ValueError
            If it redraws rows, or draws nothing (``strength=0`` or ``color="only"``), or ``scale`` is out
            of range, or ``image`` is no image.
        ImportError
            If matplotlib is not installed.
        """
        require_matplotlib(f"{cls.__name__}.from_estimator")
        propagator = fitted_in_image_mode(estimator, cls.__name__)
        if propagator.strength == 0 or propagator.color == "only":
            raise ValueError(
                f"With strength={propagator.strength} and color={propagator.color!r} no patch is drawn, so there are "
                "no steps; set strength greater than 0 and color to 'style' or 'content'."
            )
        steps, picture = propagation_steps(propagator, image)
        if not -len(steps) <= scale < len(steps):
            raise ValueError(
                f"scale={scale}; this picture has {len(steps)} scales, from 0, the coarsest, to {len(steps) - 1}."
            )
        display = cls(
            recolored=steps[-1].recolored,
            estimates=[step.picture for step in steps],
            picture=picture,
            sources=source_pixels(steps[scale]),
            style=steps[scale].style,
            scale=scale,
        )
        return display.plot(ax=ax, cmap=cmap)

    def plot(self, *, ax: Any = None, cmap: Any = "gray") -> Self:
        """Plot the steps, and the map below.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            None makes a figure.
        cmap : str or matplotlib Colormap, default="gray"
            For grey images.

        Returns
        -------
        self : PropagationStepsDisplay
            With ``ax_`` and ``figure_``.
        """
        pictures = [np.asarray(picture) for picture in (self.recolored, *self.estimates, self.picture)]
        aspect = pictures[0].shape[1] / pictures[0].shape[0]
        small = _boxes_above(len(pictures), aspect)
        width, above = max(box.left + box.width for box in small), small[-1].top + 1
        key = np.asarray(self.style)
        large = _boxes_below(width, above, aspect, key.shape[1] / key.shape[0])
        height = max(box.top + box.height for box in large)
        ax = axes_for(ax, figure_size(width, height, 1.9), f"{type(self).__name__}.plot")
        without_frame(ax, width, height)
        self.images_ = [
            _titled(ax, picture, box, title, cmap)
            for picture, box, title in zip(pictures, small, self._titles(), strict=True)
        ]
        self._plot_map(ax, large, cmap)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _titles(self) -> list[str]:
        sides = [f"{min(np.shape(estimate)[:2])} px" for estimate in self.estimates]
        return ["style's colours", *sides, "result"]

    def _plot_map(self, ax: Any, boxes: list[Box], cmap: Any) -> None:
        """The estimate and the style, both in the colours of the places in the style."""
        estimate, style = np.asarray(self.estimates[self.scale]), np.asarray(self.style)
        at = np.asarray(self.sources)
        size = style.shape[:2]
        title = f"where each patch\ncomes from, at {min(estimate.shape[:2])} px"
        self.map_ = _titled(ax, _in_colors_of_places(estimate, at, size), boxes[0], title, cmap)
        everywhere = np.moveaxis(np.indices(size), 0, -1)
        key = _in_colors_of_places(style, everywhere, size)
        self.key_ = _titled(ax, key, boxes[1], "the style, with the\nkey of its places", cmap)


def _boxes_above(n: int, aspect: float) -> list[Box]:
    """Places of the small pictures, in rows of equal lengths."""
    n_rows = -(-n // max(1, min(_MOST_COLUMNS, int(_WIDEST / aspect))))
    n_columns = -(-n // n_rows)
    return [
        Box(column * (aspect + _GAP), row * (1 + _TITLE) + _TITLE, aspect, 1.0)
        for row, column in (divmod(i, n_columns) for i in range(n))
    ]


def _boxes_below(width: float, top: float, *aspects: float) -> list[Box]:
    """Places of the two maps, equally high, as large as fits, in the middle."""
    height = min(_MAP, (width - 2 * _GAP) / sum(aspects))
    left = (width - height * sum(aspects) - 2 * _GAP) / 2
    boxes = []
    for aspect in aspects:
        boxes.append(Box(left, top + 2 * _TITLE, height * aspect, height))
        left += height * aspect + 2 * _GAP
    return boxes


def _titled(ax: Any, image: NDArray[Any], box: Box, title: str, cmap: Any) -> Any:
    ax.text(box.centre[0], box.top - 0.05, title, ha="center", va="bottom")
    return show(ax, image, box, value_range([image]), cmap=cmap)


def _in_colors_of_places(image: NDArray[Any], at: NDArray[Any], size: Sequence[int]) -> NDArray[np.float64]:
    """An image's lightness in the colours of the places ``at`` (H, W, 2) of a picture of a size."""
    rows, columns = (at[..., axis] / max(1, size[axis] - 1) for axis in (0, 1))
    grey = luminance(np.atleast_3d(np.asarray(image, dtype=np.float32)))[..., 0]
    return position_colors(rows, columns, grey)
