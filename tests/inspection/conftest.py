"""Fitted models that no test changes, and one display of each kind."""

import matplotlib
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator

from skisp import CVAETransformer, PatchTransformer, StylePropagator
from skisp.datasets import load_photograph, make_style_image
from skisp.inspection import (
    LatentMapDisplay,
    LatentTraversalDisplay,
    LossCurveDisplay,
    PropagationStepsDisplay,
    ReconstructionDisplay,
    StyleGridDisplay,
)

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def no_figures_left():
    import matplotlib.pyplot as plt

    yield
    plt.close("all")


@pytest.fixture
def ax():
    import matplotlib.pyplot as plt

    return plt.subplots()[1]


@pytest.fixture(scope="session")
def digits():
    """float64 (120, 8, 8) in [0, 1]."""
    return load_digits().images[:120] / 16


@pytest.fixture(scope="session")
def classes():
    return load_digits().target[:120]


@pytest.fixture(scope="session")
def cvae(digits):
    return CVAETransformer(4, hidden_layer_sizes=(16,), max_iter=5, early_stopping=True, random_state=0).fit(digits)


@pytest.fixture(scope="session")
def row_cvae(digits):
    return CVAETransformer(3, hidden_layer_sizes=(16,), max_iter=2, random_state=0).fit(digits.reshape(-1, 64))


@pytest.fixture(scope="session")
def photograph():
    """uint8 (67, 100, 3): two scales."""
    return load_photograph("china", size=108)


@pytest.fixture(scope="session")
def style():
    return FrozenEstimator(
        PatchTransformer(PCA(6), patch_size=5, max_patches=2000, random_state=0).fit(
            [make_style_image("stained_glass", size=48, random_state=0)]
        )
    )


@pytest.fixture(scope="session")
def propagator(style, photograph):
    return StylePropagator(style=style, patches="style", random_state=0).fit([photograph])


@pytest.fixture(scope="session")
def row_propagator(row_cvae, digits):
    return StylePropagator(style=FrozenEstimator(row_cvae), random_state=0).fit(digits.reshape(-1, 64)[:60])


@pytest.fixture(scope="session")
def makers(cvae, digits, classes, propagator, photograph):
    """For each display, a function that makes one on given axes."""
    return {
        "loss": lambda **kwargs: LossCurveDisplay.from_estimator(cvae, **kwargs),
        "traversal": lambda **kwargs: LatentTraversalDisplay.from_estimator(cvae, n_steps=3, **kwargs),
        "reconstruction": lambda **kwargs: ReconstructionDisplay.from_estimator(cvae, digits, n_samples=3, **kwargs),
        "map": lambda **kwargs: LatentMapDisplay.from_estimator(cvae, digits, classes, **kwargs),
        "grid": lambda **kwargs: StyleGridDisplay.from_estimator([propagator], [photograph[::3, ::3]], **kwargs),
        "steps": lambda **kwargs: PropagationStepsDisplay.from_estimator(propagator, photograph, **kwargs),
    }


@pytest.fixture(params=["loss", "traversal", "reconstruction", "map", "grid", "steps"])
def make(request, makers):
    return makers[request.param]
