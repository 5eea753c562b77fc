"""Image style propagation with collapsed variational autoencoders, in scikit-learn's manner."""

from .cvae import CVAETransformer

__version__ = "0.1.0"

__all__ = ["CVAETransformer", "__version__"]
