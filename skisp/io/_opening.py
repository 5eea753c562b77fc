"""Opening of files, with errors that say what to do."""

import io
import os
import stat
from typing import IO

from .._names import shown

__all__ = ["opened"]


def opened(name: str) -> IO[bytes]:
    """Open a file for reading, without waiting.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, PermissionError, OSError
        In one line that names the file, the reason and the cure.
    ValueError
        If it is a pipe or a device, or no name at all.
    """
    title = f"cannot read {shown(name)}"
    try:
        file = _File(open(name, "rb", buffering=0, opener=_without_waiting))  # noqa: SIM115 (the caller closes it)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{title}: there is no such file; check the spelling and the folder.") from error
    except IsADirectoryError as error:
        pattern = shown(os.path.join(name, "*.jpg"))
        raise IsADirectoryError(f"{title}: it is a folder; name the files in it ({pattern}).") from error
    except PermissionError as error:
        raise PermissionError(f"{title}: permission denied; make the file readable for you.") from error
    except OSError as error:
        raise OSError(f"{title}: {error.strerror or error}; check the name and the disk.") from error
    except ValueError as error:  # a zero byte
        raise ValueError(f"{title}: {error}; check the name.") from error
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise ValueError(f"{title}: it is a pipe or a device, not a file; save the image to a file first.")
    return file


class _File(io.BufferedReader):
    """A file that is never asked for more bytes than it holds; Python would set memory aside for all of them."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > io.DEFAULT_BUFFER_SIZE:
            size = min(size, max(0, os.fstat(self.fileno()).st_size - self.tell()))
        return super().read(size)


def _without_waiting(path: str, flags: int) -> int:
    """Open a pipe at once, though nobody writes to it."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
