"""Style propagation of whole rows: code, move the codes to the style's distribution, decode."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import validate_data

from .._base import as_float32
from .._batches import flatten_images
from .._math.gaussian import Moments
from .._threads import one_thread
from ._propagation import Propagation
from ._row_alignment import RowAlignment, align_rows, codes_of, style_codes
from ._row_score import row_score
from ._subestimators import SubEstimators
from .synthesis._settings import SynthesisSettings

__all__ = ["RowPropagation"]

Rows = NDArray[np.float32]


@dataclass(frozen=True)
class RowLayout:
    """The form in which rows were given: as rows (n, D), or as images of a shape.

    Attributes
    ----------
    image_shape : tuple of int or None
        (H, W) or (H, W, C).
    n_features : int
        D.
    feature_names : ndarray (D,) of str, or None
        Of the columns, if they have names.
    """

    image_shape: tuple[int, ...] | None
    n_features: int
    feature_names: Any = None

    def gathered(self, rows: Rows) -> Rows:
        """Rows as images again, if they were images and have as many values."""
        if self.image_shape is None or rows.shape[1] != self.n_features:
            return rows
        return rows.reshape(-1, *self.image_shape)


@dataclass(frozen=True)
class RowPropagation(Propagation):
    """What :class:`StylePropagator` does with rows: it is fitted once, and each call brings the strength.

    Attributes
    ----------
    style : transformer
        Fitted.
    content : transformer or None
        The content's own coder, fitted; with None the style's coder codes the content.
    style_moments : Moments
        Of the style's codes, as arrays.
    row_alignment : RowAlignment
    image_shape : tuple of int or None
        (H, W) or (H, W, C), if it was fitted on images.
    seed : int
    """

    style: Any
    content: Any
    style_moments: Moments
    row_alignment: RowAlignment
    image_shape: tuple[int, ...] | None
    seed: int

    @staticmethod
    def read(X: Any, estimator: Any, *, reset: bool) -> tuple[Rows, RowLayout]:
        """Rows or images of one size as validated rows (n, D), and how to give results their form."""
        X, image_shape = flatten_images(X)
        rows: Rows = validate_data(estimator, X, dtype=np.float32, order="C", reset=reset)
        return rows, RowLayout(image_shape, rows.shape[1], getattr(estimator, "feature_names_in_", None))

    @classmethod
    def fit(
        cls,
        rows: Rows,
        layout: RowLayout,
        subestimators: SubEstimators,
        settings: SynthesisSettings,
        earlier: Propagation | None = None,
    ) -> Self:
        """Fit what is not fitted, and learn the map from content codes to style codes."""
        style = subestimators.fitted_for_rows()
        content = subestimators.fitted_content(rows)
        _check_names(style if content is None else content, layout.feature_names)
        given = subestimators.style_images
        with one_thread():
            codes = style_codes(style, None if given is None else flatten_images(given)[0])
            alignment = align_rows(content, style, codes, rows, subestimators.seed)
        return cls(style, content, codes.moments.to_arrays(), alignment, layout.image_shape, subestimators.seed)

    @property
    def n_features_out(self) -> int:
        """Columns of what the style decodes to."""
        return int(self.style.n_features_in_)

    @property
    def gives_images(self) -> bool:
        """Whether it was fitted on images."""
        return self.image_shape is not None

    def transform(self, rows: Rows, settings: SynthesisSettings, mask: Any = None) -> Rows:
        """Redraw rows (n, D) in the style, with the strength of the settings.

        The codes move along the straight line from the content's to the transported ones. The residual,
        what the style's decoder cannot decode of the content, is kept in the share 1 - strength, so that
        strength 0 gives the content back.
        """
        _refuse_mask(mask)
        strength = settings.strength
        codes = codes_of(self._coder, rows)
        with one_thread():
            start, end = self.row_alignment.to_style_coder(codes), self.row_alignment.transport(codes)
        moved = self._decode(torch.lerp(start, end, strength))
        if moved.shape[1] != rows.shape[1] or strength == 1:
            return moved
        return moved + np.float32(1 - strength) * (rows - self._decode(start))

    def score(
        self, rows: Rows, settings: SynthesisSettings, sample_weight: ArrayLike | None = None, mask: Any = None
    ) -> float:
        """Style gained and content kept of all rows together, see :func:`row_score`."""
        _refuse_mask(mask)
        if sample_weight is not None:
            raise ValueError("Rows are scored together, without weights; leave sample_weight out.")
        codes = codes_of(self._coder, rows)
        aligned = self.row_alignment.to_style_coder(codes)
        result = codes_of(self.style, self.transform(rows, settings))
        return row_score(codes.numpy(), result.numpy(), aligned.numpy(), self.style_moments)

    def propagate_sequence(self, frames: Any, settings: SynthesisSettings) -> Any:
        """Raise ValueError: rows are not frames."""
        raise ValueError("Rows are no frames; fit a PatchTransformer as the style to redraw images.")

    @property
    def _coder(self) -> Any:
        """The transformer that codes the content."""
        return self.style if self.content is None else self.content

    def _decode(self, codes: torch.Tensor) -> Rows:
        rows = as_float32(self.style.inverse_transform(codes.numpy()))
        return rows.reshape(len(rows), -1)


def _check_names(coder: Any, names: Any) -> None:
    """Refuse to code columns as others than they are: what codes rows gives them its own names."""
    fitted = getattr(coder, "feature_names_in_", None)
    if names is not None and fitted is not None and list(names) != list(fitted):
        raise ValueError(
            f"X has the columns {', '.join(names)}, but its coder was fitted on {', '.join(fitted)}, in this order; "
            "give both the same."
        )


def _refuse_mask(mask: Any) -> None:
    if mask is not None:
        raise ValueError("Rows have no mask; leave mask out, or fit a PatchTransformer as the style.")
