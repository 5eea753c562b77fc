"""What a forked child must forget: of all threads only the one that forked goes on in it."""

import os
from collections.abc import Callable

__all__ = ["in_forked_children"]


def in_forked_children(function: Callable[[], None]) -> None:
    """Have ``function`` called at the start of every process that is forked from this one.

    It makes new locks: those that other threads held are never released in the child.
    """
    if hasattr(os, "register_at_fork"):  # Windows does not fork
        os.register_at_fork(after_in_child=function)
