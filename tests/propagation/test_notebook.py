"""What a notebook shows of estimators."""

import re
from base64 import b64decode
from io import BytesIO

import numpy as np
import PIL.Image
import pytest
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator

from skisp import PatchTransformer, StylePropagator
from skisp.datasets import load_photograph, make_style_image

PHOTOGRAPH = load_photograph("china", size=48)
PAINTINGS = [make_style_image(kind, size=(80, 160), random_state=0) for kind in ("waves", "woodcut")]
CODER = PatchTransformer(PCA(4), patch_size=5, max_patches=500, random_state=0)


def pictures(estimator):
    """What is drawn below the diagram."""
    data = re.findall(r'<img alt="The style" [^>]*src="data:image/png;base64,([^"]+)"', estimator._repr_html_())
    return [np.asarray(PIL.Image.open(BytesIO(b64decode(one)))) for one in data]


def shown(estimator):
    """Names of the estimators in the diagram."""
    return re.findall(r"<div>((?:\w+: )?[A-Z]\w+)</div>", estimator._repr_html_())


def test_a_fitted_propagator_shows_its_style_small():
    (picture,) = pictures(StylePropagator(style=CODER, style_images=PAINTINGS[0], random_state=0).fit([PHOTOGRAPH]))
    assert picture.shape == (60, 120, 3)
    np.testing.assert_allclose(picture.mean(axis=(0, 1)) / 255, PAINTINGS[0].mean(axis=(0, 1)), atol=0.01)


@pytest.mark.parametrize("frozen", [False, True])
def test_every_style_of_several_is_shown(frozen):
    styles = [PatchTransformer(PCA(4), patch_size=5, max_patches=500).fit([painting]) for painting in PAINTINGS]
    given = [FrozenEstimator(style) for style in styles] if frozen else styles
    assert len(pictures(StylePropagator(style=given).fit([PHOTOGRAPH]))) == 2


def test_the_diagram_has_the_fitted_parts():
    propagator = StylePropagator(style_images=PAINTINGS[0], random_state=0)
    assert shown(propagator) == ["StylePropagator"]
    propagator.set_params(style=CODER)
    assert shown(propagator) == ["StylePropagator", "style: PatchTransformer", "transformer: PCA", "PCA"]
    assert "explained_variance_" not in propagator._repr_html_()
    assert "explained_variance_" in propagator.fit([PHOTOGRAPH])._repr_html_()
    assert pictures(CODER) == []


def test_what_is_not_fitted_or_has_no_pictures_shows_none():
    rows = np.random.default_rng(0).random((30, 5))
    for estimator in (
        CODER,
        StylePropagator(style=PCA(2), style_images=rows),
        StylePropagator(style=PCA(2), style_images=rows, random_state=0).fit(rows),
        PatchTransformer(PCA(2)).fit(rows),
    ):
        assert pictures(estimator) == []
        assert estimator._repr_mimebundle_()["text/html"].startswith("<style>")
