"""One or several styles as the synthesis needs them: images, a coder of their patches, the alignment of codes."""

from collections.abc import Callable, Sequence

from torch import Tensor
from torch.nn import functional

from ..._math.affine import AffineMap
from ._band_match import BandStatistics, band_statistics
from ._exemplar import Exemplar, PatchCoder, StyleCanvas, build_canvas, build_exemplar
from ._objects import isolated_objects
from ._one_offs import excess_novelty, transferred
from ._pyramid import size_with_short_side
from ._scaling import side_by_side
from ._settings import stride_of

__all__ = ["StyleModel"]

# Pixels of the largest exemplar that is kept for the next image.
_MOST_KEPT_PIXELS = 4_000_000
# Short side in pixels at which one-off objects are looked for: a patch is then as large as a sun in a landscape.
_ONE_OFF_SIDE = 64
# How much of a one-off a patch is that is all inside an object which stands alone: as much as a sun at least.
_OBJECT = 2.0


class StyleModel:
    """The styles, and the exemplars that were made of them so far.

    Parameters
    ----------
    images : sequence of sequence of Tensor (C, H, W)
        The images of each style, in the colours of all together.
    weights : sequence of float
        Of the styles, of sum 1.
    patch_size : int
    coder : PatchCoder
        Of the styles' patches.
    encode_content : callable or None
        Codes (n, d) of patches (n, D) of the content by a coder of its own; with None the styles' coder codes
        the recoloured content.
    alignment : AffineMap
        Content codes to where the styles' codes lie.
    """

    def __init__(
        self,
        images: Sequence[Sequence[Tensor]],
        weights: Sequence[float],
        patch_size: int,
        coder: PatchCoder,
        encode_content: Callable[[Tensor], Tensor] | None,
        alignment: AffineMap,
    ) -> None:
        self.images = images
        self.weights = weights
        self.patch_size = patch_size
        self.coder = coder
        self.encode_content = encode_content
        self.alignment = alignment
        self._exemplars: dict[int, Exemplar] = {}
        self._band_statistics: dict[int, BandStatistics] = {}
        self._one_offs: dict[Exemplar, Tensor] = {}
        self._novelty: tuple[Exemplar, Tensor] | None = None
        self._objects: list[Tensor] | None = None

    @property
    def stride(self) -> int:
        """Pixels between neighbouring patches of a picture."""
        return stride_of(self.patch_size)

    def side(self, short_side: int, scale: float) -> int:
        """Short side in pixels of the style for a picture of a short side, with strokes ``scale`` times as large."""
        return max(self.patch_size, round(short_side * scale))

    def exemplar(self, short_side: int) -> Exemplar:
        """The styles' patches at one size; they are coded at the first call."""
        exemplar = self._exemplars.get(short_side)
        if exemplar is None:
            exemplar = build_exemplar(self.images, self.weights, short_side, self.coder, self.patch_size, self.stride)
            self._exemplars[short_side] = exemplar
        return exemplar

    def one_offs(self, exemplar: Exemplar) -> Tensor:
        """How much of a one-off each patch of an exemplar is (m,), 0 for most; found at the first call.

        By how far its code is from all others, and by its share in an object that stands alone: the patches of a seal
        are strokes as others are.
        """
        found = self._one_offs.get(exemplar)
        if found is None:
            found = self._novelty_of(exemplar) + _OBJECT * self._object_shares(exemplar)
            self._one_offs[exemplar] = found
        return found

    def _novelty_of(self, exemplar: Exemplar) -> Tensor:
        """By how much the code of each patch of an exemplar (m,) is farther from all others than is common."""
        if self._novelty is None:
            coarse = self.exemplar(max(self.patch_size, _ONE_OFF_SIDE))
            self._novelty = coarse, excess_novelty(coarse)
        return transferred(self._novelty[1], self._novelty[0], exemplar)

    def _object_shares(self, exemplar: Exemplar) -> Tensor:
        """Share (m,) of each patch of an exemplar that is inside an object."""
        if self._objects is None:
            self._objects = [isolated_objects(image) for images in self.images for image in images]
        objects = side_by_side(self._objects, exemplar.sizes).whole()
        return functional.avg_pool2d(objects, exemplar.patch_size, exemplar.stride).flatten()

    def canvas(self, short_side: int, patch_size: int) -> StyleCanvas:
        """The styles' images at one size, for patches of a size of their own; not kept."""
        return build_canvas(self.images, short_side, patch_size)

    def forget_exemplars(self, keep: Sequence[int] | None = None) -> None:
        """Drop large exemplars, and those of other sizes than ``keep``, so that they do not fill the memory."""
        for short_side, exemplar in list(self._exemplars.items()):
            if exemplar.canvas[0].numel() > _MOST_KEPT_PIXELS or (keep is not None and short_side not in keep):
                self._exemplars.pop(short_side, None)  # another thread may have dropped it
        kept = set(self._exemplars.values())
        self._one_offs = {exemplar: known for exemplar, known in list(self._one_offs.items()) if exemplar in kept}

    def band_statistics(self, short_side: int) -> BandStatistics:
        """Distribution of the styles' colours in each Laplacian band at one size."""
        if short_side not in self._band_statistics:
            pairs = [
                (side_by_side([image], [size_with_short_side(image.shape[1:], short_side)]), weight / len(own))
                for own, weight in zip(self.images, self.weights, strict=True)
                for image in own
            ]
            self._band_statistics[short_side] = band_statistics(*zip(*pairs, strict=True))
        return self._band_statistics[short_side]
