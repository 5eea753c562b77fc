"""What can go wrong with a picture although the code is right, and how it is reported."""

from .._names import shown

__all__ = ["FAILURES", "in_one_line"]

# torch reports a full accelerator as RuntimeError.
FAILURES = (OSError, ValueError, MemoryError, RuntimeError)


def in_one_line(error: BaseException, path: str = "", verb: str = "redraw") -> str:
    """An error in one line that names the file."""
    text = " ".join(str(error).split()) or type(error).__name__
    name = " ".join(shown(path).split())
    return text if name in text else f"cannot {verb} {shown(path)}: {text}"
