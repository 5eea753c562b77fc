"""Looks in words."""

import inspect

import pytest
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator

from skisp import PatchTransformer, StylePropagator, preset
from skisp._presets import PRESETS
from skisp.datasets import load_photograph, make_style_image
from skisp.metrics import gradient_correlation


def test_balanced_has_the_defaults():
    defaults = {name: p.default for name, p in inspect.signature(StylePropagator.__init__).parameters.items()}
    assert preset("balanced") == {name: defaults[name] for name in preset("balanced")}
    assert {name for look in PRESETS.values() for name in look} == set(preset("balanced"))


def test_from_faithful_to_bold_less_of_the_content_is_kept():
    photograph = load_photograph("china", size=64)
    style = make_style_image("brush_strokes", size=64, random_state=0)
    coder = FrozenEstimator(PatchTransformer(PCA(8), patch_size=7).fit([style]))
    kept = []
    for name in ("faithful", "balanced", "bold"):
        propagator = StylePropagator(style=coder, random_state=0, **preset(name))
        picture = propagator.fit_transform([photograph])[0]
        kept.append(gradient_correlation(photograph, picture))
    assert kept[0] > kept[1] > kept[2]


def test_what_is_returned_may_be_changed():
    preset("bold")["strength"] = 0.1
    assert preset("bold")["strength"] == 1.0


def test_another_name_is_refused():
    with pytest.raises(ValueError, match="there is no preset 'wild'; the presets are faithful, balanced, bold"):
        preset("wild")
