"""Hashes of what the package computes for fixed seeds: pictures, codes, samples, scores, and saved files of every kind.

``python tests/data/bits.py`` prints one line a result. What it prints of one commit on one machine with one set of
packages is to be compared with what it prints of another commit there; other processors round differently.
"""

import hashlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skisp import CVAETransformer, ImageReader, PatchTransformer, StylePropagator, metrics, propagate_style
from skisp.datasets import load_photograph, make_style_image

try:
    from skisp.persistence import load_model, save_model
except ImportError:  # commit 2b35b5a
    from skisp.persistence import load_model, save_model

OWN_PATCHES = {"patches" if "patches" in StylePropagator().get_params() else "bank": "style"}


def digest(value: Any) -> str:
    """Of arrays by dtype, shape and bytes, of anything else by what it holds."""
    if isinstance(value, (list, tuple)):
        return hashlib.sha256("".join(map(digest, value)).encode()).hexdigest()[:16]
    array = np.ascontiguousarray(value)
    array = array.astype(str) if array.dtype == object else array
    return hashlib.sha256(f"{array.dtype}{array.shape}".encode() + array.tobytes()).hexdigest()[:16]


def numbers_in(path: Path) -> list[str]:
    """Hashes of all tensors in a saved file, sorted: what it holds, whatever it is called there."""
    found: list[str] = []

    def walk(part: Any) -> None:
        if isinstance(part, torch.Tensor):
            found.append(digest(part.numpy()))
        elif isinstance(part, dict):
            for value in part.values():
                walk(value)
        elif isinstance(part, (list, tuple)):
            for value in part:
                walk(value)

    walk(torch.load(path, weights_only=True))
    return sorted(set(found))


def saved(model: Any, name: str, use: Any) -> Iterator[tuple[str, Any]]:
    """What a model is once it is saved and loaded, and what is in the file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.skisp"
        save_model(path, model)
        yield f"{name}: use after loading", use(load_model(path))
        yield f"{name}: numbers in the file", "".join(numbers_in(path))


def cvae_results() -> Iterator[tuple[str, Any]]:
    digits = load_digits()
    X = (digits.images / 16).astype(np.float32)
    rows = X.reshape(len(X), -1)
    small = {"n_components": 6, "hidden_layer_sizes": (48, 32), "max_iter": 3, "random_state": 0}
    big = np.kron(X[:300], np.ones((1, 2, 2), dtype=np.float32))
    weight = np.arange(len(X)) % 3
    variants: dict[str, tuple[dict[str, Any], Any, Any]] = {
        "collapsed": ({}, X, None),
        "rows": ({}, rows * 7 + 100, None),
        "gaussian": ({"likelihood": "gaussian"}, X, None),
        "fixed scale": ({"likelihood": "gaussian", "noise_scale": 0.1, "learning_rate_schedule": "constant"}, X, None),
        "bernoulli": ({"likelihood": "bernoulli", "binarize": True, "kl_warmup": 2}, X, None),
        "convolutions": ({"conv_channels": (4, 8)}, big, None),
        "early stopping": ({"early_stopping": True, "max_iter": 6, "n_iter_no_change": 1, "tol": 50.0}, X, None),
        "weights": ({}, X, weight),
        "fractional weights": ({}, X, weight + 0.25),
        "augmented": ({"augment": ("shift", "flip"), "weight_decay": 0.01}, X, None),
        "importance": ({"n_importance_samples": 3, "n_scoring_samples": 8}, X, None),
        "penalties": ({"free_bits": 0.1, "contraction": 0.01, "batch_norm": False, "activation": "tanh"}, X, None),
        "autoencoder": ({"kl_weight": 0.0, "precision": "float32"}, X, None),
        "warm start": ({"warm_start": True}, X, None),
    }
    for name, (parameters, data, weights) in variants.items():
        model = CVAETransformer(**{**small, **parameters}).fit(data, sample_weight=weights)
        if name == "warm start":
            model.fit(data)
            model.partial_fit(data)
        yield f"cvae {name}: codes", model.transform(data)
        yield f"cvae {name}: posterior", model.posterior(data[:50])
        yield f"cvae {name}: decoded", model.inverse_transform(model.transform(data[:50]))
        yield f"cvae {name}: samples", [model.sample(5, random_state=3, prior=p) for p in ("standard", "aggregate")]
        yield f"cvae {name}: paths", [model.interpolate(data[0], data[1], 5, path=p) for p in ("geodesic", "straight")]
        yield f"cvae {name}: log likelihood", [model.score_samples(data[:50]), model.score(data[:50])]
        yield f"cvae {name}: bound", model.elbo(data[:50])
        yield f"cvae {name}: curves", [model.loss_curve_, model.validation_loss_curve_, model.loss_, model.n_iter_]
        yield f"cvae {name}: latent", [model.latent_mean_, model.latent_covariance_, model.kl_per_component_]
        yield f"cvae {name}: names", model.get_feature_names_out()
        yield from saved(model, f"cvae {name}", lambda loaded, data=data: loaded.transform(data))
    again = CVAETransformer(**small)
    for _ in range(2):
        again.partial_fit(X)
    yield "cvae partial fit: codes", again.transform(X)


def propagator_results() -> Iterator[tuple[str, Any]]:
    china, flower = (load_photograph(name, size=128) for name in ("china", "flower"))
    waves, glass = (make_style_image(kind, size=112, random_state=0) for kind in ("waves", "stained_glass"))
    pca = PatchTransformer(PCA(6, random_state=0), patch_size=7, max_patches=3000, random_state=0)
    cvae = PatchTransformer(
        CVAETransformer(6, hidden_layer_sizes=(24,), likelihood="gaussian", noise_scale=0.05, max_iter=3),
        max_patches=3000,
    )
    wide_pca = PatchTransformer(PCA(5, random_state=0), max_patches=3000)
    yield "patches: codes", PatchTransformer(max_patches=2000, random_state=0).fit([waves]).transform([flower])
    fitted = pca.fit([waves])
    yield "patches: decoded", fitted.inverse_transform(fitted.transform([flower]))
    yield from saved(fitted, "patches", lambda loaded: loaded.transform([flower]))
    common = {"random_state": 0}
    mask = np.linspace(0, 1, china.shape[0] * china.shape[1]).reshape(china.shape[:2]).astype(np.float32)
    grey = china.mean(axis=2).astype(np.uint8)
    variants: dict[str, tuple[dict[str, Any], list[Any], dict[str, Any]]] = {
        "pca": ({"style": pca, "style_images": waves}, [china, flower], {}),
        "cvae": ({"style": cvae, "style_images": waves}, [china], {}),
        "cvae, pure model": ({"style": cvae, "style_images": waves, "detail": 0.3}, [china], {}),
        "cvae, own patches": ({"style": cvae, "style_images": waves, **OWN_PATCHES}, [china], {}),
        "pca, half": ({"style": pca, "style_images": waves, "strength": 0.5, "detail": 0.5}, [china], {}),
        "own colours": ({"style": pca, "style_images": waves, "color": "content"}, [china], {}),
        "colours only": ({"style": pca, "style_images": waves, "color": "only"}, [china], {}),
        "larger strokes": ({"style": pca, "style_images": [waves, glass], "style_scale": 1.5}, [china], {}),
        "content's coder": ({"style": cvae, "style_images": waves, "content": wide_pca}, [china, flower], {}),
        "mask": ({"style": pca, "style_images": waves}, [china], {"mask": [mask]}),
        "two": ({"style": cvae, "style_images": [waves, glass], "style_weights": [3, 1]}, [china], {}),
        "two by masks": (
            {"style": [pca, pca], "style_images": [waves, glass], "content_weight": 2.0, "coherence": 0.3},
            [china],
            {"mask": [np.stack([mask, 1 - mask])]},
        ),
        "grey": ({"style": pca, "style_images": waves, "balance": 0.0}, [grey], {}),
        "tiny": ({"style": pca, "style_images": waves}, [china[:5, :40]], {}),
    }
    for name, (parameters, images, options) in variants.items():
        model = StylePropagator(**parameters, **common).fit(images)
        yield f"propagator {name}: pictures", list(model.transform(images, **options))
        yield f"propagator {name}: twice", list(model.transform(images, **options))
        yield (
            f"propagator {name}: alignment",
            [np.asarray(model.alignment_.matrix), np.asarray(model.alignment_.offset)],
        )
        if name != "tiny":
            yield f"propagator {name}: score", model.score(images, **options)
        yield from saved(
            model, f"propagator {name}", lambda m, images=images, o=options: list(m.transform(images, **o))
        )
    frames = np.stack([china[:, i : i + 90] for i in (0, 1, 2, 3)] + [flower[: china.shape[0], :90]])
    for color in ("style", "content", "only"):
        model = StylePropagator(pca, FrozenEstimator(fitted), color=color, **common).fit(frames[:1])
        yield f"sequence, color={color}", model.propagate_sequence(frames)
        yield f"sequence as it comes, color={color}", list(model.propagate_sequence(iter(frames)))
    yield "propagate_style", propagate_style(china, glass, strength=0.8, size=40, random_state=0)
    pipeline = make_pipeline(ImageReader(size=100), StylePropagator(pca, pca, style_images=waves, **common))
    yield "pipeline", pipeline.fit_transform([china])
    yield from saved(pipeline, "pipeline", lambda loaded: loaded.transform([china]))
    yield (
        "metrics",
        [
            [
                metrics.propagation_score(china, waves, picture),
                *metrics.propagation_report(china, waves, picture).values(),
                metrics.style_content_f(china, waves, picture),
                metrics.style_distance(waves, picture),
                metrics.color_distance(waves, picture),
                metrics.random_gram_distance(waves, picture),
                metrics.frechet_style_distance(waves, picture),
                metrics.content_similarity(china, picture),
                metrics.self_similarity_distance(china, picture),
                metrics.redrawn_share(china, waves, picture),
            ]
            for picture in (pipeline.transform([china])[0], flower)
        ],
    )
    scorer = metrics.PropagationScorer(waves)
    yield "scorer", scorer(pipeline, [china])
    for name, answer in metrics.trivial_answers(china, waves).items():
        yield f"trivial answer {name}", answer


def row_results() -> Iterator[tuple[str, Any]]:
    digits = load_digits()
    X = digits.images / 16
    rows = X.reshape(len(X), -1).astype(np.float32)
    style = rows[::-1] ** 2
    cvae = CVAETransformer(6, hidden_layer_sizes=(48,), max_iter=3)
    variants: dict[str, tuple[dict[str, Any], Any]] = {
        "pca": ({"style": PCA(6, random_state=0), "style_images": style}, rows),
        "pca on images": ({"style": PCA(6, random_state=0), "style_images": style, "strength": 0.4}, X),
        "cvae": ({"style": cvae, "style_images": style}, rows),
        "moments": ({"style": PCA(6, random_state=0).fit(style)}, rows),
        "content's coder": ({"content": PCA(5, random_state=0), "style": cvae, "style_images": style}, rows),
        "kept codes": ({"style": FrozenEstimator(CVAETransformer(5, max_iter=2, random_state=0).fit(style))}, rows),
        "scaled": ({"style": make_pipeline(StandardScaler(), PCA(4)), "style_images": style}, rows),
    }
    for name, (parameters, data) in variants.items():
        model = StylePropagator(**parameters, random_state=0).fit(data)
        yield f"rows {name}: redrawn", model.transform(data)
        yield f"rows {name}: score", model.score(data)
        maps = [np.asarray(part) for one in model.row_alignment_ for part in one]
        yield f"rows {name}: alignment", [*maps, *(np.asarray(part) for part in model.style_moments_)]
        if data is rows:
            yield f"rows {name}: names", model.get_feature_names_out()
        if name != "scaled":
            yield from saved(model, f"rows {name}", lambda loaded, data=data: loaded.transform(data))


def main() -> None:
    for results in (cvae_results, propagator_results, row_results):
        for name, value in results():
            print(f"{digest(value)}  {name}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
