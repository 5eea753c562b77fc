"""Style propagation as a scikit-learn estimator."""

import os
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, MetaEstimatorMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from .._base import HasMethods, Interval, StrOptions, as_float32, draw_seed, fit_context, flatten_images
from .._images import Image, as_images
from .._progress import printed
from .._threads import one_thread
from ..metrics import propagation_score
from ._image_mode import ImageMode
from ._masks import composite, masks_for
from ._parts import fitted_content, fitted_style, works_on_rows
from ._row_mode import align_rows, propagate_rows, row_score, style_codes
from ._style_model import FittedStyles, StyleModel
from ._table_output import TableOutput

__all__ = ["StylePropagator"]


class StylePropagator(ImageMode, TableOutput, MetaEstimatorMixin, TransformerMixin, BaseEstimator):
    """Redraw photographs in the style of pictures.

    Composes a content transformer and a style transformer. ``fit`` learns the map from content
    codes to style codes; ``transform`` redraws images in three steps: code the content and the
    style; generate the style's patches; propagate them over the picture, coarse to fine, by
    matching codes.

    Parameters
    ----------
    content : transformer or None, default=None
        Codes the content. Fitted (frozen or not), it is used as it is; unfitted, it is cloned and
        fitted on ``X``; None codes the content by the style's coder.
    style : transformer, list of transformers, or None, default=None
        Codes the style: a :class:`PatchTransformer` for images, any transformer with an inverse for
        rows. Fitted, it is used as it is, and carries its style images; unfitted or None, a clone
        is fitted on ``style_images``. Wrap a fitted one in ``sklearn.frozen.FrozenEstimator`` where
        the propagator is cloned, as in a grid search. A list holds several styles, to be mixed
        (``style_weights``) or laid side by side (``mask`` of :meth:`transform`).
    style_images : path, ndarray (H, W[, C]), PIL image, or list of them; or rows; default=None
        The pictures whose style is wanted, where the style is not fitted. Several are one style
        together; with ``style_weights``, or where ``style`` is a list, each is a style of its own.
    style_weights : array-like of float or None, default=None
        Shares of several styles, at least 0; only their ratios count. None gives all the same.
        Their colours and codes meet in a barycentre, and the patches of each are used in about its share.
    strength : float in [0, 1], default=1.0
        How much of the style to apply: 0 returns the content, 1 is the full style.
    content_weight : float, default=1.0
        Pull of the content on the matching, and its share in the finest detail, both where it has
        structure; greater keeps more of it.
    coherence : float, default=0.6
        Reward, as a share of the variance of the style's codes, for matches that continue their
        neighbours' in the style; greater gives longer strokes and larger pieces of the style.
    balance : float, default=0.06
        Price, as a share of the same variance, on using one part of the style more often than
        others; greater spreads the use, 0 lets the nearest code always win.
    style_scale : float, default=1.0
        Size of the style's strokes relative to the picture: 2 draws them twice as large.
    color : {"style", "content", "only"}, default="style"
        ``"content"`` keeps the photograph's colours and takes the strokes; ``"only"`` takes the
        style's colours and nothing else.
    bank : {"generated", "style"}, default="generated"
        Patches to draw with: new ones sampled from the style's C-VAE about its own, or just its own.
        A transformer without a posterior, such as a PCA, has only the latter.
    detail : float in [0, 1], default=1.0
        Share of a style patch's residual, what the transformer cannot code, in what is drawn; 0
        draws with the pure model.
    device : {"auto", "cpu", "cuda", ...}, default="auto"
        Where to match; ``"auto"`` takes the accelerator torch reports, else the CPU.
    random_state : int, RandomState instance or None, default=None
        Seeds the search, and the parts where their own ``random_state`` is None.
    memory : None, str, path or joblib.Memory, default=None
        Where to keep the parts that are fitted here. A clone with other parameters of its own, such as
        ``strength``, finds them there, in whatever process, instead of fitting them again. It needs a
        ``random_state`` of int: with None every fit draws a new seed, and finds nothing. A fitted part
        is not touched.
    verbose : int, default=0
        1 prints a line for every epoch that trains a part, every scale that is drawn, and every image.

    Attributes
    ----------
    style_ : transformer, or list of transformers
        The fitted style, or styles.
    content_ : transformer or None
        The fitted content coder.
    style_weights_ : ndarray
        In image mode: the weights of the styles, of sum 1.
    alignment_ : AffineMap
        In image mode: the map from content codes to where the style's codes live.
    row_alignment_ : RowAlignment
        In row mode: that map, and the one to the style coder's own codes.
    style_moments_ : Moments
        In row mode: mean and covariance of the style's codes.
    n_features_in_ : int
        In row mode only.

    Notes
    -----
    Two modes. Where the style codes patches, ``X`` holds images of any size; results have their
    layout, size and dtype. Where it codes whole rows, for instance 28x28 digits, ``X`` holds rows
    or equally large images.

    Rows are coded, their codes moved by one affine map, and decoded by the style. The map is learnt
    by optimal transport between the codes of the rows of ``fit`` and the style's: those of
    ``style_images``, or those a fitted C-VAE has kept. Some hundred rows of both make it reliable.
    Of a style that knows no more than its moments, such as a fitted PCA without ``style_images``, it
    is optimal transport between Gaussians, which keeps less of the content.

    A search over parameters of the propagator, such as ``strength``, need not train a style for every
    candidate and fold. Either train it before, ``style=FrozenEstimator(PatchTransformer().fit([picture]))``,
    which clones share; or give ``style_images`` and a ``memory``, which trains a part once for all that
    have its parameters and images, so that the search may run over parameters of the parts as well.
    ``Pipeline(memory=...)`` is no substitute: it keeps whole steps, by all of their parameters, and never
    the last.

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

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "content": [HasMethods(["fit", "transform"]), None],
        "style": [HasMethods(["fit", "transform", "inverse_transform"]), list, tuple, None],
        "style_images": "no_validation",  # type: ignore[dict-item]
        "style_weights": ["array-like", None],
        "strength": [Interval(Real, 0, 1, closed="both")],
        "content_weight": [Interval(Real, 0, None, closed="left")],
        "coherence": [Interval(Real, 0, None, closed="left")],
        "balance": [Interval(Real, 0, None, closed="left")],
        "style_scale": [Interval(Real, 0, None, closed="neither")],
        "color": [StrOptions({"style", "content", "only"})],
        "bank": [StrOptions({"style", "generated"})],
        "detail": [Interval(Real, 0, 1, closed="both")],
        "device": [str, torch.device],
        "random_state": ["random_state"],
        "memory": [None, str, os.PathLike, HasMethods(["cache"])],
        "verbose": ["verbose"],
    }

    _redraws_columns = True

    def __init__(
        self,
        content: Any = None,
        style: Any = None,
        *,
        style_images: Any = None,
        style_weights: ArrayLike | None = None,
        strength: float = 1.0,
        content_weight: float = 1.0,
        coherence: float = 0.6,
        balance: float = 0.06,
        style_scale: float = 1.0,
        color: str = "style",
        bank: str = "generated",
        detail: float = 1.0,
        device: str | torch.device = "auto",
        random_state: Any = None,
        memory: Any = None,
        verbose: int = 0,
    ) -> None:
        self.content = content
        self.style = style
        self.style_images = style_images
        self.style_weights = style_weights
        self.strength = strength
        self.content_weight = content_weight
        self.coherence = coherence
        self.balance = balance
        self.style_scale = style_scale
        self.color = color
        self.bank = bank
        self.detail = detail
        self.device = device
        self.random_state = random_state
        self.memory = memory
        self.verbose = verbose

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
            If an image or a parameter is out of range, or the parts do not fit each other.
        """
        self._seed = draw_seed(self.random_state)
        self._models: dict[tuple[int | None, str], StyleModel] = {}
        self._in_row_mode = works_on_rows(self.style, X)
        if self._in_row_mode:
            return self._fit_rows(X)
        images, _ = as_images(X)
        with printed(self.verbose):
            self._fit_parts(images)
        contents = [self._tensor(image) for image in images]
        shared = [i for i, weight in enumerate(self.style_weights_) if weight > 0]
        self._fitted: dict[int | None, FittedStyles] = {None: self._fit_alignment(shared, contents)}
        if len(self._styles) > 1:
            self._fitted |= {i: self._fit_alignment([i], contents) for i in range(len(self._styles))}
        self.alignment_ = self._fitted[None].alignment
        return self

    def transform(self, X: Any, mask: Any = None) -> Any:
        """Redraw images, or rows, in the style.

        Parameters
        ----------
        X : list of ndarray (H, W[, C]), ndarray (n, H, W[, C]), or array-like (n, D) of rows
            Images of any size, not only those fitted.
        mask : list of ndarray (H, W), ndarray (n, H, W), or None
            Where the style acts, one mask an image: 1 redraws, 0 leaves the content's pixels, values
            between mix. Booleans, uint8, or floats in [0, 1]. Images only. Of K styles each may have
            a mask of its own, (K, H, W) an image: each acts, alone, where its mask is, whatever
            ``style_weights``; where masks sum to more than 1 the styles share.

        Returns
        -------
        pictures : like ``X``
            Of the same layout, sizes and dtypes; alpha is carried through.
        """
        check_is_fitted(self)
        if self._in_row_mode:
            self._refuse_mask(mask)
            return self._transform_rows(X)
        images, layout = as_images(X)
        if mask is None:
            return layout.restore(self._redraw_all(images))
        masks = masks_for(images, mask, len(self._styles))
        if masks[0].shape[2] == 1:
            layers = [self._redraw_all(images)]
        else:
            layers = [self._redraw_all(images, style) for style in range(len(self._styles))]
        pictures = zip(*layers, strict=True)
        return layout.restore([composite(*parts) for parts in zip(images, pictures, masks, strict=True)])

    def fit_transform(self, X: Any, y: Any = None, mask: Any = None) -> Any:
        """Fit on images, or rows, and redraw the same.

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
        # The mixin's would hand the mask to fit, which takes none.
        return self.fit(X).transform(X, mask=mask)

    def score(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None, mask: Any = None) -> float:
        """Style gained and content kept, in one figure in [0, 1]; greater is better.

        The mean over the images of :func:`skisp.metrics.propagation_score`, best of the style
        images, the weighted mean over several styles; in row mode a like figure of codes. For
        searches :class:`skisp.metrics.PropagationScorer` is stricter: it holds a part of the style back.

        Parameters
        ----------
        X : list of ndarray (H, W[, C]), ndarray (n, H, W[, C]), or array-like (n, D) of rows
            The content.
        y : None
            Ignored.
        sample_weight : array-like (n,) or None
            Weights of the images' mean; not possible for rows, whose score is of all together.
        mask : list of ndarray (H, W), ndarray (n, H, W), or None
            As for :meth:`transform`. The pictures are drawn with it, and scored as a whole.

        Returns
        -------
        score : float
            From 0 to 1.
        """
        check_is_fitted(self)
        if self._in_row_mode:
            self._refuse_mask(mask)
            if sample_weight is not None:
                raise ValueError("Rows are scored together, without weights; leave sample_weight out.")
            return self._score_rows(X)
        images, _ = as_images(X)
        pictures = self.transform(images, mask=mask)
        scores = [self._score_of(image, picture) for image, picture in zip(images, pictures, strict=True)]
        weights = None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        return float(np.average(np.asarray(scores), weights=weights))

    def _score_of(self, image: Image, picture: Any) -> float:
        best = [max(propagation_score(image, own, picture) for own in style.images_) for style in self._styles]
        return float(np.dot(self.style_weights_, best))

    @staticmethod
    def _refuse_mask(mask: Any) -> None:
        if mask is not None:
            raise ValueError("Rows have no mask; leave mask out, or fit a PatchTransformer as the style.")

    def _fit_rows(self, X: Any) -> Self:
        rows, self._image_shape = self._rows(X, reset=True)
        self.style_ = fitted_style(self.style, self.style_images, for_rows=True, seed=self._seed, memory=self.memory)
        self.content_ = fitted_content(self.content, rows, self._seed, self.memory)
        rows_of_style = None if self.style_images is None else flatten_images(self.style_images)[0]
        with one_thread():
            codes = style_codes(self.style_, rows_of_style)
            self.style_moments_ = codes.moments
            self.row_alignment_ = align_rows(self.content_, self.style_, codes, rows, self._seed)
        return self

    def _transform_rows(self, X: Any) -> Any:
        rows, image_shape = self._rows(X, reset=False)
        redrawn = self._redraw_rows(rows)
        keeps_shape = image_shape is not None and redrawn.shape[1] == rows.shape[1]
        return redrawn.reshape(-1, *image_shape) if keeps_shape and image_shape else redrawn

    def _redraw_rows(self, rows: Any) -> Any:
        return propagate_rows(self.content_, self.style_, self.row_alignment_, rows, self.strength)

    def _score_rows(self, X: Any) -> float:
        rows, _ = self._rows(X, reset=False)
        codes = as_float32((self.style_ if self.content_ is None else self.content_).transform(rows))
        aligned = self.row_alignment_.to_style_coder(torch.tensor(codes)).numpy()
        result = as_float32(self.style_.transform(self._redraw_rows(rows)))
        return row_score(codes, result, aligned, self.style_moments_)

    def _rows(self, X: Any, *, reset: bool) -> tuple[Any, tuple[int, ...] | None]:
        X, image_shape = flatten_images(X)
        return validate_data(self, X, dtype=np.float32, order="C", reset=reset), image_shape

    @property
    def _n_features_out(self) -> int:  # type: ignore[override]
        return int(self.style_.n_features_in_)

    def _gives_images(self) -> bool:
        return hasattr(self, "_in_row_mode") and not (self._in_row_mode and self._image_shape is None)

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        # The models are made of the fitted parts, and their banks are as large as the style's pyramid.
        return {**state, "_models": {}} if "_models" in state else state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        tags.input_tags.three_d_array = True
        return tags
