"""The directive ``command-reference``: what the command ``skisp`` takes, from its parser."""

import argparse
import re

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from skisp.cli._parser import build_parser


def reference(parser):
    """Describe each command of a parser in reStructuredText.

    >>> parser = argparse.ArgumentParser(prog="tool")
    >>> make = parser.add_subparsers().add_parser("make", description="Make *it*.")
    >>> _ = make.add_argument("--size", type=int, default=3, metavar="N", help="how large (default: %(default)s)")
    >>> print(reference(parser))  # doctest: +ELLIPSIS
    .. _command-make:
    <BLANKLINE>
    tool make
    ---------
    <BLANKLINE>
    Make \\*it\\*.
    <BLANKLINE>
    ...
    .. option:: --size N
    <BLANKLINE>
        how large (default: 3)
    <BLANKLINE>
    """
    commands = next(action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return "\n".join(_command(name, command) for name, command in commands.items())


def _command(name, parser):
    title = f"{parser.prog}\n{'-' * len(parser.prog)}"
    options = [_option(parser, action) for action in parser._actions if action.dest != "help"]
    head = [f".. _command-{name}:", title, _escaped(parser.description), f".. program:: {parser.prog}"]
    return "\n\n".join([*head, *options]) + "\n"


def _option(parser, action):
    formatter = parser._get_formatter()
    value = formatter._format_args(action, action.metavar or action.dest.upper()) if action.nargs != 0 else ""
    names = ", ".join(f"{option} {value}".strip() for option in action.option_strings)
    return f".. option:: {names or value}\n\n    {_escaped(formatter._expand_help(action))}"


def _escaped(text):
    return re.sub(r"([*`|_\\])", r"\\\1", text)


class CommandReference(SphinxDirective):
    """Put the description of all commands in the place of the directive."""

    def run(self):
        parent = nodes.section()
        parent.document = self.state.document
        lines = StringList(reference(build_parser()).splitlines(), source="skisp.cli")
        self.state.nested_parse(lines, 0, parent, match_titles=True)
        return parent.children


def setup(app):
    """Add the directive."""
    app.add_directive("command-reference", CommandReference)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
