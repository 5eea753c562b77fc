"""The directive ``changelog``: CHANGELOG.md, which is written in a small part of Markdown, on a page.

Headings, lists, paragraphs, ``code``, **strong** and [links](...) are what it may have.
"""

import re
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

UNDERLINES = {1: "=", 2: "-", 3: "~"}


def restructured(markdown):
    """Translate Markdown as in CHANGELOG.md to reStructuredText, without its first heading.

    >>> print(restructured("# Changelog\\n\\n## [0.1.0]\\n\\n- `a` of [b](https://c)"))
    <BLANKLINE>
    0.1.0
    -----
    <BLANKLINE>
    - ``a`` of `b <https://c>`__
    """
    return "\n".join(_line(line) for line in markdown.splitlines() if not line.startswith("# "))


def _line(line):
    heading = re.match(r"(##+) (.*)", line)
    if heading:
        text = heading[2].replace("[", "").replace("]", "")
        return f"{text}\n{UNDERLINES[len(heading[1])] * len(text)}"
    line = re.sub(r"`([^`]+)`", r"``\1``", line)
    return re.sub(r"\[([^\]]+)\]\(([^)]+)\)", r"`\1 <\2>`__", line)


class Changelog(SphinxDirective):
    """Put the file in the place of the directive; its path, relative to the page, is the argument."""

    required_arguments = 1

    def run(self):
        name, path = self.env.relfn2path(self.arguments[0])
        self.env.note_dependency(name)
        lines = restructured(Path(path).read_text(encoding="utf-8")).splitlines()
        parent = nodes.section()
        parent.document = self.state.document
        self.state.nested_parse(StringList(lines, source=path), 0, parent, match_titles=True)
        return parent.children


def setup(app):
    """Add the directive."""
    app.add_directive("changelog", Changelog)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
