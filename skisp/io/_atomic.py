"""Files that appear whole or not at all."""

import os
import secrets
from contextlib import suppress

from .._names import shown

__all__ = ["replace_file", "write_whole"]


def write_whole(name: str, data: bytes | memoryview, *, overwrite: bool = True) -> None:
    """Write a file as :func:`replace_file` does, or not at all where it exists and ``overwrite`` is false.

    Raises
    ------
    FileExistsError
        If the file exists and ``overwrite`` is false.
    OSError
        If the file cannot be written.
    """
    if not overwrite and os.path.lexists(name):
        raise FileExistsError(
            f"cannot write {shown(name)}: the file exists; choose another name, or pass overwrite=True."
        )
    replace_file(name, data)


def replace_file(name: str, data: bytes | memoryview) -> None:
    """Write a file under a temporary name in the same folder, and rename it when it is on the disk.

    Parameters
    ----------
    name : str
        Replaced where it exists; where it is a link, the file it leads to.
    data : bytes-like

    Raises
    ------
    OSError
        If the file cannot be written; FileNotFoundError where its folder is missing. What was there is untouched.
    """
    target = os.path.realpath(name)  # a link stays a link to the new file
    temporary = os.path.join(os.path.dirname(target), f".skisp-{secrets.token_hex(6)}.part")
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # a disk may be found to be full only here
        os.replace(temporary, target)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"cannot write {shown(name)}: its folder does not exist; create it first.") from error
    except OSError as error:
        raise type(error)(
            f"cannot write {shown(name)}: {error.strerror or error}; check the folder, its permissions and the disk."
        ) from error
    finally:
        with suppress(OSError):
            os.unlink(temporary)
