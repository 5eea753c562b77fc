"""One scale of a picture that is redrawn: its grid of positions, what each looks for, and where in the style."""

import torch
from torch import Tensor
from torch.nn import functional

from .._math.distances import nearest
from .._math.entropic import sinkhorn_potentials
from .._math.gradients import central_differences
from .._tensors import resize
from ._field import FieldSearch
from ._patches import PatchGrid, gaussian_window
from ._pyramid import size_with_short_side
from ._settings import RedrawSettings
from ._style_model import StyleModel

__all__ = ["Level", "structure_map", "structure_reference"]

# Short side in pixels up to which the content has its full weight.
_FULL_WEIGHT_SIDE = 256


def structure_map(image: Tensor, reference: float | None = None) -> Tensor:
    """Where the content has something to lose: local RMS of its gradient, (1, H, W) in [0, 1].

    Divided by its :func:`structure_reference`, or a given one, and cut at 1.
    """
    smooth = _gradient_rms(image)
    reference = _reference(smooth) if reference is None else reference
    return smooth.div_(max(reference, 1e-6)).clamp_max_(1.0)


def structure_reference(image: Tensor) -> float:
    """The 90th percentile of the local RMS of an image's gradient."""
    return _reference(_gradient_rms(image))


def _gradient_rms(image: Tensor, window: int = 7) -> Tensor:
    down, across = central_differences(image.mean(dim=0))
    energy = (down.square_() + across.square_())[None, None]
    return functional.avg_pool2d(energy, window, 1, window // 2, count_include_pad=False)[0].sqrt_()


def _reference(smooth: Tensor) -> float:
    return float(torch.quantile(smooth.flatten()[:: max(1, smooth.numel() // 10_000)], 0.9))


class Level:
    """One scale of a picture: the content there, its target codes, and the styles' bank.

    Parameters
    ----------
    content : Tensor (C, H, W) or None
        At the picture's own size; not needed where the model has no content codec.
    mapped : Tensor (C, H, W)
        The content in the style's colours, at the picture's own size.
    short_side : int
        Of the scale, pixels.
    model : StyleModel
    settings : RedrawSettings
    structure : float or None
        A :func:`structure_reference` to use instead of the scale's own.
    """

    def __init__(
        self,
        content: Tensor | None,
        mapped: Tensor,
        short_side: int,
        model: StyleModel,
        settings: RedrawSettings,
        structure: float | None = None,
    ) -> None:
        self.settings = settings
        self.model = model
        size = size_with_short_side(mapped.shape[1:], short_side)
        self.grid = PatchGrid(size, settings.patch_size, settings.stride)
        self.bank = model.bank(settings.style_side(short_side), settings.patch_size, settings.stride)
        self.mapped = resize(mapped, size)
        self.target = self._target_codes(None if content is None else resize(content, size))
        self.weight = self._content_weight(structure)
        self.window = gaussian_window(settings.patch_size, settings.patch_size / 4)
        # Coherence and balance are shares of the variance of the style's codes.
        self.variance = float(self.bank.codes[self.bank.is_valid].var(dim=0, correction=0).sum())

    def _target_codes(self, content: Tensor | None) -> Tensor:
        """Content codes of the grid's patches, moved to where the style's codes live."""
        codec = self.model.content_codec
        if codec is None or content is None:
            return self.model.alignment(self.grid.map(self.model.codec.encode, self.mapped))
        return self.model.alignment(self.grid.map(codec.encode, content))

    def _content_weight(self, reference: float | None) -> Tensor:
        """Share (h * w, 1) of the target in a query: little in flat places, much on edges."""
        structure = self.grid.pad(structure_map(self.mapped, reference))
        pooled = functional.avg_pool2d(structure[None], self.grid.patch_size, self.grid.stride)[0, 0]
        # What is finer than a small picture shows is left to the style, so that large pictures are not less of it.
        fineness = min(1.0, _FULL_WEIGHT_SIDE / min(self.grid.size))
        weight = self.settings.content_weight * (0.2 + 2.0 * pooled) * fineness
        return torch.lerp(torch.ones_like(weight), weight.clamp_max(1.0), self.settings.strength).flatten()[:, None]

    def queries(self, estimate: Tensor | None) -> Tensor:
        """What to look for: the codes of the present estimate, of any size, drawn towards the content's."""
        if estimate is None:
            return self.target
        codes = self.grid.map(self.model.codec.encode, resize(estimate, self.grid.size))
        return codes.lerp_(self.target, self.weight)

    def first_field(self, generator: torch.Generator) -> Tensor:
        """Matches at the coarsest scale, by optimal transport between content and style codes."""
        sample = self.bank.draw(self.settings.n_transported, generator)
        keys = self.bank.codes[sample]
        chosen = torch.randperm(len(self.target), generator=generator)[: self.settings.n_transported]
        prices = sinkhorn_potentials(
            self.target[chosen.to(self.target.device)], keys, regularisation=0.03, n_iterations=10
        )
        return sample[nearest(self.target, keys, -prices)[0]]

    def search(
        self, queries: Tensor, matches: Tensor, used: Tensor, excess: Tensor, generator: torch.Generator
    ) -> Tensor:
        """One round of the search, the price of a patch rising with its use, and with that of all of its style."""
        of_style = self.settings.style_balance * excess[self.bank.origin.clamp_min(0)]
        penalty = self.variance * (self.settings.balance * used + of_style)
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
                self.bank.patches(some),
                None if noise is None else noise[some],
                self.settings.detail,
                self.bank.origin[some],
            )

        return self.grid.assemble(new, self.window)

    def _noise(self, generator: torch.Generator) -> Tensor:
        """Latent noise for every patch of the bank, smooth over the style: overlapping patches vary alike."""
        # The same for all frames of a sequence, whatever was drawn before.
        own = torch.Generator().manual_seed(generator.initial_seed())
        white = torch.randn(self.bank.codes.shape[1], *self.bank.shape, generator=own)
        window = 2 * (self.bank.patch_size // self.bank.stride // 2) + 1
        smooth = functional.avg_pool2d(white[None], window, 1, window // 2, count_include_pad=False)[0]
        return (smooth / smooth.std()).flatten(1).T.to(self.bank.codes)
