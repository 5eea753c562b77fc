"""What a fitted C-VAE is asked: the attributes and answers of its record, as an estimator gives them."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from .._base import named, weights_of_scores
from ._fitted import FittedCVAE
from ._networks import CVAENetwork
from ._parameters import CVAEParameters
from ._reading import RowSource, row_source
from ._state import ATTRIBUTES, flattened, rebuilt

__all__ = ["CVAEModel"]


class CVAEModel(CVAEParameters):
    """An estimator that keeps a fitted C-VAE as ``fitted_`` and hands every question on to it."""

    fitted_: FittedCVAE

    # Posteriors, samples, paths

    def posterior(self, X: ArrayLike) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean and standard deviation of q(z | x), the Gaussian posterior of the code of each row.

        Parameters
        ----------
        X : array-like (n, D), or ndarray (n, H, W[, C])
            Rows or images, of the form of what was fitted.

        Returns
        -------
        mean : ndarray (n, n_components), float32
            What ``transform`` returns, but for the pull of the prior that it takes back.
        scale : ndarray (n, n_components), float32
            Standard deviations.
        """
        rows = self._rows(X)
        return self.fitted_.posterior(rows, self.device)

    def sample(
        self, n_samples: int = 1, random_state: Any = None, *, prior: str = "standard"
    ) -> NDArray[np.floating[Any]]:
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
            Means, without the noise of p(x | z), in the units of the training data; float64 where those were far from
            zero.

        References
        ----------
        Ghosh et al., "From variational to deterministic autoencoders", ICLR 2020, arXiv:1903.12436
        (a density fitted to the codes).
        """
        check_is_fitted(self)
        return self.fitted_.sample(n_samples, random_state, prior, self.device)

    def interpolate(
        self, start: ArrayLike, end: ArrayLike, n_points: int = 10, *, path: str = "straight"
    ) -> NDArray[np.floating[Any]]:
        """Lead from one data point to another, in steps that change the data evenly.

        Parameters
        ----------
        start, end : array-like (D,), or ndarray (H, W[, C])
            Two rows or images.
        n_points : int, default=10
            Points of the path, at least 2: the reconstructions of ``start`` and ``end``, and what
            lies between them.
        path : {"straight", "geodesic"}, default="straight"
            ``"straight"``: the straight line between the codes, which passes through other shapes.
            ``"geodesic"``: the shortest way over the decoder's surface, that is, the one that changes the
            data least. Between unlike images that may be to fade from one into the other, through points
            that are less likely (measured in 40 of 40 pairs of digits, with a network that started at random).

        Returns
        -------
        X : ndarray (n_points, D), or (n_points, H, W[, C]) where images were fitted; float32
            The points in order, in the units of the training data; float64 where those were far from zero.

        References
        ----------
        Shao, Kumar & Fletcher, "The Riemannian geometry of deep generative models", CVPR workshops
        2018, arXiv:1711.08014.
        """
        ends = self._rows(named(np.stack([np.asarray(start), np.asarray(end)]), self))
        return self.fitted_.interpolate(ends, n_points, path, self.device)

    # Scores

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
        rows = self._rows(X)
        return self.fitted_.elbo(rows, self.n_scoring_samples, self.device)

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
        rows = self._rows(X)
        return self.fitted_.log_likelihood(rows, self.n_scoring_samples, self.device)

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
        check_is_fitted(self)
        weights = None if sample_weight is None else weights_of_scores(sample_weight, X)
        return float(np.average(self.score_samples(X).astype(np.float64), weights=weights))

    def _rows(self, X: Any) -> RowSource:
        """Rows or images of the form of what was fitted."""
        check_is_fitted(self)
        source = row_source(self, X, reset=False, offset=self.fitted_.offset)
        self.fitted_.check_image_shape(source.image_shape)
        return source

    # Fitted attributes

    @property
    def module_(self) -> CVAENetwork:
        """The trained networks."""
        return self._fitted.network

    @property
    def image_shape_(self) -> tuple[int, ...] | None:
        """Shape of the images, where it is known."""
        return self._fitted.image_shape

    @property
    def loss_curve_(self) -> list[float]:
        """Mean loss a row of each epoch."""
        return self._fitted.loss_curve

    @property
    def validation_loss_curve_(self) -> list[float]:
        """The same of the rows held back."""
        return self._fitted.validation_loss_curve

    @property
    def loss_(self) -> float:
        """The last of the losses."""
        return self._fitted.loss_curve[-1]

    @property
    def n_iter_(self) -> int:
        """Epochs run."""
        return self._fitted.n_iter

    @property
    def kl_per_component_(self) -> NDArray[np.float64]:
        """Mean KL divergence of each latent dimension."""
        return self._fitted.latent.kl_per_component

    @property
    def n_active_units_(self) -> int:
        """Latent dimensions that carry something."""
        return self._fitted.latent.n_active_units

    @property
    def latent_mean_(self) -> NDArray[np.float64]:
        """Mean of the aggregate posterior."""
        return self._fitted.latent.mean

    @property
    def latent_covariance_(self) -> NDArray[np.float64]:
        """Covariance of the aggregate posterior."""
        return self._fitted.latent.covariance

    @property
    def latent_samples_(self) -> NDArray[np.float32]:
        """Samples of the aggregate posterior."""
        return self._fitted.latent_samples

    @property
    def _n_features_out(self) -> int:
        """Number of the columns that scikit-learn names."""
        return self._fitted.n_components

    @property
    def _fitted(self) -> FittedCVAE:
        """The record; NotFittedError, which is an AttributeError, where there is none."""
        check_is_fitted(self)
        return self.fitted_

    # State

    def __sklearn_is_fitted__(self) -> bool:
        return "fitted_" in vars(self)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        fitted = state.pop("fitted_", None)
        return state if fitted is None else {**state, **flattened(fitted)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        own = {name: value for name, value in state.items() if name not in ATTRIBUTES}
        own.setdefault("init", "random")  # of pickles from before there was a choice
        own.setdefault("checkpoint", None)
        if "_state_format" in state:
            own["fitted_"] = rebuilt(state)
        super().__setstate__(own)
