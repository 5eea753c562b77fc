"""The map from content codes of rows to where the codes of a style of rows lie."""

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from .._base import named
from .._math.affine import AffineMap, fit_ridge
from .._math.gaussian import Moments, gaussian_transport
from ._sample_transport import sample_transport

__all__ = ["RowAlignment", "align_rows", "as_codes", "codes_of", "style_codes"]


class RowAlignment(NamedTuple):
    """Maps of content codes to codes of the style's coder.

    Attributes
    ----------
    to_style_coder : AffineMap
        Content codes to the style coder's codes of the same rows.
    transport : AffineMap
        Content codes to where the style's codes lie.
    """

    to_style_coder: AffineMap
    transport: AffineMap


class StyleCodes(NamedTuple):
    """What is known about the style's codes.

    Attributes
    ----------
    moments : Moments
    samples : Tensor (m, e) or None
        Codes of the style, if rows of it were given or the transformer has kept some.
    """

    moments: Moments
    samples: torch.Tensor | None


def style_codes(style: Any, style_rows: Any = None) -> StyleCodes:
    """Moments of the style's codes, and codes.

    They come from the rows on which it was fitted, if those are given, else from attributes of the fitted
    transformer: ``latent_mean_`` and ``latent_covariance_`` (a C-VAE, which keeps codes too) or
    ``explained_variance_`` (a PCA).

    Raises
    ------
    ValueError
        If there is neither.
    """
    if style_rows is not None:
        codes = as_codes(style.transform(style_rows))
        return StyleCodes(Moments.of(codes), codes)
    if hasattr(style, "latent_covariance_"):
        moments = Moments(torch.from_numpy(style.latent_mean_), torch.from_numpy(style.latent_covariance_))
        kept = getattr(style, "latent_samples_", None)
        return StyleCodes(moments, None if kept is None else as_codes(kept))
    if hasattr(style, "explained_variance_"):
        variances = torch.from_numpy(np.asarray(style.explained_variance_, dtype=np.float64))
        return StyleCodes(Moments(torch.zeros_like(variances), torch.diag(variances)), None)
    raise ValueError(
        f"The style {type(style).__name__} does not tell the moments of its codes; "
        "pass the rows it was fitted on as style_images."
    )


def align_rows(content: Any, style: Any, codes_of_style: StyleCodes, X: NDArray[np.float32], seed: int) -> RowAlignment:
    """Learn the map from the codes of rows ``X`` (n, D) to where the style's codes lie.

    First by ridge regression onto the style coder's own codes of the same rows, if it can code them; then
    by optimal transport: between samples if there are codes of the style, between Gaussians if only their
    moments are known.
    """
    codes = codes_of(style if content is None else content, X)
    to_style_coder = AffineMap.identity(codes.shape[1])
    if content is not None and _codes_rows_of(style, X):
        to_style_coder = fit_ridge(codes, codes_of(style, X))
    moments, samples = codes_of_style
    predicted = to_style_coder(codes)
    if predicted.shape[1] != len(moments.mean):
        raise ValueError(
            f"The content has {predicted.shape[1]} components and the style {len(moments.mean)}, and the style cannot "
            f"code rows of {X.shape[1]} features to translate between them. Give both the same n_components."
        )
    if samples is None:
        transport = to_style_coder.then(gaussian_transport(Moments.of(predicted), moments))
    else:
        transport = sample_transport(codes, to_style_coder, samples, moments, torch.Generator().manual_seed(seed))
    return RowAlignment(to_style_coder.to_arrays(), transport.to_arrays())


def codes_of(transformer: Any, rows: NDArray[np.float32]) -> torch.Tensor:
    """Codes of rows (n, D), under the names of the columns that the transformer was fitted on."""
    return as_codes(transformer.transform(named(rows, transformer)))


def as_codes(codes: Any) -> torch.Tensor:
    """Codes as a float32 tensor; copied where they are read-only, as those of a DataFrame may be."""
    return torch.from_numpy(np.require(codes, dtype=np.float32, requirements=["C", "W"]))


def _codes_rows_of(style: Any, X: NDArray[np.float32]) -> bool:
    return int(style.n_features_in_) == X.shape[1]
