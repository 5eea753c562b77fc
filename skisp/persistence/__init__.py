"""Fitted models to files and back, without code in them."""

from ._models import load_model, save_model

__all__ = ["load_model", "save_model"]
