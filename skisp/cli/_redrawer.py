"""What redraws photographs one at a time, so that memory is bounded."""

from argparse import Namespace
from typing import Any

from numpy.typing import NDArray

from ._errors import in_one_line
from ._parser import UserError

__all__ = ["options_of", "redraw"]


def redraw(content: NDArray[Any], parameters: dict[str, Any], mask: NDArray[Any] | None = None) -> NDArray[Any]:
    """Redraw one photograph, with a propagator of these parameters, whose styles are learnt."""
    from .. import StylePropagator

    masks = {} if mask is None else {"mask": [mask]}
    result: NDArray[Any] = StylePropagator(**parameters).fit([content]).transform([content], **masks)[0]
    return result


def options_of(arguments: Namespace) -> dict[str, Any]:
    """Parameters of the propagator that say how it redraws, from the options of those names.

    Raises
    ------
    UserError
        If one is out of its range, so that it is said before a style is learnt.
    """
    from .._base import resolve_device
    from ..propagation._parameters import PropagatorParameters

    options = {
        "strength": arguments.strength,
        "style_scale": arguments.style_scale,
        "color": arguments.color,
        "random_state": arguments.seed,
        "device": arguments.device,
    }
    try:
        PropagatorParameters(**options)._validate_params()
        resolve_device(arguments.device)
    except ValueError as error:
        raise UserError(in_one_line(error)) from error
    return options
