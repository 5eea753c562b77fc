"""Redraw one image, coarse to fine: match codes, let the matched patches vote, refine.

The three steps of style propagation can be read here and in :class:`Level`, which extracts the codes
of content and style, and draws new style patches from the C-VAE (:meth:`Level.draw`); the rounds of
:func:`refine` propagate them over the picture.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .._math.affine import AffineMap
from .._progress import report
from ._field import carry_up, share_excess, usage
from ._finish import match_band_contrast, mix_structure
from ._level import Level, structure_map, structure_reference
from ._pyramid import short_sides
from ._settings import RedrawSettings
from ._style_model import StyleModel, color_map, recolor

__all__ = ["Drawing", "Statistics", "Watcher", "draw", "finish", "last_picture", "redraw", "refine", "statistics_of"]

# Told of each scale when it is drawn: the level, its estimate (C, H, W), and its matches (h * w,).
Watcher = Callable[[Level, Tensor, Tensor], None]


class Statistics(NamedTuple):
    """What is measured of a content once: of each image, or of the first frame of a sequence.

    Attributes
    ----------
    colors : AffineMap
        From its colours to the style's.
    structure : float
        Its :func:`structure_reference` in the style's colours.
    """

    colors: AffineMap
    structure: float


class Drawing(NamedTuple):
    """A picture before the last touches.

    Attributes
    ----------
    mapped : Tensor (C, H, W)
        The content in the style's colours.
    estimate : Tensor (C, H, W)
        What the patches drew.
    matches : Tensor (h * w,)
        Which patch of the bank stands at each position of the finest scale.
    excess : Tensor (n_styles,)
        What of :func:`share_excess` has added up for each style.
    """

    mapped: Tensor
    estimate: Tensor
    matches: Tensor
    excess: Tensor


def redraw(
    content: Tensor, model: StyleModel, settings: RedrawSettings, seed: int, watcher: Watcher | None = None
) -> Tensor:
    """Redraw an image in the style of the model, all of it style; mixing and keeping colours are left to the caller.

    Parameters
    ----------
    content : Tensor (C, H, W) in [0, 1]
    model : StyleModel
    settings : RedrawSettings
    seed : int
        Of the search and the generated patches.
    watcher : callable or None
        See :func:`draw`; told of nothing where nothing is drawn, at strength 0 or in colour only.

    Returns
    -------
    picture : Tensor (C, H, W) in [0, 1]
    """
    if settings.strength == 0:
        return content
    statistics = statistics_of(content, model)
    mapped = recolor(content, statistics.colors)
    if settings.color == "only":
        return mapped
    own = None if model.content_codec is None else content
    del content  # large images hold much memory
    drawing = draw(own, mapped, model, settings, torch.Generator().manual_seed(seed), watcher)
    return finish(drawing, statistics, model, settings)[0]


def statistics_of(content: Tensor, model: StyleModel) -> Statistics:
    """Measure a content (C, H, W)."""
    colors = color_map(content, [image for images in model.images for image in images])
    return Statistics(colors, structure_reference(recolor(content, colors)))


def draw(
    content: Tensor | None,
    mapped: Tensor,
    model: StyleModel,
    settings: RedrawSettings,
    generator: torch.Generator,
    watcher: Watcher | None = None,
) -> Drawing:
    """Draw with patches of the style, from the coarsest scale to the content's own.

    Parameters
    ----------
    content : Tensor (C, H, W) or None
        Not needed where the model has no content codec.
    mapped : Tensor (C, H, W)
        The content in the style's colours.
    model : StyleModel
    settings : RedrawSettings
    generator : torch.Generator
    watcher : callable or None
        Called with the level, the estimate and the matches of each scale, coarsest first. It must not
        change them, nor keep the level, which holds much memory.
    """
    watcher = watcher or _nobody
    sides = short_sides(min(mapped.shape[1:]), settings.coarsest)
    level = Level(content, mapped, sides[0], model, settings)
    matches = level.first_field(generator)
    excess = share_excess(matches, level.bank)
    estimate, n_rounds = None, settings.n_coarsest_rounds
    for i, side in enumerate(sides[1:], start=1):
        estimate, matches = refine(level, estimate, matches, excess, n_rounds, generator)
        watcher(level, estimate, matches)
        report("redraw", i, len(sides), f"{side} px")
        grid, bank = level.grid, level.bank
        del level  # large images hold much memory
        model.forget_banks()
        level = Level(content, mapped, side, model, settings)
        matches = carry_up(matches, grid, level.grid, bank, level.bank)
        del bank
        n_rounds = settings.n_rounds
    estimate, matches = last_picture(level, estimate, matches, excess, n_rounds, generator)
    watcher(level, estimate, matches)
    model.forget_banks(keep=[settings.style_side(side) for side in sides])
    report("redraw", len(sides), len(sides))
    return Drawing(mapped, estimate, matches, excess)


def _nobody(level: Level, estimate: Tensor, matches: Tensor) -> None:
    """The watcher where nobody watches."""


def refine(
    level: Level, estimate: Tensor | None, matches: Tensor, excess: Tensor, n_rounds: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Alternate search and vote at one scale; where there is no estimate yet, the content's codes lead.

    The search goes by the style's own patches; those that the C-VAE generates are seen at the finest scale only.
    """
    matches = search(level, estimate, matches, excess, n_rounds, generator)
    return level.vote(matches), matches


def search(
    level: Level, estimate: Tensor | None, matches: Tensor, excess: Tensor, n_rounds: int, generator: torch.Generator
) -> Tensor:
    """Rounds of search at one scale, the vote of each being the estimate of the next; returns the matches.

    What exceeds the share of a style adds up in ``excess``, in place, and raises the price of all of its patches.
    """
    used = usage(matches, level.bank)
    for i in range(n_rounds):
        queries = level.queries(level.vote(matches) if i > 0 else estimate)
        estimate = None  # large images hold much memory
        matches = level.search(queries, matches, used, excess, generator)
        used = (used + usage(matches, level.bank)) / 2
        excess += share_excess(matches, level.bank)
    return matches


def last_picture(
    level: Level, estimate: Tensor | None, matches: Tensor, excess: Tensor, n_rounds: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """The same as :func:`refine` at the finest scale, drawn with the patches that were asked for."""
    matches = search(level, estimate, matches, excess, n_rounds, generator)
    drawn = level.draw(matches, generator) if level.settings.draws_new_patches else level.vote(matches)
    return drawn, matches


def finish(
    drawing: Drawing,
    statistics: Statistics,
    model: StyleModel,
    settings: RedrawSettings,
    factors: Sequence[float] | None = None,
) -> tuple[Tensor, list[float]]:
    """Fine structure of the content, contrast of the style; also the factors by which the contrast was changed.

    Given ``factors``, of another frame of a sequence, the contrast is changed by those.
    """
    share = min(1.0, settings.structure_share * settings.content_weight)
    wanted = model.band_deviations(settings.style_side(min(drawing.mapped.shape[1:])))
    structure = structure_map(drawing.mapped, statistics.structure)
    return match_band_contrast(mix_structure(drawing.estimate, drawing.mapped, structure, share), wanted, factors)
