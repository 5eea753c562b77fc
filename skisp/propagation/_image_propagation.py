"""Style propagation of images of any size, one by one or as a sequence."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from .._base import resolve_device, weights_of_scores
from .._images import Image, ImageLayout, StoredImage, stored_images, to_channels
from .._progress import report
from .._tensors import from_tensor, resize, to_tensor
from .._threads import one_thread
from ..metrics import propagation_score
from ._fitted_styles import FittedStyles, StyleSide
from ._frames import frames_as_they_come, frames_of
from ._masks import composite, masks_for
from ._propagation import Propagation
from ._subestimators import SubEstimators, check_fit_each_other
from .synthesis._postprocess import keep_color
from .synthesis._pyramid import size_with_short_side
from .synthesis._raster import Raster, on_strips
from .synthesis._sequence import SequenceRedraw
from .synthesis._settings import SynthesisSettings
from .synthesis._style_model import StyleModel
from .synthesis._synthesis import Watcher, redraw

__all__ = ["ImagePropagation"]

# Of a style that is enlarged, all its pictures together; each pixel takes some 45 bytes.
_MOST_STYLE_PIXELS = 100e6


@dataclass
class ImagePropagation(Propagation):
    """What :class:`StylePropagator` does with images: it is fitted once, and each call brings its settings.

    Attributes
    ----------
    style : PatchTransformer, or list of them
        Fitted.
    style_weights : ndarray (n_styles,)
        Of sum 1.
    content : PatchTransformer or None
        The content's own coder, fitted.
    fitted : dict of FittedStyles
        Under None those of all styles by their weights; if there are several, those of each alone under its index.
    seed : int
    """

    style: Any
    style_weights: NDArray[np.float64]
    content: Any
    fitted: dict[int | None, FittedStyles]
    seed: int

    def __post_init__(self) -> None:
        # Made from the fitted sub-estimators, by style and device; their exemplars are as large as the style's pyramid.
        self._models: dict[tuple[int | None, str], StyleModel] = {}
        # Of one that is aligned with photograph after photograph; they hold the styles' images.
        self._sides: dict[int | None, StyleSide] = {}
        self._attributes = _attributes_of(self.styles)

    @staticmethod
    def read(X: Any, estimator: Any, *, reset: bool) -> tuple[Sequence[StoredImage], ImageLayout]:
        """Images of any layout, and how to give results that layout."""
        layout = stored_images(X)
        return layout.sources, layout

    @classmethod
    def fit(
        cls,
        images: Sequence[StoredImage],
        layout: ImageLayout,
        subestimators: SubEstimators,
        settings: SynthesisSettings,
        earlier: Propagation | None = None,
    ) -> Self:
        """Fit what is not fitted, and learn the map from content codes to style codes.

        Parameters
        ----------
        images : sequence of StoredImage
            The content.
        layout : ImageLayout
            Not used: images of any other layout may be redrawn.
        subestimators : SubEstimators
        settings : SynthesisSettings
            Where to compute.
        earlier : Propagation or None
            Fitted before, perhaps with the same styles: then what is known of them is not learnt anew.
        """
        styles = subestimators.fitted_for_images()
        weights = np.asarray(subestimators.normalised_weights(len(styles)))
        check_fit_each_other(subestimators.content, styles)
        whole = [] if subestimators.content is None else [image.whole() for image in images]
        content = subestimators.fitted_content([to_channels(image, styles[0].n_channels_) for image in whole])
        _check_codes_the_same_patches(content, styles[0])
        propagation = cls(styles if subestimators.are_several else styles[0], weights, content, {}, subestimators.seed)
        if isinstance(earlier, cls) and propagation._has_styles_of(earlier):
            return earlier.aligned_with(images, settings)
        propagation._fit_styles([propagation._raster(image, settings) for image in images])
        return propagation

    def _has_styles_of(self, earlier: Self) -> bool:
        """Whether it would differ from an earlier one by what it is fitted on alone."""
        return (
            self.content is earlier.content
            and (self.seed, self.style_weights.tolist()) == (earlier.seed, earlier.style_weights.tolist())
            and len(self._attributes) == len(earlier._attributes)
            and all(map(_are_identical, self._attributes, earlier._attributes))
        )

    def aligned_with(self, images: Sequence[StoredImage], settings: SynthesisSettings) -> Self:
        """The same fitted on other content, with the same bits; what is known of the styles alone is not learnt anew.

        Parameters
        ----------
        images : sequence of StoredImage
            The content; a coder of its own stays as it is.
        settings : SynthesisSettings
            Where to compute.
        """
        other, device = replace(self, fitted={}), resolve_device(settings.device)
        with one_thread():
            kept = {key: side for key, side in self._sides.items() if side.is_on(device)}
            other._sides = {key: kept.get(key) or self._side(key, device) for key in self.fitted}
        other._fit_styles([other._raster(image, settings) for image in images])
        for (style, place), model in self._models.items():
            fitted = other.fitted[style]
            other._models[style, place] = fitted.model((), self.content, torch.device(place), model)
        return other

    @property
    def gives_images(self) -> bool:
        """Always."""
        return True

    @property
    def n_features_out(self) -> int:
        """Not for images, which are not a table."""
        raise AttributeError("Images have no columns.")

    @property
    def styles(self) -> list[Any]:
        """The fitted styles."""
        return self.style if isinstance(self.style, list) else [self.style]

    @property
    def alignment(self) -> Any:
        """The map from content codes to where the styles' codes lie."""
        return self.fitted[None].alignment

    def transform(
        self, images: Sequence[StoredImage], settings: SynthesisSettings, mask: Any = None
    ) -> list[NDArray[Any]]:
        """Redraw images, where the masks say; see :meth:`StylePropagator.transform`."""
        masks = None if mask is None else masks_for(images, mask, len(self.styles))
        pictures = []
        for i, image in enumerate(images):
            report("images", i, len(images))
            pictures.append(self.redraw(image, settings, mask=None if masks is None else masks[i]))
        report("images", len(images), len(images))
        return pictures

    def score(
        self,
        images: Sequence[StoredImage],
        settings: SynthesisSettings,
        sample_weight: ArrayLike | None = None,
        mask: Any = None,
    ) -> float:
        """Mean of the images' scores; see :meth:`StylePropagator.score`."""
        weights = weights_of_scores(sample_weight, images)
        contents = [image.whole() for image in images]
        pictures = self.transform([StoredImage.of(content) for content in contents], settings, mask)
        scores = [self._score_of(*pair) for pair in zip(contents, pictures, strict=True)]
        return float(np.average(np.asarray(scores), weights=weights))

    def propagate_sequence(self, frames: Any, settings: SynthesisSettings) -> Any:
        """Redraw frames in order, each starting from the last; see :meth:`StylePropagator.propagate_sequence`."""
        if not hasattr(frames, "__len__"):
            return self.redraw_film(frames, settings)
        images, layout = frames_of(frames)
        pictures: list[Image] = []
        for picture in self._redraw_frames(images, settings):
            report("frames", len(pictures), len(images))
            pictures.append(picture)
        report("frames", len(images), len(images))
        return layout.restore(pictures)

    def sequence(self, settings: SynthesisSettings, state: Mapping[str, NDArray[Any]] | None = None) -> SequenceRedraw:
        """What redraws frame after frame, from the first on, or from where another one was in this state."""
        sequence = SequenceRedraw(self._model(None, settings), settings, self.seed)
        sequence.resume(state or {}, resolve_device(settings.device))
        return sequence

    def redraw_film(
        self, frames: Iterable[Any], settings: SynthesisSettings, sequence: SequenceRedraw | None = None
    ) -> Iterator[Any]:
        """Redraw frames one at a time, each only when its picture is asked for."""
        return frames_as_they_come(frames, lambda images: self._redraw_frames(images, settings, sequence))

    def redraw(
        self,
        image: StoredImage,
        settings: SynthesisSettings,
        mask: Image | None = None,
        watcher: Watcher | None = None,
    ) -> NDArray[Any]:
        """Redraw one image where its mask is: in all styles by their weights, or where each has one in each alone.

        Returns
        -------
        picture : ndarray
            In the form of the image.
        """
        self._check_style_size(image, settings)
        styles: Sequence[int | None] = [None] if mask is None or mask.shape[2] == 1 else range(len(self.styles))
        with one_thread(), torch.inference_mode():
            content = self._raster(image, settings)
            pictures = [redraw(content, self._model(style, settings), settings, self.seed, watcher) for style in styles]
            return _finished(image, pictures, settings, mask)

    def _redraw_frames(
        self, images: Iterable[Image], settings: SynthesisSettings, sequence: SequenceRedraw | None = None
    ) -> Iterator[Image]:
        """Redraw the frames of a sequence, each only when it is asked for."""
        for image in images:
            frame = StoredImage.of(image)
            self._check_style_size(frame, settings)
            with one_thread(), torch.inference_mode():
                sequence = sequence or self.sequence(settings)
                picture = sequence.redraw(self._raster(frame, settings).whole())
                finished = _finished(frame, [Raster.of(picture)], settings)
            yield finished

    def _score_of(self, image: Image, picture: Image) -> float:
        best = [max(propagation_score(image, own, picture) for own in style.images_) for style in self.styles]
        return float(np.dot(self.style_weights, best))

    def _fit_styles(self, images: list[Raster]) -> None:
        """Learn the map of codes of all styles together, and of each alone where there are several."""
        for key in [None, *(range(len(self.styles)) if len(self.styles) > 1 else ())]:
            with one_thread():
                side = self._sides.get(key) or self._side(key, images[0].device)
                self.fitted[key] = side.fit(images, self.content)

    def _side(self, key: int | None, device: torch.device) -> StyleSide:
        chosen = self._weighty() if key is None else [key]
        weights = self.style_weights[chosen] if len(chosen) > 1 else np.ones(1)
        return StyleSide.of([self.styles[i] for i in chosen], weights.tolist(), device, self.seed)

    def _weighty(self) -> list[int]:
        """Indices of the styles that have a weight."""
        return [i for i, weight in enumerate(self.style_weights) if weight > 0]

    def _check_style_size(self, image: StoredImage, settings: SynthesisSettings) -> None:
        """Refuse to enlarge the style beyond measure."""
        side = settings.style_scale * min(image.shape[:2])
        sizes = [size_with_short_side(own.shape[:2], side) for style in self.styles for own in style.images_]
        n_pixels = sum(height * width for height, width in sizes)
        if settings.style_scale > 1 and n_pixels > _MOST_STYLE_PIXELS:
            raise ValueError(
                f"style_scale={settings.style_scale:g} would enlarge the style to {n_pixels / 1e6:.0f} million pixels "
                f"for an image of {image.shape[0]} x {image.shape[1]}, at most {_MOST_STYLE_PIXELS / 1e6:.0f} million "
                "are allowed; lower it, or shrink the image."
            )

    def _model(self, style: int | None, settings: SynthesisSettings) -> StyleModel:
        """The fitted styles as the synthesis needs them, with the exemplars made so far."""
        device = resolve_device(settings.device)
        key = (style, str(device))
        if key not in self._models:
            chosen = [self.styles[i] for i in (self._weighty() if style is None else [style])]
            self._models[key] = self.fitted[style].model(chosen, self.content, device)
        return self._models[key]

    def _raster(self, image: StoredImage, settings: SynthesisSettings) -> Raster:
        """An image in the style's channels on the device, enlarged if it is smaller than a patch."""
        first, device = self.styles[0], resolve_device(settings.device)

        def rows(start: int, stop: int) -> Tensor:
            return to_tensor(to_channels(image.rows(start, stop), first.n_channels_)).to(device)

        raster = Raster((first.n_channels_, *image.shape[:2]), rows).kept()
        if min(raster.size) < first.patch_size:
            return Raster.of(resize(raster.whole(), size_with_short_side(raster.size, first.patch_size)))
        return raster

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_models": {}, "_sides": {}, "_attributes": []}


def _attributes_of(styles: Sequence[Any]) -> list[dict[str, Any]]:
    """What the styles, and the transformers of their patches, have been given and have learnt."""
    return [dict(vars(part)) for style in styles for part in (style, style.transformer_)]


def _are_identical(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two dictionaries hold the same objects: whatever is fitted has new ones afterwards."""
    return one.keys() == other.keys() and all(value is other[name] for name, value in one.items())


def _finished(
    image: StoredImage, pictures: Sequence[Raster], settings: SynthesisSettings, mask: Image | None = None
) -> NDArray[Any]:
    """Redrawn pictures in the form of their image, mixed with it by the strength and put over it where the mask is."""
    size = image.shape[:2]
    layers = [picture if picture.size == size else Raster.of(resize(picture.whole(), size)) for picture in pictures]
    if settings.color == "content":
        content = Raster((image.shape[2], *size), lambda start, stop: to_tensor(image.rows(start, stop)))
        layers = [keep_color(layer, content) for layer in layers]
    finished = image.blank()

    def finish(start: int, stop: int) -> None:
        own = image.rows(start, stop)
        redrawn = [_mixed(own, from_tensor(layer.rows(start, stop)), settings.painted_share) for layer in layers]
        image.put(finished, start, redrawn[0] if mask is None else composite(own, redrawn, mask[start:stop]))

    on_strips(finish, layers[0].shape)
    return finished


def _mixed(image: Image, picture: Image, painted_share: float) -> Image:
    """Mixed in the content's channels: in those of a grey style, the least strength would take all colour away."""
    share = np.float32(painted_share)
    return np.asarray((1 - share) * image + share * to_channels(picture, image.shape[2]))


def _check_codes_the_same_patches(content: Any, style: Any) -> None:
    if content is not None and content.n_features_in_ != style.n_features_in_:
        raise ValueError(
            f"The content codes patches of {content.n_features_in_} values and the style of "
            f"{style.n_features_in_}: one was fitted on grey images, the other on colour. "
            "Fit the content on images of the style's kind, or leave it unfitted."
        )
