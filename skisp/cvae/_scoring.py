"""How likely rows are under a fitted C-VAE."""

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_consistent_length

from ._inference import InferenceMixin
from ._objectives import expected_elbo_terms, importance_weighted_log_likelihood

__all__ = ["ScoringMixin"]


class ScoringMixin(InferenceMixin):
    """Estimates of log p(x), deterministic for a fitted model."""

    n_scoring_samples: int
    _score_seed: int

    def elbo(self, X: ArrayLike) -> NDArray[np.float32]:
        r"""Evidence lower bound of each row, in its two terms.

        .. math:: E_{q(z|x)} \log p(x|z) - KL(q(z|x) \| p(z))

        Parameters
        ----------
        X : array-like (n, D), or ndarray (n, H, W[, C])
            Rows or images, of the form of what was fitted.

        Returns
        -------
        terms : ndarray (n, 2), float32
            The reconstruction term, a mean over ``n_scoring_samples`` samples of z, and minus the
            KL divergence; in nats. ``elbo(X).sum(axis=1)`` is the bound.

        References
        ----------
        Kingma & Welling, "Auto-encoding variational Bayes", ICLR 2014, arXiv:1312.6114.
        """
        rows, noise = self._fitted_rows(X), self._score_noise()
        return self._in_chunks(
            lambda x: expected_elbo_terms(self.module_, x, noise.to(x.device)), rows, self.n_scoring_samples
        )

    def score_samples(self, X: ArrayLike) -> NDArray[np.float32]:
        """Estimate log p(x) of each row, the code integrated out by importance sampling.

        Parameters
        ----------
        X : array-like (n, D), or ndarray (n, H, W[, C])
            Rows or images, of the form of what was fitted.

        Returns
        -------
        log_likelihood : ndarray (n,), float32
            In nats, with respect to the units of ``X``; greater is likelier. The estimate is
            deterministic for a fitted model, and rises in expectation with ``n_scoring_samples``
            to log p(x).

        References
        ----------
        Burda, Grosse & Salakhutdinov, "Importance weighted autoencoders", arXiv:1509.00519.
        """
        rows, noise = self._fitted_rows(X), self._score_noise()
        return self._in_chunks(
            lambda x: importance_weighted_log_likelihood(self.module_, x, noise.to(x.device)),
            rows,
            self.n_scoring_samples,
        )

    def score(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> float:
        """Mean of :meth:`score_samples`: the log likelihood a row, in nats.

        Parameters
        ----------
        X : array-like (n, D), or ndarray (n, H, W[, C])
            Rows or images, of the form of what was fitted.
        y : None
            Ignored.
        sample_weight : array-like (n,) or None
            Weights of the mean.

        Returns
        -------
        score : float
            In nats; greater is likelier.
        """
        scores = self.score_samples(X).astype(np.float64)
        if sample_weight is None:
            return float(scores.mean())
        check_consistent_length(scores, sample_weight)
        return float(np.average(scores, weights=np.asarray(sample_weight)))

    def _score_noise(self) -> torch.Tensor:
        """Standard normal noise (n_scoring_samples, d), the same for every row and every call."""
        generator = torch.Generator().manual_seed(self._score_seed)
        return torch.randn(self.n_scoring_samples, self._n_features_out, generator=generator)
