"""What every display needs of matplotlib: the import, axes, and cells in which pictures stand."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._pictures import printable

__all__ = ["Box", "CellGrid", "axes_for", "figure_size", "label_width", "require_matplotlib", "show", "without_frame"]

# Inches: the widest and highest figure that is made. It fits a cell of a notebook; its words can be read on a phone.
_LARGEST = (7.0, 9.0)


def require_matplotlib(caller: str) -> Any:
    """``matplotlib.pyplot``, imported now.

    Raises
    ------
    ImportError
        If matplotlib is not installed; the message names the cure.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(f'{caller} needs matplotlib. Install it with: pip install "skisp[plot]"') from error
    return plt


def axes_for(ax: Any, size: tuple[float, float], caller: str) -> Any:
    """The given axes, or those of a new figure of ``size`` (width, height) in inches."""
    plt = require_matplotlib(caller)
    if ax is not None:
        return ax
    _, ax = plt.subplots(figsize=size, layout="constrained")
    # The layout makes room for labels beside the axes it expects, not the smaller ones of fixed aspect in their middle.
    ax.set_anchor("NW")
    return ax


def label_width(labels: Sequence[str]) -> float:
    """Inches that the widest of some tick labels takes, each of one or several lines."""
    from matplotlib import rcParams
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    font = FontProperties(size=rcParams["ytick.labelsize"])
    lines = [line for label in labels for line in label.split("\n") if line.strip()]
    widths = [TextPath((0, 0), line, prop=font).get_extents().width for line in lines]
    return max(widths, default=0.0) / 72


def figure_size(
    width: float, height: float, inches: float, margins: tuple[float, float] = (0.1, 0.1)
) -> tuple[float, float]:
    """Size of a figure for ``width`` x ``height`` units, ``inches`` each, less where that would be too large.

    ``margins``, in inches, are what labels take of the width and of the height.
    """
    across, down = margins
    scale = min(inches, (_LARGEST[0] - across) / width, (_LARGEST[1] - down) / height)
    return max(1.5, width * scale + across), max(1.0, height * scale + down)


class Box(NamedTuple):
    """A rectangle in data coordinates; y grows downwards."""

    left: float
    top: float
    width: float
    height: float

    def around(self, shape: Sequence[int]) -> tuple[float, float, float, float]:
        """Extent (left, right, bottom, top) of the largest image of a shape (H, W, ...) centred in the box."""
        scale = min(self.width / shape[1], self.height / shape[0])
        width, height = shape[1] * scale, shape[0] * scale
        left, top = self.left + (self.width - width) / 2, self.top + (self.height - height) / 2
        return left, left + width, top + height, top

    @property
    def centre(self) -> tuple[float, float]:
        return self.left + self.width / 2, self.top + self.height / 2


class CellGrid:
    """Rows and columns of cells, each 1 high.

    Parameters
    ----------
    n_rows : int
    widths : sequence of float
        Of each column.
    gap : float
        Between cells.
    """

    def __init__(self, n_rows: int, widths: Sequence[float], gap: float = 0.06) -> None:
        self.n_rows, self.widths, self.gap = n_rows, list(widths), gap

    def cell(self, row: int, column: int) -> Box:
        left = sum(self.widths[:column]) + column * self.gap
        return Box(left, row * (1 + self.gap), self.widths[column], 1.0)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of all cells."""
        last = self.cell(self.n_rows - 1, len(self.widths) - 1)
        return last.left + last.width, last.top + last.height

    def axes(self, ax: Any, inches: float, margins: tuple[float, float], caller: str) -> Any:
        """The given axes, or those of a new figure with cells of ``inches``, at the grid's limits, without a frame."""
        ax = axes_for(ax, figure_size(*self.size, inches, margins), caller)
        without_frame(ax, *self.size)
        return ax

    def label(self, ax: Any, rows: Sequence[str], columns: Sequence[str], *, on_top: bool = False) -> None:
        """Name rows and columns; columns above or below."""
        ax.set_yticks([self.cell(i, 0).centre[1] for i in range(len(rows))], rows)
        ax.set_xticks([self.cell(0, i).centre[0] for i in range(len(columns))], columns)
        if on_top:
            ax.xaxis.tick_top()
            ax.xaxis.set_label_position("top")
        ax.tick_params(length=0)

    def draw_line(
        self, ax: Any, row: int, column: int, values: NDArray[Any], limits: Sequence[float], **style: Any
    ) -> Any:
        """Draw a row (D,) as a line within its cell, ``limits`` being the cell's floor and ceiling."""
        box = self.cell(row, column)
        low, high = limits
        share = (np.asarray(values, dtype=float) - low) / max(high - low, 1e-12)
        # A single value has no line; it becomes a level.
        share = np.repeat(share, 2) if len(share) == 1 else share
        x = box.left + box.width * np.linspace(0.04, 0.96, len(share))
        return ax.plot(x, box.top + 0.95 - 0.9 * share, **style)[0]

    def draw_frame(self, ax: Any, row: int, column: int) -> None:
        """A pale ground for a cell that holds lines."""
        from matplotlib.patches import Rectangle

        box = self.cell(row, column)
        ax.add_patch(Rectangle((box.left, box.top), box.width, box.height, facecolor="0.955", linewidth=0, zorder=0))


def without_frame(ax: Any, width: float, height: float) -> None:
    """Limits of axes that hold pictures in boxes from (0, 0), y downwards, all of one scale, without a frame."""
    ax.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.patch.set_visible(False)


def show(ax: Any, image: NDArray[Any], box: Box, limits: tuple[float, float], **style: Any) -> Any:
    """Show an image (H, W[, C]) centred in a box, its values from ``limits``; returns the ``AxesImage``."""
    values = printable(image, limits)
    style = {"cmap": "gray", "vmin": 0.0, "vmax": 1.0, "origin": "upper"} | style
    return ax.imshow(values, extent=box.around(values.shape), aspect="equal", **style)
