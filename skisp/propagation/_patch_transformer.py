"""Any transformer of rows, made to code images of any size patch by patch."""

from collections.abc import Callable, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, ClassVar, Self, overload

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted, validate_data

from .._base import HasMethods, Interval, draw_seed, fit_context
from .._images import Image, Pictures, Stacked, as_images, to_channels
from .._tensors import from_tensor, to_tensor
from .._threads import one_thread
from .._torch_state import own_torch_state
from ..cvae import CVAETransformer
from ..io._image_files import ImageFiles, are_paths
from ._notebook import NotebookDisplay
from ._patch_sampling import sample_from_images
from ._table_output import TableOutput
from .synthesis._patches import extract_patches, hann_window, overlap_add

__all__ = ["IN_A_LIST", "PatchTransformer", "checked_images", "is_rows", "seeded"]

# By how much a patch may differ without looking different. One scale for all: with the variance integrated
# out (likelihood="collapsed") the flat patches of a picture have the most influence, and strokes are coded badly.
_NOISE_SCALE = 0.05
# A third above the default: measured on five paintings, a few epochs from PCA explain a per cent more with it.
_LEARNING_RATE = 8e-3
# So many patches are gone through five times, in batches of 640, which takes seven tenths of the time that eight times
# in batches of 1024 take (what CVAETransformer does with them): of the variance that PCA leaves unexplained, .867 is
# left on five paintings, and .857 then. Fewer are left to CVAETransformer, which goes through them more often.
_MANY_PATCHES = 20_000
_MANY: dict[str, Any] = {"max_iter": 5, "batch_size": 640}

# Said where rows were fitted and images come: one image may have been meant before.
IN_A_LIST = "If it was one grey image, put that in a list: an array of two axes is rows."

_ONE_KIND = "convert them to one kind, for instance with PIL's convert('RGB')."


class PatchTransformer(NotebookDisplay, TableOutput, TransformerMixin, BaseEstimator):
    """Code images of any size by the codes of their overlapping patches.

    Wraps a transformer of rows: a :class:`CVAETransformer`, a PCA, or any with ``transform`` and
    ``inverse_transform``. It keeps the images on which it was fitted: :class:`StylePropagator` takes its
    patches from them.

    Parameters
    ----------
    transformer : transformer or None, default=None
        Codes the patches, as rows of patch_size * patch_size * C values, channel by channel. A clone of
        it is fitted. None stands for a :class:`CVAETransformer` with a Gaussian likelihood of one noise
        scale for all patches, trained for five epochs where ``max_patches`` is 20,000 or more.
    n_components : int, default=12
        Length of a code, where ``transformer`` is None.
    patch_size : int, default=7
        Side of a patch in pixels.
    max_patches : int, default=20000
        Patches sampled for fitting, in equal shares from the levels of a pyramid: short sides from 48
        pixels up to the image's own (at most ``max_size``), a factor of about 1.4 apart.
    max_size : int, default=512
        Largest short side in pixels of the pyramid, at least ``patch_size``.
    random_state : int, RandomState instance or None, default=None
        Samples the patches, and seeds the transformer where its own ``random_state`` is None.

    Attributes
    ----------
    transformer_ : transformer
        The fitted clone.
    images_ : list of ndarray (H, W, C), float32 in [0, 1]
        The images on which it was fitted; empty if it was fitted on rows, or on files.
    n_channels_ : int
        1 if all images are grey, else 3; 0 for rows.
    n_features_in_ : int
        Number of values of a patch.

    Notes
    -----
    Fitted on the paths of any number of files, it codes images but is no style, since it keeps none to take
    patches from. Let its coder serve the pictures that are to give them:
    ``PatchTransformer(FrozenEstimator(fitted.transformer_))``, with the same ``patch_size``, fitted on these.

    A two-dimensional ``X`` (n, n_features) is taken as patches that are rows already, and passed to
    the transformer unchanged. So a single grey image (H, W) of floats is taken for rows too: put it in a list.

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> from skisp import PatchTransformer
    >>> from skisp.datasets import make_style_image
    >>> image = make_style_image("waves", size=64, random_state=0)
    >>> patches = PatchTransformer(PCA(8), patch_size=7, random_state=0).fit([image])
    >>> codes = patches.transform([image])
    >>> codes[0].shape
    (58, 58, 8)
    >>> patches.inverse_transform(codes)[0].shape
    (64, 64, 3)
    """

    images_: list[Image]

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "transformer": [HasMethods(["fit", "transform", "inverse_transform"]), None],
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "patch_size": [Interval(Integral, 2, None, closed="left")],
        "max_patches": [Interval(Integral, 1, None, closed="left")],
        "max_size": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        transformer: Any = None,
        *,
        n_components: int = 12,
        patch_size: int = 7,
        max_patches: int = 20_000,
        max_size: int = 512,
        random_state: Any = None,
    ) -> None:
        self.transformer = transformer
        self.n_components = n_components
        self.patch_size = patch_size
        self.max_patches = max_patches
        self.max_size = max_size
        self.random_state = random_state

    @own_torch_state()
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit the transformer on patches sampled from the images at several pyramid levels.

        Parameters
        ----------
        X : list of ndarray (H, W[, C]), ndarray (n, H, W[, C]), array-like (n, n_features) of rows, or list of paths
            Images as uint8, uint16 or floats in [0, 1], or Pillow images; all grey or all in colour. Of
            those with alpha what can be seen is taken: transparent borders are cut off, and a hole becomes a
            mirror image of what is around it. Paths, or :class:`skisp.io.ImageFiles`, are read one after
            another, a few at a time on threads, and none of the images is kept.
        y : None
            Ignored.

        Returns
        -------
        self : PatchTransformer
            Fitted.

        Raises
        ------
        ValueError
            If there are no images, one is smaller than a patch, or grey and colour are mixed.
        """
        seed = draw_seed(self.random_state)
        if is_rows(X):
            _refuse_image(X)
            # A memory map may be larger than memory: it goes to the transformer, which may read it by parts, as it is.
            is_map = isinstance(X, np.memmap) and X.ndim == 2
            rows = validate_data(self, X, dtype=[np.float64, np.float32], order="C", skip_check_array=is_map)
            self.images_, self.n_channels_ = [], 0
        elif isinstance(X, ImageFiles) or are_paths(X):
            files = X if isinstance(X, ImageFiles) else ImageFiles(X)
            self._read(files, 0)
            rows = self._sample(lambda i: self._read(files, i), len(files), seed)
            self.images_ = []
        else:
            self.images_ = checked_images(X, self.patch_size, "X")
            self.n_channels_ = self.images_[0].shape[2]
            rows = self._sample(self.images_.__getitem__, len(self.images_), seed)
        # A frozen transformer's fit has no default for y.
        self.transformer_ = seeded(self._unfitted_transformer(), seed).fit(rows, None)
        return self

    @overload
    def transform(self, X: Stacked) -> NDArray[Any]: ...

    @overload
    def transform(self, X: Pictures) -> list[NDArray[Any]]: ...

    @own_torch_state()
    def transform(self, X: Any) -> Any:
        """Code every patch of every image, one pixel apart.

        Parameters
        ----------
        X : list of ndarray (H, W[, C]), ndarray (n, H, W[, C]), or array-like (n, n_features) of rows
            Of the kind on which it was fitted, of any size.

        Returns
        -------
        codes : list of ndarray (H - p + 1, W - p + 1, n_components), or one ndarray where ``X`` is one
            For rows: ndarray (n, n_components).
        """
        check_is_fitted(self)
        if is_rows(X):
            return self.transformer_.transform(
                validate_data(self, X, dtype=[np.float64, np.float32], order="C", reset=False)
            )
        images, layout = as_images(X)
        fields = [self._encode(image, f"image {i} of X") for i, image in enumerate(images)]
        return np.stack(fields) if layout.stacked else fields

    if TYPE_CHECKING:  # scikit-learn's mixin has no types

        @overload
        def fit_transform(self, X: Stacked, y: Any = None, **fit_params: Any) -> NDArray[Any]: ...

        @overload
        def fit_transform(self, X: Pictures, y: Any = None, **fit_params: Any) -> list[NDArray[Any]]: ...

        def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> Any: ...

    @overload
    def inverse_transform(self, X: Stacked) -> NDArray[Any]: ...

    @overload
    def inverse_transform(self, X: Sequence[NDArray[Any]]) -> list[NDArray[Any]]: ...

    @own_torch_state()
    def inverse_transform(self, X: Any) -> Any:
        """Decode fields of codes to images, the mean of the overlapping patches.

        Parameters
        ----------
        X : list of ndarray (h, w, n_components), one ndarray (n, h, w, n_components), or rows (n, n_components)
            Codes, as :meth:`transform` gives them.

        Returns
        -------
        images : list of ndarray (h + p - 1, w + p - 1, C) or one ndarray; float32 in [0, 1]
            For rows: ndarray (n, n_features).
        """
        check_is_fitted(self)
        if is_rows(X):
            return self.transformer_.inverse_transform(X)
        self._check_has_images()
        images = [self._decode(np.asarray(field)) for field in X]
        return np.stack(images) if isinstance(X, np.ndarray) else images

    def _unfitted_transformer(self) -> Any:
        if self.transformer is not None:
            return clone(self.transformer)
        return CVAETransformer(
            self.n_components,
            likelihood="gaussian",
            noise_scale=_NOISE_SCALE,
            learning_rate=_LEARNING_RATE,
            **(_MANY if self.max_patches >= _MANY_PATCHES else {}),
        )

    def _sample(self, image: Callable[[int], Image], n_images: int, seed: int) -> NDArray[np.float32]:
        if self.max_size < self.patch_size:
            raise ValueError(f"max_size={self.max_size} is smaller than patch_size={self.patch_size}.")
        rows = sample_from_images(image, n_images, self.patch_size, self.max_patches, self.max_size, seed)
        self.n_features_in_ = rows.shape[1]
        return rows

    def _read(self, files: ImageFiles, i: int) -> Image:
        """A file as an image that can be coded, of as many channels as the first."""
        [image] = checked_images([files[i]], self.patch_size, files.name(i))
        if i == 0:
            self.n_channels_ = image.shape[2]
        if image.shape[2] != self.n_channels_:
            kinds = ("in colour", "grey") if self.n_channels_ == 1 else ("grey", "in colour")
            raise ValueError(f"{files.name(i)} is {kinds[0]}, and the first one {kinds[1]}; {_ONE_KIND}")
        return image

    def _encode(self, image: Image, name: str) -> NDArray[np.float32]:
        self._check_has_images()
        check_holds_a_patch(image, self.patch_size, name)
        with one_thread():
            rows = extract_patches(to_tensor(to_channels(image, self.n_channels_)), self.patch_size).numpy()
        height, width = (side - self.patch_size + 1 for side in image.shape[:2])
        return np.asarray(self.transformer_.transform(np.ascontiguousarray(rows))).reshape(height, width, -1)

    def _decode(self, field: NDArray[np.float32]) -> Image:
        rows = self.transformer_.inverse_transform(field.reshape(-1, field.shape[-1]))
        patches = torch.from_numpy(np.ascontiguousarray(rows, dtype=np.float32))
        shape, window = (field.shape[0], field.shape[1]), hann_window(self.patch_size)
        with one_thread():
            return from_tensor(overlap_add(lambda rows: patches[rows], shape, 1, window).clamp(0.0, 1.0))

    def _check_has_images(self) -> None:
        if self.n_channels_ == 0:
            raise ValueError(f"This PatchTransformer was fitted on rows; fit it on images to code images. {IN_A_LIST}")

    @property
    def _n_features_out(self) -> int:  # type: ignore[override]
        return len(self.transformer_.get_feature_names_out())

    def _fitted_parts(self) -> dict[str, list[Any]]:
        return {"transformer": [self.transformer_]}

    def _gives_images(self) -> bool:
        return getattr(self, "n_channels_", 0) > 0

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if self.transformer is None:
            tags.transformer_tags.preserves_dtype = ["float32"]
        else:
            tags.transformer_tags.preserves_dtype = get_tags(self.transformer).transformer_tags.preserves_dtype
        tags.input_tags.three_d_array = True
        return tags


def checked_images(X: Any, patch_size: int, name: str) -> list[Image]:
    """What can be seen of images, fit to be coded together: all grey or all coloured, none smaller than a patch."""
    whole, layout = as_images(X, name=name)
    images = [np.ascontiguousarray(image[seen]) for image, seen in zip(whole, layout.seen, strict=True)]
    if len({image.shape[2] for image in images}) > 1:
        raise ValueError(f"{name} mixes grey and colour images; {_ONE_KIND}")
    for i, (image, before) in enumerate(zip(images, whole, strict=True)):
        seen = "" if image.shape == before.shape else "what can be seen of "
        check_holds_a_patch(image, patch_size, f"{seen}image {i} of {name}")
    return images


def check_holds_a_patch(image: Image, patch_size: int, name: str) -> None:
    """Raise where an image is smaller than a patch."""
    if min(image.shape[:2]) < patch_size:
        raise ValueError(
            f"{name} is {image.shape[0]} x {image.shape[1]} pixels, smaller than a patch of {patch_size}. "
            "Use a larger image or a smaller patch_size."
        )


def _refuse_image(X: Any) -> None:
    """Raise where a table has the type of an image: rows of patches are numbers of any kind, hardly ever bytes."""
    dtype = getattr(X, "dtype", None)
    if dtype in (np.uint8, np.uint16, bool):
        raise ValueError(
            f"X looks like a single grey image, of shape {X.shape} and dtype {dtype}; put it in a list: [image]. "
            "If its rows are patches, pass them as floats."
        )


def is_rows(X: Any) -> bool:
    """Whether ``X`` is a table (n, n_features) rather than images."""
    shape = getattr(X, "shape", None)
    if shape is None and isinstance(X, (list, tuple)) and len(X) > 0:
        return np.ndim(X[0]) == 1 and not isinstance(X[0], str)
    if shape is None and hasattr(X, "__array__"):
        return True
    # An array of objects with one axis is a list of images; with two it is a table.
    return shape is not None and len(shape) < 3 and not (len(shape) == 1 and getattr(X, "dtype", None) == object)


def seeded(transformer: Any, seed: int) -> Any:
    """Set a transformer's ``random_state`` to ``seed`` if it has one that is None."""
    parameters = transformer.get_params(deep=True)
    missing = {
        name: seed
        for name, value in parameters.items()
        if value is None and (name == "random_state" or name.endswith("__random_state"))
    }
    return transformer.set_params(**missing) if missing else transformer
