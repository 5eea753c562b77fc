"""Small pictures and fitted sub-estimators, shared because no test changes them."""

import pytest
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator

from skisp import CVAETransformer, PatchTransformer, StylePropagator
from skisp.datasets import load_photograph, make_style_image


def tiny_cvae(**parameters):
    return CVAETransformer(4, **{"hidden_layer_sizes": (16,), "max_iter": 2, "random_state": 0} | parameters)


@pytest.fixture(scope="session")
def photograph():
    """uint8 (24, 36, 3)."""
    return load_photograph("china", size=36)


@pytest.fixture(scope="session")
def painting():
    """float32 (32, 32, 3)."""
    return make_style_image("stained_glass", size=32, random_state=0)


@pytest.fixture(scope="session")
def other_painting():
    return make_style_image("waves", size=40, random_state=0)


@pytest.fixture
def pca_patches():
    return PatchTransformer(PCA(6), patch_size=5, max_patches=2000, random_state=0)


@pytest.fixture
def cvae_patches():
    return PatchTransformer(tiny_cvae(), patch_size=5, max_patches=2000, random_state=0)


@pytest.fixture(scope="session")
def pca_style(painting):
    return FrozenEstimator(PatchTransformer(PCA(6), patch_size=5, max_patches=2000, random_state=0).fit([painting]))


@pytest.fixture(scope="session")
def cvae_style(painting):
    return FrozenEstimator(
        PatchTransformer(tiny_cvae(), patch_size=5, max_patches=2000, random_state=0).fit([painting])
    )


@pytest.fixture(scope="session")
def propagator(pca_style, photograph):
    return StylePropagator(style=pca_style, random_state=0).fit([photograph])


@pytest.fixture(scope="session")
def picture(propagator, photograph):
    return propagator.transform([photograph])[0]


@pytest.fixture
def memory(tmp_path):
    """A folder for fitted sub-estimators; it does not exist yet."""
    return tmp_path / "memory"


@pytest.fixture
def cvae_fits(monkeypatch):
    """One entry for every fit of a C-VAE in this process."""
    counted, fit = [], CVAETransformer.fit

    def counting_fit(self, X, *args, **kwargs):
        counted.append(len(X))
        return fit(self, X, *args, **kwargs)

    monkeypatch.setattr(CVAETransformer, "fit", counting_fit)
    return counted
