"""The rules for fitted and unfitted parts of a propagator, and for its style images."""

import os
from typing import Any

import numpy as np
import PIL.Image
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from .._base import unfrozen
from ..cvae import CVAETransformer
from ..io import ImageReader
from ._fit_once import fit_once
from ._patch_transformer import PatchTransformer, checked_images, is_rows

__all__ = [
    "check_parts",
    "codes_patches",
    "fitted_content",
    "fitted_style",
    "fitted_styles",
    "is_several",
    "normalised_weights",
    "read_style_images",
    "works_on_rows",
]


def fitted_style(style: Any, style_images: Any, *, for_rows: bool, seed: int, memory: Any = None) -> Any:
    """The style transformer to use: the given one where it is fitted, else a clone fitted on ``style_images``.

    Or taken from the memory, where it has been fitted before (:func:`fit_once`).

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
        return fit_once(memory, style, style_images, seed)
    images = read_style_images(style_images)
    checked_images(images, style.patch_size, "style_images")
    return fit_once(memory, style, images, seed)


def is_several(style: Any, style_weights: Any) -> bool:
    """Whether the parameters ask for several styles, each of its own: a list of them, or weights."""
    return isinstance(style, (list, tuple)) or style_weights is not None


def fitted_styles(style: Any, style_images: Any, *, seed: int, memory: Any = None) -> list[Any]:
    """Several styles: those of a list, or one clone of the style for each of ``style_images``.

    Raises
    ------
    ValueError
        If the numbers of styles and images differ, or a style given once cannot be several.
    """
    if isinstance(style, (list, tuple)):
        if len(style) == 0:
            raise ValueError("style is an empty list; give at least one style, or None with style_images.")
        images = [None] * len(style) if style_images is None else style_images
        if isinstance(images, (str, os.PathLike, PIL.Image.Image)) or len(images) != len(style):
            raise ValueError(f"style is a list of {len(style)}; give style_images as a list of as many, or None.")
        return [
            fitted_style(part, image, for_rows=False, seed=seed, memory=memory)
            for part, image in zip(style, images, strict=True)
        ]
    if _is_fitted(style) or isinstance(style, FrozenEstimator):
        raise ValueError("style_weights needs several styles; give style as a list of fitted transformers.")
    if style_images is None:
        raise NotFittedError("There are style_weights but neither a list of styles nor style_images to fit them on.")
    images = read_style_images(style_images)
    return [fitted_style(style, [image], for_rows=False, seed=seed, memory=memory) for image in images]


def normalised_weights(style_weights: Any, n_styles: int) -> list[float]:
    """Weights of sum 1, one a style; equal ones for None.

    Raises
    ------
    ValueError
        If their number is not that of the styles, or one is negative or not finite, or all are 0.
    """
    weights = np.ones(n_styles) if style_weights is None else np.asarray(style_weights, dtype=np.float64)
    if weights.shape != (n_styles,):
        raise ValueError(f"style_weights has shape {weights.shape}; expected one weight for each of {n_styles} styles.")
    if not np.all(np.isfinite(weights)) or np.any(weights < 0) or weights.sum() == 0:
        raise ValueError(f"style_weights is {list(weights)}; expected numbers of at least 0, not all 0.")
    return [float(weight) for weight in weights / weights.sum()]


def check_parts(content: Any, styles: list[Any]) -> None:
    """Check that the parts of image mode fit each other: all code patches, of one size and number of channels.

    Raises
    ------
    ValueError
        If they do not.
    """
    for style in styles:
        if not codes_patches(style) or not style.images_:
            raise ValueError("A style was fitted on rows; fit its PatchTransformer on images.")
    first = styles[0]
    for i, style in enumerate(styles):
        if style.patch_size != first.patch_size or style.n_channels_ != first.n_channels_:
            raise ValueError(
                f"Style 0 has patch_size={first.patch_size} and {first.n_channels_} channels, style {i} "
                f"{style.patch_size} and {style.n_channels_}; fit all with one patch_size, on images of one kind."
            )
    if content is None:
        return
    if not codes_patches(content):
        raise ValueError("The content must be a PatchTransformer where the style is one.")
    if content.patch_size != first.patch_size:
        raise ValueError(
            f"The content has patch_size={content.patch_size} and the style {first.patch_size}; give both the same."
        )


def fitted_content(content: Any, X: Any, seed: int, memory: Any = None) -> Any:
    """The content transformer to use, or None: a fitted one as it is, an unfitted one cloned and fitted on ``X``.

    Or taken from the memory, where it has been fitted before (:func:`fit_once`).
    """
    if content is None or _is_fitted(content):
        return content
    return fit_once(memory, content, X, seed)


def read_style_images(style_images: Any) -> list[Any]:
    """Style images as a list of arrays, from one or several arrays, paths or PIL images."""
    single = isinstance(style_images, (str, os.PathLike, PIL.Image.Image))
    if not single and isinstance(style_images, np.ndarray):
        single = style_images.ndim == 2 or (style_images.ndim == 3 and style_images.shape[2] <= 4)
    return list(ImageReader().fit_transform([style_images] if single else style_images))


def codes_patches(part: Any) -> bool:
    """Whether a part codes images patch by patch."""
    return isinstance(unfrozen(part), PatchTransformer)


def works_on_rows(style: Any, X: Any) -> bool:
    """Whether ``X`` is propagated row by row: it is a table, or the style codes whole images."""
    styles = style if isinstance(style, (list, tuple)) else [style]
    return is_rows(X) or not all(part is None or codes_patches(part) for part in styles)


def _is_fitted(part: Any) -> bool:
    if part is None:
        return False
    try:
        check_is_fitted(part)
    except NotFittedError:
        return False
    return True
