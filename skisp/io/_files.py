"""Files that are opened with clear errors, and written whole or not at all."""

import os
import secrets
from contextlib import suppress
from typing import IO

__all__ = ["RefusedError", "opened", "write_whole"]


class RefusedError(ValueError):
    """A file that can be read, and is not wanted; the message is the reason and the cure."""


def opened(name: str, example: str) -> IO[bytes]:
    """Open a file to read; errors say what to do.

    Parameters
    ----------
    name : str
    example : str
        Names of the files that may be meant where ``name`` is a folder, such as ``"*.jpg"``.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, PermissionError, OSError
        Of one line each.
    """
    try:
        return open(name, "rb")
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"cannot read {name}: there is no such file; check the spelling and the folder."
        ) from error
    except IsADirectoryError as error:
        pattern = os.path.join(name, example)
        raise IsADirectoryError(f"cannot read {name}: it is a folder; name the files in it ({pattern}).") from error
    except PermissionError as error:
        raise PermissionError(f"cannot read {name}: permission denied; make the file readable for you.") from error
    except OSError as error:
        raise OSError(f"cannot read {name}: {error.strerror or error}; check the name and the disk.") from error


def write_whole(name: str, data: bytes | memoryview, *, overwrite: bool = True) -> None:
    """Write a file under a temporary name in the same folder, and rename it.

    Raises
    ------
    FileExistsError
        If the file exists and ``overwrite`` is false.
    OSError
        If the file cannot be written; FileNotFoundError where its folder is missing.
    """
    if not overwrite and os.path.lexists(name):
        raise FileExistsError(f"cannot write {name}: the file exists; choose another name, or pass overwrite=True.")
    target = os.path.realpath(name)  # a link stays a link to the new file
    temporary = os.path.join(os.path.dirname(target), f".skisp-{secrets.token_hex(6)}.part")
    try:
        with open(temporary, "xb") as file:
            file.write(data)
        os.replace(temporary, target)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"cannot write {name}: its folder does not exist; create it first.") from error
    except OSError as error:
        raise type(error)(
            f"cannot write {name}: {error.strerror or error}; check the folder, its permissions and the disk."
        ) from error
    finally:
        with suppress(OSError):
            os.unlink(temporary)
