"""The C-VAE as a scikit-learn transformer."""

from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin

from .._base import CallbackSupportMixin, Interval, StrOptions, fit_context
from ._augmentation import AUGMENTATIONS
from ._fitting import Fitting
from ._generation import GenerationMixin
from ._layers import ACTIVATIONS
from ._scoring import ScoringMixin
from ._training import learning_rate_at
from ._watching import EpochWatcher

__all__ = ["CVAETransformer"]


class CVAETransformer(
    ScoringMixin,
    GenerationMixin,
    CallbackSupportMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    BaseEstimator,
):
    r"""Collapsed variational autoencoder: rows or images to short codes, and back.

    Learns :math:`p(x) = \int p(x | z)\, p(z)\, dz` with :math:`p(z) = N(0, I)` by gradient ascent on
    the evidence lower bound. "Collapsed" because what is not needed is integrated out: z when a row
    is scored (:meth:`score_samples`), and the decoder's variance while training
    (``likelihood="collapsed"``); and because ``contraction`` can make the encoder contractive.

    Parameters
    ----------
    n_components : int, default=32
        Dimension d of the code z.
    network : {"auto", "dense", "conv"}, default="auto"
        Dense layers, or strided convolutions down and transposed ones up. ``"auto"`` takes
        convolutions where the shape of the images is known and both sides have 16 pixels or more.
        Rows without a shape are signals (1, D) to a convolution.
    hidden_layer_sizes : tuple of int, default=(512, 256)
        Widths of the dense encoder's hidden layers; the decoder has them in reverse order. ``()``
        makes both linear.
    conv_channels : tuple of int, default=(16, 32, 64)
        Channels of the encoder's convolutions, each of which halves height and width; the decoder
        has them in reverse order.
    image_shape : (H, W) or (H, W, C) or None, default=None
        Shape of the images that the rows of ``X`` hold; None takes it from a 3-D or 4-D ``X``.
    activation : {"gelu", "relu", "tanh", "identity"}, default="gelu"
        Activation of the hidden layers.
    batch_norm : bool, default=True
        Normalise each hidden layer over the batch.
    likelihood : {"collapsed", "gaussian", "bernoulli"}, default="collapsed"
        p(x | z). ``"collapsed"``: Gaussian, its variance integrated out row by row, for any real
        data. ``"gaussian"``: one standard deviation a feature, learnt, or ``noise_scale`` for all.
        ``"bernoulli"``: for data in [0, 1]; draws the best samples of black and white images. Of
        greys its score is no density (greys are unlikely in themselves): to find anomalies among
        them, take another.
    noise_scale : float or None, default=None
        Fixed standard deviation of the Gaussian likelihood, in the units of ``X``; None learns one
        a feature. Other likelihoods do not use it.
    binarize : bool, default=False
        For the Bernoulli likelihood: draw each value anew as 0 or 1 at every step, its grey being
        the probability of 1. Codes and scores are of ``X`` as it is given.
    kl_weight : float, default=1.0
        Weight of the KL term in the objective. 1 is the evidence lower bound; 0 trains a plain
        autoencoder, whose codes follow no prior.
    kl_warmup : float, default=0.0
        Epochs over which that weight rises from 0.
    free_bits : float, default=0.0
        KL divergence, in nats, that each latent dimension has free (a mean over the batch): keeps
        all dimensions in use. For ``n_importance_samples=1``.
    contraction : float, default=0.0
        Weight of the mean of the squared norm of the encoder's Jacobian (of the posterior mean with
        respect to the standardised row): makes codes change little where the data change little.
    n_importance_samples : int, default=1
        Samples k of z a row in training: 1 maximises the evidence lower bound, more the tighter
        importance-weighted bound, at k times the decoder's cost.
    n_scoring_samples : int, default=64
        Samples of z a row in :meth:`score_samples`.
    learning_rate : float, default=3e-3
        Of Adam; the peak of the one-cycle schedule.
    learning_rate_schedule : {"one_cycle", "constant"}, default="one_cycle"
        One cycle over ``max_iter`` epochs: up to the peak in the first 30 per cent, then down to 0.
        :meth:`partial_fit` always keeps the rate constant.
    weight_decay : float, default=0.0
        Decoupled weight decay; regularises where data are few.
    batch_size : int, default=256
        Rows a gradient step (all of them where there are fewer).
    max_iter : int, default=50
        Epochs.
    augment : tuple of {"shift", "flip"}, default=()
        Random changes to the training images at every step, for more data than there are: shifts
        by up to 8 per cent of each side, at least a pixel; mirroring left to right.
    early_stopping : bool, default=False
        Hold rows back and end training when their loss stops falling; the best epoch is kept.
    validation_fraction : float, default=0.1
        Share of the rows held back for that.
    n_iter_no_change : int, default=10
        Epochs without an improvement by ``tol`` after which training ends. Those in which the
        one-cycle rate still rises do not count.
    tol : float, default=1e-4
        Nats a row.
    warm_start : bool, default=False
        Let :meth:`fit` go on from the last fit, instead of starting anew.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        Number format of the networks in training. ``"auto"`` takes bfloat16 where the hardware is
        faster with it. Losses, scores and codes are always in float32.
    compile : bool, default=False
        Compile the networks with :func:`torch.compile` for training: needs a C++ compiler, takes a
        minute, and pays on accelerators and long fits only.
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
        (H, W) or (H, W, C) where the shape of images is known, None for rows.
    loss_curve_ : list of float
        Mean loss a row of each epoch, in nats (the last 10,000).
    validation_loss_curve_ : list of float
        The same of the rows held back; empty without ``early_stopping``.
    loss_ : float
        The last of ``loss_curve_``.
    n_iter_ : int
        Epochs run, in all calls that went on from each other.
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
    Rifai et al., "Contractive auto-encoders", ICML 2011.

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
        "network": [StrOptions({"auto", "dense", "conv"})],
        "hidden_layer_sizes": [tuple, list],
        "conv_channels": [tuple, list],
        "image_shape": [tuple, list, None],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "batch_norm": ["boolean"],
        "likelihood": [StrOptions({"collapsed", "gaussian", "bernoulli"})],
        "noise_scale": [Interval(Real, 0, None, closed="neither"), None],
        "binarize": ["boolean"],
        "kl_weight": [Interval(Real, 0, None, closed="left")],
        "kl_warmup": [Interval(Real, 0, None, closed="left")],
        "free_bits": [Interval(Real, 0, None, closed="left")],
        "contraction": [Interval(Real, 0, None, closed="left")],
        "n_importance_samples": [Interval(Integral, 1, None, closed="left")],
        "n_scoring_samples": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "learning_rate_schedule": [StrOptions({"one_cycle", "constant"})],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "augment": [tuple, list],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "warm_start": ["boolean"],
        "precision": [StrOptions({"auto", "float32", "bfloat16"})],
        "compile": ["boolean"],
        "device": [str, torch.device],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components: int = 32,
        *,
        network: str = "auto",
        hidden_layer_sizes: tuple[int, ...] = (512, 256),
        conv_channels: tuple[int, ...] = (16, 32, 64),
        image_shape: tuple[int, ...] | None = None,
        activation: str = "gelu",
        batch_norm: bool = True,
        likelihood: str = "collapsed",
        noise_scale: float | None = None,
        binarize: bool = False,
        kl_weight: float = 1.0,
        kl_warmup: float = 0.0,
        free_bits: float = 0.0,
        contraction: float = 0.0,
        n_importance_samples: int = 1,
        n_scoring_samples: int = 64,
        learning_rate: float = 3e-3,
        learning_rate_schedule: str = "one_cycle",
        weight_decay: float = 0.0,
        batch_size: int = 256,
        max_iter: int = 50,
        augment: tuple[str, ...] = (),
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 1e-4,
        warm_start: bool = False,
        precision: str = "auto",
        compile: bool = False,
        device: str | torch.device = "auto",
        verbose: int = 0,
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.network = network
        self.hidden_layer_sizes = hidden_layer_sizes
        self.conv_channels = conv_channels
        self.image_shape = image_shape
        self.activation = activation
        self.batch_norm = batch_norm
        self.likelihood = likelihood
        self.noise_scale = noise_scale
        self.binarize = binarize
        self.kl_weight = kl_weight
        self.kl_warmup = kl_warmup
        self.free_bits = free_bits
        self.contraction = contraction
        self.n_importance_samples = n_importance_samples
        self.n_scoring_samples = n_scoring_samples
        self.learning_rate = learning_rate
        self.learning_rate_schedule = learning_rate_schedule
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.augment = augment
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warm_start = warm_start
        self.precision = precision
        self.compile = compile
        self.device = device
        self.verbose = verbose
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Train the networks on rows or images.

        Parameters
        ----------
        X : array-like (n, D) of rows, or array (n, H, W) or (n, H, W, C) of images
            Any real values; in [0, 1] for the Bernoulli likelihood. A memory map of more than 256 MB,
            or an array of another library that can be sliced (Dask, HDF5, Zarr), is read in blocks
            of that size and never held whole. Dask computes chunks larger than the 16 MB that are
            read at a time once for every time: persist them, or store them as Zarr.
        y : None
            Ignored.
        sample_weight : array-like (n,) or None
            Whole numbers count as repetitions: a row of weight 2 is seen twice an epoch, one of
            weight 0 never. Other weights matter relative to each other only.

        Returns
        -------
        self : CVAETransformer
            Fitted.

        Raises
        ------
        ValueError
            If a parameter or a value of ``X`` is out of range.
        ArithmeticError
            If training diverges; the message names the epoch.
        KeyboardInterrupt
            On Ctrl-C. The model holds the last finished epoch and can be used; before the first
            epoch has ended it is as if ``fit`` had not been called.
        """
        resumed = self.warm_start and hasattr(self, "module_")
        if not resumed:
            self._forget()  # a fit that fails leaves no model, not the one of other data
        self._check_parameters()
        rate = learning_rate_at(self.learning_rate_schedule, self.learning_rate, self.max_iter)
        with self._computing() as device:
            fitting = Fitting(self, X, sample_weight, device, resumed=resumed)
            watcher = EpochWatcher(self, self.max_iter, X, y, fitting.attributes)
            log = fitting.run(self.max_iter, rate, watcher)
            # Interrupted, the optimiser is some steps ahead of the weights.
            fitting.keep(log, optimization=self.warm_start and not log.interrupted)
            watcher.close(log)
        if log.interrupted:
            raise _interrupted(self)
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Train for one epoch on rows or images, going on from the last call.

        The learning rate is constant: k calls on the same rows are one ``fit`` of k epochs with
        ``learning_rate_schedule="constant"``, bit for bit on the CPU. The first call settles the mean
        and the scale by which rows are standardised.

        Parameters
        ----------
        X : array-like (n, D) of rows, or array (n, H, W) or (n, H, W, C) of images
            As in :meth:`fit`.
        y : None
            Ignored.
        sample_weight : array-like (n,) or None
            As in :meth:`fit`.

        Returns
        -------
        self : CVAETransformer
            Fitted.

        Raises
        ------
        ValueError
            If a parameter or a value of ``X`` is out of range, or ``early_stopping`` is set: an
            epoch alone has nothing to stop.
        ArithmeticError
            If training diverges; the model is then what it was before the call.
        """
        if self.early_stopping:
            raise ValueError("partial_fit runs a single epoch; set early_stopping=False.")
        self._check_parameters()
        with self._computing() as device:
            fitting = Fitting(self, X, sample_weight, device, resumed=hasattr(self, "module_"))
            log = fitting.run(1, lambda _: self.learning_rate, EpochWatcher(self, 1))
            fitting.keep(log, optimization=not log.interrupted)
        if log.interrupted:
            raise _interrupted(self)
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
            The means, which :meth:`inverse_transform` decodes.
        """
        return self._in_chunks(lambda x: self.module_.encode(x)[0], self._fitted_rows(X))

    def inverse_transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Decode codes to the mean row or image, E[x | z].

        Parameters
        ----------
        X : array-like (n, n_components)
            Codes.

        Returns
        -------
        X_original : ndarray (n, D), or (n, H, W[, C]) where images were fitted; float32
            In the units of the training data.

        Raises
        ------
        ValueError
            If ``X`` has another number of columns, no rows, or a value that is not finite.
        """
        return self._decode(X)

    def _forget(self) -> None:
        """Drop what an earlier fit has found."""
        for name in [name for name in vars(self) if name.endswith("_") or name in ("_codes", "_optimization")]:
            delattr(self, name)

    def _check_parameters(self) -> None:
        """Refuse what no single parameter's range can tell."""
        for name in ("hidden_layer_sizes", "conv_channels"):
            sizes = getattr(self, name)
            if not all(isinstance(size, Integral) and int(size) > 0 for size in sizes):
                raise ValueError(f"{name}={sizes!r}; expected integers greater than 0.")
        if self.binarize and self.likelihood != "bernoulli":
            raise ValueError(f"binarize=True needs likelihood='bernoulli', got {self.likelihood!r}.")
        if self.n_importance_samples > 1 and (self.free_bits > 0 or self.kl_weight == 0):
            raise ValueError("n_importance_samples > 1 needs kl_weight > 0 and free_bits=0.")
        if set(self.augment) - AUGMENTATIONS:
            raise ValueError(f"augment={self.augment!r}; expected names among {sorted(AUGMENTATIONS)}.")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        tags.input_tags.three_d_array = True
        return tags


def _interrupted(estimator: CVAETransformer) -> KeyboardInterrupt:
    """Ctrl-C, passed on so that what called ``fit`` ends too, with a word on the model."""
    error = KeyboardInterrupt()
    error.add_note(
        f"The training was interrupted: the model holds epoch {estimator.n_iter_}, the last one finished, "
        "and can be used."
    )
    return error
