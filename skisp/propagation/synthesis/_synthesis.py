"""The synthesis of a picture: search for patches whose codes fit and let them vote, level by level; then generate.

:func:`redraw` goes from an image to the picture; :class:`Synthesis` is the picture as it evolves. New patches are
generated at the finest level only, after the last search.
"""

from collections.abc import Callable, Mapping
from typing import Self

import torch
from torch import Tensor

from ..._math.box_means import box_mean
from ..._math.distances import nearest
from ..._math.entropic import sinkhorn_potentials
from ..._progress import report
from ..._tensors import resize
from ..._threads import computed_ahead
from ._content import Content
from ._exemplar import PatchCoder
from ._field import FieldSearch, occurrence, share_gap, upsample_field, warp_field
from ._level import Level
from ._optical_flow import warp
from ._patches import PatchGrid, hann_window
from ._postprocess import postprocess
from ._pyramid import short_sides
from ._raster import Raster, RowStore, change_windows
from ._scaling import enlarged
from ._settings import COARSEST_SIDE, SynthesisSettings, matched_side, stride_of
from ._style_model import StyleModel
from ._weave import UNWOVEN_AROUND, unwoven

__all__ = ["Synthesis", "Watcher", "redraw", "synthesise"]


class Synthesis:
    """A picture as it evolves: at a level, with a patch of the exemplar at each position.

    Parameters
    ----------
    level : Level
        The coarsest. The first matches are found by optimal transport between content and style codes.
    coder : PatchCoder
        Of the styles.
    settings : SynthesisSettings
    generator : torch.Generator
        On the CPU; samples candidates of the search, and seeds the generated patches.

    Attributes
    ----------
    level : Level
    matches : Tensor (h * w,)
        The nearest-neighbour field: which patch of the exemplar stands at each position.
    occurrence : Tensor (m,)
        How often each patch of the exemplar has occurred in the last searches, 1 being its share.
    style_potentials : Tensor (n_styles,)
        Dual potentials of the styles' shares: by how much more all patches of a style cost.
    picture : Tensor (C, H, W) or None
        The last vote or rendering, at this level or a coarser one: the estimate that enters the next queries. None
        before the first search, while one runs, and after a rendering at a larger size until it is needed.
    """

    def __init__(
        self, level: Level, coder: PatchCoder, settings: SynthesisSettings, generator: torch.Generator
    ) -> None:
        self._coder = coder
        self._settings = settings
        self._generator = generator
        self.picture: Tensor | None = None
        self._change: Tensor | None = None
        self._enter(level, self._first_matches(level))
        self.style_potentials = share_gap(self.matches, level.exemplar)

    def refine(self, n_rounds: int) -> None:
        """Alternate search and vote at this level, the vote of each round being the estimate of the next.

        Only the style's own patches take part; those that the C-VAE generates come in :meth:`render`.
        """
        for i in range(n_rounds):
            if i > 0:
                self.vote()
            self._queries = self._next_queries()
            self.picture = None  # large images hold much memory
            self._search(self._queries)

    def upsample(self, make_level: Callable[[], Level]) -> None:
        """Go to the next level, which is asked for only when this one's memory is free, and upsample the matches."""
        grid, exemplar, matches = self.level.grid, self.level.exemplar, self.matches
        del self.level
        level = make_level()
        self._enter(level, upsample_field(matches, grid, level.grid, exemplar, level.exemplar))

    def warp(self, level: Level, flow: Tensor) -> None:
        """Go to the next frame of a sequence, of the same size, and warp along an optical flow (2, H, W)."""
        self._generator = torch.Generator().manual_seed(self._generator.initial_seed())
        self.picture = warp(self._rendered(), flow)
        self._enter(level, warp_field(self.matches, flow, level.grid, level.exemplar))

    def state(self) -> dict[str, Tensor]:
        """What the next frame of a sequence needs, after a rendering."""
        return {"matches": self.matches, "style_potentials": self.style_potentials, "rendered": self._rendered()}

    @classmethod
    def resumed(
        cls, state: Mapping[str, Tensor], coder: PatchCoder, settings: SynthesisSettings, generator: torch.Generator
    ) -> Self:
        """The synthesis of such a state; the only thing that it can do is to :meth:`warp`, which gives it a level."""
        synthesis = cls.__new__(cls)
        synthesis._coder, synthesis._settings, synthesis._generator = coder, settings, generator
        synthesis.matches, synthesis.style_potentials = state["matches"], state["style_potentials"]
        synthesis.picture, synthesis._change = state["rendered"], None
        return synthesis

    def vote(self) -> Tensor:
        """The picture (C, H, W) on which the matched patches vote."""
        self.picture = self._assembled(self._matched)
        return self.picture

    def render(self, size: tuple[int, int], style: StyleModel) -> RowStore:
        """The picture (C, H, W) of a size, this level's or larger: with new patches, if the settings ask for them.

        New patches come from the style's C-VAE, about the matched ones. For a larger picture the matched patches are
        cut out of the style at that size, and what the new ones change is upsampled.
        """
        is_larger, stride = size != self.level.grid.size, self.level.grid.stride
        if not self._settings.generates_patches:
            return self._enlarged(size, style) if is_larger else RowStore.copy_of(unwoven(self.vote(), stride))
        noise = None if self._settings.patches == "style" else self._noise()
        if not is_larger:
            self.picture = unwoven(self._assembled(lambda at: self._generated(at, noise)), stride)
            return RowStore.copy_of(self.picture)
        change = self._assembled(lambda at: self._generated(at, noise) - self._matched(at))
        self._change = unwoven(change, stride)
        picture, change = self._enlarged(size, style), self._change
        picture.change(lambda start, stop: picture.rows(start, stop) + enlarged(change, size, start, stop))
        return picture

    def _rendered(self) -> Tensor:
        """The rendering (C, H, W) at this level's size, when a larger one was asked for."""
        if self.picture is None:
            self.picture = self.vote() if self._change is None else self.vote() + self._change
        return self.picture

    def _enlarged(self, size: tuple[int, int], style: StyleModel) -> RowStore:
        """A vote of the matched patches at a larger size, themselves as much larger."""
        patch_size = round(min(size) / min(self.level.grid.size) * style.patch_size)
        grid = PatchGrid(size, patch_size, stride_of(patch_size))
        picture = self._enlarged_vote(grid, style)
        change_windows(picture, lambda window: unwoven(window, grid.stride), grid.stride, UNWOVEN_AROUND)
        return picture

    def _enlarged_vote(self, grid: PatchGrid, style: StyleModel) -> RowStore:
        level, patch_size = self.level, grid.patch_size
        canvas = style.canvas(style.side(min(grid.size), self._settings.style_scale), patch_size)
        field = upsample_field(self.matches, level.grid, grid, level.exemplar, canvas)
        picture = RowStore((len(canvas.canvas), *grid.size), canvas.canvas.device)
        for start, rows in grid.assembled_rows(lambda at: canvas.patches(field[at]), hann_window(patch_size)):
            picture.put(start, rows)
        return picture

    def _enter(self, level: Level, matches: Tensor) -> None:
        self.level = level
        self.matches = matches
        self._queries = level.target
        self.occurrence = occurrence(matches, level.exemplar)

    def _first_matches(self, level: Level) -> Tensor:
        n_transported = self._settings.n_transported
        sample = level.exemplar.sample(n_transported, self._generator)
        keys = level.exemplar.codes[sample]
        chosen = torch.randperm(len(level.target), generator=self._generator)[:n_transported]
        queries = level.target[chosen.to(level.target.device)]
        potentials = sinkhorn_potentials(queries, keys, regularisation=0.03, n_iterations=10)
        return sample[nearest(level.target, keys, self._one_off_price(level)[sample] - potentials)[0]]

    def _next_queries(self) -> Tensor:
        """What to search for (h * w, d): the codes of the estimate, mixed with the content's by their weight."""
        if self.picture is None:
            return self.level.target
        estimate = resize(self.picture, self.level.grid.size)
        return self.level.grid.map(self._coder.encode, estimate).lerp_(self.level.target, self.level.weight)

    def _search(self, queries: Tensor) -> None:
        """One search. The more a patch has occurred, and the more its style has, the more it costs."""
        exemplar, settings = self.level.exemplar, self._settings
        price = self._price_but_for_occurrence()

        def potentials() -> Tensor:
            return torch.add(price, self.occurrence, alpha=settings.balance * exemplar.variance)

        def repriced(matches: Tensor) -> Tensor:
            """The potentials (m,) once some matches have been seen, which count for a share of the occurrences."""
            self.occurrence = torch.lerp(self.occurrence, occurrence(matches, exemplar), settings.occurrence_rate)
            return potentials()

        coherence = settings.coherence * exemplar.variance * self._firmness()
        search = FieldSearch(queries, potentials(), exemplar, self.level.grid, coherence, self._generator)
        self.matches = search.improve(
            self.matches, n_samples=settings.n_sampled, n_sweeps=settings.n_sweeps, reprice=repriced
        )
        self.style_potentials = self.style_potentials + share_gap(self.matches, exemplar)

    def _firmness(self) -> Tensor:
        """Share (h * w,) of the reward for coherence, which must yield where the content has an edge."""
        return 1 - self._settings.yielding * self.level.structure[:, 0]

    def _price_but_for_occurrence(self) -> Tensor:
        """What each patch of the exemplar costs (m,) for its style, and as a one-off, whatever the query."""
        exemplar = self.level.exemplar
        of_style = (self._settings.style_share_rate * exemplar.variance) * self.style_potentials
        price = of_style[exemplar.origin.clamp_min(0)] + self._one_off_price(self.level)
        return price.masked_fill_(~exemplar.is_valid, torch.inf)

    def _matched(self, at: slice) -> Tensor:
        return self.level.exemplar.patches(self.matches[at])

    def _one_off_price(self, level: Level) -> Tensor:
        """What each patch of an exemplar costs (m,) because nothing else in the style is like it."""
        return self._settings.one_off_price * level.exemplar.variance * level.one_offs

    def _generated(self, at: slice, noise: Tensor | None) -> Tensor:
        """New patches at some positions: about the matched ones, with their latent noise, towards the queries."""
        exemplar, matches, settings = self.level.exemplar, self.matches[at], self._settings
        codes, step = exemplar.codes[matches], None
        if settings.patches == "generated" and settings.adaptation > 0:
            step = settings.adaptation * self.level.structure[at] * (self._queries[at] - codes)
        own_noise = None if noise is None else noise[matches]
        return self._coder.generate(
            self._matched(at), codes, step, own_noise, settings.detail, exemplar.origin[matches]
        )

    def _noise(self) -> Tensor:
        """Latent noise for every patch of the exemplar, smooth over the style: overlapping patches vary alike."""
        exemplar = self.level.exemplar
        # The same for all frames of a sequence, whatever was sampled before.
        own = torch.Generator().manual_seed(self._generator.initial_seed())
        white = torch.randn(exemplar.codes.shape[1], *exemplar.shape, generator=own, dtype=torch.float32)
        window = 2 * (exemplar.patch_size // exemplar.stride // 2) + 1
        smooth = box_mean(white, window)
        return (smooth / smooth.std()).flatten(1).T.to(exemplar.codes)

    def _assembled(self, patches_at: Callable[[slice], Tensor]) -> Tensor:
        return self.level.grid.assemble(patches_at, hann_window(self.level.grid.patch_size))


# Called at the end of each level with the synthesis, and the picture (C, H, W) of its level. It must not change
# them, nor keep the synthesis, which holds much memory.
Watcher = Callable[[Synthesis, Tensor], None]


def redraw(
    image: Tensor | Raster, style: StyleModel, settings: SynthesisSettings, seed: int, watcher: Watcher | None = None
) -> Raster:
    """Redraw an image at full strength; mixing with the content and keeping its colours are left to the caller.

    Parameters
    ----------
    image : Tensor or Raster (C, H, W) in [0, 1]
    style : StyleModel
    settings : SynthesisSettings
    seed : int
        Of the search and the generated patches.
    watcher : callable or None
        Not called if nothing is synthesised, at strength 0 or with ``color="only"``.

    Returns
    -------
    picture : Raster (C, H, W) in [0, 1]
    """
    if settings.strength == 0:
        return Raster.of(image)
    content = Content.of(image, style)
    if settings.color == "only":
        return content.recolored
    _, picture = synthesise(content, style, settings, torch.Generator().manual_seed(seed), watcher)
    return postprocess(picture, content, style, settings)[0]


def synthesise(
    content: Content,
    style: StyleModel,
    settings: SynthesisSettings,
    generator: torch.Generator,
    watcher: Watcher | None = None,
) -> tuple[Synthesis, RowStore]:
    """Synthesise a picture from the coarsest level to the finest, and render it (C, H, W) at the content's size.

    Each level is made while the one before it is worked on, where there are two threads: they gain more by what takes
    long than by halves of every step.
    """
    sides = short_sides(matched_side(content.short_side), max(COARSEST_SIDE, style.patch_size))
    levels = computed_ahead(lambda side: content.level(side, style, settings), sides)
    synthesis = Synthesis(next(levels), style.coder, settings, generator)
    synthesis.refine(settings.n_coarsest_rounds)
    for i, side in enumerate(sides[1:], start=1):
        vote = synthesis.vote()
        if watcher is not None:
            watcher(synthesis, vote)
        report("redraw", i, len(sides), f"{side} px")
        style.forget_exemplars()
        synthesis.upsample(lambda: next(levels))
        synthesis.refine(1)
    picture = synthesis.render(content.size, style)
    if watcher is not None:
        watcher(synthesis, picture.whole() if synthesis.picture is None else synthesis.picture)
    style.forget_exemplars(keep=[style.side(side, settings.style_scale) for side in sides])
    report("redraw", len(sides), len(sides))
    return synthesis, picture
