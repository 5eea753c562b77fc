"""Pictures: files of images and films to arrays and back, and the pipeline step that reads them."""

from typing import TYPE_CHECKING, Any

from ._film import read_film, write_film
from ._images import read_image, resize_longest, write_image
from ._metadata import ImageMetadata

if TYPE_CHECKING:
    from ._reader import ImageReader

__all__ = [
    "ImageMetadata",
    "ImageReader",
    "read_film",
    "read_image",
    "resize_longest",
    "write_film",
    "write_image",
]


def __getattr__(name: str) -> Any:
    """The estimator, imported when it is first asked for: files are read without scikit-learn, which takes a second."""
    if name == "ImageReader":
        from ._reader import ImageReader

        globals()[name] = ImageReader
        return ImageReader
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
