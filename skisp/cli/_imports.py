"""torch, scikit-learn and what is built on them, imported in one go when a command comes to its work."""

import gc
from functools import cache

__all__ = ["import_estimators"]


@cache
def import_estimators() -> None:
    """Import them without looking for garbage, of which modules have none: that takes a seventh of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        from .. import propagation  # noqa: F401
    finally:
        gc.freeze()  # nor is it looked for among them later
        if was_enabled:
            gc.enable()
