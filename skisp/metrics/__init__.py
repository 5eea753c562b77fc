"""Figures of merit for redrawn pictures: style gained, content kept, and both in one.

Pure functions of images, without a pretrained network. Each takes single images, (H, W) or
(H, W, C) of any size from 16 px up, uint8 or float in [0, 1], and returns a float.
"""

from ._content import (
    content_similarity,
    gradient_correlation,
    self_similarity_distance,
    structure_similarity,
)
from ._frechet import frechet_style_distance
from ._gram import random_gram_distance
from ._propagation import propagation_report, propagation_score, style_content_f
from ._redrawn import redrawn_share
from ._scorer import PropagationScorer
from ._structure_kept import structure_kept
from ._style import color_distance, style_distance
from ._trivial import trivial_answers

__all__ = [
    "PropagationScorer",
    "color_distance",
    "content_similarity",
    "frechet_style_distance",
    "gradient_correlation",
    "propagation_report",
    "propagation_score",
    "random_gram_distance",
    "redrawn_share",
    "self_similarity_distance",
    "structure_kept",
    "structure_similarity",
    "style_content_f",
    "style_distance",
    "trivial_answers",
]
