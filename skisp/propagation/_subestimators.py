"""The rules for fitted and unfitted sub-estimators of a propagator, and for its style images."""

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import PIL.Image
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from .._base import unfrozen
from .._batches import flatten_images
from ..cvae import CVAETransformer
from ..io._reader import read_images
from ._fit_once import fit_once
from ._patch_transformer import IN_A_LIST, PatchTransformer, checked_images, is_rows

__all__ = ["SubEstimators", "check_fit_each_other", "works_on_rows"]


@dataclass(frozen=True)
class SubEstimators:
    """What a user gives as the content and the style, and how it is fitted.

    A fitted transformer is not fitted again. Of an unfitted one a clone is fitted, or taken from the memory
    if it was fitted before (:func:`fit_once`).

    Attributes
    ----------
    content : transformer or None
    style : transformer, list of transformers, or None
    style_images : path, array, PIL image, list of them, or rows, or None
    style_weights : array-like of float or None
    seed : int
        For every ``random_state`` that is None.
    memory : None, str, path or joblib.Memory
        Where fitted clones are kept.
    """

    content: Any = None
    style: Any = None
    style_images: Any = None
    style_weights: Any = None
    seed: int = 0
    memory: Any = None

    @property
    def are_several(self) -> bool:
        """Whether several separate styles are asked for: by a list of them, or by weights."""
        return isinstance(self.style, (list, tuple)) or self.style_weights is not None

    def fitted_content(self, X: Any) -> Any:
        """The content transformer, fitted on ``X`` if it is not fitted yet; None if there is none."""
        if self.content is None or _is_fitted(self.content):
            return self.content
        return fit_once(self.memory, self.content, X, self.seed)

    def fitted_for_rows(self) -> Any:
        """The style transformer of row mode.

        Raises
        ------
        NotFittedError
            If the style is not fitted and there are no style images to fit it on.
        """
        style, images = self.style, self.style_images
        if style is not None and not get_tags(unfrozen(style)).input_tags.three_d_array:
            images = flatten_images(images)[0]
        return self._fitted(style, images, CVAETransformer)

    def fitted_for_images(self) -> list[Any]:
        """The style transformers of image mode: one, those of a list, or one clone for each of several style images.

        Raises
        ------
        NotFittedError
            If a style is not fitted and there are no style images to fit it on.
        ValueError
            If the numbers of styles and images differ, or weights are given for a single fitted style.
        """
        if isinstance(self.style, (list, tuple)):
            pairs = zip(self.style, self._images_one_a_style(len(self.style)), strict=True)
            return [self._fitted(style, images, PatchTransformer) for style, images in pairs]
        if self.style_weights is None:
            return [self._fitted(self.style, self.style_images, PatchTransformer)]
        if _is_fitted(self.style) or isinstance(self.style, FrozenEstimator):
            raise ValueError("style_weights needs several styles; give style as a list of fitted transformers.")
        if self.style_images is None:
            raise NotFittedError(
                "There are style_weights but neither a list of styles nor style_images to fit them on."
            )
        return [self._fitted(self.style, [image], PatchTransformer) for image in _as_list(self.style_images)]

    def normalised_weights(self, n_styles: int) -> list[float]:
        """Weights of sum 1, one for each style; equal ones for None.

        Raises
        ------
        ValueError
            If their number is not that of the styles, or one is negative or not finite, or all are 0.
        """
        given = self.style_weights
        weights = np.ones(n_styles) if given is None else np.asarray(given, dtype=np.float64)
        if weights.shape != (n_styles,):
            raise ValueError(
                f"style_weights has shape {weights.shape}; expected one weight for each of {n_styles} styles."
            )
        if not np.all(np.isfinite(weights)) or np.any(weights < 0) or weights.sum() == 0:
            raise ValueError(f"style_weights is {list(weights)}; expected numbers of at least 0, not all 0.")
        return [float(weight) for weight in weights / weights.sum()]

    def _images_one_a_style(self, n_styles: int) -> Any:
        if n_styles == 0:
            raise ValueError("style is an empty list; give at least one style, or None with style_images.")
        images = [None] * n_styles if self.style_images is None else self.style_images
        if isinstance(images, (str, os.PathLike, PIL.Image.Image)) or len(images) != n_styles:
            raise ValueError(f"style is a list of {n_styles}; give style_images as a list of as many, or None.")
        return images

    def _fitted(self, style: Any, style_images: Any, default: type) -> Any:
        """One style, fitted on ``style_images`` if it is not fitted yet."""
        if _is_fitted(style):
            return style
        if isinstance(style, FrozenEstimator):
            raise NotFittedError(
                "The style is frozen but was never fitted. Fit the transformer before wrapping it in FrozenEstimator, "
                "or pass it unfrozen together with style_images."
            )
        if style_images is None:
            raise NotFittedError(
                "The style is not fitted and there are no style images to fit it on. Give either a fitted transformer, "
                "style=FrozenEstimator(PatchTransformer().fit([picture])), or style_images=picture."
            )
        style = default() if style is None else style
        if codes_patches(style) and default is PatchTransformer:
            style_images = _as_list(style_images)
            checked_images(style_images, style.patch_size, "style_images")
        return fit_once(self.memory, style, style_images, self.seed)


def check_fit_each_other(content: Any, styles: list[Any]) -> None:
    """Check that the sub-estimators of image mode fit each other: all code patches, of one size and kind of images.

    Raises
    ------
    ValueError
        If they do not.
    """
    for style in styles:
        if not codes_patches(style) or style.n_channels_ == 0:
            raise ValueError(f"A style was fitted on rows; fit its PatchTransformer on images. {IN_A_LIST}")
        if not style.images_:
            raise ValueError(
                "A style was fitted on files and keeps no images to take patches from. Let it code your pictures: "
                f"PatchTransformer(FrozenEstimator(style.transformer_), patch_size={style.patch_size}).fit(pictures)."
            )
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


def works_on_rows(style: Any, X: Any) -> bool:
    """Whether ``X`` is propagated row by row: it is a table, or the style codes whole images."""
    styles = style if isinstance(style, (list, tuple)) else [style]
    if any(codes_patches(one) and getattr(unfrozen(one), "n_channels_", 0) for one in styles):
        return False
    return is_rows(X) or not all(one is None or codes_patches(one) for one in styles)


def codes_patches(transformer: Any) -> bool:
    """Whether a transformer codes images patch by patch."""
    return isinstance(unfrozen(transformer), PatchTransformer)


def _as_list(style_images: Any) -> list[Any]:
    """Style images as a list of arrays, from one or several arrays, paths or PIL images."""
    single = isinstance(style_images, (str, os.PathLike, PIL.Image.Image))
    if not single and isinstance(style_images, np.ndarray):
        single = style_images.ndim == 2 or (style_images.ndim == 3 and style_images.shape[2] <= 4)
    return read_images([style_images] if single else style_images, name="style_images")


def _is_fitted(transformer: Any) -> bool:
    if transformer is None:
        return False
    try:
        check_is_fitted(transformer)
    except NotFittedError:
        return False
    return True
