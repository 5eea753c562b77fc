"""Style propagation as a scikit-learn estimator."""

from collections.abc import Iterator
from typing import Any, Self, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import MetaEstimatorMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .._base import draw_seed, fit_context
from .._images import Pictures, Stacked
from .._math.gaussian import Moments
from .._progress import printed
from .._torch_state import own_torch_state
from ._image_propagation import ImagePropagation
from ._notebook import NotebookDisplay
from ._parameters import PropagatorParameters
from ._propagation import Propagation
from ._row_alignment import RowAlignment
from ._row_propagation import RowPropagation
from ._subestimators import SubEstimators, works_on_rows
from ._table_output import TableOutput
from .synthesis._settings import SynthesisSettings

__all__ = ["StylePropagator"]


class StylePropagator(NotebookDisplay, TableOutput, MetaEstimatorMixin, TransformerMixin, PropagatorParameters):
    """Redraw photographs in the style of pictures.

    Composes a content transformer and a style transformer. ``fit`` learns the map from content codes
    to style codes. ``transform`` redraws an image in three steps, in this order: extract the codes of the
    patches of content and style; propagate the style, by searching coarse to fine for patches whose codes
    fit the content's and letting them vote on the picture; and generate, at the finest level only, new
    patches with the style's C-VAE about those that were found.

    Parameters
    ----------
    content : transformer or None, default=None
        Codes the content. A fitted one (frozen or not) is not fitted again; an unfitted one is cloned
        and fitted on ``X``; with None the style's coder codes the content.
    style : transformer, list of transformers, or None, default=None
        Codes the style: a :class:`PatchTransformer` for images, any transformer with an inverse for
        rows. A fitted one is not fitted again, and holds its style images; of an unfitted one, or with
        None, a clone is fitted on ``style_images``. Wrap a fitted one in
        ``sklearn.frozen.FrozenEstimator`` where the propagator is cloned, as in a grid search. A list
        holds several styles, to be mixed (``style_weights``) or put side by side (``mask`` of
        :meth:`transform`).
    style_images : path, ndarray (H, W[, C]), PIL image, or list of them; or rows; default=None
        The pictures whose style is wanted, if the style is not fitted. Several are one style together;
        with ``style_weights``, or where ``style`` is a list, each is a style of its own.
    style_weights : array-like of float or None, default=None
        Shares of several styles, at least 0; only their ratios matter. None gives all the same share.
        Their colours and codes meet in a barycentre, and the patches of each occur in about its share.
    strength : float in [0, 1], default=1.0
        How much of the style to apply: 0 returns the content, 1 is the full style. Between them the picture is
        painted more lightly, not faded: at 0.5 nine tenths of it are strokes, of patches nearer to the content.
    content_weight : float, default=1.0
        Weight of the content in the search, and its share in the finest detail, both mainly where it has
        structure; a greater weight keeps more of it.
    coherence : float, default=1.2
        Reward, as a share of the variance of the style's codes, for matches that continue their
        neighbours' in the style; a greater reward gives longer strokes and larger pieces of the style.
    balance : float, default=0.18
        Price, as a share of the same variance, on patches of the style that occur more often than
        others; a greater price shows more of the style, with 0 the nearest code always wins.
    style_scale : float, default=1.0
        Size of the style's strokes relative to the picture, at most 8: with 2 they are twice as large.
    color : {"style", "content", "only"}, default="style"
        ``"content"`` keeps the photograph's colours and takes the strokes; ``"only"`` takes the
        style's colours and nothing else.
    patches : {"generated", "style"}, default="generated"
        Patches that the finest level is rendered with: new ones sampled from the style's C-VAE about its
        own, or just its own. A transformer without a posterior, such as a PCA, has only the latter.
    detail : float in [0, 1], default=1.0
        Share of a style patch's residual, what the transformer cannot code, in what is rendered; 0
        renders with the pure model.
    adaptation : float in [0, 1], default=1.0
        How far a patch bends to the content where that has structure: its code moves by this share of the
        way to what was searched for, and the style's coder makes a new patch of it. Greater keeps more of
        eyes, letters and windows, 0 takes the style's patches as they are.
    device : {"auto", "cpu", "cuda", ...}, default="auto"
        Where to compute; ``"auto"`` takes the accelerator torch reports, else the CPU.
    random_state : int, RandomState instance or None, default=None
        Seeds the search, and the sub-estimators where their own ``random_state`` is None.
    memory : None, str, path or joblib.Memory, default=None
        Where to keep the sub-estimators that are fitted here. A clone with another ``strength``, say, finds
        them there, in any process, instead of fitting them again. It needs a ``random_state`` of int: with
        None every fit draws a new seed, and finds nothing.
    verbose : int, default=0
        1 prints a line for every epoch of training, every pyramid level that is synthesised, and every image.

    Attributes
    ----------
    style_ : transformer, or list of transformers
        The fitted style, or styles.
    content_ : transformer or None
        The fitted content coder.
    propagation_ : ImagePropagation or RowPropagation
        What does the work: the fitted sub-estimators, and the map between their codes.
    style_weights_ : ndarray
        In image mode: the weights of the styles, of sum 1.
    alignment_ : AffineMap
        In image mode: the map from content codes to where the style's codes lie.
    row_alignment_ : RowAlignment
        In row mode: that map, and the one to the style coder's own codes.
    style_moments_ : Moments
        In row mode: mean and covariance of the style's codes.
    n_features_in_ : int
        In row mode only.

    Notes
    -----
    There are two modes. If the style codes patches, ``X`` holds images of any size; results have their
    layout, size and dtype. If it codes whole rows, for instance 28x28 digits, ``X`` holds rows or
    images of one size.

    Rows are coded, their codes moved by one affine map, and decoded by the style. The map is learnt
    by optimal transport between the codes of the rows of ``fit`` and the style's: of ``style_images``,
    or those a fitted C-VAE has kept. Some hundred rows of both make it reliable. Of a style that knows
    its moments only, as a fitted PCA does, it is optimal transport between Gaussians.

    A search over parameters of the propagator, such as ``strength``, need not train a style for every
    candidate and fold. Either train it before, ``style=FrozenEstimator(PatchTransformer().fit([picture]))``,
    which clones share; or give ``style_images`` and a ``memory``. Then a sub-estimator is trained once for
    all candidates that have its parameters and images, so the search may run over those as well.
    ``Pipeline(memory=...)`` is no substitute: it keeps whole steps, identified by all of their parameters,
    and never the last.

    References
    ----------
    Mroueh, "Wasserstein style transfer", arXiv:1905.12828; Grave et al., "Unsupervised alignment of
    embeddings with Wasserstein Procrustes", arXiv:1805.11222; Barnes et al., "PatchMatch",
    doi:10.1145/1531326.1531330; Fiser et al., "StyLit", doi:10.1145/2897824.2925948.

    Examples
    --------
    >>> from skisp import PatchTransformer, StylePropagator
    >>> from skisp.datasets import load_photograph, make_style_image
    >>> from sklearn.decomposition import PCA
    >>> photograph = load_photograph("china", size=96)
    >>> style = make_style_image("stained_glass", size=96, random_state=0)
    >>> propagator = StylePropagator(
    ...     style=PatchTransformer(PCA(8), patch_size=7), style_images=style, random_state=0
    ... )
    >>> picture = propagator.fit_transform([photograph])[0]
    >>> picture.shape == photograph.shape, picture.dtype
    (True, dtype('uint8'))
    """

    _redraws_columns = True

    @own_torch_state()
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit what is not fitted, and learn the map from content codes to style codes.

        Parameters
        ----------
        X : list of ndarray (H, W[, C]), ndarray (n, H, W[, C]), or array-like (n, D) of rows
            The content.
        y : None
            Ignored.

        Returns
        -------
        self : StylePropagator
            Fitted.

        Raises
        ------
        NotFittedError
            If the style is not fitted and ``style_images`` is None.
        ValueError
            If an image or a parameter is out of range, or the sub-estimators do not fit each other.
        """
        earlier = vars(self).get("propagation_")
        self._forget()
        try:
            self.propagation_: Any = self._fitted_propagation(X, earlier)
        except BaseException:
            self._forget()  # what the validation of rows has noted
            raise
        return self

    @overload
    def transform(self, X: Stacked, mask: Any = None) -> NDArray[Any]: ...

    @overload
    def transform(self, X: Pictures, mask: Any = None) -> list[NDArray[Any]]: ...

    @own_torch_state()
    def transform(self, X: Any, mask: Any = None) -> Any:
        """Redraw images, or rows, in the style.

        Parameters
        ----------
        X : list of ndarray (H, W[, C]), ndarray (n, H, W[, C]), or array-like (n, D) of rows
            Images of any size, not only those fitted.
        mask : list of ndarray (H, W), ndarray (n, H, W), or None
            Where the style acts, one mask for each image: 1 redraws, 0 keeps the content's pixels, values
            between mix. Booleans, whole numbers that are all 0 or 1, uint8 and uint16 (their greatest is 1), or
            floats in [0, 1]; of a Pillow image in colour the luminance counts, and what is transparent is 0.
            Images only. Each of K styles may have a mask of its own, (K, H, W) for each image: then each style
            acts alone where its mask is, and ``style_weights`` are not used; where masks sum to more than 1 the
            styles share the pixel.

        Returns
        -------
        pictures : like ``X``
            Of the same layout, sizes and dtypes; alpha is returned unchanged.
        """
        check_is_fitted(self)
        content, layout = self.propagation_.read(X, self, reset=False)
        with printed(self.verbose):
            redrawn = self.propagation_.transform(content, self._settings(), mask)
        return layout.gathered(redrawn)

    @overload
    def fit_transform(self, X: Stacked, y: Any = None, mask: Any = None) -> NDArray[Any]: ...

    @overload
    def fit_transform(self, X: Pictures, y: Any = None, mask: Any = None) -> list[NDArray[Any]]: ...

    def fit_transform(self, X: Any, y: Any = None, mask: Any = None) -> Any:
        """Fit on images, or rows, and redraw them.

        Parameters
        ----------
        X : list of ndarray (H, W[, C]), ndarray (n, H, W[, C]), or array-like (n, D) of rows
            The content.
        y : None
            Ignored.
        mask : list of ndarray (H, W), ndarray (n, H, W), or None
            As for :meth:`transform`.

        Returns
        -------
        pictures : like ``X``
            As :meth:`transform` gives them.
        """
        # The mixin's method would pass the mask to fit, which takes none.
        return self.fit(X).transform(X, mask=mask)

    @own_torch_state()
    def score(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None, mask: Any = None) -> float:
        """Style gained and content kept, in one figure in [0, 1]; greater is better.

        The mean over the images of :func:`skisp.metrics.propagation_score`. Of several style images the
        best counts, of several styles the weighted mean. In row mode it is a similar figure of codes.
        For searches :class:`skisp.metrics.PropagationScorer` is stricter: it holds out a part of the style.

        Parameters
        ----------
        X : list of ndarray (H, W[, C]), ndarray (n, H, W[, C]), or array-like (n, D) of rows
            The content.
        y : None
            Ignored.
        sample_weight : array-like (n,) or None
            Weights of the images in the mean; not possible for rows, which have one score together.
        mask : list of ndarray (H, W), ndarray (n, H, W), or None
            As for :meth:`transform`. The pictures are redrawn with it, and scored as a whole.

        Returns
        -------
        score : float
            From 0 to 1.
        """
        check_is_fitted(self)
        content, _ = self.propagation_.read(X, self, reset=False)
        with printed(self.verbose):
            return self.propagation_.score(content, self._settings(), sample_weight, mask)

    @overload
    def propagate_sequence(self, frames: Stacked) -> NDArray[Any]: ...

    @overload
    def propagate_sequence(self, frames: Pictures) -> list[NDArray[Any]]: ...

    @overload
    def propagate_sequence(self, frames: Iterator[Any]) -> Iterator[NDArray[Any]]: ...

    @own_torch_state()
    def propagate_sequence(self, frames: Any) -> Any:
        """Redraw the frames of a film, or of any sequence in which each frame looks much like the last.

        :meth:`transform` redraws every image alone, so that neighbouring frames get different strokes:
        the film flickers. Here colours and contrast are measured on the first frame only. Each further
        frame starts from the patches of the last, warped along the optical flow of the frames, and keeps
        most of the last picture where the content has not changed. If hardly anything agrees, after a
        cut, the synthesis starts again.

        Parameters
        ----------
        frames : ndarray (n, H, W[, C]), list of ndarray (H, W[, C]), or another iterable of them
            In order, and all of one size.

        Returns
        -------
        pictures : like ``frames``
            An array for an array, a list for a list. For any other iterable, such as a generator that
            reads a file, an iterator that reads a frame only when the next picture is asked for: a film
            need not fit into memory.

        Raises
        ------
        ValueError
            If a frame differs in size from the first, or the propagator was fitted on rows.

        References
        ----------
        Ruder, Dosovitskiy & Brox, "Artistic style transfer for videos", GCPR 2016,
        arXiv:1604.08610 (each frame starts from the last, warped).

        Examples
        --------
        >>> import numpy as np
        >>> from skisp import PatchTransformer, StylePropagator
        >>> from skisp.datasets import load_photograph, make_style_image
        >>> from sklearn.decomposition import PCA
        >>> photograph = load_photograph("china", size=96)
        >>> frames = np.stack([photograph[:, i : i + 60] for i in range(3)])  # a camera that pans
        >>> style = make_style_image("waves", size=96, random_state=0)
        >>> coder = PatchTransformer(PCA(8), patch_size=7)
        >>> propagator = StylePropagator(style=coder, style_images=style, random_state=0)
        >>> propagator.fit(frames[:1]).propagate_sequence(frames).shape == frames.shape
        True
        """
        check_is_fitted(self)
        with printed(self.verbose):
            return self.propagation_.propagate_sequence(frames, self._settings())

    @property
    def style_(self) -> Any:
        """The fitted style, or a list of the styles."""
        return self.propagation_.style

    @property
    def content_(self) -> Any:
        """The fitted content coder, or None."""
        return self.propagation_.content

    @property
    def style_weights_(self) -> NDArray[np.float64]:
        """In image mode: the weights (n_styles,) of the styles."""
        return self.propagation_.style_weights

    @property
    def alignment_(self) -> Any:
        """In image mode: the map from content codes to where the style's codes lie."""
        return self.propagation_.alignment

    @property
    def row_alignment_(self) -> RowAlignment:
        """In row mode: that map, and the one to the style coder's own codes."""
        return self.propagation_.row_alignment

    @property
    def style_moments_(self) -> Moments:
        """In row mode: mean and covariance of the style's codes, arrays."""
        return self.propagation_.style_moments

    @property
    def _n_features_out(self) -> int:  # type: ignore[override]
        return int(self.propagation_.n_features_out)

    def _fitted_parts(self) -> dict[str, list[Any]]:
        content = [] if self.content_ is None else [self.content_]
        styles = self.style_ if isinstance(self.style_, list) else [self.style_]
        return {"content": content, "style": styles}

    def _gives_images(self) -> bool:
        return hasattr(self, "propagation_") and bool(self.propagation_.gives_images)

    def _fitted_propagation(self, X: Any, earlier: Propagation | None) -> Propagation:
        mode: type[Propagation] = RowPropagation if works_on_rows(self.style, X) else ImagePropagation
        content, layout = mode.read(X, self, reset=True)
        seed = draw_seed(self.random_state)
        given = SubEstimators(self.content, self.style, self.style_images, self.style_weights, seed, self.memory)
        with printed(self.verbose):
            return mode.fit(content, layout, given, SynthesisSettings.of(self), earlier)

    def _settings(self) -> SynthesisSettings:
        """The present parameters, which may have been changed since ``fit`` checked them."""
        self._validate_params()
        return SynthesisSettings.of(self)

    def _forget(self) -> None:
        """Drop the results of an earlier fit, so that a fit that fails does not leave those of other data."""
        for name in ("propagation_", "n_features_in_", "feature_names_in_"):
            self.__dict__.pop(name, None)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        tags.input_tags.three_d_array = True
        return tags
