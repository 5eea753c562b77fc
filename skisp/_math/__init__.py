"""Formulas that several parts of the package use, each written once: pure functions of arrays or tensors."""
