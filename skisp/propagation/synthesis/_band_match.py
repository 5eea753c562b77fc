"""Laplacian bands of a picture get the distribution of the style's: contrast, colours, and how rare accents are."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Self

import torch
from numpy.typing import NDArray
from torch import Tensor

from ..._math.affine import AffineMap
from ..._math.gaussian import Moments, gaussian_barycentre, transport_matrix
from ..._math.linalg import eigenvectors, matrix_product
from ..._math.quantiles import QuantileMap, quantile_table
from ..._threads import map_on_threads
from ._pyramid import halvings
from ._raster import Raster, RowStore, measured
from ._scaling import enlarged

__all__ = ["BandStatistics", "PictureMatch", "band_statistics", "match_bands"]

# Factor by which at most a direction of colour in a band is made stronger or weaker: noise must not become strokes.
_LIMIT = 3.0
_N_QUANTILES = 512
# Pixels of a band from which quantiles are measured.
_MOST_MEASURED = 25_000


class _Band(NamedTuple):
    """What is known of a band of the style: its moments, and for each turn axes of colour with the quantiles there."""

    moments: Moments
    axes: list[Tensor]
    quantiles: list[Tensor]


class BandStatistics(NamedTuple):
    """Distribution of the styles' colours in each Laplacian band, finest first, and below them.

    Attributes
    ----------
    bands : list of _Band
    remainder : Moments
    """

    bands: list[_Band]
    remainder: Moments


class _BandMap(NamedTuple):
    """The map of a band's colours: linear, then along axes from quantiles to quantiles."""

    to_axes: Tensor
    source: Tensor
    target: Tensor
    back: Tensor

    def function(self) -> Callable[[Tensor], Tensor]:
        """The map of colours (C, n)."""
        transport = QuantileMap(self.source, self.target)
        return lambda colors: self.back @ transport(self.to_axes @ colors)


class _Turn(NamedTuple):
    """One turn of the match: a map for each band that the style has too, and for what is below them."""

    bands: list[_BandMap]
    remainder: AffineMap | None

    def towards(self, other: Self, share: float) -> Self:
        """A share of the way from this to another turn, of pictures of one size."""
        bands = [_BandMap(*_lerp(*pair, share)) for pair in zip(self.bands, other.bands, strict=True)]
        if self.remainder is None or other.remainder is None:
            return type(self)(bands, None)
        return type(self)(bands, AffineMap(*_lerp(self.remainder, other.remainder, share)))


def _lerp(ones: Sequence[Tensor], others: Sequence[Tensor], share: float) -> list[Tensor]:
    return [torch.lerp(one, other, share) for one, other in zip(ones, others, strict=True)]


class PictureMatch(NamedTuple):
    """What a picture was matched by, turn by turn: it serves the later frames of a sequence."""

    turns: list[_Turn]

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The same as named arrays, to be kept."""
        arrays = {}
        for i, turn in enumerate(self.turns):
            parts: list[Any] = [*turn.bands, *([] if turn.remainder is None else [turn.remainder])]
            for j, part in enumerate(parts):
                for name, tensor in zip(part._fields, part, strict=True):
                    arrays[f"match-{i}-{j}-{name}"] = tensor.cpu().numpy()
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], device: torch.device) -> Self:
        """What :meth:`to_arrays` was called on; other names among the arrays do not matter."""
        parts: dict[tuple[int, int], dict[str, Tensor]] = {}
        for key, array in arrays.items():
            if key.startswith("match-"):
                _, turn, part, name = key.split("-")
                parts.setdefault((int(turn), int(part)), {})[name] = torch.from_numpy(array).to(device)
        turns = []
        for i in range(1 + max((turn for turn, _ in parts), default=-1)):
            own = [part for (turn, _), part in sorted(parts.items(), key=lambda item: item[0]) if turn == i]
            bands = [_BandMap(**part) for part in own if "matrix" not in part]
            turns.append(_Turn(bands, AffineMap(**own[-1]) if "matrix" in own[-1] else None))
        return cls(turns)


class _Bands:
    """The Laplacian bands of a picture, finest first, of which rows are asked for."""

    def __init__(self, picture: Raster) -> None:
        smaller = list(halvings(picture))
        levels = [picture, *smaller]
        self._bands = [_band_of(fine, coarse.values) for fine, coarse in zip(levels, smaller, strict=False)]
        self._below = levels[-1]

    def __len__(self) -> int:
        return len(self._bands)

    def band(self, i: int) -> Raster:
        """One of the bands."""
        return self._bands[i]

    def below(self) -> Tensor:
        """What is below the bands (C, h, w)."""
        return self._below.whole()

    def measured(self, i: int) -> tuple[Moments, Tensor]:
        """Moments of the colours of a band, or after the last one of what is below; and some colours (C, n), evenly."""
        raster = self.band(i) if i < len(self) else Raster.of(self.below())
        return measured(raster, -(-raster.size[0] * raster.size[1] // _MOST_MEASURED))


def _band_of(fine: Raster, coarse: Tensor) -> Raster:
    """What a level has more than the next coarser one."""
    band = Raster(fine.shape, lambda start, stop: fine.rows(start, stop) - enlarged(coarse, fine.size, start, stop))
    return band.kept()


def band_statistics(images: Sequence[Tensor | Raster], weights: Sequence[float]) -> BandStatistics:
    """Statistics of the bands of images (C, H, W): of several the barycentres, by weights of sum 1."""
    found = []
    for image in images:
        bands = _Bands(Raster.of(image))
        found.append([bands.measured(i) for i in range(len(bands) + 1)])
    remainder = gaussian_barycentre([own[-1][0] for own in found], weights)
    n_bands = min(len(own) for own in found) - 1
    return BandStatistics([_band([own[i] for own in found], weights) for i in range(n_bands)], remainder)


def match_bands(
    picture: RowStore, wanted: BandStatistics, match: PictureMatch | None = None, adapted: float = 0.0
) -> tuple[RowStore, PictureMatch]:
    r"""Give each Laplacian band of the picture, which is changed, the distribution of colours that the style's has.

    Votes of overlapping patches weaken fine detail, and colours that are rare in the style vanish first. A band's
    colours :math:`x` become

    .. math:: x' = V\, T(V^T A x)

    with A the optimal transport between the covariances, V axes of colour, and T the maps along them that match the
    quantiles. Once V are the principal axes of the style's colours, once axes between them. Below the bands only the
    moments are matched: a sky keeps its place among the colours. No band is made stronger or weaker than by three,
    but colours that a style lacks altogether fade.

    Parameters
    ----------
    picture : RowStore (C, H, W)
    wanted : BandStatistics
        Of the style at the picture's size; bands that it lacks are not changed.
    match : PictureMatch or None
        Of another frame of a sequence, to use instead of the picture's own.
    adapted : float in [0, 1]
        By how much of the way that match goes to the picture's own first.

    Returns
    -------
    picture : RowStore (C, H, W) in [0, 1]
        The one that was given.
    match : PictureMatch
        By which it was changed.

    References
    ----------
    Heeger & Bergen, "Pyramid-based texture analysis/synthesis", SIGGRAPH 1995, doi:10.1145/218380.218446 (bands);
    Pitie, Kokaram & Dahyot, "Automated colour grading using colour distribution transfer", CVIU 2007,
    doi:10.1016/j.cviu.2006.11.011 (axis after axis).
    """
    turns = []
    for i in range(_n_turns(picture.shape[0])):
        bands = _Bands(picture)
        turn = match.turns[i] if match is not None else _measured(bands, wanted, i)
        if match is not None and adapted > 0:
            turn = turn.towards(_measured(bands, wanted, i), adapted)
        turns.append(turn)
        _map(picture, bands, turn)
    return picture, PictureMatch(turns)


def _n_turns(n_channels: int) -> int:
    """Grey has one axis only."""
    return 1 if n_channels == 1 else 2


def _band(found: Sequence[tuple[Moments, Tensor]], weights: Sequence[float]) -> _Band:
    colors = [some for _, some in found]
    moments = gaussian_barycentre([moments for moments, _ in found], weights)
    principal = eigenvectors(torch.as_tensor(moments.covariance))[1]
    axes = [principal, matrix_product(principal, _between(len(principal)))][: _n_turns(len(principal))]
    axes = [part.to(colors[0]) for part in axes]
    quantiles = [
        torch.stack([w * quantile_table(part.T @ c, _N_QUANTILES) for c, w in zip(colors, weights, strict=True)]).sum(
            dim=0
        )
        for part in axes
    ]
    return _Band(moments, axes, quantiles)


def _between(n: int) -> Tensor:
    """An orthogonal matrix (n, n) without zeros, a discrete cosine transform: its axes lie between the old ones."""
    position, frequency = torch.arange(n, dtype=torch.float64) + 0.5, torch.arange(n, dtype=torch.float64)
    waves = torch.cos(torch.pi / n * position[:, None] * frequency)
    return waves / waves.norm(dim=0)


def _measured(bands: _Bands, wanted: BandStatistics, turn: int) -> _Turn:
    # A picture of another size than the style's may have more bands or fewer.
    n_bands = min(len(bands), len(wanted.bands))
    found = [bands.measured(i) for i in range(n_bands)]
    maps = map_on_threads(lambda i: _band_map(found[i], wanted.bands[i], turn), range(n_bands))
    if len(bands) != len(wanted.bands):
        return _Turn(maps, None)
    own = bands.measured(n_bands)[0]
    matrix = _limited_transport(own, wanted.remainder)
    return _Turn(maps, AffineMap(matrix, wanted.remainder.mean - own.mean @ matrix))


def _band_map(found: tuple[Moments, Tensor], wanted: _Band, turn: int) -> _BandMap:
    (own, some_colors), axes = found, wanted.axes[turn]
    matrix = _limited_transport(own, wanted.moments)
    to_axes = axes.T @ matrix.to(axes)
    source = quantile_table(to_axes @ some_colors, _N_QUANTILES)
    # The style's distribution, as strong as the limit allows. The ridge is for axes of colour that a grey style lacks.
    reached = matrix @ own.regularised() @ matrix
    strength = (_variances(reached, axes) / _variances(wanted.moments.regularised(), axes)).sqrt().to(axes)
    return _BandMap(to_axes, source, wanted.quantiles[turn] * strength[:, None], axes)


def _variances(covariance: Tensor, axes: Tensor) -> Tensor:
    """Along each of the axes, in columns."""
    return (axes.double() * (covariance @ axes.double())).sum(dim=0)


def _limited_transport(source: Moments, target: Moments) -> Tensor:
    """Linear part of the transport between the moments, its eigenvalues within the limit."""
    values, vectors = eigenvectors(transport_matrix(source.regularised(), target.regularised()))
    limit = _LIMIT ** (1 / _n_turns(len(values)))
    return matrix_product(vectors * values.clamp(1 / limit, limit), vectors.T)


def _map(picture: RowStore, bands: _Bands, turn: _Turn) -> None:
    """Change a picture, of these bands, by the maps of a turn: from what is below them on, band after band."""
    below = bands.below()
    if turn.remainder is not None:
        matrix, offset = (part.to(below) for part in turn.remainder)
        below = (matrix.T @ below.flatten(1) + offset[:, None]).reshape(below.shape)
    result = Raster.of(below)
    for i in reversed(range(len(bands))):
        coarse = RowStore.holding(result).values
        result = _added(bands.band(i), turn.bands[i] if i < len(turn.bands) else None, coarse)
    picture.change(lambda start, stop: result.rows(start, stop).clamp(0.0, 1.0))


def _added(band: Raster, band_map: _BandMap | None, coarse: Tensor) -> Raster:
    """A band, changed by its map, and what is below it."""
    function = None if band_map is None else band_map.function()

    def rows(start: int, stop: int) -> Tensor:
        own = band.rows(start, stop)
        if function is not None:
            own = function(own.flatten(1)).reshape(own.shape)
        return enlarged(coarse, band.size, start, stop).add_(own)

    return Raster(band.shape, rows)
