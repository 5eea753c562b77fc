"""The page of the command has all of it."""

import importlib.util
import re
from pathlib import Path

import pytest

from skisp.cli._parser import build_parser

pytest.importorskip("sphinx")
PATH = Path(__file__).parents[2] / "docs" / "_extensions" / "command.py"
specification = importlib.util.spec_from_file_location("command", PATH)
command = importlib.util.module_from_spec(specification)
specification.loader.exec_module(command)


def test_every_command_and_option_has_its_help():
    text = command.reference(build_parser())
    commands = next(action for action in build_parser()._actions if action.dest == "command").choices
    sections = dict(zip(commands, re.split(r"^\.\. _command-", text, flags=re.MULTILINE)[1:], strict=True))
    for name, parser in commands.items():
        actions = [action for action in parser._actions if action.dest != "help"]
        assert sections[name].startswith(f"{name}:\n")
        assert sections[name].count(".. option:: ") == len(actions)
        for action in actions:
            for option in action.option_strings or [action.metavar]:
                assert re.search(rf"^\.\. option:: .*{re.escape(option)}", sections[name], re.MULTILINE)


def test_defaults_are_said_and_signs_are_escaped():
    text = command.reference(build_parser())
    assert "(default: 320)" in text
    assert "%(default)s" not in text
    assert ".. option:: -o OUT, --output OUT" in text
