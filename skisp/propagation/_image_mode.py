"""The image mode of the propagator: what ``StylePropagator`` does with images, one by one or as a sequence."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from .._base import resolve_device
from .._images import Image, as_images, to_channels
from .._progress import printed, report
from .._tensors import from_tensor, resize, to_tensor
from .._threads import one_thread
from ._finish import keep_color
from ._parts import check_parts, fitted_content, fitted_style, fitted_styles, is_several, normalised_weights
from ._pyramid import size_with_short_side
from ._redraw import redraw
from ._sequence import SequenceRedraw
from ._settings import RedrawSettings
from ._style_model import FittedStyles, StyleModel, fit_styles

__all__ = ["ImageMode"]


class ImageMode:
    """Methods of :class:`StylePropagator` for images of any size."""

    content: Any
    style: Any
    style_images: Any
    style_weights: Any
    strength: float
    content_weight: float
    coherence: float
    balance: float
    style_scale: float
    color: str
    bank: str
    detail: float
    device: str | torch.device
    memory: Any
    verbose: int
    _in_row_mode: bool
    _seed: int
    _models: dict[tuple[int | None, str], StyleModel]
    _fitted: dict[int | None, FittedStyles]

    def propagate_sequence(self, frames: Any) -> Any:
        """Redraw the frames of a film, or of any sequence in which each looks much like the last.

        :meth:`transform` draws every image for itself, so that neighbouring frames get other strokes,
        which flickers. Here colours and contrast are measured on the first frame only; each further
        one starts from the patches of the last, moved along with what the frames show (their optical
        flow), and keeps the last picture wherever the content has stayed the same. Where hardly anything
        has, after a cut, the drawing begins anew.

        Parameters
        ----------
        frames : ndarray (n, H, W[, C]), list of ndarray (H, W[, C]), or another iterable of them
            In order, all of one size.

        Returns
        -------
        pictures : like ``frames``
            An array or a list for one. For any other iterable, such as a generator that reads a file,
            an iterator that reads a frame when the next picture is asked for: films need not fit
            into memory.

        Raises
        ------
        ValueError
            If a frame differs in size from the first, or the propagator was fitted on rows.

        References
        ----------
        Ruder, Dosovitskiy & Brox, "Artistic style transfer for videos", GCPR 2016,
        arXiv:1604.08610 (each frame starts from the last, moved).

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
        if self._in_row_mode:
            raise ValueError("Rows are no frames; fit a PatchTransformer as the style to redraw images.")
        if not hasattr(frames, "__len__"):
            return self._frames_as_they_come(frames)
        images, layout = as_images(frames, name="frames")
        for i, image in enumerate(images):
            self._check_frame(image, i, images[0].shape)
        pictures: list[Image] = []
        with printed(self.verbose):
            for picture in self._redraw_frames(images):
                report("frames", len(pictures), len(images))
                pictures.append(picture)
            report("frames", len(images), len(images))
        return layout.restore(pictures)

    def _frames_as_they_come(self, frames: Iterable[Any]) -> Iterator[Any]:
        layouts = []

        def images() -> Iterator[Image]:
            shape = None
            for i, frame in enumerate(frames):
                [image], layout = as_images([frame], name=f"frame {i}")
                shape = image.shape if shape is None else shape
                self._check_frame(image, i, shape)
                layouts.append(layout)
                yield image

        for picture in self._redraw_frames(images()):
            yield layouts.pop().restore([picture])[0]

    def _check_frame(self, image: Image, i: int, first: tuple[int, ...]) -> None:
        if image.shape != first:
            raise ValueError(
                f"Frame {i} has the shape {image.shape}, frame 0 {first}; give frames of one size and kind, "
                "or redraw images that are no sequence with transform."
            )

    @property
    def _styles(self) -> list[Any]:
        return self.style_ if isinstance(self.style_, list) else [self.style_]

    def _fit_parts(self, images: list[Image]) -> None:
        """Fit the coders that are not fitted, and check that all parts of image mode fit each other."""
        self.style_: Any
        if is_several(self.style, self.style_weights):
            self.style_ = fitted_styles(self.style, self.style_images, seed=self._seed, memory=self.memory)
        else:
            self.style_ = fitted_style(
                self.style, self.style_images, for_rows=False, seed=self._seed, memory=self.memory
            )
        self.style_weights_ = np.asarray(normalised_weights(self.style_weights, len(self._styles)))
        check_parts(self.content, self._styles)
        coloured_like_style = [to_channels(image, self._styles[0].n_channels_) for image in images]
        self.content_ = fitted_content(self.content, coloured_like_style, self._seed, self.memory)
        self._check_content_codes_the_same_patches()

    def _check_content_codes_the_same_patches(self) -> None:
        if self.content_ is not None and self.content_.n_features_in_ != self._styles[0].n_features_in_:
            raise ValueError(
                f"The content codes patches of {self.content_.n_features_in_} values and the style of "
                f"{self._styles[0].n_features_in_}: one was fitted on grey images, the other on colour. "
                "Fit the content on images of the style's kind, or leave it unfitted."
            )

    def _tensor(self, image: Image) -> torch.Tensor:
        """An image in the style's channels on the device, enlarged where it would not hold a patch."""
        tensor = to_tensor(to_channels(image, self._styles[0].n_channels_)).to(resolve_device(self.device))
        patch_size = self._styles[0].patch_size
        if min(tensor.shape[1:]) < patch_size:
            tensor = resize(tensor, size_with_short_side(tensor.shape[1:], patch_size))
        return tensor

    def _fit_alignment(self, chosen: list[int], contents: list[torch.Tensor]) -> FittedStyles:
        """Learn the map of codes, and the metric of each coder's codes, for some of the styles."""
        weights = self.style_weights_[chosen] if len(chosen) > 1 else np.ones(1)
        with one_thread():
            return fit_styles(
                [self._styles[i] for i in chosen],
                [float(weight) for weight in weights],
                self.content_,
                contents,
                torch.Generator().manual_seed(self._seed),
            )

    def _style_model(self, style: int | None = None) -> StyleModel:
        """The fitted parts as the redrawing needs them, with the banks of patches built so far."""
        device = resolve_device(self.device)
        key = (style, str(device))
        if key not in self._models:
            chosen = [i for i, weight in enumerate(self.style_weights_) if weight > 0] if style is None else [style]
            self._models[key] = self._fitted[style].model([self._styles[i] for i in chosen], self.content_, device)
        return self._models[key]

    def _settings(self) -> RedrawSettings:
        patch_size = self._styles[0].patch_size
        return RedrawSettings(
            patch_size=patch_size,
            stride=max(1, round(patch_size * 0.27)),
            coarsest=max(48, patch_size),
            strength=self.strength,
            content_weight=self.content_weight,
            coherence=self.coherence,
            balance=self.balance,
            style_scale=self.style_scale,
            color=self.color,
            bank=self.bank,
            detail=self.detail,
        )

    def _redraw_all(self, images: list[Image], style: int | None = None) -> list[Image]:
        """Redraw images in one of the styles, or in all by their weights."""
        with printed(self.verbose):
            return list(self._redraw_each(images, style))

    def _redraw_each(self, images: list[Image], style: int | None) -> Iterator[Image]:
        for i, image in enumerate(images):
            report("images", i, len(images))
            with one_thread(), torch.inference_mode():
                picture = redraw(self._tensor(image), self._style_model(style), self._settings(), self._seed)
            yield self._finished(image, picture)
        report("images", len(images), len(images))

    def _redraw_frames(self, images: Iterable[Image]) -> Iterator[Image]:
        """Redraw the frames of a sequence, each when it is asked for."""
        sequence: SequenceRedraw | None = None
        for image in images:
            with one_thread(), torch.inference_mode():
                if sequence is None:
                    sequence = SequenceRedraw(self._style_model(), self._settings(), self._seed)
                picture = sequence.redraw(self._tensor(image))
            yield self._finished(image, picture)

    def _finished(self, image: Image, picture: torch.Tensor) -> Image:
        """A redrawn picture in the channels of its image, and of the strength that was asked for."""
        picture = resize(picture, (image.shape[0], image.shape[1]))
        # In the content's channels from here on: a grey style must not take all colour at once.
        if self.color == "content":
            picture = keep_color(picture.cpu(), to_tensor(image))
        redrawn = to_channels(from_tensor(picture), image.shape[2])
        share = np.float32(self.strength)
        return np.asarray((1 - share) * image + share * redrawn)
