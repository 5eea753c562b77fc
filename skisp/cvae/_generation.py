"""New data points from a fitted C-VAE."""

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from .._base import draw_seed
from ._aggregate import fit_aggregate_prior, sample_aggregate
from ._geodesic import even_line, geodesic
from ._inference import InferenceMixin

__all__ = ["GenerationMixin"]

_PRIORS = ("standard", "aggregate")
_PATHS = ("geodesic", "straight")


class GenerationMixin(InferenceMixin):
    """Samples, and paths between two data points."""

    _codes: NDArray[np.float32]
    _score_seed: int

    def sample(self, n_samples: int = 1, random_state: Any = None, *, prior: str = "standard") -> NDArray[np.float32]:
        """Draw new data points: z from a prior, decoded to E[x | z].

        Parameters
        ----------
        n_samples : int, default=1
            At least 1.
        random_state : int, RandomState instance or None, default=None
            An int gives the same points every time.
        prior : {"standard", "aggregate"}, default="standard"
            Where z comes from: N(0, I), or a Gaussian mixture fitted to the codes of the training
            rows, which leaves out the parts of the latent space where no data were.

        Returns
        -------
        X : ndarray (n_samples, D), or (n_samples, H, W[, C]) where images were fitted; float32
            Means, without the noise of p(x | z), in the units of the training data.

        References
        ----------
        Ghosh et al., "From variational to deterministic autoencoders", ICLR 2020, arXiv:1903.12436
        (a density fitted to the codes).
        """
        check_is_fitted(self)
        if n_samples < 1:
            raise ValueError(f"n_samples={n_samples}; ask for at least 1.")
        if prior not in _PRIORS:
            raise ValueError(f"prior={prior!r}; expected one of {', '.join(map(repr, _PRIORS))}.")
        seed = draw_seed(random_state)
        if prior == "standard":
            generator = torch.Generator().manual_seed(seed)
            return self._decode(torch.randn(n_samples, self._n_features_out, generator=generator).numpy())
        mixture = fit_aggregate_prior(self._codes, self._score_seed)
        return self._decode(sample_aggregate(mixture, n_samples, seed))

    def interpolate(
        self, start: ArrayLike, end: ArrayLike, n_points: int = 10, *, path: str = "geodesic"
    ) -> NDArray[np.float32]:
        """Lead from one data point to another, in steps that change the data evenly.

        Parameters
        ----------
        start, end : array-like (D,), or ndarray (H, W[, C])
            Two rows or images.
        n_points : int, default=10
            Points of the path, at least 2: the reconstructions of ``start`` and ``end``, and what
            lies between them.
        path : {"geodesic", "straight"}, default="geodesic"
            ``"geodesic"``: the shortest way over the decoder's surface, that is, the one that changes
            the data least. Between unlike images that may be to fade from one into the other.
            ``"straight"``: the straight line between the codes, which more often passes through other
            shapes.

        Returns
        -------
        X : ndarray (n_points, D), or (n_points, H, W[, C]) where images were fitted; float32
            The points in order, in the units of the training data.

        References
        ----------
        Shao, Kumar & Fletcher, "The Riemannian geometry of deep generative models", CVPR workshops
        2018, arXiv:1711.08014.
        """
        check_is_fitted(self)
        if path not in _PATHS:
            raise ValueError(f"path={path!r}; expected one of {', '.join(map(repr, _PATHS))}.")
        ends, _ = self.posterior(np.stack([np.asarray(start), np.asarray(end)]))
        lead = geodesic if path == "geodesic" else even_line
        with self._computing() as device:
            network = self.module_.to(device)
            a, b = torch.tensor(ends, device=device)
            codes = lead(lambda z: network.reconstruct(z) / network.scale, a, b, n_points)
        return self._decode(codes.cpu().numpy())
