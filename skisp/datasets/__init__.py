"""Pictures to try things out with: style pictures made by computation, and two photographs.

Nothing is downloaded: :func:`make_style_image` paints its pictures, and :func:`load_photograph`
reads those that ship with scikit-learn.
"""

from ._photographs import load_photograph, load_photographs
from ._style_images import STYLE_KINDS, make_style_image

__all__ = ["STYLE_KINDS", "load_photograph", "load_photographs", "make_style_image"]
