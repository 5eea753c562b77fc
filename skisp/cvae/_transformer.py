"""The C-VAE as a scikit-learn transformer."""

from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from .._base import (
    Interval,
    StrOptions,
    draw_seed,
    fit_context,
    flatten_images,
    module_initialised_with,
    one_thread,
    resolve_device,
)
from ._latent import latent_statistics
from ._networks import ACTIVATIONS, CVAENetwork
from ._objectives import expected_elbo_terms, importance_weighted_log_likelihood
from ._training import train

__all__ = ["CVAETransformer"]

# Decoder rows held at once when scoring or decoding; bounds memory whatever the number of samples.
_ROWS_AT_ONCE = 8192


class CVAETransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    r"""Collapsed variational autoencoder: rows or images to short codes, and back.

    Learns :math:`p(x) = \int p(x | z)\, p(z)\, dz` with :math:`p(z) = N(0, I)` by gradient ascent on
    the evidence lower bound. "Collapsed" because what is not needed is integrated out: z when a row
    is scored (:meth:`score_samples`), and the decoder's variance while training
    (``likelihood="collapsed"``).

    Parameters
    ----------
    n_components : int, default=32
        Dimension d of the code z.
    hidden_layer_sizes : tuple of int, default=(512, 256)
        Widths of the encoder's hidden layers; the decoder has them in reverse order. ``()`` makes
        both linear.
    activation : {"gelu", "relu", "tanh", "identity"}, default="gelu"
        Activation of the hidden layers, each after batch normalisation.
    likelihood : {"collapsed", "gaussian", "bernoulli"}, default="collapsed"
        p(x | z). ``"collapsed"``: Gaussian, its variance integrated out row by row, for any real
        data. ``"gaussian"``: one standard deviation a feature, learnt, or ``noise_scale`` for all.
        ``"bernoulli"``: for data in [0, 1].
    noise_scale : float or None, default=None
        Fixed standard deviation of the Gaussian likelihood, in the units of ``X``; None learns one
        a feature. Other likelihoods do not use it.
    kl_weight : float, default=1.0
        Weight of the KL term in the objective. 1 is the evidence lower bound; 0 trains a plain
        autoencoder, whose codes follow no prior.
    learning_rate : float, default=3e-3
        Peak of the one-cycle schedule of Adam.
    weight_decay : float, default=0.0
        Decoupled weight decay; regularises where data are few.
    batch_size : int, default=256
        Rows a gradient step (all of them where there are fewer).
    max_iter : int, default=50
        Epochs.
    n_importance_samples : int, default=64
        Samples of z a row in :meth:`score_samples`.
    device : {"auto", "cpu", "cuda", ...}, default="auto"
        ``"auto"`` takes the accelerator torch reports, else the CPU. Resolved at each call.
    verbose : int, default=0
        Greater than 0: print one line an epoch.
    random_state : int, RandomState instance or None, default=None
        Seeds the weights, the batches, the noise and the samples of :meth:`score_samples`. On the
        CPU one integer gives one result, bit for bit, whatever the number of threads or jobs.

    Attributes
    ----------
    module_ : torch.nn.Module
        The trained networks, in evaluation mode.
    image_shape_ : tuple of int or None
        (H, W) or (H, W, C) where images were fitted, None for rows.
    loss_curve_ : list of float
        Mean loss a row of each epoch, in nats.
    loss_ : float
        The last of them.
    n_iter_ : int
        Epochs run.
    kl_per_component_ : ndarray (n_components,)
        Mean KL divergence of each latent dimension over the training rows, in nats.
    n_active_units_ : int
        Latent dimensions that carry something: the variance of their posterior mean over the
        training rows exceeds 0.01. Few of many means posterior collapse.
    latent_mean_ : ndarray (n_components,)
    latent_covariance_ : ndarray (n_components, n_components)
        Moments of the aggregate posterior: covariance of the means plus the mean posterior variance.
    n_features_in_ : int
        H * W * C for images.
    feature_names_in_ : ndarray of str
        Where ``X`` had feature names.

    References
    ----------
    Kingma & Welling, "Auto-encoding variational Bayes", ICLR 2014, arXiv:1312.6114.
    Rybkin, Daniilidis & Levine, "Simple and effective VAE training with calibrated decoders",
    ICML 2021, arXiv:2006.13202.
    Burda, Grosse & Salakhutdinov, "Importance weighted autoencoders", ICLR 2016, arXiv:1509.00519.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skisp import CVAETransformer
    >>> digits = load_digits().images / 16
    >>> cvae = CVAETransformer(n_components=8, hidden_layer_sizes=(64,), max_iter=5, random_state=0)
    >>> codes = cvae.fit_transform(digits)
    >>> codes.shape
    (1797, 8)
    >>> cvae.inverse_transform(codes).shape
    (1797, 8, 8)
    >>> cvae.sample(3, random_state=0).shape
    (3, 8, 8)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "hidden_layer_sizes": [tuple, list],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "likelihood": [StrOptions({"collapsed", "gaussian", "bernoulli"})],
        "noise_scale": [Interval(Real, 0, None, closed="neither"), None],
        "kl_weight": [Interval(Real, 0, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "n_importance_samples": [Interval(Integral, 1, None, closed="left")],
        "device": [str, torch.device],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components: int = 32,
        *,
        hidden_layer_sizes: tuple[int, ...] = (512, 256),
        activation: str = "gelu",
        likelihood: str = "collapsed",
        noise_scale: float | None = None,
        kl_weight: float = 1.0,
        learning_rate: float = 3e-3,
        weight_decay: float = 0.0,
        batch_size: int = 256,
        max_iter: int = 50,
        n_importance_samples: int = 64,
        device: str | torch.device = "auto",
        verbose: int = 0,
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.likelihood = likelihood
        self.noise_scale = noise_scale
        self.kl_weight = kl_weight
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.n_importance_samples = n_importance_samples
        self.device = device
        self.verbose = verbose
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Train the networks on rows or images.

        Parameters
        ----------
        X : array-like (n, D) of rows, or ndarray (n, H, W) or (n, H, W, C) of images
            Any real values; in [0, 1] for the Bernoulli likelihood.
        y : ignored

        Returns
        -------
        self : CVAETransformer

        Raises
        ------
        ValueError
            If a parameter or a value of ``X`` is out of range.
        ArithmeticError
            If training diverges; the message names the epoch.
        """
        if hasattr(self, "module_"):
            del self.module_  # a fit that fails leaves no model, not the one of other data
        self._check_hidden_layer_sizes()
        rows, image_shape = self._validate_rows(X, reset=True)
        seed = draw_seed(self.random_state)
        generator = torch.Generator().manual_seed(seed)
        with self._computing() as device:
            data = torch.tensor(rows, device=device)
            network = self._build_network(rows, seed).to(device)
            loss_curve = train(
                network,
                data,
                max_iter=self.max_iter,
                batch_size=min(self.batch_size, len(rows)),
                learning_rate=self.learning_rate,
                kl_weight=self.kl_weight,
                weight_decay=self.weight_decay,
                generator=generator,
                verbose=self.verbose,
            )
            self._keep(network, image_shape, loss_curve, seed)
            self._describe_latent_space(data)
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Code rows or images by the mean of their posterior.

        Parameters
        ----------
        X : array-like (n, D), or ndarray (n, H, W[, C])
            The form of what was fitted.

        Returns
        -------
        codes : ndarray (n, n_components), float32
        """
        rows = self._check_fitted_rows(X)
        return self._in_chunks(lambda x: self.module_.encode(x)[0], rows)

    def posterior(self, X: ArrayLike) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean and standard deviation of q(z | x), the Gaussian posterior of the code of each row.

        Parameters
        ----------
        X : array-like (n, D), or ndarray (n, H, W[, C])

        Returns
        -------
        mean : ndarray (n, n_components), float32
            What :meth:`transform` returns.
        scale : ndarray (n, n_components), float32
            Standard deviations.
        """
        rows = self._check_fitted_rows(X)
        both = self._in_chunks(lambda x: torch.cat(self.module_.encode(x), dim=1), rows)
        mean, log_variance = np.split(both, 2, axis=1)
        return mean, np.exp(0.5 * log_variance)

    def inverse_transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Decode codes to the mean row or image, E[x | z].

        Parameters
        ----------
        X : array-like (n, n_components)
            Codes.

        Returns
        -------
        X_original : ndarray (n, D), or (n, H, W[, C]) where images were fitted; float32

        Raises
        ------
        ValueError
            If ``X`` has another number of columns, no rows, or a value that is not finite.
        """
        check_is_fitted(self)
        codes = check_array(X, dtype=np.float32, order="C")
        if codes.shape[1] != self._n_features_out:
            raise ValueError(f"X has shape {codes.shape}; expected codes of shape (n, {self._n_features_out}).")
        rows = self._in_chunks(self.module_.reconstruct, codes)
        return rows if self.image_shape_ is None else rows.reshape(-1, *self.image_shape_)

    def sample(self, n_samples: int = 1, random_state: Any = None) -> NDArray[np.float32]:
        """Draw new data points: z from the prior N(0, I), decoded to E[x | z].

        Parameters
        ----------
        n_samples : int, default=1
            At least 1.
        random_state : int, RandomState instance or None, default=None

        Returns
        -------
        X : ndarray (n_samples, D), or (n_samples, H, W[, C]) where images were fitted; float32
        """
        check_is_fitted(self)
        if n_samples < 1:
            raise ValueError(f"n_samples={n_samples}; ask for at least 1.")
        generator = torch.Generator().manual_seed(draw_seed(random_state))
        return self.inverse_transform(torch.randn(n_samples, self._n_features_out, generator=generator).numpy())

    def elbo(self, X: ArrayLike) -> NDArray[np.float32]:
        r"""Evidence lower bound of each row, in its two terms.

        .. math:: E_{q(z|x)} \log p(x|z) - KL(q(z|x) \| p(z))

        Parameters
        ----------
        X : array-like (n, D), or ndarray (n, H, W[, C])

        Returns
        -------
        terms : ndarray (n, 2), float32
            The reconstruction term, a mean over ``n_importance_samples`` samples of z, and minus the
            KL divergence; in nats. ``elbo(X).sum(axis=1)`` is the bound.

        References
        ----------
        Kingma & Welling, "Auto-encoding variational Bayes", ICLR 2014, arXiv:1312.6114.
        """
        rows = self._check_fitted_rows(X)
        noise = self._score_noise()
        return self._in_chunks(
            lambda x: expected_elbo_terms(self.module_, x, noise.to(x.device)),
            rows,
            max(1, _ROWS_AT_ONCE // self.n_importance_samples),
        )

    def score_samples(self, X: ArrayLike) -> NDArray[np.float32]:
        """Estimate log p(x) of each row, the code integrated out by importance sampling.

        Parameters
        ----------
        X : array-like (n, D), or ndarray (n, H, W[, C])

        Returns
        -------
        log_likelihood : ndarray (n,), float32
            In nats, with respect to the units of ``X``; greater is likelier. The estimate is
            deterministic for a fitted model, and rises in expectation with ``n_importance_samples``
            to log p(x).

        References
        ----------
        Burda, Grosse & Salakhutdinov, "Importance weighted autoencoders", arXiv:1509.00519.
        """
        rows = self._check_fitted_rows(X)
        noise = self._score_noise()
        return self._in_chunks(
            lambda x: importance_weighted_log_likelihood(self.module_, x, noise.to(x.device)),
            rows,
            rows_at_once=max(1, _ROWS_AT_ONCE // self.n_importance_samples),
        )

    def score(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> float:
        """Mean of :meth:`score_samples`: the log likelihood a row, in nats.

        Parameters
        ----------
        X : array-like (n, D), or ndarray (n, H, W[, C])
        y : ignored
        sample_weight : array-like (n,) or None
            Weights of the mean.

        Returns
        -------
        score : float
        """
        scores = self.score_samples(X)
        if sample_weight is None:
            return float(scores.mean(dtype=np.float64))
        check_consistent_length(scores, sample_weight)
        return float(np.average(scores, weights=np.asarray(sample_weight, dtype=np.float64)))

    def _check_hidden_layer_sizes(self) -> None:
        if not all(isinstance(size, Integral) and size > 0 for size in self.hidden_layer_sizes):
            raise ValueError(f"hidden_layer_sizes={self.hidden_layer_sizes!r}; expected integers greater than 0.")

    def _score_noise(self) -> torch.Tensor:
        """Standard normal noise (n_importance_samples, d), the same for every row and every call."""
        generator = torch.Generator().manual_seed(self._score_seed)
        return torch.randn(self.n_importance_samples, self._n_features_out, generator=generator)

    def _validate_rows(self, X: Any, *, reset: bool) -> tuple[NDArray[np.float32], tuple[int, ...] | None]:
        X, image_shape = flatten_images(X)
        rows = validate_data(self, X, dtype=np.float32, order="C", reset=reset)
        if self.likelihood == "bernoulli" and (rows.min() < 0 or rows.max() > 1):
            raise ValueError(
                f"likelihood='bernoulli' needs X in [0, 1], got values from {rows.min():.4g} to {rows.max():.4g}. "
                "Scale X, or use likelihood='collapsed'."
            )
        return rows, image_shape

    def _check_fitted_rows(self, X: Any) -> NDArray[np.float32]:
        check_is_fitted(self)
        rows, image_shape = self._validate_rows(X, reset=False)
        if image_shape is not None and self.image_shape_ not in (None, image_shape):
            raise ValueError(f"X holds images of shape {image_shape}, but {self.image_shape_} were fitted.")
        return rows

    def _build_network(self, rows: NDArray[np.float32], seed: int) -> CVAENetwork:
        """Networks with seeded weights, drawn on the CPU so that they do not depend on the device."""
        mean = rows.mean(axis=0, dtype=np.float64)
        scale = float(np.sqrt(rows.var(axis=0, dtype=np.float64).mean())) or 1.0
        with module_initialised_with(seed):
            network = CVAENetwork(
                rows.shape[1],
                n_components=self.n_components,
                hidden_layer_sizes=self.hidden_layer_sizes,
                activation=self.activation,
                likelihood=self.likelihood,
                noise_scale=self.noise_scale / scale if self.noise_scale is not None else None,
            )
        network.standardise_by(torch.from_numpy(mean), scale)
        return network

    def _keep(
        self, network: CVAENetwork, image_shape: tuple[int, ...] | None, loss_curve: list[float], seed: int
    ) -> None:
        self.module_ = network.requires_grad_(False)
        self.image_shape_ = image_shape
        self.loss_curve_ = loss_curve
        self.loss_ = loss_curve[-1]
        self.n_iter_ = len(loss_curve)
        self._score_seed = seed
        self._n_features_out = self.n_components

    def _describe_latent_space(self, data: torch.Tensor) -> None:
        """Moments of the aggregate posterior over the training rows."""
        with torch.inference_mode():
            posteriors = [self.module_.encode(chunk) for chunk in data.split(_ROWS_AT_ONCE)]
        mean, log_variance = (torch.cat(parts).double().cpu() for parts in zip(*posteriors, strict=True))
        statistics = latent_statistics(mean, log_variance)
        self.latent_mean_ = statistics.mean
        self.latent_covariance_ = statistics.covariance
        self.kl_per_component_ = statistics.kl_per_component
        self.n_active_units_ = statistics.n_active_units

    @contextmanager
    def _computing(self) -> Iterator[torch.device]:
        with one_thread():
            yield resolve_device(self.device)

    def _in_chunks(
        self, function: Any, rows: NDArray[np.float32], rows_at_once: int = _ROWS_AT_ONCE
    ) -> NDArray[np.float32]:
        """Apply ``function`` to ``rows`` on the device, a chunk at a time, and join the results."""
        with self._computing() as device, torch.inference_mode():
            self.module_.to(device)
            chunks = [
                function(torch.tensor(rows[start : start + rows_at_once], device=device)).cpu()
                for start in range(0, len(rows), rows_at_once)
            ]
        return torch.cat(chunks).numpy()

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "module_")

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        if "module_" in state:
            module = state["module_"]
            state = {**state, "module_": {"config": module.config, "arrays": module.to_arrays()}}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "module_" in state:
            state = {**state, "module_": CVAENetwork.from_arrays(**state["module_"])}
        super().__setstate__(state)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        tags.input_tags.three_d_array = True
        return tags
