"""The propagator as an estimator: what fit leaves, what set_params changes, and what pickles."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator

from skisp import PatchTransformer, StylePropagator
from skisp.propagation.synthesis import _style_model

IMAGE_ONLY = ("style_weights_", "alignment_")
ROWS_ONLY = ("row_alignment_", "style_moments_")


@pytest.fixture
def rows(rng):
    return rng.normal(size=(40, 4))


@pytest.fixture
def on_rows(rows):
    return StylePropagator(style=FrozenEstimator(PCA(2).fit(rows)), random_state=0).fit(rows)


@pytest.fixture
def on_images(pca_style, photograph):
    return StylePropagator(style=pca_style, random_state=0).fit([photograph])


@pytest.mark.parametrize("change", [{"style_weights": [1, -1]}, {"style": PatchTransformer(PCA(2))}, {}])
def test_after_a_failed_refit_on_images_nothing_of_a_fit_is_left(on_images, photograph, change):
    on_images.set_params(**change)
    with pytest.raises(ValueError):
        on_images.fit([photograph] if change else [np.full((12, 14, 3), np.nan)])
    assert vars(on_images).keys() == vars(clone(on_images)).keys()


@pytest.mark.parametrize("bad", ["a value", "the style", "the content", "no rows"])
def test_after_a_failed_refit_on_rows_nothing_of_a_fit_is_left(rows, bad):
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(rows, columns=list("abcd"))
    propagator = StylePropagator(style=PCA(2), style_images=rows, random_state=0).fit(table)
    assert {"propagation_", "n_features_in_", "feature_names_in_"} < vars(propagator).keys()
    other = table.iloc[:0] if bad == "no rows" else table.rename(columns={"a": "e"})
    if bad == "a value":
        other.iloc[3, 2] = np.inf
    propagator.set_params(**{"the style": {"style_images": None}, "the content": {"content": PCA(9)}}.get(bad, {}))
    with pytest.raises(ValueError):
        propagator.fit(other)
    assert vars(propagator).keys() == vars(clone(propagator)).keys()


def test_a_fit_of_the_other_mode_leaves_nothing_of_the_first(on_rows, pca_style, photograph, rows):
    on_rows.set_params(style=pca_style).fit([photograph])
    assert not hasattr(on_rows, "n_features_in_")
    assert [hasattr(on_rows, name) for name in (*IMAGE_ONLY, *ROWS_ONLY)] == [True, True, False, False]


@pytest.mark.parametrize("name", [*IMAGE_ONLY, *ROWS_ONLY, "style_", "content_"])
def test_attributes_are_there_in_their_mode_and_after_fit_alone(on_images, on_rows, name):
    assert hasattr(on_images, name) == (name not in ROWS_ONLY)
    assert hasattr(on_rows, name) == (name not in IMAGE_ONLY)
    assert not hasattr(clone(on_images), name)


@pytest.mark.parametrize(
    "parameters",
    [
        {"strength": 0.4},
        {"content_weight": 3.0},
        {"coherence": 0.0},
        {"balance": 1.0},
        {"style_scale": 0.7},
        {"color": "content"},
        {"patches": "style"},
        {"detail": 0.2},
    ],
)
def test_settings_may_change_without_a_new_fit(cvae_style, photograph, parameters):
    propagator = StylePropagator(style=cvae_style, random_state=0).fit([photograph])
    before = propagator.transform([photograph])[0]
    [picture] = propagator.set_params(**parameters).transform([photograph])
    assert not np.array_equal(picture, before)
    np.testing.assert_array_equal(picture, clone(propagator).fit_transform([photograph])[0])


@pytest.fixture
def built(monkeypatch):
    """Short sides of the exemplars that are built, one after the other."""
    sides, build_exemplar = [], _style_model.build_exemplar

    def spy(images, weights, short_side, *args):
        sides.append(short_side)
        return build_exemplar(images, weights, short_side, *args)

    monkeypatch.setattr(_style_model, "build_exemplar", spy)
    return sides


def test_exemplars_are_built_once_for_all_pictures_of_a_device(on_images, built, photograph, picture):
    on_images.transform([photograph, photograph[:, ::-1]])
    assert built == [24, 64]  # at the picture's size, and where one-off objects are looked for
    on_images.transform([photograph])
    assert built == [24, 64]  # at the picture's size, and where one-off objects are looked for
    np.testing.assert_array_equal(on_images.set_params(device="cpu:0").transform([photograph])[0], picture)
    assert built == [24, 64, 24, 64]


def test_a_pickle_leaves_the_exemplars_out_and_gives_the_same_bits(on_images, built, photograph, picture):
    before = len(pickle.dumps(on_images))
    on_images.transform([photograph])
    pickled = pickle.dumps(on_images)
    assert len(pickled) == before
    np.testing.assert_array_equal(pickle.loads(pickled).transform([photograph])[0], picture)
    assert built == [24, 64, 24, 64]
    on_images.transform([photograph])  # which has kept its own
    assert built == [24, 64, 24, 64]
