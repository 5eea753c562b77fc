"""Files: images to arrays and back, the pipeline step that reads them, and fitted models."""

from ._images import read_image, resize_longest, write_image
from ._metadata import ImageMetadata
from ._models import load_model, save_model
from ._reader import ImageReader

__all__ = [
    "ImageMetadata",
    "ImageReader",
    "load_model",
    "read_image",
    "resize_longest",
    "save_model",
    "write_image",
]
