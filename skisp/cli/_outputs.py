"""Where results go: decided, and checked for being writable, before any work is done."""

import mimetypes
import os
import secrets
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from .._names import shown
from ..io import ImageMetadata, write_image
from ..io._images import WRITABLE_SUFFIXES, check_suffix
from ..io._pillow_files import HEIF_SUFFIXES
from ..io._video import is_video
from ._errors import UserError

__all__ = ["check_outputs", "is_file_name", "is_picture", "plan_outputs", "writable_folder", "write_picture"]


def plan_outputs(
    contents: Sequence[str],
    output: str,
    *,
    kept: Collection[str] = WRITABLE_SUFFIXES,
    check: Callable[[str], object] = check_suffix,
) -> list[Path]:
    """Say where each result goes.

    Parameters
    ----------
    contents : sequence of str
        Paths of the photographs, or names of frames.
    output : str
        A folder, or a file name where there is one photograph.
    kept : collection of str
        Suffixes that results in a folder keep; others become .png.
    check : callable
        Raises ValueError unless a file of this name can be written.

    Returns
    -------
    targets : list of Path
        One for each photograph, of the same name.

    Raises
    ------
    UserError
        If the output does not fit the photographs.
    """
    if not is_file_name(output):
        return [Path(output, _file_name(Path(content), kept)) for content in contents]
    if len(contents) > 1:
        raise UserError(
            f"{shown(output)} is a file name, but there are {len(contents)} photographs; name a folder instead"
        )
    try:
        check(output)
    except ValueError as error:
        raise UserError(str(error)) from error
    return [Path(output)]


def check_outputs(targets: Sequence[Path], sources: Sequence[str], reads: Sequence[str], *, replace: bool) -> None:
    """Refuse what would lose a file. Every command asks here before it writes anything.

    Parameters
    ----------
    targets : sequence of Path
        Where results go.
    sources : sequence of str
        What each is made of, for the messages.
    reads : sequence of str
        All files and folders that are read.
    replace : bool
        Whether targets may exist.

    Raises
    ------
    UserError
        If no file can have a name, two results go to one file, one to a file that is read or into a folder that is
        read, or one exists and ``replace`` is false.
    """
    taken = [target for target in targets if _exists(target)]
    _check_distinct(sources, targets)
    _check_not_read(targets, reads)
    if taken and not replace:
        more = f" (and {len(taken) - 1} more)" if len(taken) > 1 else ""
        raise UserError(f"{shown(taken[0])} exists already{more}; choose another output, or pass --force to overwrite")


@contextmanager
def writable_folder(folder: Path) -> Iterator[None]:
    """Make ``folder`` if it is missing, and check that files can be written; remove what is made if it stays empty.

    Raises
    ------
    UserError
        If the folder cannot be made or written to.
    """
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".skisp-{secrets.token_hex(6)}.part"
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        _remove(missing)
        raise UserError(f"cannot write to {shown(folder)}: {error.strerror or error}; choose another output") from error
    try:
        yield
    finally:
        _remove(missing)


def _remove(folders: Sequence[Path]) -> None:
    """Remove folders from the inmost one outwards, as far as they are empty."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


def write_picture(
    target: Path, picture: NDArray[Any], metadata: ImageMetadata | None = None, quality: int | None = None
) -> None:
    """Write a picture; floats with 16 bits, the most that is written, where the format has them."""
    if picture.dtype.kind == "f":
        picture = np.rint(picture.clip(0.0, 1.0) * 65535.0).astype(np.uint16)
    write_image(target, picture, metadata, quality=quality)


def is_file_name(output: str) -> bool:
    """Whether an output is the name of one file of a known kind, not of a folder."""
    if output.endswith(("/", os.sep)) or os.path.isdir(output):
        return False
    return is_picture(output) or is_video(output) or mimetypes.guess_type(Path(output).name)[0] is not None


def is_picture(name: str) -> bool:
    """Whether a name has the suffix of a picture."""
    return Path(name).suffix.lower() in {*PIL.Image.registered_extensions(), *HEIF_SUFFIXES}


def _file_name(content: Path, kept: Collection[str]) -> str:
    return content.name if content.suffix.lower() in kept else f"{content.stem}.png"


def _exists(target: Path) -> bool:
    try:
        target.lstat()
    except (FileNotFoundError, NotADirectoryError):  # folders are made, or it is said why not
        return False
    except (OSError, ValueError) as error:  # too long a name, or a zero byte
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"cannot write {shown(target)}: {reason}; choose another output") from error
    return True


def _check_distinct(sources: Sequence[str], targets: Sequence[Path]) -> None:
    first: dict[str, str] = {}
    for source, target in zip(sources, targets, strict=True):
        key = os.path.realpath(target).casefold()  # on some file systems a.jpg and A.JPG are the same file
        if key in first:
            raise UserError(
                f"{shown(first[key])} and {shown(source)} would both be written to {shown(target)}; rename one, "
                "or redraw them into different folders"
            )
        first[key] = source


def _check_not_read(targets: Sequence[Path], reads: Sequence[str]) -> None:
    folders = [path for path in reads if os.path.isdir(path)]
    files = [*reads, *(entry.path for folder in folders for entry in os.scandir(folder))]
    taken = {mark for path in files for mark in _marks(path)}
    for target in targets:
        if not taken.isdisjoint(_marks(target)):
            raise UserError(f"{shown(target)} would overwrite the original; choose another output")
        if not taken.isdisjoint(_marks(target.parent)):
            raise UserError(
                f"{shown(target)} would lie among the files of {shown(target.parent)}, and be read with them the next "
                "time; choose another folder"
            )


def _marks(path: str | os.PathLike[str]) -> Iterator[str | tuple[int, int]]:
    """What two names of one file have in common: links are followed, and the case is as the file system has it."""
    yield os.path.realpath(path)
    with suppress(OSError):
        status = os.stat(path)
        yield status.st_dev, status.st_ino
