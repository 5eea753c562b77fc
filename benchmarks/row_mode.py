"""Row mode on MNIST, upright digits against slanted and thick ones: style reached, and digits still read.

Slant and thickness are shares of the gap between the means of the two sets that the redrawn digits
have closed. Read is the share that a support vector classifier recognises, which was fitted on other
digits in both hands. Digits of the test set are redrawn, which no part of the propagator has seen.

The ways to take content codes to style codes:

    ridge       regression onto the style coder's own codes of the same digits
    Gaussian    ridge, then optimal transport between Gaussians
    samples     optimal transport between samples, iterated (the package's way)
    pairs       regression onto the codes of the same digits in the style's hand, which no propagator
                has: what the best affine map does

    python benchmarks/row_mode.py [--seeds 3] [--samples 5000] [--epochs 30] [--network dense]
                                  [--variation 0.3] [--sheet FILE.png] [--quick]
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from _report import Table, parsed_with_quick
from _vae_peers import as_unit, load_data
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.svm import SVC
from sklearn.utils import Bunch

from skisp import CVAETransformer, StylePropagator
from skisp._math.affine import AffineMap, fit_ridge
from skisp._math.gaussian import Moments, gaussian_transport
from skisp.datasets import digit_slant, digit_thickness, make_digit_styles
from skisp.datasets._digit_styles import deslanted, slanted_and_thick
from skisp.io import write_image

COLUMNS = ("slant", "thickness", "read")


class Hands(NamedTuple):
    """Digits to fit on, the content in the style's hand, test digits in both hands, and who reads them."""

    digits: Bunch
    paired: Any
    upright: Any
    slanted: Any
    target: Any
    judge: SVC


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--samples", type=int, default=5000)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--network", default="dense")
    parser.add_argument("--variation", type=float, default=0.3)
    parser.add_argument("--sheet")
    parser.add_argument("--judged", type=int, default=5000, help="digits that the judge learns from")
    arguments = parsed_with_quick(parser, seeds=1, samples=300, epochs=2, judged=300)
    found: dict[str, list[Any]] = {}
    table = Table(f"Digits in another hand, {arguments.samples} a hand", ("content, style, way", "seed", *COLUMNS))
    for seed in range(arguments.seeds):
        hands = read_hands(arguments, seed)
        sheet = [hands.upright]
        for name, redrawn in redrawn_each_way(hands, arguments, seed):
            found.setdefault(name, []).append(figures(hands, redrawn))
            table.add(name, str(seed), *found[name][-1])
            sheet.append(redrawn)
        if arguments.sheet and seed == 0:
            strips = [np.concatenate(list(images[:20]), axis=1) for images in sheet]
            write_image(arguments.sheet, 1 - np.concatenate(strips).clip(0, 1))
    medians = Table(f"Medians of {arguments.seeds} seeds", ("content, style, way", *COLUMNS))
    for name, each in found.items():
        medians.add(name, *np.transpose(each).tolist())


def read_hands(arguments: argparse.Namespace, seed: int) -> Hands:
    """The two sets to fit on, test digits in both hands, and a judge that has seen none of them."""
    n_samples, variation, judged = arguments.samples, arguments.variation, arguments.judged
    data = load_data("mnist", stand_in=arguments.quick)
    images = {name: as_unit(data[f"x_{name}"]).reshape(-1, 28, 28).astype(float) for name in ("train", "test")}
    chosen = np.random.default_rng(seed).permutation(len(images["train"]))
    ours, judges = images["train"][chosen[: 2 * n_samples + 1]], images["train"][chosen[-judged:]]
    digits = make_digit_styles(n_samples, images=ours, variation=variation, random_state=seed)
    mean_slant = digit_slant(ours).mean()

    def in_both_hands(some: Any) -> list[Any]:
        slanted = slanted_and_thick(some, slant=0.5, thickness=1.5, variation=variation, mean_slant=mean_slant)
        return [hand.astype(np.float32) for hand in (deslanted(some), slanted)]

    upright, slanted = in_both_hands(images["test"][:2000])
    rows = np.concatenate(in_both_hands(judges)).reshape(-1, 784)
    judge = SVC(C=5).fit(rows, np.tile(data["y_train"][chosen[-judged:]], 2))
    paired = slanted_and_thick(digits.content.astype(float), 0.5, 1.5, 0.0, 0.0).astype(np.float32)
    return Hands(digits, paired, upright, slanted, data["y_test"][:2000], judge)


def redrawn_each_way(hands: Hands, arguments: argparse.Namespace, seed: int) -> Iterator[tuple[str, Any]]:
    """Names of the ways, and the test digits redrawn."""
    settings = {"n_components": 32, "network": arguments.network, "hidden_layer_sizes": (512, 256)}
    cvae = CVAETransformer(**settings, max_iter=arguments.epochs, random_state=seed)
    content, style = clone(cvae).fit(hands.digits.content), cvae.fit(hands.digits.style)
    yield "the content itself", hands.upright
    yield "the same digits in the style's hand", hands.slanted
    yield "these coded and decoded by the style", style.inverse_transform(style.transform(hands.slanted))
    for name, coder in (("own C-VAE", content), ("style's C-VAE", None)):
        propagator = StylePropagator(coder, style, style_images=hands.digits.style, random_state=seed)
        propagator.fit(hands.digits.content)
        ways = {"samples": propagator.row_alignment_.transport, **other_ways(propagator, style, hands)}
        for way, transport in ways.items():
            alignment = propagator.row_alignment_._replace(transport=transport)
            propagator.propagation_ = replace(propagator.propagation_, row_alignment=alignment)
            yield f"{name}, {way}", propagator.transform(hands.upright)
    kept = StylePropagator(content, style, random_state=seed).fit(hands.digits.content)
    yield "own C-VAE, samples the style has kept", kept.transform(hands.upright)
    rows = hands.digits.content.reshape(-1, 784), hands.digits.style.reshape(-1, 784)
    pca = StylePropagator(style=PCA(32, random_state=0), style_images=rows[1], random_state=seed).fit(rows[0])
    yield "style's PCA, samples", pca.transform(hands.upright.reshape(-1, 784)).reshape(-1, 28, 28)


def other_ways(propagator: StylePropagator, style: Any, hands: Hands) -> dict[str, AffineMap]:
    """What else could take content codes to style codes."""
    coder = style if propagator.content_ is None else propagator.content_
    codes, paired = (
        torch.from_numpy(coder.transform(x)) for x, coder in ((hands.digits.content, coder), (hands.paired, style))
    )
    ridge = AffineMap(*map(torch.from_numpy, propagator.row_alignment_.to_style_coder))
    moments = Moments(*map(torch.from_numpy, propagator.style_moments_))
    gaussian = gaussian_transport(Moments.of(ridge(codes)), moments)
    return {"ridge": ridge, "Gaussian": ridge.then(gaussian), "pairs": fit_ridge(codes, paired)}


def figures(hands: Hands, redrawn: Any) -> tuple[float, float, float]:
    """Shares of the gaps in slant and thickness that are closed, and of digits read."""
    images = redrawn.clip(0, 1)
    closed = []
    for measure in (digit_slant, digit_thickness):
        start, end = (measure(x).mean() for x in (hands.digits.content, hands.digits.style))
        closed.append((measure(images).mean() - start) / (end - start))
    return (*closed, hands.judge.score(images.reshape(-1, 784), hands.target))


if __name__ == "__main__":
    main()
