"""Pictures to try things out with: style pictures made by computation, two photographs, and digits in two hands.

Nothing is downloaded: :func:`make_style_image` computes its pictures, and :func:`load_photograph` and
:func:`make_digit_styles` read images that come with scikit-learn.
"""

from ._digit_styles import digit_slant, digit_thickness, make_digit_styles
from ._photographs import load_photograph, load_photographs
from ._style_images import STYLE_KINDS, make_style_image

__all__ = [
    "STYLE_KINDS",
    "digit_slant",
    "digit_thickness",
    "load_photograph",
    "load_photographs",
    "make_digit_styles",
    "make_style_image",
]
