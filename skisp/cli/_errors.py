"""What can go wrong with a picture without a mistake of ours, and how it is told."""

__all__ = ["FAILURES", "in_one_line"]

# torch reports a full accelerator as RuntimeError.
FAILURES = (OSError, ValueError, MemoryError, RuntimeError)


def in_one_line(error: BaseException, path: str = "", verb: str = "redraw") -> str:
    """An error in one line that names the file."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if path in text else f"cannot {verb} {path}: {text}"
