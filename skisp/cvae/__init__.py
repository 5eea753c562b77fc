"""The collapsed variational autoencoder."""

from ._transformer import CVAETransformer

__all__ = ["CVAETransformer"]
