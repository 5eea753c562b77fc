"""Image sizes from coarse to fine."""

from collections.abc import Sequence

__all__ = ["RATIO", "short_sides", "size_with_short_side"]

# Neighbouring scales differ by a factor of the square root of 2, so pixels double every scale.
RATIO = 2**0.5


def short_sides(finest: int, coarsest: int) -> list[int]:
    """Short sides in pixels of a pyramid, from about ``coarsest`` up to exactly ``finest``.

    Examples
    --------
    >>> short_sides(256, 48)
    [64, 91, 128, 181, 256]
    >>> short_sides(40, 48)
    [40]
    """
    sides = [float(finest)]
    while sides[-1] / RATIO >= coarsest:
        sides.append(sides[-1] / RATIO)
    return [round(side) for side in reversed(sides)]


def size_with_short_side(shape: Sequence[int], short_side: int) -> tuple[int, int]:
    """Height and width of ``shape`` scaled so that the shorter becomes ``short_side`` pixels."""
    height, width = shape
    factor = short_side / min(height, width)
    return round(height * factor), round(width * factor)
