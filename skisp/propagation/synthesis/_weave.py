"""The pattern with the stride's period that overlapping patches leave where they disagree."""

from torch import Tensor
from torch.nn import functional

from ..._math.box_means import box_mean, window_sums

__all__ = ["UNWOVEN_AROUND", "unwoven"]

# Periods each way over which a pattern must repeat itself.
_N_PERIODS = 5
# Periods on each side of a pixel that play a part: half of those, and half a one to smooth over.
UNWOVEN_AROUND = _N_PERIODS // 2 + 1
# By how much a pattern must be stronger than what chance leaves.
_SURE = 1.5
# What is stronger is the style's own, such as the dots of a halftone. On ramps, patches of 11 pixels leave a pattern
# of four levels of 8 bits or more, before contrasts are matched; limits of 2 and 4 left it to be seen.
_MOST_WOVEN = 8.0 / 255


def unwoven(picture: Tensor, stride: int) -> Tensor:
    """A vote (C, H, W) of patches ``stride`` pixels apart without the :func:`pattern` of that period.

    Matching the style's contrast would make it stronger. What is taken away is limited to eight levels of 8 bits.
    """
    if stride == 1:
        return picture
    return picture - pattern(picture, stride).clamp_(-_MOST_WOVEN, _MOST_WOVEN)


def pattern(picture: Tensor, period: int) -> Tensor:
    r"""What of a picture (C, H, W) repeats itself with a period in pixels, each way, over five periods.

    The detail finer than a period, less a mean over neighbours which has none of the period and leaves ramps as they
    are, is averaged over the n pixels of the same phase. Of detail without a pattern, of the power :math:`r`, that
    leaves about :math:`r / n` by chance: of a mean power :math:`m` about it

    .. math:: \min(\max(1 - 1.5 r / (n m), 0), 1)

    is taken for a pattern.

    References
    ----------
    James & Stein, "Estimation with quadratic loss", Berkeley Symposium 1961 (shrinkage by what chance leaves).
    """
    height, width = picture.shape[1:]
    more = [-height % period, -width % period]
    detail = functional.pad((picture - _smooth(picture, period))[None], (0, more[1], 0, more[0]), mode="replicate")
    phases = functional.pixel_unshuffle(detail, period)
    mean = _neighbourhood_mean(phases)
    power = _mean_of_phases(mean.square())
    rest = _neighbourhood_mean(_mean_of_phases(phases.square_())) - power
    mean *= (1.0 - _SURE * rest / (_N_PERIODS**2 * power).clamp_min(1e-12)).clamp_(0.0, 1.0)
    return functional.pixel_shuffle(mean, period)[0, :, :height, :width]


def _mean_of_phases(phases: Tensor) -> Tensor:
    """One phase after another: the bits of a reduction depend on where in memory a value lies, so on its strip."""
    total = phases[:, :1].clone()
    for phase in phases.split(1, dim=1)[1:]:
        total += phase
    return total / phases.shape[1]


def _neighbourhood_mean(phases: Tensor) -> Tensor:
    return box_mean(phases, _N_PERIODS)


def _smooth(picture: Tensor, period: int) -> Tensor:
    """The mean over a window of the period about each pixel, which has no spectrum there; an even one is centred."""
    smooth = functional.pad(picture[None], [period // 2] * 4, mode="replicate")
    for window in (period,) if period % 2 else (period, 2):
        smooth = window_sums(window_sums(smooth, window, -2), window, -1) / window**2
    return smooth[0]
