"""Completion of the command in shells, made from the parser by shtab."""

import argparse
from typing import Any

from ._errors import UserError

__all__ = ["SHELLS", "PrintCompletion"]

SHELLS = ("bash", "zsh", "fish")
# Arguments that are paths, by where the parser puts them.
_PATHS = {"content", "contents", "frames", "mask", "model", "output", "results", "style", "styles"}


class PrintCompletion(argparse.Action):
    """Print what a shell reads to complete the command, and end."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option_string: Any = None
    ) -> None:
        try:
            import shtab
        except ImportError as error:
            raise UserError("completion needs shtab; pip install shtab") from error
        for action in _actions(parser):
            if action.dest in _PATHS:
                action.complete = shtab.FILE  # type: ignore[attr-defined]
        print(shtab.complete(parser, values))
        parser.exit()


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """The arguments of a parser and of its commands."""
    found = []
    for action in parser._actions:
        found.append(action)
        if isinstance(action, argparse._SubParsersAction):
            found += [inner for command in action.choices.values() for inner in _actions(command)]
    return found
