"""Style propagation of whole rows: code, move the codes to the style's distribution, decode."""

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.distance import pdist

from .._base import as_float32
from .._math.affine import AffineMap, fit_ridge
from .._math.gaussian import Moments, bures_squared, gaussian_transport
from .._threads import one_thread
from ._sample_transport import sample_transport

__all__ = ["RowAlignment", "StyleCodes", "align_rows", "propagate_rows", "row_score", "style_codes"]

_MOST_ROWS_COMPARED = 500


class RowAlignment(NamedTuple):
    """Maps of content codes to codes of the style's coder.

    Attributes
    ----------
    to_style_coder : AffineMap
        Content codes to the style coder's codes of the same rows.
    transport : AffineMap
        Content codes to where the style's codes live.
    """

    to_style_coder: AffineMap
    transport: AffineMap


class StyleCodes(NamedTuple):
    """What is known of the style's codes.

    Attributes
    ----------
    moments : Moments
    samples : Tensor (m, e) or None
        Codes of the style, where there are rows of it or the transformer has kept some.
    """

    moments: Moments
    samples: torch.Tensor | None


def style_codes(style: Any, style_rows: Any = None) -> StyleCodes:
    """Moments of the style's codes, and codes.

    From the rows it was fitted on where they are given; else from what the fitted transformer
    knows: ``latent_mean_`` and ``latent_covariance_`` (a C-VAE, which keeps codes too) or
    ``explained_variance_`` (a PCA).

    Raises
    ------
    ValueError
        If neither is there.
    """
    if style_rows is not None:
        codes = _as_tensor(style.transform(style_rows))
        return StyleCodes(Moments.of(codes), codes)
    if hasattr(style, "latent_covariance_"):
        moments = Moments(torch.from_numpy(style.latent_mean_), torch.from_numpy(style.latent_covariance_))
        kept = getattr(style, "latent_samples_", None)
        return StyleCodes(moments, None if kept is None else _as_tensor(kept))
    if hasattr(style, "explained_variance_"):
        variances = torch.from_numpy(np.asarray(style.explained_variance_, dtype=np.float64))
        return StyleCodes(Moments(torch.zeros_like(variances), torch.diag(variances)), None)
    raise ValueError(
        f"The style {type(style).__name__} does not tell the moments of its codes; "
        "pass the rows it was fitted on as style_images."
    )


def align_rows(content: Any, style: Any, codes_of_style: StyleCodes, X: NDArray[np.float32], seed: int) -> RowAlignment:
    """Learn the map from the codes of rows ``X`` (n, D) to where the style's codes live.

    Ridge regression onto the style coder's own codes of the same rows where it can code them; from
    there by optimal transport: of samples where there are codes of the style, between Gaussians
    where only their moments are known.
    """
    codes = _as_tensor((style if content is None else content).transform(X))
    to_style_coder = AffineMap.identity(codes.shape[1])
    if content is not None and _codes_rows_of(style, X):
        to_style_coder = fit_ridge(codes, _as_tensor(style.transform(X)))
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


def propagate_rows(
    content: Any, style: Any, alignment: RowAlignment, X: NDArray[np.float32], strength: float
) -> NDArray[np.float32]:
    """Redraw rows (n, D) in the style, ``strength`` in [0, 1] of the way.

    The codes move along the straight line from the content's to the transported ones. What the
    style's decoder cannot say of the content is kept in the share 1 - strength, so that strength 0
    gives the content back.
    """
    codes = _as_tensor((style if content is None else content).transform(X))
    with one_thread():
        start, end = alignment.to_style_coder(codes), alignment.transport(codes)
    moved = _decode(style, torch.lerp(start, end, strength))
    if moved.shape[1] != X.shape[1] or strength == 1:
        return moved
    return moved + np.float32(1 - strength) * (X - _decode(style, start))


def row_score(
    content_codes: NDArray[np.float32], result_codes: NDArray[np.float32], aligned: NDArray[np.float32], style: Moments
) -> float:
    """Style gained and content kept, of rows by their codes: a harmonic mean in [0, 1].

    Style gained is the share of the Wasserstein distance between Gaussians, content codes to style
    codes, that the result has closed; content kept is the correlation of the distances between
    the content's codes with those between the result's, for the first 500 rows.

    Parameters
    ----------
    content_codes, result_codes : ndarray (n, d), (n, e)
        Codes by the content's coder, and of the result by the style's.
    aligned : ndarray (n, e)
        The content's codes in the style coder's space, before the transport.
    style : Moments
    """
    gap = _gaussian_distance(Moments.of(_as_tensor(aligned)), style)
    left = _gaussian_distance(Moments.of(_as_tensor(result_codes)), style)
    gained = float(np.clip(1 - left / gap, 0, 1)) if gap > 0 else 0.0
    kept = _distance_correlation(content_codes[:_MOST_ROWS_COMPARED], result_codes[:_MOST_ROWS_COMPARED])
    return 2 * gained * kept / (gained + kept) if gained + kept > 0 else 0.0


def _gaussian_distance(first: Moments, second: Moments) -> float:
    """2-Wasserstein distance between Gaussians (Dowson & Landau 1982)."""
    covariances = bures_squared(first.regularised(), second.regularised())
    return float(((first.mean - second.mean).square().sum() + covariances).sqrt())


def _distance_correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Pearson correlation, at least 0, of the pairwise distances of two sets of rows."""
    distances = pdist(first), pdist(second)
    if len(distances[0]) < 2 or min(d.std() for d in distances) == 0:
        return 0.0
    return max(0.0, float(np.corrcoef(*distances)[0, 1]))


def _as_tensor(codes: Any) -> torch.Tensor:
    """Codes as a float32 tensor; those in a DataFrame may lie where nobody may write."""
    return torch.from_numpy(np.require(codes, dtype=np.float32, requirements=["C", "W"]))


def _codes_rows_of(style: Any, X: NDArray[np.float32]) -> bool:
    return int(style.n_features_in_) == X.shape[1]


def _decode(style: Any, codes: torch.Tensor) -> NDArray[np.float32]:
    rows = as_float32(style.inverse_transform(codes.numpy()))
    return rows.reshape(len(rows), -1)
