"""How much style rows have gained, and how much of their content they keep, measured on their codes."""

import numpy as np
from numpy.typing import NDArray

from .._math.gaussian import Moments, gaussian_distance
from ._row_alignment import as_codes

__all__ = ["row_score"]

_MOST_ROWS_COMPARED = 500


def row_score(
    content_codes: NDArray[np.float32], result_codes: NDArray[np.float32], aligned: NDArray[np.float32], style: Moments
) -> float:
    """Harmonic mean of style gained and content kept, measured on codes of rows; in [0, 1].

    Style gained is the share by which the result has closed the Wasserstein distance between Gaussians,
    from content codes to style codes. Content kept is the correlation of the distances between the
    content's codes with those between the result's codes, for the first 500 rows.

    Parameters
    ----------
    content_codes, result_codes : ndarray (n, d), (n, e)
        Codes by the content's coder, and of the result by the style's.
    aligned : ndarray (n, e)
        The content's codes in the style coder's space, before the transport.
    style : Moments
    """
    style = style.to_tensors()
    gap = _regularised_distance(Moments.of(as_codes(aligned)), style)
    left = _regularised_distance(Moments.of(as_codes(result_codes)), style)
    gained = float(np.clip(1 - left / gap, 0, 1)) if gap > 0 else 0.0
    kept = _distance_correlation(content_codes[:_MOST_ROWS_COMPARED], result_codes[:_MOST_ROWS_COMPARED])
    return 2 * gained * kept / (gained + kept) if gained + kept > 0 else 0.0


def _regularised_distance(first: Moments, second: Moments) -> float:
    """2-Wasserstein distance between Gaussians, a small ridge on both covariances."""
    return gaussian_distance(*(part._replace(covariance=part.regularised()) for part in (first, second)))


def _distance_correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Pearson correlation, at least 0, of the pairwise distances of two sets of rows."""
    from scipy.spatial.distance import pdist  # a thirtieth of a second, for who scores rows

    distances = pdist(first), pdist(second)
    if len(distances[0]) < 2 or min(d.std() for d in distances) == 0:
        return 0.0
    return max(0.0, float(np.corrcoef(*distances)[0, 1]))
