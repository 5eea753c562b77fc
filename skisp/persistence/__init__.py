"""Fitted models to files and back. Unlike a pickle such a file runs no code, whoever made it."""

from ._models import load_model, save_model

__all__ = ["load_model", "save_model"]
