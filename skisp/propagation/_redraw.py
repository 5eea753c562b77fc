"""Redraw one image, coarse to fine: match codes, let the matched patches vote, refine.

The three steps of style propagation can be read here: :class:`_Level` extracts the codes of
content and style; :meth:`_Level.draw` draws with new style patches from the C-VAE; the rounds of
:func:`_refine` propagate them over the picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from .._progress import report
from ._alignment import AffineMap, Moments, gaussian_transport
from ._bank import PatchBank, build_bank
from ._codec import PatchCodec
from ._field import FieldSearch, carry_up, usage
from ._finish import match_band_contrast, mix_structure
from ._matching import nearest, sinkhorn_prices
from ._patches import PatchGrid, gaussian_window
from ._pyramid import resize, short_sides, size_with_short_side

__all__ = ["RedrawSettings", "StyleModel", "color_map", "redraw", "structure_map"]


@dataclass(frozen=True)
class RedrawSettings:
    """Numbers of the algorithm that a user may set, and those that were measured once.

    Attributes
    ----------
    patch_size, stride : int
        Side of a patch and distance of neighbouring patches, pixels.
    coarsest : int
        Short side of the coarsest scale, pixels.
    strength, content_weight, coherence, balance, detail : float
        See :class:`StylePropagator`.
    style_scale : float
        Likewise.
    bank : {"style", "generated"}
    color : {"style", "content", "only"}
    """

    patch_size: int
    stride: int
    coarsest: int
    strength: float
    content_weight: float
    coherence: float
    balance: float
    bank: str
    detail: float
    style_scale: float = 1.0
    color: str = "style"
    structure_share: float = 0.25
    n_rounds: int = 2
    n_coarsest_rounds: int = 10
    n_sweeps: int = 2
    n_samples: int = 500
    n_transported: int = 1000

    @property
    def draws_new_patches(self) -> bool:
        """Whether what is drawn differs from the style's own patches."""
        return self.bank == "generated" or self.detail < 1


@dataclass(frozen=True)
class StyleModel:
    """What redrawing needs of the fitted parts.

    Attributes
    ----------
    images : sequence of Tensor (C, H, W)
        The style's images.
    codec : PatchCodec
        The style's coder.
    content_codec : PatchCodec or None
        The content's own coder; None codes the colour-mapped content by the style's.
    alignment : AffineMap
        Content codes to where the style's codes live.
    """

    images: Sequence[Tensor]
    codec: PatchCodec
    content_codec: PatchCodec | None
    alignment: AffineMap
    banks: dict[tuple[int, int, int], PatchBank] = field(default_factory=dict, compare=False)

    def bank(self, short_side: int, settings: RedrawSettings) -> PatchBank:
        """The style's bank at one scale of the content, built when it is first asked for."""
        side = max(settings.patch_size, round(short_side * settings.style_scale))
        key = (side, settings.patch_size, settings.stride)
        if key not in self.banks:
            self.banks[key] = build_bank(self.images, side, self.codec, settings.patch_size, settings.stride)
        return self.banks[key]

    def forget_banks(self, keep: Sequence[PatchBank]) -> None:
        """Drop the banks that are not in ``keep``, so that images of many sizes do not fill the memory."""
        for key in [key for key, bank in self.banks.items() if all(bank is not kept for kept in keep)]:
            del self.banks[key]


def color_map(content: Tensor, style_images: Sequence[Tensor]) -> AffineMap:
    """The linear map that gives the content (C, H, W) the style's mean colour and covariance."""
    style_pixels = torch.cat([image.flatten(1).T for image in style_images])
    return gaussian_transport(Moments.of(content.flatten(1).T), Moments.of(style_pixels))


def recolor(image: Tensor, transport: AffineMap) -> Tensor:
    """Apply a map of colours to every pixel of an image (C, H, W)."""
    return transport(image.flatten(1).T).T.reshape(image.shape).clamp(0.0, 1.0)


def structure_map(image: Tensor, window: int = 7) -> Tensor:
    """Where the content has something to lose: local RMS of its gradient, (1, H, W) in [0, 1].

    Divided by its 90th percentile and cut at 1.
    """
    luminance = image.mean(dim=0)
    padded = functional.pad(luminance[None, None], (1, 1, 1, 1), mode="replicate")[0, 0]
    down = (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2
    across = (padded[1:-1, 2:] - padded[1:-1, :-2]) / 2
    energy = (down.square() + across.square())[None, None]
    smooth = functional.avg_pool2d(energy, window, 1, window // 2, count_include_pad=False)[0].sqrt()
    reference = torch.quantile(smooth.flatten()[:: max(1, smooth.numel() // 100_000)], 0.9)
    return (smooth / reference.clamp_min(1e-6)).clamp_max(1.0)


class _Level:
    """One scale of the pyramid: the content there, its target codes, and the style's bank."""

    def __init__(
        self, content: Tensor, mapped: Tensor, short_side: int, model: StyleModel, settings: RedrawSettings
    ) -> None:
        self.settings = settings
        self.model = model
        size = size_with_short_side(content.shape[1:], short_side)
        self.grid = PatchGrid(size, settings.patch_size, settings.stride)
        self.bank = model.bank(short_side, settings)
        self.mapped = resize(mapped, size)
        self.target = self._target_codes(resize(content, size))
        self.weight = self._content_weight()
        self.window = gaussian_window(settings.patch_size, settings.patch_size / 4)
        valid_codes = self.bank.codes[self.bank.is_valid]
        # Coherence and balance are shares of the variance of the style's codes.
        self.variance = float(valid_codes.var(dim=0, correction=0).sum())

    def _target_codes(self, content: Tensor) -> Tensor:
        """Content codes of the grid's patches, moved to where the style's codes live."""
        codec = self.model.content_codec
        image, codec = (self.mapped, self.model.codec) if codec is None else (content, codec)
        return self.model.alignment(self.grid.map(codec.encode, image))

    def _content_weight(self) -> Tensor:
        """Share (h * w, 1) of the target in a query: little in flat places, much on edges."""
        structure = self.grid.pad(structure_map(self.mapped))
        pooled = functional.avg_pool2d(structure[None], self.grid.patch_size, self.grid.stride)[0, 0]
        weight = self.settings.content_weight * (0.2 + 2.0 * pooled)
        return torch.lerp(torch.ones_like(weight), weight.clamp_max(1.0), self.settings.strength).flatten()[:, None]

    def queries(self, estimate: Tensor | None) -> Tensor:
        """What to look for: the codes of the present estimate, drawn towards the content's."""
        if estimate is None:
            return self.target
        return torch.lerp(self.grid.map(self.model.codec.encode, estimate), self.target, self.weight)

    def first_field(self, generator: torch.Generator) -> Tensor:
        """Matches at the coarsest scale, by optimal transport between content and style codes."""
        sample = self.bank.draw(self.settings.n_transported, generator)
        keys = self.bank.codes[sample]
        chosen = torch.randperm(len(self.target), generator=generator)[: self.settings.n_transported]
        prices = sinkhorn_prices(self.target[chosen.to(self.target.device)], keys, regularisation=0.03, n_iterations=10)
        return sample[nearest(self.target, keys, -prices)[0]]

    def search(self, queries: Tensor, matches: Tensor, used: Tensor, generator: torch.Generator) -> Tensor:
        """One round of the search, the price of a patch rising with its use."""
        penalty = self.settings.balance * self.variance * used
        penalty = penalty.masked_fill(~self.bank.is_valid, torch.inf)
        search = FieldSearch(queries, penalty, self.bank, self.grid, self.settings.coherence * self.variance, generator)
        return search.improve(matches, n_samples=self.settings.n_samples, n_sweeps=self.settings.n_sweeps)

    def vote(self, matches: Tensor) -> Tensor:
        """The image on which the matched patches vote."""
        return self.grid.assemble(lambda rows: self.bank.patches(matches[rows]), self.window)

    def draw(self, matches: Tensor, generator: torch.Generator) -> Tensor:
        """The same with new patches from the style's C-VAE about the matched ones, as ``bank`` and ``detail`` say."""
        noise = None if self.settings.bank == "style" else self._noise(generator)

        def new(rows: slice) -> Tensor:
            some = matches[rows]
            return self.model.codec.renew(
                self.bank.patches(some), None if noise is None else noise[some], self.settings.detail
            )

        return self.grid.assemble(new, self.window)

    def _noise(self, generator: torch.Generator) -> Tensor:
        """Latent noise for every patch of the bank, smooth over the style: overlapping patches vary alike."""
        white = torch.randn(self.bank.codes.shape[1], *self.bank.shape, generator=generator)
        window = 2 * (self.bank.patch_size // self.bank.stride // 2) + 1
        smooth = functional.avg_pool2d(white[None], window, 1, window // 2, count_include_pad=False)[0]
        return (smooth / smooth.std()).flatten(1).T.to(self.bank.codes)


def redraw(content: Tensor, model: StyleModel, settings: RedrawSettings, seed: int) -> Tensor:
    """Redraw an image in the style of the model, all of it style; mixing and keeping colours are left to the caller.

    Parameters
    ----------
    content : Tensor (C, H, W) in [0, 1]
    model : StyleModel
    settings : RedrawSettings
    seed : int
        Of the search and the generated patches.

    Returns
    -------
    picture : Tensor (C, H, W) in [0, 1]
    """
    if settings.strength == 0:
        return content
    generator = torch.Generator().manual_seed(seed)
    mapped = recolor(content, color_map(content, model.images))
    if settings.color == "only":
        return mapped
    sides = short_sides(min(content.shape[1:]), settings.coarsest)
    level = _Level(content, mapped, sides[0], model, settings)
    matches = level.first_field(generator)
    estimate, matches = _refine(level, None, matches, settings.n_coarsest_rounds, generator)
    banks = [level.bank]
    for i, side in enumerate(sides[1:], start=1):
        report("redraw", i, len(sides), f"{side} px")
        coarse, level = level, _Level(content, mapped, side, model, settings)
        matches = carry_up(matches, coarse.grid, level.grid, coarse.bank, level.bank)
        estimate = resize(estimate, level.grid.size)
        estimate, matches = _refine(level, estimate, matches, settings.n_rounds, generator)
        banks.append(level.bank)
    model.forget_banks(keep=banks)
    if settings.draws_new_patches:
        estimate = level.draw(matches, generator)
    report("redraw", len(sides), len(sides))
    return _finish(estimate, mapped, model, settings)


def _finish(estimate: Tensor, mapped: Tensor, model: StyleModel, settings: RedrawSettings) -> Tensor:
    """Fine structure of the content, contrast of the style."""
    share = min(1.0, settings.structure_share * settings.content_weight)
    return match_band_contrast(mix_structure(estimate, mapped, structure_map(mapped), share), model.images)


def _refine(
    level: _Level, estimate: Tensor | None, matches: Tensor, n_rounds: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Alternate search and vote at one scale; where there is no estimate yet, the content's codes lead.

    The search goes by the style's own patches; those that the C-VAE generates are seen at the finest scale only.
    """
    used = usage(matches, level.bank)
    for _ in range(n_rounds):
        matches = level.search(level.queries(estimate), matches, used, generator)
        used = (used + usage(matches, level.bank)) / 2
        estimate = level.vote(matches)
    assert estimate is not None, "there is at least one round"
    return estimate, matches
