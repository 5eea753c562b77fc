"""Modules that are executed when something of them is first asked for, however early others import them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from threading import RLock
from types import ModuleType
from typing import Any

__all__ = ["deferred"]


@contextmanager
def deferred(*names: str) -> Iterator[None]:
    """Defer the execution of modules that are first imported within, each to the first use of what it defines.

    ``importlib.util.LazyLoader`` is of no use here: with it a module is executed as soon as a second one imports it.

    Parameters
    ----------
    *names : str
        Full names of modules, such as ``scipy.stats``; what is imported already is left alone.
    """
    finder = _DeferringFinder(names)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _DeferringFinder(MetaPathFinder):
    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname not in self._names:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _DeferringLoader(spec.loader)
        return spec


class _DeferringLoader(Loader):
    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        spec = module.__spec__
        if spec is not None:
            spec.loader = module.__loader__ = self._loader
        module.__dict__.pop("__path__", None)  # asked for by whoever imports a submodule, which needs the package
        module.__class__ = _Deferred


class _Deferred(ModuleType):
    """A module that is not executed yet: whatever it lacks has it executed."""

    def __getattr__(self, name: str) -> Any:
        _execute(self)
        return ModuleType.__getattribute__(self, name)


_LOCK = RLock()
_executing: set[str] = set()


def _execute(module: ModuleType) -> None:
    """Execute a deferred module once; other threads wait, and what asks for it meanwhile sees what is there so far."""
    with _LOCK:
        spec = module.__spec__
        if not isinstance(module, _Deferred) or spec is None or spec.loader is None or spec.name in _executing:
            return
        _executing.add(spec.name)
        try:
            if spec.submodule_search_locations is not None:
                module.__path__ = spec.submodule_search_locations
            spec.loader.exec_module(module)
            module.__class__ = ModuleType  # type: ignore[assignment]
        finally:
            _executing.discard(spec.name)
