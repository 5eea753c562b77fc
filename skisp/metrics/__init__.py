"""Figures of merit for redrawn pictures: style gained, content kept, and both in one.

Pure functions of images, without a pretrained network. Each takes single images, (H, W) or
(H, W, C) of any size from 16 px up, uint8 or float in [0, 1], and returns a float.
"""

from skisp.metrics._content import (
    content_similarity,
    gradient_correlation,
    self_similarity_distance,
    structure_similarity,
)
from skisp.metrics._gram import random_gram_distance
from skisp.metrics._propagation import propagation_report, propagation_score, style_content_f
from skisp.metrics._style import color_distance, style_distance
from skisp.metrics._trivial import trivial_answers

__all__ = [
    "color_distance",
    "content_similarity",
    "gradient_correlation",
    "propagation_report",
    "propagation_score",
    "random_gram_distance",
    "self_similarity_distance",
    "structure_similarity",
    "style_content_f",
    "style_distance",
    "trivial_answers",
]
