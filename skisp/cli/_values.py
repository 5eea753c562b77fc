"""Values of options: text to numbers, or a message that says what was expected."""

import argparse
import math
from collections.abc import Callable

__all__ = ["count", "factor", "fraction", "name", "percent", "pixels", "port", "seed", "weights"]


def _number(
    convert: Callable[[str], float], least: float, most: float, expected: str, *, open_below: bool = False
) -> Callable[[str], float]:
    """A function that converts text to a number between two others."""

    def parse(text: str) -> float:
        try:
            value = convert(text)
        except ValueError:
            value = math.nan
        if not (least <= value <= most and value < math.inf) or (open_below and value == least):
            raise argparse.ArgumentTypeError(f"{text!r} is not {expected}")
        return value

    return parse


def _whole(text: str) -> int:
    if not text.isdecimal():  # int takes signs and blanks as well
        raise ValueError(text)
    return int(text)


pixels = _number(_whole, 1, math.inf, "a positive number of pixels")
count = _number(_whole, 1, math.inf, "a whole number of at least 1")
port = _number(_whole, 0, 65535, "a port, a whole number from 0 to 65535")
seed = _number(_whole, 0, 2**32 - 1, f"a whole number from 0 to {2**32 - 1}")
percent = _number(_whole, 1, 100, "a whole number from 1 to 100")
factor = _number(float, 0.0, math.inf, "a number greater than 0", open_below=True)
fraction = _number(float, 0.0, 1.0, "a number from 0 to 1")
_share = _number(float, 0.0, math.inf, "a number of at least 0")


def weights(text: str) -> list[float]:
    """Shares of several styles, separated by commas."""
    try:
        shares = [_share(share) for share in text.split(",")]
    except argparse.ArgumentTypeError:
        shares = []
    if sum(shares) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of numbers of at least 0, not all 0, such as 3,1")
    return shares


def name(text: str) -> str:
    """A name that is not empty."""
    if not text:
        raise argparse.ArgumentTypeError("the name is empty")
    return text
