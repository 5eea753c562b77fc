"""Every public object has a docstring that numpydoc finds valid."""

import importlib
import inspect
import pkgutil

import pytest

import skisp

validation = pytest.importorskip("numpydoc.validate")

# What is not asked for, and why. All other checks of numpydoc hold.
NOT_ASKED_FOR = {
    "ES01": "one sentence often says all",
    "SA01": "the reference has the related names on one page",
    "RT02": "what is returned has a name, as in scikit-learn",
    "SS05": "takes plural nouns for verbs (Names of the columns)",
    "PR08": "descriptions may start with a name in lower case, such as uint8",
    "RT04": "the same",
}
MODULES = [
    module
    for _, module, is_package in pkgutil.iter_modules(skisp.__path__)
    if is_package and module not in {"cli"} and not module.startswith("_")
]


def public_objects():
    """Names of the functions and classes of the package's modules, and of the methods of the classes."""
    for module in MODULES:
        home = importlib.import_module(f"skisp.{module}")
        for name in home.__all__:
            thing = getattr(home, name)
            if inspect.isclass(thing) or inspect.isfunction(thing):
                yield f"skisp.{module}.{name}"
            if inspect.isclass(thing):
                yield from (f"skisp.{module}.{name}.{method}" for method in own_methods(thing))


def own_methods(cls):
    """Public methods whose docstring is not inherited from scikit-learn or Python."""
    for name, _ in inspect.getmembers(cls, inspect.isroutine):
        home = next(base for base in cls.__mro__ if name in vars(base))
        if not name.startswith("_") and home.__module__.startswith("skisp"):
            yield name


@pytest.mark.parametrize("name", list(public_objects()))
def test_the_docstring_is_valid(name):
    asked_for = validation.validate(name)["errors"]
    is_method = name.count(".") == 3
    faults = [
        f"{code}: {message}"
        for code, message in asked_for
        # The example of a class shows its methods.
        if code not in NOT_ASKED_FOR and not (code == "EX01" and is_method)
    ]
    assert not faults


def test_the_modules_have_docstrings():
    assert all(importlib.import_module(f"skisp.{module}").__doc__ for module in MODULES)
