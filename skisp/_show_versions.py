"""What a report of a fault should say about the machine."""

import importlib.metadata
import os
import platform
import re
import sys

from ._version import __version__

__all__ = ["show_versions"]

# Extras for those who work on this package.
_FOR_DEVELOPERS = {"dev", "docs", "test"}


def show_versions() -> None:
    """Print the versions of Python, of this package and of what it uses, for a report of a fault.

    Examples
    --------
    >>> import skisp
    >>> skisp.show_versions()  # doctest: +SKIP
    """
    system = {
        "python": sys.version.replace("\n", " "),
        "executable": sys.executable,
        "machine": platform.platform(),
        "cores": str(os.cpu_count()),
    }
    packages = {"skisp": __version__} | {name: _version(name) for name in _dependencies()}
    for title, lines in (("System", system), ("Packages", packages), ("torch", _torch())):
        print(f"{title}:")
        print("".join(f"{name:>13}: {value}\n" for name, value in lines.items()))


def _dependencies() -> list[str]:
    """The packages that this one names as its own, and as those of its extras."""
    try:
        requirements = importlib.metadata.requires("skisp") or []
    except importlib.metadata.PackageNotFoundError:  # it runs from its sources
        return ["numpy", "pillow", "scikit-learn", "scipy", "torch"]
    extras = [re.search(r"extra == ['\"](\w+)", requirement) for requirement in requirements]
    named = zip(requirements, extras, strict=True)
    return [
        re.split(r"[^\w.-]", requirement)[0]
        for requirement, extra in named
        if extra is None or extra[1] not in _FOR_DEVELOPERS
    ]


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _torch() -> dict[str, str]:
    import torch

    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return {"threads": str(torch.get_num_threads()), "accelerator": str(accelerator)}
