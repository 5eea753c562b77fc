"""Style propagation: patches and their codes, the propagator, and one call for all."""

from ._patch_transformer import PatchTransformer
from ._propagate_style import propagate_style
from ._propagator import StylePropagator

__all__ = ["PatchTransformer", "StylePropagator", "propagate_style"]
