"""What the two modes of propagation have in common: how :class:`StylePropagator` calls them."""

from abc import ABC, abstractmethod
from typing import Any, Self

from numpy.typing import ArrayLike

from ._subestimators import SubEstimators
from .synthesis._settings import SynthesisSettings

__all__ = ["Propagation"]


class Propagation(ABC):
    """A fitted mode: plain data of what was fitted; each call brings its settings."""

    seed: int

    @staticmethod
    @abstractmethod
    def read(X: Any, estimator: Any, *, reset: bool) -> tuple[Any, Any]:
        """Validate what a user passes, as content and a layout whose ``gathered`` gives results the form of ``X``.

        Parameters
        ----------
        X : array-like or list of images
        estimator : StylePropagator
            Whose ``n_features_in_`` the rows must match.
        reset : bool
            Whether to set it instead.
        """

    @classmethod
    @abstractmethod
    def fit(
        cls,
        content: Any,
        layout: Any,
        subestimators: SubEstimators,
        settings: SynthesisSettings,
        earlier: "Propagation | None" = None,
    ) -> Self:
        """Fit what is not fitted, and learn the map from content codes to style codes.

        What was fitted earlier may save time, and changes nothing.
        """

    @abstractmethod
    def transform(self, content: Any, settings: SynthesisSettings, mask: Any = None) -> Any:
        """Redraw the content, see :meth:`StylePropagator.transform`."""

    @abstractmethod
    def score(
        self, content: Any, settings: SynthesisSettings, sample_weight: ArrayLike | None = None, mask: Any = None
    ) -> float:
        """Style gained and content kept, see :meth:`StylePropagator.score`."""

    @abstractmethod
    def propagate_sequence(self, frames: Any, settings: SynthesisSettings) -> Any:
        """Redraw frames in order, see :meth:`StylePropagator.propagate_sequence`."""

    @property
    @abstractmethod
    def gives_images(self) -> bool:
        """Whether it was fitted on images."""

    @property
    @abstractmethod
    def n_features_out(self) -> int:
        """Number of columns of the result for a table."""
