"""What the caller has set in torch (default type, default device, autocast) neither shows in results nor is lost."""

import ast
import pickle
import re
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

import skisp
from skisp import CVAETransformer, PatchTransformer, StylePropagator, metrics
from skisp._threads import map_on_threads, one_thread
from skisp.inspection import PropagationStepsDisplay
from skisp.persistence import load_model, save_model


@contextmanager
def default_dtype(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextmanager
def default_device(device):
    torch.set_default_device(device)
    try:
        yield
    finally:
        torch.set_default_device(None)


# On "meta" nothing has values, so that a tensor made there cannot go unseen.
AMBIENT = {
    "double": lambda: default_dtype(torch.float64),
    "half": lambda: default_dtype(torch.bfloat16),
    "device": lambda: default_device("meta"),
    "device-context": lambda: torch.device("meta"),
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "no-grad": torch.no_grad,
    "inference": torch.inference_mode,
}


def state():
    return (
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.is_autocast_enabled("cpu"),
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.get_num_threads(),
    )


def cvae_path(folder):
    digits = np.random.default_rng(0).random((40, 16, 16))
    dense = {"hidden_layer_sizes": (8,), "max_iter": 2, "random_state": 0}
    results = []
    for cvae in (
        CVAETransformer(3, network="conv", conv_channels=(2,), init="random", augment=("shift",), **dense),
        CVAETransformer(3, network="dense", early_stopping=True, precision="bfloat16", **dense),
        CVAETransformer(3, network="dense", likelihood="bernoulli", binarize=True, contraction=0.1, **dense),
        CVAETransformer(3, network="dense", likelihood="gaussian", n_importance_samples=2, **dense),
    ):
        codes = cvae.fit(digits, sample_weight=np.linspace(0, 2, 40)).transform(digits)
        results += [codes, cvae.inverse_transform(codes), *cvae.posterior(digits), cvae.elbo(digits)]
        results += [cvae.sample(2, 0), cvae.sample(2, 0, prior="aggregate"), cvae.score_samples(digits)]
        results += [cvae.interpolate(*digits[:2], 3, path=path) for path in ("straight", "geodesic")]
        save_model(folder / "model.skisp", cvae)
        results.append(pickle.loads(pickle.dumps(cvae)).transform(digits))
        results.append(load_model(folder / "model.skisp").fit(digits).transform(digits))
    return [*results, CVAETransformer(3, **dense).partial_fit(digits).partial_fit(digits).transform(digits)]


def images_path(folder):
    rng = np.random.default_rng(0)
    photograph, one, other = rng.random((24, 30, 3)), rng.random((20, 20, 3)), rng.random((20, 22, 3))
    coder = PatchTransformer(
        CVAETransformer(3, hidden_layer_sizes=(8,), max_iter=1), patch_size=5, max_patches=200, random_state=0
    ).fit([one])
    pca = PatchTransformer(PCA(3), patch_size=5, max_patches=200, random_state=0)
    fields = coder.transform([photograph])
    results = [*fields, *coder.inverse_transform(fields)]
    for parameters in (
        {"style": coder},
        {"style": [pca, pca], "style_images": [one, other], "content": pca, "color": "content"},
        {"style": pca, "style_images": one, "color": "only", "strength": 0.5},
    ):
        propagator = StylePropagator(**parameters, random_state=0).fit([photograph])
        results += [*propagator.transform([photograph]), propagator.score([photograph])]
        results += list(propagator.propagate_sequence(iter([photograph, photograph[::-1]])))
        save_model(folder / "model.skisp", propagator)
        results += load_model(folder / "model.skisp").transform([photograph])
    propagator = StylePropagator(style=coder, random_state=0).fit([photograph])
    return [*results, PropagationStepsDisplay.from_estimator(propagator, photograph).picture]


def rows_path(folder):
    rng = np.random.default_rng(0)
    content, style = rng.random((60, 12)), rng.random((60, 12)) ** 2
    results = []
    for parameters in ({"style": PCA(3).fit(style)}, {"style": CVAETransformer(3, max_iter=1), "style_images": style}):
        propagator = StylePropagator(content=PCA(4), **parameters, strength=0.7, random_state=0).fit(content)
        results += [propagator.transform(content), propagator.score(content)]
    return results


def metrics_path(folder):
    content, style, result = np.random.default_rng(0).random((3, 40, 44, 3))
    results = [
        getattr(metrics, name)(content, result)
        for name in ("content_similarity", "gradient_correlation", "self_similarity_distance", "structure_similarity")
    ]
    results += [
        getattr(metrics, name)(style, result)
        for name in ("color_distance", "frechet_style_distance", "random_gram_distance", "style_distance")
    ]
    results += [
        getattr(metrics, name)(content, style, result)
        for name in ("propagation_score", "redrawn_share", "style_content_f")
    ]
    scorer = metrics.PropagationScorer(np.kron(style, np.ones((2, 2, 1))))
    pca = PatchTransformer(PCA(3), patch_size=5, max_patches=200, random_state=0).fit([style])
    results.append(scorer(StylePropagator(style=pca, random_state=0).fit([content]), [content]))
    return [*results, *metrics.trivial_answers(content, style).values()]


PATHS = {path.__name__: path for path in (cvae_path, images_path, rows_path, metrics_path)}


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    return {name: path(tmp_path_factory.mktemp(name)) for name, path in PATHS.items()}


@pytest.mark.parametrize("path", PATHS)
def test_what_the_caller_has_set_in_torch_does_not_show_in_results(path, expected, tmp_path, monkeypatch):
    with AMBIENT["half"](), AMBIENT["device"](), AMBIENT["autocast"](), AMBIENT["inference"]():
        before = state()
        with monkeypatch.context() as patch:  # nor do other threads of the caller see that anything is set
            patch.setattr(torch, "set_default_dtype", None)
            found = PATHS[path](tmp_path)
        assert state() == before
    assert len(found) == len(expected[path])
    for one, other in zip(found, expected[path], strict=True):
        assert np.asarray(one).dtype == np.asarray(other).dtype
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("ambient", AMBIENT)
def test_the_caller_s_state_comes_back_after_an_error_too(ambient):
    with AMBIENT[ambient]():
        before = state()
        with pytest.raises(ValueError):
            CVAETransformer().fit([[np.nan]])
        with pytest.raises(ValueError):
            StylePropagator().fit([np.zeros((4, 5, 7))])
        assert state() == before


def test_threads_of_a_map_have_the_package_s_own_state(set_threads):
    def made(_):
        return torch.zeros(1).device.type, torch.is_autocast_enabled("cpu")

    set_threads(2)
    for ambient in AMBIENT.values():
        with ambient(), one_thread():
            assert set(map_on_threads(made, range(8))) == {("cpu", False)}


def test_whatever_is_made_says_its_type():
    """Then the default type, which all threads share, need not be set."""
    takes = {"zeros", "ones", "empty", "full", "rand", "randn", "linspace", "eye"}
    takes |= {"Linear", "Conv2d", "ConvTranspose2d", "_BatchNorm1d", "_BatchNorm2d"}
    package = Path(skisp.__file__).parent
    silent = [
        f"{path.relative_to(package)}:{node.lineno}"
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and re.sub(r"^(torch|nn)\.", "", ast.unparse(node.func)) in takes
        if "dtype" not in [keyword.arg for keyword in node.keywords]
    ]
    assert silent == []
