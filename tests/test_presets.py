"""Looks in words."""

import inspect

import pytest

from skisp import StylePropagator, preset
from skisp._presets import PRESETS


def test_balanced_has_the_defaults():
    defaults = {name: p.default for name, p in inspect.signature(StylePropagator.__init__).parameters.items()}
    assert preset("balanced") == {name: defaults[name] for name in preset("balanced")}
    assert {name for look in PRESETS.values() for name in look} == set(preset("balanced"))


def test_what_is_returned_may_be_changed():
    preset("bold")["strength"] = 0.1
    assert preset("bold")["strength"] == 1.0


def test_another_name_is_refused():
    with pytest.raises(ValueError, match="there is no preset 'wild'; the presets are faithful, balanced, bold"):
        preset("wild")
