"""Open files with clear errors, and write them whole or not at all."""

import io
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

from ._names import shown

__all__ = ["opened", "write_whole", "written_whole"]


def opened(name: str, example: str) -> IO[bytes]:
    """Open a file for reading, without waiting.

    Parameters
    ----------
    name : str
    example : str
        A pattern of the files that may be meant if ``name`` is a folder, such as ``"*.jpg"``.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, PermissionError, OSError
        In one line that names the file, the reason and the cure.
    ValueError
        If it is a pipe or a device, or not a valid name.
    """
    title = f"cannot read {shown(name)}"
    try:
        file = _File(open(name, "rb", buffering=0, opener=_without_waiting))  # noqa: SIM115 (the caller closes it)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{title}: there is no such file; check the spelling and the folder.") from error
    except IsADirectoryError as error:
        pattern = shown(os.path.join(name, example))
        raise IsADirectoryError(f"{title}: it is a folder; give the files in it ({pattern}).") from error
    except PermissionError as error:
        raise PermissionError(f"{title}: permission denied; make the file readable for you.") from error
    except OSError as error:
        raise OSError(f"{title}: {error.strerror or error}; check the name and the disk.") from error
    except ValueError as error:  # a zero byte
        raise ValueError(f"{title}: {error}; check the name.") from error
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise ValueError(f"{title}: it is a pipe or a device, not a file; first save its output to a file.")
    return file


class _File(io.BufferedReader):
    """A file that never reads more bytes than it holds; Python would allocate memory for all that are asked for."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > io.DEFAULT_BUFFER_SIZE:
            size = min(size, max(0, os.fstat(self.fileno()).st_size - self.tell()))
        return super().read(size)


def _without_waiting(path: str, flags: int) -> int:
    """Open without blocking, even a pipe to which nobody writes."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def write_whole(name: str, data: bytes | memoryview, *, overwrite: bool = True) -> None:
    """Write a file of these bytes as :func:`written_whole` does."""
    with written_whole(name, overwrite=overwrite) as file:
        file.write(data)


@contextmanager
def written_whole(name: str, *, overwrite: bool = True) -> Iterator[IO[bytes]]:
    """Write a file under a temporary name in the same folder, and rename it when it is on the disk.

    Parameters
    ----------
    name : str
        Replaced if it exists; if it is a link, the file to which it leads is replaced.
    overwrite : bool
        Whether an existing file is replaced.

    Yields
    ------
    file : file
        Open for writing.

    Raises
    ------
    FileExistsError
        If the file exists and ``overwrite`` is false.
    OSError
        If the file cannot be written; FileNotFoundError if its folder is missing. An existing file is not changed.
    """
    if not overwrite and os.path.lexists(name):
        raise FileExistsError(
            f"cannot write {shown(name)}: the file exists; choose another name, or pass overwrite=True."
        )
    target = os.path.realpath(name)  # a link stays, and leads to the new file
    temporary = os.path.join(os.path.dirname(target), f".skisp-{secrets.token_hex(6)}.part")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # a full disk may be noticed only here
        os.replace(temporary, target)
    except OSError as error:
        if error.errno is None:  # it says already what is wrong, with what is read meanwhile
            raise
        missing = isinstance(error, FileNotFoundError)
        reason = (
            "its folder does not exist; create it first"
            if missing
            else (f"{error.strerror or error}; check the folder, its permissions and the disk")
        )
        raise type(error)(f"cannot write {shown(name)}: {reason}.") from error
    finally:
        with suppress(OSError):
            os.unlink(temporary)
