"""An affine map that takes one cloud of codes to another, learnt from samples of both without pairs."""

import torch
from torch import Tensor

from .._math.affine import AffineMap, fit_ridge
from .._math.entropic import barycentric_projection
from .._math.gaussian import Moments, gaussian_transport

__all__ = ["sample_transport"]

_ROUNDS = 30
_SAMPLES_A_ROUND = 1000
_REGULARISATION = 0.05
_SINKHORN_ITERATIONS = 10
# Strong, because the projections of one round are noisy; the Gaussian transport undoes the shrinking.
_RELATIVE_RIDGE = 0.1


def sample_transport(
    codes: Tensor, start: AffineMap, style_codes: Tensor, moments: Moments, generator: torch.Generator
) -> AffineMap:
    r"""Affine map of content codes onto the style's, by optimal transport between samples of both.

    Gaussian transport uses means and covariances only. A rotation within one cloud of codes leaves
    those as they are, so that neighbours may end up at the wrong end of the style. Samples hold more,
    such as clusters. As with iterative closest points, the map and the correspondence are improved in
    turn, in 30 rounds, each on 1,000 newly sampled codes of both sides:

    1. entropic optimal transport between transported content codes :math:`T(x_i)` and style codes, and
       its barycentric projection :math:`\hat y_i`;
    2. ridge regression of :math:`\hat y_i` on the content codes :math:`x_i` (the original ones, so that
       nothing is lost from round to round), with a ridge of 0.1;
    3. Gaussian transport of the result onto the style's moments, since the projection and the ridge
       shrink it.

    A map of so few degrees of freedom cannot tear neighbours apart, however noisy the
    correspondence is.

    Parameters
    ----------
    codes : Tensor (n, d)
        Of the content.
    start : AffineMap
        Content codes (d) to codes of the style's coder (e).
    style_codes : Tensor (m, e)
    moments : Moments
        Of the style's codes; in the end also those of the transported content codes.
    generator : torch.Generator
        Samples the codes of each round.

    Returns
    -------
    transport : AffineMap

    References
    ----------
    Grave, Joulin & Berthet, "Unsupervised alignment of embeddings with Wasserstein Procrustes",
    AISTATS 2019, arXiv:1805.11222; Perrot et al., "Mapping estimation for discrete optimal
    transport", NeurIPS 2016; Besl & McKay, "A method for registration of 3-D shapes", PAMI 1992
    (iterative closest points).
    """
    transport = _onto(moments, start, codes)
    for _ in range(_ROUNDS):
        content, style = _some(codes, generator), _some(style_codes, generator)
        projections = barycentric_projection(
            transport(content), style, regularisation=_REGULARISATION, n_iterations=_SINKHORN_ITERATIONS
        )
        transport = _onto(moments, fit_ridge(content, projections, _RELATIVE_RIDGE), codes)
    # Once more: the regularisation of the last transport was relative to codes that the regression had shrunk.
    return _onto(moments, transport, codes)


def _onto(moments: Moments, transport: AffineMap, codes: Tensor) -> AffineMap:
    """The map, followed by the transport of its results onto the moments."""
    return transport.then(gaussian_transport(Moments.of(transport(codes)), moments))


def _some(rows: Tensor, generator: torch.Generator) -> Tensor:
    return rows[torch.randperm(len(rows), generator=generator)[:_SAMPLES_A_ROUND]]
