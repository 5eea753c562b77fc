"""Pictures: files of images to arrays and back, and the pipeline step that reads them."""

from ._images import read_image, resize_longest, write_image
from ._metadata import ImageMetadata
from ._reader import ImageReader

__all__ = [
    "ImageMetadata",
    "ImageReader",
    "read_image",
    "resize_longest",
    "write_image",
]
