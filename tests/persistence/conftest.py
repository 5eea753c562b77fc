"""Small fitted models of every kind, made once; no test changes them."""

import io
import time
import zipfile

import numpy as np
import pytest
import torch
from sklearn.decomposition import NMF, PCA, FactorAnalysis, FastICA, IncrementalPCA, TruncatedSVD
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from skisp import ImageReader, PatchTransformer, StylePropagator
from skisp.persistence import load_model, save_model

from ..cvae._shared import small_cvae, waves


def patches(transformer=None, **parameters):
    defaults = {"patch_size": 3, "max_patches": 200, "random_state": 0}
    return PatchTransformer(PCA(4) if transformer is None else transformer, **{**defaults, **parameters})


ROWS = waves(24, 6)
STYLE, OTHER, CONTENT = waves(1, 18, 20, 3)[0], waves(2, 20, 18, 3)[1], waves(3, 19, 17, 3)[2]


def propagator(**parameters):
    return StylePropagator(**{"random_state": 0, "device": "cpu", **parameters})


def propagator_of_styles():
    styles = [FrozenEstimator(patches().fit([STYLE])), patches(small_cvae()).fit([OTHER])]
    return propagator(style=styles, style_weights=np.array([1.0, 2.0]), content=patches()).fit([CONTENT])


def pipeline_of_images():
    return make_pipeline(ImageReader(size=18), propagator(style=patches(), style_images=STYLE)).fit([CONTENT])


# What makes each model, and what it transforms.
MODELS = {
    "dense": (lambda: small_cvae().fit(ROWS), ROWS),
    "linear": (lambda: small_cvae(hidden_layer_sizes=(), batch_norm=False).fit(ROWS), ROWS),
    "gaussian": (lambda: small_cvae(likelihood="gaussian").partial_fit(ROWS), ROWS),
    "fixed-noise": (lambda: small_cvae(likelihood="gaussian", noise_scale=0.1).fit(ROWS), ROWS),
    "bernoulli": (lambda: small_cvae(likelihood="bernoulli", max_iter=1).fit(waves(9, 2, 3)), waves(9, 2, 3)),
    "conv": (
        lambda: small_cvae(conv_channels=(2, 3), warm_start=True).fit(waves(9, 16, 17)),
        waves(9, 16, 17),
    ),
    "conv-rows": (lambda: small_cvae(network="conv", conv_channels=[2]).fit(ROWS), ROWS),
    "early-stopping": (lambda: small_cvae(early_stopping=True).fit(ROWS), ROWS),
    "patches-pca": (lambda: patches().fit([STYLE, OTHER]), [CONTENT]),
    "patches-cvae": (lambda: patches(small_cvae()).fit([STYLE]), [CONTENT]),
    "patches-pipeline": (lambda: patches(make_pipeline(StandardScaler(), PCA(3))).fit(STYLE[None]), CONTENT[None]),
    "patches-of-rows": (lambda: patches().fit(ROWS), ROWS),
    "reader": (lambda: ImageReader(size=7), [CONTENT]),
    "images": (lambda: propagator(style=patches(), style_images=STYLE).fit([CONTENT]), [CONTENT]),
    "images-cvae": (lambda: propagator(style=patches(small_cvae()).fit([STYLE])).fit([CONTENT]), [CONTENT]),
    "images-uint16": (
        lambda: propagator(style=patches(), style_images=[(STYLE * 65535).astype(np.uint16)]).fit([CONTENT]),
        [CONTENT],
    ),
    "frozen-parts": (
        lambda: propagator(
            style=FrozenEstimator(patches().fit([STYLE])), content=FrozenEstimator(patches().fit([CONTENT]))
        ).fit([CONTENT]),
        [CONTENT],
    ),
    "several-styles": (propagator_of_styles, [CONTENT]),
    "rows": (lambda: propagator(style=PCA(2), style_images=ROWS**2).fit(ROWS), ROWS),
    "rows-content": (lambda: propagator(style=small_cvae().fit(ROWS**2), content=PCA(2)).fit(ROWS), ROWS),
    "rows-one-way": (lambda: propagator(style=PCA(2), style_images=ROWS**2, content=FactorAnalysis(2)).fit(ROWS), ROWS),
    "pipeline": (pipeline_of_images, [CONTENT]),
    "pipeline-rows": (lambda: make_pipeline(StandardScaler(), "passthrough", small_cvae()).fit(ROWS), ROWS),
    "frozen": (lambda: FrozenEstimator(small_cvae().fit(ROWS)), ROWS),
}
CODERS = [
    *(PCA(2, whiten=True), IncrementalPCA(2), TruncatedSVD(2, random_state=0), FactorAnalysis(2)),
    *(FastICA(2, random_state=0), FastICA(random_state=0, whiten=False), NMF(2, tol=0.1, random_state=0)),
    *(MaxAbsScaler(), MinMaxScaler(), RobustScaler(), RobustScaler(with_centering=False)),
    *(StandardScaler(), StandardScaler(with_mean=False, with_std=False)),
]


@pytest.fixture(scope="session")
def made():
    """A function of the name of a model: the fitted model, and what it transforms."""
    models = {}

    def get(name):
        if name not in models:
            models[name] = MODELS[name][0]()
        return models[name], MODELS[name][1]

    return get


@pytest.fixture(params=list(MODELS))
def model(request, made):
    """Each model, and what it transforms."""
    return made(request.param)


@pytest.fixture(params=CODERS, ids=str)
def coder(request):
    """Each coder of scikit-learn, fitted on rows of six features."""
    return request.param.fit(ROWS)


@pytest.fixture
def rows():
    return ROWS


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.skisp"


@pytest.fixture
def refused(path):
    """A function that loads what must be refused, and returns the message: one line that names the file."""

    def load(match=None):
        start = time.perf_counter()
        with pytest.raises(ValueError, match=match) as caught:
            load_model(path)
        message = str(caught.value)
        assert type(caught.value) is ValueError
        assert message.startswith(f"cannot load {path}: ")
        assert "\n" not in message
        assert len(message) < len(str(path)) + 600
        assert caught.value.__context__ is None or caught.value.__suppress_context__
        assert time.perf_counter() - start < 20, "a hang"
        return message

    return load


@pytest.fixture
def tree_of(tmp_path):
    """A function of a model: what save_model stores of it, to be changed."""

    def tree(model):
        save_model(tmp_path / "tree.skisp", model)
        return torch.load(tmp_path / "tree.skisp", weights_only=True)

    return tree


@pytest.fixture
def archive():
    """A function of names and contents: an archive of them as torch writes it."""

    def write(entries, compression=zipfile.ZIP_STORED):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", compression) as file:
            for name, content in {"version": b"3\n", "byteorder": b"little", **entries}.items():
                file.writestr(f"archive/{name}", content)
        return buffer.getvalue()

    return write
