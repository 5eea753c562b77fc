"""What the propagation score gives to results of known order, to trivial answers, and to attacks.

python benchmarks/metrics.py [--size 256] [--pairs N] [--seeds 1] [--fresh] [--gpdm] [--search] [--quick]

--fresh takes photographs of scikit-image and procedural styles, on which the score was not designed.
--gpdm redraws with a patch distribution optimiser as well, half a minute a pair.
--search looks for the best of 128 overlays of the style's detail on the recoloured, blurred content.
With plenoptic installed the figures are compared with Portilla and Simoncelli's statistics.
"""

import argparse
import itertools
from collections import defaultdict
from collections.abc import Iterator

import numpy as np
from _attacks import _blur, attacks
from _pictures import as_uint8, pair_names, pictures, with_short_side
from _report import Table, parsed_with_quick
from numpy.typing import NDArray
from scipy.stats import spearmanr

from skisp import PatchTransformer, StylePropagator
from skisp.metrics import (
    color_distance,
    frechet_style_distance,
    random_gram_distance,
    style_distance,
    trivial_answers,
)
from skisp.metrics._color_match import match_histograms, transfer_distribution
from skisp.metrics._frechet import StyleDescriptors
from skisp.metrics._propagation import PropagationPair
from skisp.metrics._working import as_rgb, resize, shape_of, working_images

Picture = NDArray[np.float32]
STRENGTHS = (0.25, 0.5, 0.75, 1.0)
TRIVIAL = ("content", "style", "noise", "flat", "histogram", "histogram, 50% style", "shuffled style")
# Lower first; what stands on one step may come in any order.
LADDER = (TRIVIAL, ("strength 0.5",), ("strength 0.75",), ("strength 1",))
STYLE_FIGURES = (style_distance, random_gram_distance, frechet_style_distance, color_distance)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--gpdm", action="store_true")
    parser.add_argument("--search", action="store_true")
    arguments = parsed_with_quick(parser, size=64, pairs=1)
    totals = defaultdict(list)
    for name, content, style in (fresh_pairs if arguments.fresh else paintings)(arguments.size, arguments.pairs):
        for seed in range(arguments.seeds):
            one_pair(f"{name}, seed {seed}", content, style, seed, arguments, totals)
    summary(totals)


def one_pair(name: str, content: Picture, style: Picture, seed: int, arguments, totals) -> None:
    """Print a pair's scores, and add them to the totals."""
    bank, tries = trivial_answers(content, style, seed), attacks(content, style, seed)
    ours = redrawn(content, style, seed)
    if arguments.gpdm:
        ours["GPDM"] = gpdm(content, style)
    if arguments.search:
        tries |= overlays(content, style)
    # What propagation_score does, which would measure content and style anew for every result.
    pair = PropagationPair.of(content, style, StyleDescriptors.of(style, random_state=seed))
    scores = {
        group: {key: pair.report(working_images(style=style, result=image)[1]) for key, image in images.items()}
        for group, images in (("bank", bank), ("attack", tries), ("ours", ours))
    }
    print(f"\n{name}")
    for group, reports in scores.items():
        ranked = sorted(reports.items(), key=lambda item: -item[1]["score"])
        print(f"  {group:8}" + "; ".join(f"{key} {_figures(report)}" for key, report in ranked[:4]), flush=True)
        totals[f"best {group}"].append(ranked[0][1]["score"])
        for key, report in reports.items():
            totals[f"{group}: {key}"].append(report["score"])
    default = ours["strength 1"], scores["ours"]["strength 1"]["score"]
    totals["margin"].append(default[1] - max(totals["best bank"][-1], totals["best attack"][-1]))
    flat = {key: report["score"] for reports in scores.values() for key, report in reports.items()}
    totals["order"].append(order_kept(flat))
    for figure, value in agreement(style, bank | tries | ours).items():
        totals[f"agreement: {figure}"].append(value)


def redrawn(content: Picture, style: Picture, seed: int) -> dict[str, Picture]:
    fitted = PatchTransformer(random_state=seed).fit([style])
    pictures = {}
    for strength in STRENGTHS:
        propagator = StylePropagator(style=fitted, strength=strength, random_state=seed).fit([content])
        pictures[f"strength {strength:g}"] = propagator.transform([content])[0]
    return pictures


def gpdm(content: Picture, style: Picture) -> Picture:
    from _gpdm import gpdm as optimise

    return as_rgb(optimise(as_uint8(content), as_uint8(style)), "result")


def overlays(content: Picture, style: Picture) -> dict[str, Picture]:
    """Detail of the turned style over the recoloured, blurred content, in every combination of four numbers."""
    fitted = resize(style, shape_of(content))
    turned = np.ascontiguousarray(fitted[::-1, ::-1])
    bases = {"histogram": match_histograms(content, style), "distribution": transfer_distribution(content, style)}
    answers = {}
    for base, blur, radius, weight in itertools.product(bases, (0, 1, 2, 4), (2, 4, 8, 16), (0.4, 0.7, 1.0, 1.4)):
        image = _blur(bases[base], blur) if blur else bases[base]
        answers[f"overlay {base} {blur} {radius} {weight}"] = (image + weight * (turned - _blur(turned, radius))).clip(
            0, 1
        )
    return answers


def order_kept(scores: dict[str, float]) -> float:
    """Share of the pairs of results on different steps of the ladder that the score ranks rightly."""
    pairs = [
        scores[low] < scores[high]
        for lower, higher in itertools.combinations(LADDER, 2)
        for low in lower
        for high in higher
    ]
    return float(np.mean(pairs))


def agreement(style: Picture, results: dict[str, Picture]) -> dict[str, float]:
    """Rank correlation of each style figure with the distance of Portilla and Simoncelli's statistics.

    And the share of the other results that those statistics find nearer to the style than the default.
    """
    try:
        import plenoptic  # noqa: F401
    except ImportError:
        return {}
    names = [name for name in results if name not in ("style", "flat", "content, 50% style", "strength 1")][::2]
    names.append("strength 1")
    reference = portilla_simoncelli([style, *(results[name] for name in names)])
    distances = np.linalg.norm(reference[1:] - reference[0], axis=1)
    nearer = {"results nearer than the default": float(np.mean(distances[:-1] < distances[-1]))}
    return nearer | {
        figure.__name__: float(spearmanr([figure(style, results[name]) for name in names], distances)[0])
        for figure in STYLE_FIGURES
    }


def portilla_simoncelli(images: list[Picture]) -> NDArray[np.float64]:
    """The statistics of the luminances' square centres, each in units of its spread over the images."""
    import torch
    from plenoptic.models import PortillaSimoncelli

    from skisp._math.color import luminance

    side = min(min(image.shape[:2]) for image in images) // 16 * 16
    tensors = []
    for image in images:
        top, left = ((length - side) // 2 for length in image.shape[:2])
        tensors.append(torch.from_numpy(luminance(image[top : top + side, left : left + side])[..., 0]))
    model = PortillaSimoncelli((side, side)).double()
    statistics = torch.cat([model(t[None, None].double())[0] for t in tensors]).numpy()
    statistics = np.nan_to_num(statistics)
    return statistics / np.maximum(statistics.std(axis=0), 1e-9)


def paintings(size: int, n_pairs: int) -> Iterator[tuple[str, Picture, Picture]]:
    contents, styles = pictures(size)
    for content, style in pair_names(n_pairs):
        # Of one working size, so that figures of one result do not depend on another's size.
        yield (f"{content} + {style}", *working_images(content=contents[content], style=styles[style]))


def fresh_pairs(size: int, n_pairs: int) -> Iterator[tuple[str, Picture, Picture]]:
    import skimage.data

    from skisp.datasets import make_style_image

    contents = {name: getattr(skimage.data, name)() for name in ("astronaut", "chelsea", "coffee", "rocket")}
    kinds = ("waves", "brush_strokes", "stained_glass", "woodcut", "pointillism")
    for content, kind in list(itertools.product(contents, kinds))[:n_pairs]:
        style = as_uint8(make_style_image(kind, size=384, random_state=1))
        yield (f"{content} + {kind}", *working_images(content=with_short_side(contents[content], size), style=style))


def summary(totals: dict[str, list[float]]) -> None:
    table = Table(f"Scores of {len(totals['margin'])} pairs and seeds", ("of", "median", "greatest", "least"))
    attack = sorted((name for name in totals if name.startswith("attack: ")), key=lambda name: -np.max(totals[name]))
    shown = [name for name in totals if not name.startswith(("attack: ", "bank: "))] + attack[:30]
    for name in shown:
        table.add(name, *(float(reduce(totals[name])) for reduce in (np.median, np.max, np.min)))
    within = sum(np.max(totals[name]) <= 0.15 for name in attack)
    print(f"\nattacks of at most 0.15 on every pair: {within} of {len(attack)}")
    above = np.mean(np.array(totals["margin"]) > 0)
    print(f"pairs on which the default is above every trivial answer and attack: {above:.0%}")


def _figures(report: dict[str, float]) -> str:
    parts = ", ".join(f"{report[name]:.2f}" for name in ("style_gained", "redrawn", "content_kept"))
    return f"{report['score']:.3f} ({parts})"


if __name__ == "__main__":
    main()
