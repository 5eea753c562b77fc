"""Parameters of an estimator as a command line has them: name=value."""

import ast
from collections.abc import Iterable
from typing import Any


def parsed(parameters: Iterable[str]) -> dict[str, Any]:
    """Values of Python by name; what is none is a string."""
    return {name: _value(text) for name, text in (parameter.split("=", 1) for parameter in parameters)}


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text
