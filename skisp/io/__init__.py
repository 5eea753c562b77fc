"""Pictures: files of images and films to arrays and back, and the pipeline step that reads them."""

import importlib
from typing import TYPE_CHECKING, Any

from ._film import read_film, write_film
from ._images import read_image, resize_longest, write_image
from ._metadata import ImageMetadata

if TYPE_CHECKING:
    from ._image_files import ImageFiles
    from ._reader import ImageReader

__all__ = [
    "ImageFiles",
    "ImageMetadata",
    "ImageReader",
    "read_film",
    "read_image",
    "resize_longest",
    "write_film",
    "write_image",
]


_HOMES = {"ImageFiles": "._image_files", "ImageReader": "._reader"}


def __getattr__(name: str) -> Any:
    """Imported when first asked for: files are read without scikit-learn and torch, which take a second each."""
    if name in _HOMES:
        globals()[name] = getattr(importlib.import_module(_HOMES[name], __name__), name)
        return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
