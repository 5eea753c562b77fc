"""What redraws photographs one at a time, so that memory is bounded."""

import os
from argparse import Namespace
from typing import Any

from numpy.typing import NDArray

from .._presets import preset
from ..io import resize_longest
from ._errors import UserError, in_one_line
from ._imports import import_estimators

__all__ = ["Redrawer", "checked", "options_of", "preview_size", "use_cores"]

# Options of the command that are parameters of the propagator of the same names.
_LOOK = ("strength", "style_scale", "color")
_PREVIEW_SHORT_SIDE, _PREVIEW_LONG_SIDE = 256, 1024


class Redrawer:
    """Redraws photograph after photograph, each as if it were alone; what depends on the styles only is made once.

    Parameters
    ----------
    parameters : dict
        Of a propagator, whose styles are learnt.
    """

    def __init__(self, parameters: dict[str, Any]) -> None:
        from .. import StylePropagator

        self._propagator = StylePropagator(**parameters)

    def redraw(self, content: NDArray[Any], mask: NDArray[Any] | None = None) -> NDArray[Any]:
        """Redraw one photograph."""
        masks = {} if mask is None else {"mask": [mask]}
        result: NDArray[Any] = self._propagator.fit([content]).transform([content], **masks)[0]
        return result


def preview_size(photograph: NDArray[Any]) -> NDArray[Any]:
    """A photograph at the size of a preview, which is redrawn in about a second; a smaller one as it is."""
    short, long = sorted(photograph.shape[:2])
    return resize_longest(photograph, min(_PREVIEW_LONG_SIDE, round(_PREVIEW_SHORT_SIDE * long / short)))


def options_of(arguments: Namespace) -> dict[str, Any]:
    """Parameters of the propagator that say how it redraws: those of the preset, and the options that were given."""
    look = {"style_scale": 1.0, "color": "style", **preset(arguments.preset or "balanced")}
    given = {name: getattr(arguments, name, None) for name in _LOOK}
    look |= {name: value for name, value in given.items() if value is not None}
    return {**look, "random_state": arguments.seed, "device": arguments.device}


def checked(options: dict[str, Any]) -> dict[str, Any]:
    """The same parameters, if each is in its range: it is said before a style is learnt.

    Raises
    ------
    UserError
        If one is not.
    """
    from ..propagation._parameters import PropagatorParameters

    try:
        PropagatorParameters(**options)._validate_params()
    except ValueError as error:
        raise UserError(in_one_line(error)) from error
    return options


def use_cores(arguments: Namespace) -> None:
    """Set how many cores, and check that there is such a device.

    Raises
    ------
    UserError
        If there is none.
    """
    import_estimators()
    import torch

    from .._base import resolve_device

    if getattr(arguments, "jobs", None) is not None:
        torch.set_num_threads(min(arguments.jobs, os.cpu_count() or 1))
    try:
        resolve_device(arguments.device)
    except ValueError as error:
        raise UserError(in_one_line(error)) from error
