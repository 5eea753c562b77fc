"""The C-VAE as a scikit-learn transformer."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from .._base import CallbackSupportMixin, fit_context
from .._progress import printed
from ._computing import computing
from ._fitting import Fitting
from ._model import CVAEModel
from ._training import learning_rate_at
from ._watching import EpochWatcher

__all__ = ["CVAETransformer"]

Method = TypeVar("Method", bound=Callable[..., Any])


def _all_or_nothing(method: Method) -> Method:
    """Decorate a method that fits: one that fails leaves the model it was to go on with, or nothing at all.

    The outermost decorator, so that this holds for parameters that are refused, too.
    """

    @functools.wraps(method)
    def fit(estimator: Any, *args: Any, **kwargs: Any) -> Any:
        goes_on = estimator.warm_start or method.__name__ == "partial_fit"
        if not goes_on:
            estimator._forget()
        try:
            return method(estimator, *args, **kwargs)
        finally:
            if not estimator.__sklearn_is_fitted__():
                estimator._forget()

    return cast(Method, fit)


class CVAETransformer(CallbackSupportMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, CVAEModel):
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
    init : {"pca", "random"}, default="pca"
        Where training starts. ``"pca"``: encoder and decoder have a linear map each beside the network,
        and are probabilistic PCA of the rows (of a sample of many) before the first step, the network
        giving 0; a Bernoulli likelihood starts from the logits nearest to it. So a fit needs few epochs,
        and need not be worse than PCA. ``"random"``: there is the network only, with random weights.
    hidden_layer_sizes : tuple of int or "auto", default="auto"
        Widths of the dense encoder's hidden layers; the decoder has them in reverse order. ``()``
        makes both linear. ``"auto"``: (512, 256) where there is no linear map that says the most, that is,
        for the Bernoulli likelihood and ``init="random"``; else one width of 64 to 256, eight times the
        square root of the columns, in two layers; a single layer for less than 5,000 rows.
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
        data; with ``init="pca"`` under an inverse gamma prior that is learnt, which holds the Gaussian
        of one variance as a limit. ``"gaussian"``: one standard deviation a feature, learnt, or
        ``noise_scale`` for all. ``"bernoulli"``: for data in [0, 1]; gives the best samples of black and
        white images. Of greys its score is no density (greys are unlikely in themselves): to find
        anomalies among them, take another.
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
    learning_rate : float or "auto", default="auto"
        Of Adam; the peak of the one-cycle schedule. ``"auto"``: 0.003, and for batches of more than 256
        rows as many times that as the square root of their size is greater.
    learning_rate_schedule : {"one_cycle", "constant"}, default="one_cycle"
        One cycle over ``max_iter`` epochs: up to the peak in the first 30 per cent, then down to 0.
        :meth:`partial_fit` always keeps the rate constant.
    weight_decay : float, default=0.0
        Decoupled weight decay; regularises where data are few.
    batch_size : int or "auto", default="auto"
        Rows a gradient step (all of them where there are fewer). ``"auto"``: 256; with ``init="pca"`` and
        a real-valued likelihood 1024 of 5,000 rows or more.
    max_iter : int or "auto", default="auto"
        Epochs. ``"auto"``: as many as see 500,000 rows, from 10 to 150. With ``init="pca"`` and a
        real-valued likelihood as many as see 100,000 rows, at least 5 (8 of batches of 1024 rows), or
        300,000 where there are less than 5,000; and a tenth of them, at most 1,000, is held back.
        Training then ends when two epochs running each explain less than a per cent more of the
        variance that is left; on less than 5,000 rows when the loss of those held back stops falling
        (``n_iter_no_change``), and what was learnt is kept only if they are decoded as well as at the
        start, and likelier by more than one standard error.
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
    checkpoint : str, path-like or None, default=None
        File in which :meth:`fit` notes after every epoch where it is. A fit that was killed, or interrupted, goes on
        from there when it is called again with the same data and parameters, and ends with the same bits as an
        undisturbed one; called with others, it is refused. The file is removed when the fit has ended. Let no two
        fits share one, such as those of a search.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        Number format of the networks in training. ``"auto"`` takes bfloat16 where the hardware is
        faster with it. Losses, scores and codes are always in float32.
    compile : bool, default=False
        Compile the networks with :func:`torch.compile` for training: needs a C++ compiler, takes a
        minute, and pays on accelerators and long fits only.
    device : {"auto", "cpu", "cuda", ...}, default="auto"
        ``"auto"`` takes the accelerator torch reports, else the CPU. Resolved at each call.
    verbose : int, default=0
        Greater than 0: print one line an epoch, unless something else shows the progress.
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
        The same of the rows held back; empty where none were.
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
    latent_samples_ : ndarray (m, n_components), float32
        Samples of the aggregate posterior: codes of training rows, each from the posterior of its
        row, in the order of the rows; about 5,000 at most.
    fitted_ : FittedCVAE
        The record that holds all of these.
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

    @_all_or_nothing
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Train the networks on rows or images.

        Parameters
        ----------
        X : array-like (n, D) of rows, or array (n, H, W) or (n, H, W, C) of images
            Any real values; in [0, 1] for the Bernoulli likelihood. From float64 and whole numbers that lie
            far from zero, such as times in Unix seconds, an offset is subtracted before they become float32:
            the mean of each column that is at least 1,000 from zero and 1,000 times its standard deviation
            (in a first :meth:`partial_fit`, and of data read in blocks, by the first batch or block).

            A large memory map, files (:class:`skisp.io.ImageFiles`), or an array of another library that can be
            sliced (Dask, HDF5, Zarr) is read in blocks, and never held whole: of 4 MB where each row can be read
            alone, of 256 MB where ``X.chunks`` says that they lie in chunks. Dask computes chunks larger than the
            16 MB that are read at a time once for every time: persist them, or store them as Zarr.
        y : None
            Ignored.
        sample_weight : array-like (n,) or None
            Whole numbers count as repetitions: a row of weight 2 is seen twice an epoch, one of
            weight 0 never. Other weights, and whole numbers of more than 16 in the mean, matter
            relative to each other only.

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
        self._check_parameters()
        with printed(self.verbose), computing(self.device) as device:
            fitting = Fitting(self, X, sample_weight, device, before=vars(self).get("fitted_"))
            rate = learning_rate_at(self.learning_rate_schedule, fitting.learning_rate, fitting.max_iter)
            watcher = EpochWatcher(self, fitting.max_iter, X, y, fitting.fitted)
            log = fitting.run(rate, watcher)
            # Interrupted, the optimiser is some steps ahead of the weights.
            self.fitted_ = fitting.fitted(log, with_optimization=self.warm_start and not log.interrupted)
            watcher.close()
        if log.interrupted:
            raise _interrupted(self.n_iter_)
        fitting.forget_checkpoint()
        return self

    @_all_or_nothing
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Train for one epoch on rows or images, going on from the last call.

        The learning rate is constant: k calls on the same rows are one ``fit`` of k epochs with
        ``learning_rate_schedule="constant"``, bit for bit on the CPU. The first call settles the mean
        and the scale by which rows are standardised, and where training starts: let it have more rows
        than there are components. ``max_iter`` is not used, and no rows are held back.

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
        with printed(self.verbose), computing(self.device) as device:
            fitting = Fitting(self, X, sample_weight, device, before=vars(self).get("fitted_"), max_iter=1)
            log = fitting.run(lambda _: fitting.learning_rate, EpochWatcher(self, 1))
            self.fitted_ = fitting.fitted(log, with_optimization=not log.interrupted)
        if log.interrupted:
            raise _interrupted(self.n_iter_)
        return self

    if TYPE_CHECKING:  # scikit-learn's mixin has no types

        def fit_transform(self, X: ArrayLike, y: Any = None, **fit_params: Any) -> NDArray[np.float32]: ...

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Code rows or images.

        Parameters
        ----------
        X : array-like (n, D), or ndarray (n, H, W[, C])
            The form of what was fitted.

        Returns
        -------
        codes : ndarray (n, n_components), float32
            Those that :meth:`inverse_transform` decodes best: the mean of the posterior, with
            ``init="pca"`` divided by one minus its variance, which takes back the pull of the prior; in a
            linear model these are the scores of PCA, at unit variance.
        """
        rows = self._rows(X)
        return self.fitted_.encode(rows, self.device)

    def inverse_transform(self, X: ArrayLike) -> NDArray[np.floating[Any]]:
        """Decode codes to the mean row or image, E[x | z].

        Parameters
        ----------
        X : array-like (n, n_components)
            Codes.

        Returns
        -------
        X_original : ndarray (n, D), or (n, H, W[, C]) where images were fitted; float32
            In the units of the training data; float64 where those were far from zero.

        Raises
        ------
        ValueError
            If ``X`` has another number of columns, no rows, or a value that is not finite.
        """
        check_is_fitted(self)
        codes = check_array(X, dtype=np.float32, order="C")
        if codes.shape[1] != self.fitted_.n_components:
            raise ValueError(f"X has shape {codes.shape}; expected codes of shape (n, {self.fitted_.n_components}).")
        return self.fitted_.decode(codes, self.device)

    def _forget(self) -> None:
        """Drop the fitted record, and the columns that scikit-learn has noted."""
        for name in ("fitted_", "n_features_in_", "feature_names_in_"):
            self.__dict__.pop(name, None)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        tags.input_tags.three_d_array = True
        return tags


def _interrupted(n_iter: int) -> KeyboardInterrupt:
    """Ctrl-C, passed on so that what called ``fit`` ends too, with a word on the model."""
    error = KeyboardInterrupt()
    error.add_note(
        f"The training was interrupted: the model holds epoch {n_iter}, the last one finished, and can be used."
    )
    return error
