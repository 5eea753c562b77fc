"""How the pictures of a folder were made, kept beside them, so that a command with other settings can say so."""

import hashlib
import json
import os
from argparse import Namespace
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from .._names import shown
from ._redrawer import options_of

__all__ = ["SettingsRecord", "digest_of", "in_words", "settings_of"]

_NAME = ".skisp-settings.jsonl"
_OPTIONS = ("style_weights", "size", "quality")
_PREVIEW = "a preview"
_Settings = Mapping[str, str]


class SettingsRecord:
    """With which settings each picture of a folder was made.

    Parameters
    ----------
    folder : Path
        What is kept there is read, a line for each picture; of lines that are damaged nothing is known.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / _NAME
        self._pictures: dict[str, _Settings] = {}
        lines: list[str] = []
        with suppress(OSError):
            lines = self._file.read_text("utf-8", errors="replace").splitlines()
        for line in lines:
            with suppress(ValueError, TypeError):
                name, settings = json.loads(line)
                self._pictures[name] = dict(settings)

    def add(self, picture: Path, settings: _Settings) -> None:
        """Note how a picture was made, now that it is written."""
        self._pictures[picture.name] = settings
        # One line, however many there are. It begins a new one, since the last may have been cut off.
        with open(self._file, "a", encoding="ascii") as file:
            file.write("\n" + json.dumps([picture.name, settings]))
            file.flush()
            os.fsync(file.fileno())

    def add_preview(self, picture: Path) -> None:
        """Note that what is about to be written is not the finished picture."""
        self.add(picture, {_PREVIEW: "yes"})

    def is_preview(self, picture: Path) -> bool:
        """Whether no finished picture has taken the place of a preview."""
        return _PREVIEW in self._pictures.get(picture.name, {})

    def differences(self, picture: Path, settings: _Settings) -> list[str]:
        """In which settings a picture was made otherwise, in words; none if it was not, or nothing is known."""
        known = self._pictures.get(picture.name, settings)
        return [
            f"{name} {known.get(name, 'not given')}, now {settings.get(name, 'not given')}"
            for name in sorted({*known, *settings})
            if known.get(name) != settings.get(name)
        ]


def settings_of(arguments: Namespace, files: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """All that pictures depend on, as text: how they are redrawn, and files by their names and contents.

    Parameters
    ----------
    arguments : Namespace
    files : dict of str to list of str
        Paths by what they are.
    """
    options = options_of(arguments) | {name: getattr(arguments, name, None) for name in _OPTIONS}
    options["seed"] = options.pop("random_state")
    del options["device"]
    settings = {name.replace("_", " "): str(value) for name, value in options.items() if value is not None}
    for name, paths in files.items():
        settings[name] = " and ".join(f"{shown(Path(path).name)} [{digest_of(path)[:6]}]" for path in paths)
    return settings


def digest_of(path: str | os.PathLike[str], *, by_name: bool = False) -> str:
    """A digest of a file; of a folder, or with ``by_name``, only of names, sizes and times, since there may be many."""
    digest = hashlib.sha256()
    with suppress(OSError):  # reading it will say what is wrong
        if not by_name and not os.path.isdir(path):
            with open(path, "rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        for one in sorted(Path(path).iterdir()) if os.path.isdir(path) else [Path(path)]:
            status = one.stat()
            digest.update(repr((os.fsencode(one.name), status.st_size, status.st_mtime_ns)).encode())
    return digest.hexdigest()


def in_words(differences: Sequence[str]) -> str:
    """Differences in one line, the first of them if there are many."""
    return "; ".join(differences[:3]) + ("; ..." if len(differences) > 3 else "")
