"""One pyramid level of a picture: its grid of positions, the content codes of each, and the exemplar."""

from dataclasses import dataclass

from torch import Tensor

from ._exemplar import Exemplar
from ._patches import PatchGrid

__all__ = ["Level"]


@dataclass(frozen=True)
class Level:
    """Everything that stays the same while the picture is synthesised at one size.

    Attributes
    ----------
    grid : PatchGrid
        Of the picture.
    exemplar : Exemplar
        Where the patches come from.
    one_offs : Tensor (m,)
        How much of a one-off each of them is.
    recolored : Tensor (C, H, W)
        The content in the style's colours.
    target : Tensor (h * w, d)
        Content codes of the grid's patches, moved to where the style's codes lie.
    structure : Tensor (h * w, 1)
        How much of structure the content has at each position, in [0, 1].
    weight : Tensor (h * w, 1)
        Share of the target in a query: little in flat places, much on edges.
    """

    grid: PatchGrid
    exemplar: Exemplar
    one_offs: Tensor
    recolored: Tensor
    target: Tensor
    structure: Tensor
    weight: Tensor
