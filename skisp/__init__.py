"""Image style propagation with collapsed variational autoencoders, in scikit-learn's manner."""

from .cvae import CVAETransformer
from .io import ImageReader
from .propagation import PatchTransformer, StylePropagator, propagate_style

__version__ = "0.1.0"

__all__ = ["CVAETransformer", "ImageReader", "PatchTransformer", "StylePropagator", "__version__", "propagate_style"]
