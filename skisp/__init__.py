"""Image style propagation with collapsed variational autoencoders, in scikit-learn's manner."""

import importlib
from typing import TYPE_CHECKING, Any

from ._presets import preset
from ._show_versions import show_versions
from ._version import __version__

if TYPE_CHECKING:
    from . import cvae, datasets, inspection, io, metrics, persistence, propagation
    from .cvae import CVAETransformer
    from .io import ImageReader
    from .propagation import PatchTransformer, StylePropagator, propagate_style

__all__ = [
    "CVAETransformer",
    "ImageReader",
    "PatchTransformer",
    "StylePropagator",
    "__version__",
    "cvae",
    "datasets",
    "inspection",
    "io",
    "metrics",
    "persistence",
    "preset",
    "propagate_style",
    "propagation",
    "show_versions",
]

# What is imported when it is first asked for, since torch and scikit-learn take seconds; and where it is.
_SUBMODULES = ("cvae", "datasets", "inspection", "io", "metrics", "persistence", "propagation")
_HOMES = {
    "CVAETransformer": "cvae",
    "ImageReader": "io",
    "PatchTransformer": "propagation",
    "StylePropagator": "propagation",
    "propagate_style": "propagation",
}


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return importlib.import_module(f".{name}", __name__)
    if name in _HOMES:
        globals()[name] = getattr(__getattr__(_HOMES[name]), name)
        return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
