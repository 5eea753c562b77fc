"""The pattern with the stride's period that overlapping patches leave where they disagree."""

import torch
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
    detail = functional.pad((picture - _smooth(picture, period))[None], (0, more[1], 0, more[0]), mode="replicate")[0]
    mean = _mean_of_the_same_phase(detail, period)
    power = _mean_of_cells(mean.square(), period)
    around = box_mean(_mean_of_cells(detail.square_(), period), _N_PERIODS)
    gain = (1.0 - _SURE * (around - power) / (_N_PERIODS**2 * power).clamp_min(1e-12)).clamp_(0.0, 1.0)
    mean *= gain.repeat_interleave(period, dim=1).repeat_interleave(period, dim=2)
    return mean[:, :height, :width]


# The bits of a sum must not depend on where in memory a value lies, so on its strip: each adds the same neighbours in
# the same order, whole planes at a time.


def _mean_of_the_same_phase(detail: Tensor, period: int) -> Tensor:
    """The mean (C, H, W) over the pixels whole periods away, up to two each way, as far as there are any."""
    for axis in (1, 2):
        n_periods = detail.shape[axis] // period
        total = detail.clone()
        for n in range(1, min(_N_PERIODS // 2, n_periods - 1) + 1):
            length = (n_periods - n) * period
            total.narrow(axis, n * period, length).add_(detail.narrow(axis, 0, length))
            total.narrow(axis, 0, length).add_(detail.narrow(axis, n * period, length))
        at = torch.arange(n_periods, device=detail.device)
        counts = ((at[:, None] - at).abs() <= _N_PERIODS // 2).sum(dim=1).repeat_interleave(period)
        detail = total.div_(counts.reshape((1, -1, 1) if axis == 1 else (1, 1, -1)))
    return detail


def _mean_of_cells(values: Tensor, period: int) -> Tensor:
    """The mean (1, h, w) over the channels and pixels of each cell of a period by a period."""
    channels, height, width = values.shape
    rows = _added(values.reshape(channels, height // period, period, width), 2)
    cells = _added(rows.reshape(channels, height // period, width // period, period), 3)
    return _added(cells, 0)[None] / (channels * period**2)


def _added(values: Tensor, axis: int) -> Tensor:
    """The sum along an axis, one after another."""
    first, *others = values.unbind(axis)
    total = first.clone()
    for other in others:
        total += other
    return total


def _smooth(picture: Tensor, period: int) -> Tensor:
    """The mean over a window of the period about each pixel, which has no spectrum there; an even one is centred."""
    smooth = functional.pad(picture[None], [period // 2] * 4, mode="replicate")[0]
    for window in (period,) if period % 2 else (period, 2):
        smooth = window_sums(window_sums(smooth, window, 1), window, 2).div_(window**2)
    return smooth
