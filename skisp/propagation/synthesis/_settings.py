"""The parameters of the synthesis that a user sets, and the constants of the algorithm."""

from dataclasses import dataclass, fields
from typing import Any, Self

import torch

__all__ = ["COARSEST_SIDE", "SynthesisSettings", "matched_side", "stride_of"]

# Short side in pixels of the coarsest level, of pictures and of the pyramid that coders are fitted on: a patch of 11
# then covers a quarter of it, and a coarser one would hardly have patches to tell from each other.
COARSEST_SIDE = 48
# Distance of neighbouring patches as a share of a patch's side: 3 pixels of 7, so that (7/3)^2, five to six patches,
# vote on each pixel; time falls with its square. Pictures took 1.6 times as long with 2 pixels, and were no better, at
# a coherence of 0.6 and a structure share of .25: on 17 pairs of 256 px a content (ffree) of .768 at a distance to the
# style (rgram) of .369, now .765 and .368 (means); on 11 of 512 px .745 and .450, now the same.
_STRIDE_SHARE = 0.36
# Short side in pixels up to which patches are matched on the picture itself; see :func:`matched_side`.
_LARGEST_MATCHED_WHOLE = 256
# By which power of a picture's side that of the finest matched level grows. Of eleven pairs at 512 px, 1/2 and 1/4 keep
# the same content (ffree .764 and .765) at distances to the style (rgram) of .479 and .467, and 1/4 has larger strokes.
_GROWTH = 1 / 3


def stride_of(patch_size: int) -> int:
    """Pixels between neighbouring patches."""
    return max(1, round(patch_size * _STRIDE_SHARE))


def matched_side(short_side: int) -> int:
    """Short side in pixels of the finest level on which patches are matched, for a picture of a short side.

    Larger pictures are matched at a smaller size and rendered with patches as much larger, so that strokes grow
    with the picture. Not quite in proportion: detail grows with it too.

    Examples
    --------
    >>> [matched_side(side) for side in (100, 256, 512, 1024)]
    [100, 256, 323, 406]
    """
    if short_side <= _LARGEST_MATCHED_WHOLE:
        return short_side
    return round(_LARGEST_MATCHED_WHOLE * (short_side / _LARGEST_MATCHED_WHOLE) ** _GROWTH)


@dataclass(frozen=True)
class SynthesisSettings:
    """Parameters of :class:`StylePropagator` that may change from picture to picture, by the same names.

    The numbers after them are the algorithm's constants. Those without a source were chosen by eye on photographs and
    paintings of 256 pixels, and no measurement is on record.

    Attributes
    ----------
    style_share_rate : float
        Step of the dual ascent that keeps several styles to their shares, in variances of the style's codes. With it
        weights of .1 .25 .5 .75 .9 gave one of two styles .06 .29 .57 .78 .90 of the patches; without, .17 to .67.
    occurrence_rate : float in [0, 1]
        Share of each step's occurrences of the patches in those that set their prices.
    one_off_price : float
        What a patch costs for each variance of the codes by which nothing else in the style is near it, beyond a half.
    yielding : float in [0, 1]
        Share of the reward for coherence that is gone where the content has all of its structure. Two thirds of a
        coherence of 1.2 leave faces as they were with a half of 0.8, and skies get longer strokes.
    evening : float
        Power by which the contrast of faint places is evened before the content is coded, 0 for not.
    structure_share : float
        Share of the recoloured content in detail, at a ``content_weight`` of 1.
    emphasis : float
        By how much detail is stronger where the content has all of its structure than where it has none, at a
        ``content_weight`` of 1 or more. It keeps more of a photograph than a larger share of its own detail does: on 17
        pairs of 256 px .35 and a share of .15 keep a gradient of .794 at a distance to the style (rgram) of .364, .2
        and .25 .793 at .363 (means), with more of the style gained; with a coherence of .8, 0.3 and .25 keep .812 at
        .370, 0 and .3 .785 at .368, 0 and .4 .799 at .369.
    largest_hue_share : float
        Share of the recoloured content in the hue of large areas, at a ``content_weight`` of 1 or more.
    n_coarsest_rounds : int
        Rounds of search and vote at the coarsest level, where the matches start from codes alone; at the others there
        is one. Before prices followed each step, 7, and 2 at the others, kept as much content of ten pairs at 256 and
        512 px (ffree .778 and .766; with 4 and 1 .781 and .778) as near to the style (rgram .275 and .295; .277, .296).
    n_sweeps : int
        Sweeps over the field in each search; PatchMatch takes four to five, but starts from random matches. Two gave
        the same figures.
    n_sampled : int
        Patches of the exemplar that every position is compared with in each search.
    n_transported : int
        Patches, and positions, between which the first matches are found by optimal transport: a matrix of costs
        of 800 x 800 takes milliseconds.
    """

    strength: float
    content_weight: float
    coherence: float
    balance: float
    style_scale: float
    color: str
    patches: str
    detail: float
    adaptation: float
    device: str | torch.device = "auto"
    style_share_rate: float = 0.05
    occurrence_rate: float = 0.2
    one_off_price: float = 2.0
    yielding: float = 0.67
    evening: float = 0.6
    structure_share: float = 0.15
    emphasis: float = 0.35
    largest_hue_share: float = 0.6
    n_coarsest_rounds: int = 4
    n_sweeps: int = 1
    n_sampled: int = 250
    n_transported: int = 800

    @classmethod
    def of(cls, propagator: Any) -> Self:
        """The present parameters of a propagator."""
        parameters = propagator.get_params(deep=False)
        return cls(**{field.name: parameters[field.name] for field in fields(cls) if field.name in parameters})

    @property
    def painted_share(self) -> float:
        """Share of the redrawn picture in the result, 0 at a strength of 0 and 1 at 1.

        It rises fast: a mean of photograph and picture in equal shares looks like a double exposure. What strength
        changes beyond that are the weight of the content in the search, and its share in the finest detail. Colours
        alone are mixed in proportion.
        """
        if self.color == "only":
            return self.strength
        return 1.0 - (1.0 - self.strength) ** 3.5

    @property
    def content_share(self) -> float:
        """Share of the recoloured content's detail that is mixed into the picture where it has structure."""
        return min(1.0, (self.structure_share + 0.2 * (1.0 - self.strength)) * self.content_weight)

    @property
    def detail_emphasis(self) -> float:
        """By how much detail is stronger where the content has structure."""
        return self.emphasis * min(1.0, self.content_weight)

    @property
    def hue_share(self) -> float:
        """Share of the recoloured content in the hue of large areas."""
        return self.largest_hue_share * min(1.0, self.content_weight)

    @property
    def generates_patches(self) -> bool:
        """Whether the picture is rendered with other patches than the exemplar's own."""
        return self.patches == "generated" or self.detail < 1
