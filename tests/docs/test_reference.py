"""The reference lists every public name, and no other."""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import skisp

PAGE = Path(__file__).parents[2] / "docs" / "api.rst"
MODULES = ["skisp"] + [
    f"skisp.{module.name}"
    for module in pkgutil.iter_modules(skisp.__path__)
    if module.ispkg and module.name != "cli" and not module.name.startswith("_")
]


def listed():
    """Full names in the lists of the page and of its ``data`` directives, and the modules it has."""
    names, module = set(), None
    for line in PAGE.read_text().splitlines():
        directive = re.match(r"\.\. (automodule|module|currentmodule|data|autosummary)::\s*(\S*)", line)
        if directive and directive[1] in {"automodule", "module", "currentmodule"}:
            module = directive[2]
            names.add(module)
        elif directive and directive[1] == "data":
            names.add(f"{module}.{directive[2]}")
        elif re.fullmatch(r" {4}\w+", line):
            names.add(f"{module}.{line.strip()}")
    return names


def home(module, name):
    """Where the reference has it: in ``skisp`` if it can be imported from there, else in its module."""
    thing = getattr(importlib.import_module(module), name)
    if inspect.ismodule(thing):
        return thing.__name__
    return f"skisp.{name}" if name in skisp.__all__ else f"{module}.{name}"


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_listed(module):
    names = {home(module, name) for name in importlib.import_module(module).__all__}
    assert names - listed() == set()


def test_nothing_else_is_listed():
    public = {home(module, name) for module in MODULES for name in importlib.import_module(module).__all__}
    assert listed() - public - set(MODULES) == set()
