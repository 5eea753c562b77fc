"""Reading and writing of image files, with Pillow."""

import os
import struct
import warnings
from dataclasses import replace
from io import BytesIO
from typing import Any, BinaryIO, Literal, overload

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from .._batches import to_array
from .._files import write_whole
from .._images import stored_images
from .._names import shown
from ._encoders import encode_png, encode_tiff
from ._image_file import MOST_PIXELS, ImageFile
from ._metadata import ImageMetadata, metadata_for
from ._pillow import to_bytes
from ._resize import check_size, resize_longest

__all__ = ["WRITABLE_SUFFIXES", "check_suffix", "encode_image", "read_image", "resize_longest", "write_image"]

_FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
    ".bmp": "BMP",
}
WRITABLE_SUFFIXES = tuple(_FORMATS)
_OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"quality": 95},
}
_WITHOUT_ALPHA = {"JPEG", "BMP"}
_WITH_16_BITS = {"PNG", "TIFF"}
_CURE = (
    "shrink it first, or, if you trust it, allow more: with --max-pixels of skisp propagate and apply, "
    "or with a greater max_pixels of skisp.io.read_image"
)
_MOST_EXIF = {"JPEG": 65533 - len(b"Exif\0\0")}  # one segment, whose length has 16 bits


@overload
def read_image(
    path: str | os.PathLike[str] | BinaryIO,
    *,
    size: int | None = None,
    max_pixels: float = MOST_PIXELS,
    return_metadata: Literal[False] = False,
) -> NDArray[Any]: ...


@overload
def read_image(
    path: str | os.PathLike[str] | BinaryIO,
    *,
    size: int | None = None,
    max_pixels: float = MOST_PIXELS,
    return_metadata: Literal[True],
) -> tuple[NDArray[Any], ImageMetadata]: ...


def read_image(
    path: str | os.PathLike[str] | BinaryIO,
    *,
    size: int | None = None,
    max_pixels: float = MOST_PIXELS,
    return_metadata: bool = False,
) -> NDArray[Any] | tuple[NDArray[Any], ImageMetadata]:
    """Read an image file into an array, upright and in sRGB.

    The camera's orientation (EXIF) is applied. Palettes become grey if all their colours are, else RGB, with
    alpha if they have transparent entries; CMYK and wide-gamut RGB (Display P3, Adobe RGB, ...) are converted
    through the embedded profile if there is one, and colours outside sRGB are clipped to it. Grey stays grey
    and alpha is kept. Of an animation, or a file of several pages, the first image is read.

    Parameters
    ----------
    path : str, path-like, or binary file
        Of any format that Pillow reads, except drawings such as EPS; HEIC with pillow-heif (the extra ``heic``).
    size : int or None
        Longest side in pixels to shrink to (antialiased); a smaller image is never enlarged.
    max_pixels : float
        Files of more pixels are refused before they are decoded. Reading takes at most 64 bytes of memory
        per pixel, and about half of that for 8 bits.
    return_metadata : bool
        Whether EXIF, profile and resolution are returned too, for :func:`write_image`.

    Returns
    -------
    image : ndarray (H, W) or (H, W, C)
        C = 2 (grey and alpha), 3 (RGB) or 4 (RGB and alpha). uint8; uint16 for 16 bits of grey, and of
        colour in PNG and TIFF; float32 for grey stored as floats. Colours of 16 bits become uint8 in other
        formats, as CMYK, in a TIFF file that compresses each channel separately, and with a profile that is
        a table: Pillow reads those as 8 bits.
    metadata : ImageMetadata
        Only if ``return_metadata``.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, PermissionError
        If there is no such file, it is a folder, or you have no permission to read it.
    ValueError
        If the file is empty, damaged, too large or not an image; or ``size`` is not positive.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from skisp.io import read_image, write_image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_image(f"{folder}/red.png", np.full((60, 90, 3), [255, 0, 0], np.uint8))
    ...     image = read_image(f"{folder}/red.png", size=30)
    >>> image.shape, image.dtype, image[0, 0].tolist()
    ((20, 30, 3), dtype('uint8'), [255, 0, 0])
    """
    check_size(size)
    with ImageFile(path, max_pixels, _CURE) as file:
        array, metadata = file.read()
        if return_metadata:
            metadata = replace(file.notes(), icc_profile=metadata.icc_profile)
    array = resize_longest(array, size)
    return (array, metadata) if return_metadata else array


def write_image(
    path: str | os.PathLike[str],
    image: Any,
    metadata: ImageMetadata | None = None,
    *,
    overwrite: bool = True,
    quality: int | None = None,
) -> None:
    """Write an image file, whole or not at all.

    The file is written under a temporary name in the same folder and then renamed.

    Parameters
    ----------
    path : str or path-like
        The suffix chooses the format: .png, .jpg, .jpeg, .tif, .tiff, .webp or .bmp.
    image : array (H, W) or (H, W, C), or Pillow image
        uint8, uint16, bool, or floats in [0, 1]; C = 1 (grey), 2 (grey and alpha), 3 (RGB) or 4 (RGB and
        alpha). uint16 keeps its 16 bits as PNG and TIFF; everything else is written as 8 bits.
        JPEG and BMP have no alpha: transparent pixels are put on white. In TIFF, grey of
        16 bits with alpha becomes RGB with alpha, which more programs can read.
    metadata : ImageMetadata or None
        From :func:`read_image`: EXIF and profile are written to JPEG, PNG, TIFF and WebP, the resolution to
        all but WebP. A profile that does not fit (of RGB, for a grey image) is left out. EXIF may say where
        and when a photograph was taken.
    overwrite : bool
        Whether an existing file is replaced.
    quality : int from 1 to 100, or None
        Of JPEG and WebP: smaller files, or finer pictures. None takes 95.

    Raises
    ------
    ValueError
        If the suffix is not known, ``image`` is not an image, or ``quality`` is out of range.
    FileExistsError
        If the file exists and ``overwrite`` is false.
    OSError
        If the file cannot be written; FileNotFoundError where its folder is missing.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from skisp.io import read_image, write_image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_image(f"{folder}/black.png", np.zeros((4, 6, 3)))
    ...     read_image(f"{folder}/black.png").shape
    (4, 6, 3)
    """
    name = os.fsdecode(path)
    write_whole(name, encode_image(image, check_suffix(name), metadata, quality), overwrite=overwrite)


def check_suffix(name: str) -> str:
    """Return the suffix of a file name in lower case, or raise ValueError if no image is written under it."""
    suffix = os.path.splitext(name)[1].lower()
    if suffix not in _FORMATS:
        known = ", ".join(WRITABLE_SUFFIXES)
        raise ValueError(
            f"cannot write {shown(name)}: the suffix {suffix!r} is not a known image format; use one of {known}."
        )
    return suffix


def encode_image(
    image: Any, suffix: str, metadata: ImageMetadata | None = None, quality: int | None = None
) -> bytes | memoryview:
    """The bytes of a file of this suffix, made in memory, so that nothing is written if an image fails."""
    if quality is not None and not (isinstance(quality, (int, np.integer)) and 1 <= quality <= 100):
        raise ValueError(f"quality is {quality!r}; expected a whole number from 1 to 100, or None.")
    file_format = _FORMATS[suffix]
    array = to_array(image)
    stored_images([array], name="the list of images to write")
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if not (array.dtype == np.uint16 and file_format in _WITH_16_BITS):
        array = to_bytes(array)
    if array.ndim == 3 and array.shape[2] in (2, 4) and file_format in _WITHOUT_ALPHA:
        array = _on_white(array)
    metadata = _within_limits(metadata_for(metadata, array.shape), file_format)
    try:
        if file_format == "TIFF":
            return encode_tiff(_with_grey_as_rgb(np.atleast_3d(array)), metadata)
        if array.dtype == np.uint16:
            return encode_png(np.atleast_3d(array), metadata)
    except struct.error as error:
        raise ValueError(f"an image of shape {array.shape} is too large for {file_format}; shrink it.") from error
    return _encoded_by_pillow(array, file_format, metadata, quality)


def _encoded_by_pillow(
    array: NDArray[Any], file_format: str, metadata: ImageMetadata, quality: int | None
) -> memoryview:
    options = dict(_OPTIONS.get(file_format, {}))
    if quality is not None and "quality" in options:
        options["quality"] = int(quality)
    exif = b"Exif\0\0" + metadata.exif if metadata.exif else None
    options |= {"exif": exif, "icc_profile": metadata.icc_profile, "dpi": metadata.dpi}
    options = {key: value for key, value in options.items() if value is not None}
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    buffer = BytesIO()
    try:
        PIL.Image.fromarray(np.ascontiguousarray(array)).save(buffer, file_format, **options)
    except (OSError, ValueError, struct.error) as error:  # such as an image that is wider than the format allows
        raise ValueError(
            f"an image of shape {array.shape} cannot be written as {file_format} ({error}); "
            "shrink it, or choose another format."
        ) from error
    return buffer.getbuffer()


def _within_limits(metadata: ImageMetadata, file_format: str) -> ImageMetadata:
    n_bytes, most = len(metadata.exif or b""), _MOST_EXIF.get(file_format, 2**32)
    if n_bytes <= most:
        return metadata
    warnings.warn(
        f"{n_bytes} bytes of EXIF are left out, since {file_format} holds {most}; write a PNG or TIFF to keep them.",
        stacklevel=4,
    )
    return replace(metadata, exif=None)


def _with_grey_as_rgb(array: NDArray[Any]) -> NDArray[Any]:
    """Pillow does not read a TIFF file of grey with alpha of 16 bits."""
    return array[..., [0, 0, 0, 1]] if array.dtype == np.uint16 and array.shape[2] == 2 else array


def _on_white(array: NDArray[np.uint8]) -> NDArray[np.uint8]:
    alpha = array[..., -1:] / 255.0
    colour = np.rint(array[..., :-1] * alpha + 255.0 * (1.0 - alpha)).astype(np.uint8)
    return colour[..., 0] if colour.shape[2] == 1 else colour
