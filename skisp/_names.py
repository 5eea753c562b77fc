"""Names of files in messages."""

import os
import unicodedata

__all__ = ["shown"]

# Controls, halves of surrogate pairs (bytes of a name that are no text) and separators of lines and paragraphs.
_HIDDEN = {"Cc", "Cs", "Zl", "Zp"}
# They turn the direction of all that follows, and could make a name look like another.
_TURNS = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def shown(name: str | os.PathLike[str]) -> str:
    """A file's name as it can be printed in one line, in any script; what cannot be printed is escaped.

    Examples
    --------
    >>> print(shown("no\\nend.png"), shown("花.png"), shown("\\udcff.png"), shown(""))
    no\\nend.png 花.png \\udcff.png ''
    """
    return "".join(_escaped(character) for character in os.fspath(name)) or "''"


def _escaped(character: str) -> str:
    if unicodedata.category(character) in _HIDDEN or character in _TURNS:
        return character.encode("unicode_escape").decode("ascii")
    return character
