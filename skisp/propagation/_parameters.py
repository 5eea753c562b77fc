"""The parameters of a propagator: their defaults and their ranges."""

import os
from numbers import Real
from typing import Any, ClassVar

import torch
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from .._base import HasMethods, Interval, StrOptions

__all__ = ["PropagatorParameters"]


class PropagatorParameters(BaseEstimator):
    """An estimator that has the parameters of a propagator; :class:`~skisp.StylePropagator` says what they mean."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "content": [HasMethods(["fit", "transform"]), None],
        "style": [HasMethods(["fit", "transform", "inverse_transform"]), list, tuple, None],
        "style_images": "no_validation",  # type: ignore[dict-item]
        "style_weights": ["array-like", None],
        "strength": [Interval(Real, 0, 1, closed="both")],
        "content_weight": [Interval(Real, 0, None, closed="left")],
        "coherence": [Interval(Real, 0, None, closed="left")],
        "balance": [Interval(Real, 0, None, closed="left")],
        "style_scale": [Interval(Real, 0, 8, closed="right")],
        "color": [StrOptions({"style", "content", "only"})],
        "patches": [StrOptions({"style", "generated"})],
        "detail": [Interval(Real, 0, 1, closed="both")],
        "adaptation": [Interval(Real, 0, 1, closed="both")],
        "device": [str, torch.device],
        "random_state": ["random_state"],
        "memory": [None, str, os.PathLike, HasMethods(["cache"])],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        content: Any = None,
        style: Any = None,
        *,
        style_images: Any = None,
        style_weights: ArrayLike | None = None,
        strength: float = 1.0,
        content_weight: float = 1.0,
        coherence: float = 1.2,
        balance: float = 0.18,
        style_scale: float = 1.0,
        color: str = "style",
        patches: str = "generated",
        detail: float = 1.0,
        adaptation: float = 1.0,
        device: str | torch.device = "auto",
        random_state: Any = None,
        memory: Any = None,
        verbose: int = 0,
    ) -> None:
        self.content = content
        self.style = style
        self.style_images = style_images
        self.style_weights = style_weights
        self.strength = strength
        self.content_weight = content_weight
        self.coherence = coherence
        self.balance = balance
        self.style_scale = style_scale
        self.color = color
        self.patches = patches
        self.detail = detail
        self.adaptation = adaptation
        self.device = device
        self.random_state = random_state
        self.memory = memory
        self.verbose = verbose
