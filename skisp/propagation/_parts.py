"""The rules for fitted and unfitted parts of a propagator, and for its style images."""

import os
from typing import Any

import numpy as np
import PIL.Image
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from ..cvae import CVAETransformer
from ..io import ImageReader
from ._patch_transformer import PatchTransformer, checked_images, is_rows, seeded

__all__ = ["codes_patches", "fitted_content", "fitted_style", "read_style_images", "unfrozen", "works_on_rows"]


def fitted_style(style: Any, style_images: Any, *, for_rows: bool, seed: int) -> Any:
    """The style transformer to use: the given one where it is fitted, else a clone fitted on ``style_images``.

    Raises
    ------
    NotFittedError
        If the style is not fitted and there are no images to fit it on.
    """
    if _is_fitted(style):
        return style
    if isinstance(style, FrozenEstimator):
        raise NotFittedError(
            "The style is frozen but was never fitted. Fit the transformer before wrapping it in FrozenEstimator, or "
            "pass it unfrozen together with style_images."
        )
    if style_images is None:
        raise NotFittedError(
            "The style is not fitted and there are no style images to fit it on. Give either a fitted transformer, "
            "style=FrozenEstimator(PatchTransformer().fit([picture])), or style_images=picture."
        )
    if style is None:
        style = CVAETransformer() if for_rows else PatchTransformer()
    if for_rows or not codes_patches(style):
        return seeded(clone(style), seed).fit(style_images)
    images = read_style_images(style_images)
    checked_images(images, style.patch_size, "style_images")
    return seeded(clone(style), seed).fit(images)


def fitted_content(content: Any, X: Any, seed: int) -> Any:
    """The content transformer to use, or None: a fitted one as it is, an unfitted one cloned and fitted on ``X``."""
    if content is None or _is_fitted(content):
        return content
    return seeded(clone(content), seed).fit(X)


def read_style_images(style_images: Any) -> list[Any]:
    """Style images as a list of arrays, from one or several arrays, paths or PIL images."""
    single = isinstance(style_images, (str, os.PathLike, PIL.Image.Image))
    if not single and isinstance(style_images, np.ndarray):
        single = style_images.ndim == 2 or (style_images.ndim == 3 and style_images.shape[2] <= 4)
    return list(ImageReader().fit_transform([style_images] if single else style_images))


def codes_patches(part: Any) -> bool:
    """Whether a part codes images patch by patch."""
    return isinstance(unfrozen(part), PatchTransformer)


def unfrozen(part: Any) -> Any:
    """The transformer inside a ``FrozenEstimator``, or the part itself."""
    return part.estimator if isinstance(part, FrozenEstimator) else part


def works_on_rows(style: Any, X: Any) -> bool:
    """Whether ``X`` is propagated row by row: it is a table, or the style codes whole images."""
    return is_rows(X) or not (style is None or codes_patches(style))


def _is_fitted(part: Any) -> bool:
    if part is None:
        return False
    try:
        check_is_fitted(part)
    except NotFittedError:
        return False
    return True
