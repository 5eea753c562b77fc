"""The order of the gallery: that in which its header names the examples."""

from pathlib import Path

__all__ = ["position"]

_HEADER = (Path(__file__).parent.parent.parent / "examples" / "GALLERY_HEADER.rst").read_text()


def position(file_name: str) -> int:
    """Where an example comes; ValueError for one that the header forgets."""
    return _HEADER.index(file_name)
