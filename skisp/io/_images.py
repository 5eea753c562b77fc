"""Reading and writing of image files, with Pillow."""

import os
import warnings
from io import BytesIO
from typing import IO, Any

import numpy as np
import PIL.Image
import PIL.ImageCms
import PIL.ImageOps
from numpy.typing import NDArray

from .._images import as_images
from ._files import RefusedError, opened, write_whole
from ._resize import check_size, resize_longest

__all__ = ["WRITABLE_SUFFIXES", "as_array", "check_suffix", "read_image", "resize_longest", "write_image"]

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
    "TIFF": {"compression": "tiff_lzw"},
}
_WITHOUT_ALPHA = {"JPEG", "BMP"}
_WITH_16_BITS = {"PNG", "TIFF"}

# What an image of each Pillow mode is converted to; modes that are not named become RGB.
_PLAIN_MODES = {"1": "L", "L": "L", "LA": "LA", "La": "LA", "PA": "RGBA", "RGBA": "RGBA", "RGBa": "RGBA"}


def read_image(path: str | os.PathLike[str], *, size: int | None = None, max_pixels: float = 100e6) -> NDArray[Any]:
    """Read an image file into an array, upright and in sRGB.

    The camera's orientation (EXIF) is applied. Palettes become RGB, or RGBA if they have transparent
    entries; CMYK and wide-gamut RGB are converted through the embedded profile where there is one.
    Grey stays grey and alpha is kept. Of an animation, the first frame is read.

    Parameters
    ----------
    path : str or path-like
        Any format Pillow reads.
    size : int or None
        Longest side in pixels to shrink to (antialiased); a smaller image is never enlarged.
    max_pixels : float
        Refuse files of more pixels, before they are decoded. Above Pillow's own limit (about 179e6)
        ``PIL.Image.MAX_IMAGE_PIXELS`` has to be raised too.

    Returns
    -------
    image : ndarray (H, W) or (H, W, C)
        C = 2 (grey and alpha), 3 (RGB) or 4 (RGB and alpha). uint8; uint16 for 16-bit grey; float32
        for grey stored as floats. Pillow reads 16-bit colour as 8 bits.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, PermissionError
        If there is no such file, it is a folder, or it may not be read.
    ValueError
        If the file is empty, damaged, too large or not an image; or ``size`` is not positive.
    """
    check_size(size)
    name = os.fsdecode(path)
    with opened(name, "*.jpg") as file:
        array = _decoded(file, name, max_pixels)
    return resize_longest(array, size)


def write_image(path: str | os.PathLike[str], image: Any, *, overwrite: bool = True) -> None:
    """Write an image file; it appears whole or not at all.

    The file is written under a temporary name in the same folder and then renamed.

    Parameters
    ----------
    path : str or path-like
        The suffix chooses the format: .png, .jpg, .jpeg, .tif, .tiff, .webp or .bmp.
    image : array (H, W) or (H, W, C)
        uint8, uint16, bool, or floats in [0, 1]; C = 1 (grey), 2 (grey and alpha), 3 (RGB) or 4 (RGB and
        alpha). uint16 grey keeps its 16 bits as PNG and TIFF; everything else is written as 8 bits.
        JPEG (quality 95) and BMP have no alpha: transparent pixels are laid on white.
    overwrite : bool
        Whether an existing file is replaced.

    Raises
    ------
    ValueError
        If the suffix is not known, or ``image`` is not an image.
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
    file_format = _FORMATS[check_suffix(name)]
    data = _encoded(image, file_format)
    write_whole(name, data, overwrite=overwrite)


def check_suffix(name: str) -> str:
    """Return the suffix of a file name in lower case, or raise ValueError if no image is written under it."""
    suffix = os.path.splitext(name)[1].lower()
    if suffix not in _FORMATS:
        known = ", ".join(WRITABLE_SUFFIXES)
        raise ValueError(f"cannot write {name}: the suffix {suffix!r} is no image format here; use one of {known}.")
    return suffix


def as_array(image: PIL.Image.Image) -> NDArray[Any]:
    """Convert a Pillow image, upright and in sRGB, to an array as :func:`read_image` returns it."""
    image = PIL.ImageOps.exif_transpose(image)
    if image.mode.startswith(("I", "F")):
        return _numbers(np.asarray(image))
    if "transparency" in image.info or (image.mode == "P" and image.has_transparency_data):
        image = image.convert("LA" if image.mode in ("1", "L") else "RGBA")
    image = _to_srgb(image)
    mode = _PLAIN_MODES.get(image.mode, "RGB")
    return np.array(image if image.mode == mode else image.convert(mode))


def _decoded(file: IO[bytes], name: str, max_pixels: float) -> NDArray[Any]:
    if os.fstat(file.fileno()).st_size == 0:
        raise ValueError(f"cannot read {name}: the file is empty (0 bytes); copy or download it again.")
    try:
        return _decoded_within(file, max_pixels)
    except MemoryError:
        raise
    except Exception as error:  # on damaged files Pillow raises whatever its decoders stumble over
        raise ValueError(f"cannot read {name}: {_reason(error)}") from error


def _decoded_within(file: IO[bytes], max_pixels: float) -> NDArray[Any]:
    with warnings.catch_warnings():
        # Our own limit, which says what to do, comes next.
        warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)
        image = PIL.Image.open(file)
    with image:
        width, height = image.size
        if width * height > max_pixels:
            raise RefusedError(
                f"it has {width} x {height} pixels, more than the {max_pixels:.0f} allowed; "
                "shrink it first, or raise max_pixels if you trust it."
            )
        return as_array(image)


def _reason(error: Exception) -> str:
    """What was wrong with a file, and what to do, in one line."""
    if isinstance(error, RefusedError):
        return str(error)
    if isinstance(error, PIL.UnidentifiedImageError):
        return "it is not an image, or of a format Pillow does not know; save it as PNG or JPEG."
    if isinstance(error, PIL.Image.DecompressionBombError):
        return "it has more pixels than Pillow decodes; shrink it, or raise PIL.Image.MAX_IMAGE_PIXELS if you trust it."
    detail = (str(error).splitlines() or [type(error).__name__])[0]
    return f"it is damaged or cut short ({detail}); copy or download it again."


def _numbers(array: NDArray[Any]) -> NDArray[Any]:
    """Grey levels of more than 8 bits: float32 as they are, integers as uint16 if they fit."""
    if array.dtype.kind == "f":
        return array.copy()
    if array.size and (array.min() < 0 or array.max() > 65535):
        raise RefusedError("its grey levels are integers of 32 bits; save it with 8 or 16 bits.")
    return array.astype(np.uint16)


def _to_srgb(image: PIL.Image.Image) -> PIL.Image.Image:
    """Convert colours through the embedded profile; without one, or with a broken one, leave them."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in ("CMYK", "RGB", "RGBA"):
        return image
    try:
        source = PIL.ImageCms.ImageCmsProfile(BytesIO(profile))
        if "srgb" in PIL.ImageCms.getProfileDescription(source).lower():
            return image
        target = PIL.ImageCms.createProfile("sRGB")
        mode = "RGBA" if image.mode == "RGBA" else "RGB"
        return PIL.ImageCms.profileToProfile(image, source, target, outputMode=mode) or image
    except (OSError, PIL.ImageCms.PyCMSError):
        return image


def _encoded(image: Any, file_format: str) -> memoryview:
    """The bytes of a file, made in memory so that nothing is written of an image that fails."""
    array = np.asarray(image)
    as_images([array], name="the list of images to write")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if not (array.dtype == np.uint16 and array.ndim == 2 and file_format in _WITH_16_BITS):
        array = to_bytes(array)
    if array.ndim == 3 and array.shape[2] in (2, 4) and file_format in _WITHOUT_ALPHA:
        array = _on_white(array)
    buffer = BytesIO()
    PIL.Image.fromarray(np.ascontiguousarray(array)).save(buffer, file_format, **_OPTIONS.get(file_format, {}))
    return buffer.getbuffer()


def to_bytes(array: NDArray[Any]) -> NDArray[np.uint8]:
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.uint16:
        return np.rint(array / 257.0).astype(np.uint8)
    return np.rint(array.astype(np.float32).clip(0.0, 1.0) * 255.0).astype(np.uint8)


def _on_white(array: NDArray[np.uint8]) -> NDArray[np.uint8]:
    alpha = array[..., -1:] / 255.0
    colour = np.rint(array[..., :-1] * alpha + 255.0 * (1.0 - alpha)).astype(np.uint8)
    return colour[..., 0] if colour.shape[2] == 1 else colour
