"""torch, scikit-learn and what is built on them, imported in one go when a command comes to its work."""

import gc
from functools import cache

from ._deferred import deferred

__all__ = ["import_estimators"]

# What scikit-learn imports at once and no command uses, a quarter of the time of the imports.
_SELDOM_USED = ("scipy.stats",)


@cache
def import_estimators() -> None:
    """Import them without looking for garbage, of which modules have none: that takes a seventh of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        with deferred(*_SELDOM_USED):
            from .. import propagation  # noqa: F401
    finally:
        gc.freeze()  # nor is it looked for among them later
        if was_enabled:
            gc.enable()
