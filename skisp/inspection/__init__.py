"""Displays that show what a fitted model has learnt and how it draws, in scikit-learn's manner.

Each has ``from_estimator``, which computes and plots, and ``plot``, which plots once more. They need
matplotlib, ``pip install "skisp[plot]"``, which is imported when something is plotted.
"""

from ._latent_map import LatentMapDisplay
from ._latent_traversal import LatentTraversalDisplay
from ._loss_curve import LossCurveDisplay
from ._propagation_steps import PropagationStepsDisplay
from ._reconstruction import ReconstructionDisplay
from ._style_grid import StyleGridDisplay

__all__ = [
    "LatentMapDisplay",
    "LatentTraversalDisplay",
    "LossCurveDisplay",
    "PropagationStepsDisplay",
    "ReconstructionDisplay",
    "StyleGridDisplay",
]
