"""Where results go: decided, and checked for being writable, before any work is done."""

import os
import secrets
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import PIL.Image

from .._names import shown
from ..io._images import WRITABLE_SUFFIXES, check_suffix
from ._parser import UserError

__all__ = ["check_free", "is_file_name", "plan_outputs", "print_path", "writable_folder"]


def plan_outputs(contents: Sequence[str], output: str) -> list[Path]:
    """Say where each result goes.

    Parameters
    ----------
    contents : sequence of str
        Paths of the photographs.
    output : str
        A folder, or a file name with the suffix of an image where there is one photograph.

    Returns
    -------
    targets : list of Path
        One for each photograph, of the same name, with .png where the photograph's suffix cannot be written.

    Raises
    ------
    UserError
        If the output does not fit the photographs, or two photographs would be written to one file.
    """
    if not is_file_name(output):
        targets = [Path(output, _file_name(content)) for content in contents]
        _check_distinct(contents, targets)
        return targets
    if len(contents) > 1:
        raise UserError(
            f"{shown(output)} is a file name, but there are {len(contents)} photographs; name a folder instead"
        )
    try:
        check_suffix(output)
    except ValueError as error:
        raise UserError(str(error)) from error
    return [Path(output)]


def check_free(targets: Sequence[Path], inputs: Sequence[str], *, force: bool) -> None:
    """Raise UserError if a target is one of the inputs, or exists and ``force`` is false."""
    sources = {os.path.realpath(path) for path in inputs}
    for target in targets:
        if os.path.realpath(target) in sources:
            raise UserError(f"{shown(target)} would overwrite the original; choose another output")
    taken = [target for target in targets if os.path.lexists(target)]
    if taken and not force:
        more = f" (and {len(taken) - 1} more)" if len(taken) > 1 else ""
        raise UserError(f"{shown(taken[0])} exists already{more}; choose another output, or pass --force to overwrite")


@contextmanager
def writable_folder(folder: Path) -> Iterator[None]:
    """Make ``folder`` if it is missing, and check that files can be written; remove it again if it stays empty.

    Raises
    ------
    UserError
        If the folder cannot be made or written to.
    """
    existed = folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".skisp-{secrets.token_hex(6)}.part"
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        raise UserError(f"cannot write to {shown(folder)}: {error.strerror or error}; choose another output") from error
    try:
        yield
    finally:
        if not existed:
            with suppress(OSError):  # it is not empty
                folder.rmdir()


def print_path(path: Path) -> None:
    """Print a path on stdout as the bytes that it has in the file system, whatever the encoding of stdout."""
    sys.stdout.flush()
    binary = getattr(sys.stdout, "buffer", None)
    if binary is None:
        print(shown(path), flush=True)
    else:
        binary.write(os.fsencode(path) + os.linesep.encode())
        binary.flush()


def is_file_name(output: str) -> bool:
    """Whether an output is the name of one file, not of a folder."""
    if output.endswith(("/", os.sep)) or os.path.isdir(output):
        return False
    return Path(output).suffix.lower() in PIL.Image.registered_extensions()


def _file_name(content: str) -> str:
    path = Path(content)
    return path.name if path.suffix.lower() in WRITABLE_SUFFIXES else f"{path.stem}.png"


def _check_distinct(contents: Sequence[str], targets: Sequence[Path]) -> None:
    first: dict[str, str] = {}
    for content, target in zip(contents, targets, strict=True):
        key = str(target).casefold()  # on some file systems a.jpg and A.JPG are the same file
        if key in first:
            raise UserError(
                f"{shown(first[key])} and {shown(content)} would both be written to {shown(target)}; rename one, "
                "or redraw them into different folders"
            )
        first[key] = content
