"""Colours to sRGB, through the ICC profiles that files carry.

Pillow's LittleCMS converts 8 bits. For 16 bits the model of matrix and curves is computed here: linear light
``l = curve(v)`` for each channel, ``XYZ = M l`` relative to the white D50, and back with the matrix and the
curve of sRGB. It is the model of sRGB, Display P3, Adobe RGB and ProPhoto RGB.

References
----------
ICC.1:2010 (ISO 15076-1), sections 9.2, 10.5, 10.15 and F.3; IEC 61966-2-1:1999 (sRGB).
"""

import functools
import struct
from io import BytesIO
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageCms
from numpy.typing import NDArray

from .._math.color import encode_srgb

__all__ = ["converted", "converted_levels", "fitting_profile", "is_srgb", "srgb_profile"]

_Curve = tuple[NDArray[np.float64], NDArray[np.float64]]
_LEVELS = np.linspace(0.0, 1.0, 65536)
_PIXELS_AT_ONCE = 2**16


@functools.cache
def srgb_profile() -> bytes:
    """The profile of sRGB, always the same bytes."""
    profile = bytearray(PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)  # LittleCMS writes the time of day
    return bytes(profile)


def is_srgb(profile: bytes) -> bool:
    """Whether a profile's colours are those of sRGB, to less than one level of 8 bits."""
    model = _model(profile)
    if model is None:
        return _describes_srgb(profile)
    matrix, curves = model
    levels = np.linspace(0.0, 1.0, 256)
    same_curves = all(
        np.abs(encode_srgb(np.interp(levels, _LEVELS, curve)) - levels).max() < 1.0 / 255.0 for curve in curves
    )
    return same_curves and bool(np.abs(matrix - _srgb_matrix()).max() < 2e-3)


def fitting_profile(profile: bytes | None, *, grey: bool) -> bytes | None:
    """The profile if it is one of grey or of RGB, as wanted; None otherwise."""
    return profile if profile and profile[16:20] == (b"GRAY" if grey else b"RGB ") else None


def converted(image: PIL.Image.Image) -> tuple[PIL.Image.Image, bytes | None]:
    """Convert colours of 8 bits through the embedded profile; without one, or with a broken one, leave them.

    Parameters
    ----------
    image : PIL image
        Of mode CMYK, LAB, RGB or RGBA; others are left as they are.

    Returns
    -------
    image : PIL image
    profile : bytes or None
        That of the colours that are returned; None if it is not known.
    """
    profile = image.info.get("icc_profile")
    if image.mode == "LAB":
        return _through(image, PIL.ImageCms.createProfile("LAB")), srgb_profile()
    if not profile or image.mode not in ("CMYK", "RGB", "RGBA"):
        return image, None
    if image.mode != "CMYK" and is_srgb(profile):
        return image, profile
    try:
        return _through(image, PIL.ImageCms.ImageCmsProfile(BytesIO(profile))), srgb_profile()
    except (OSError, PIL.ImageCms.PyCMSError):
        return image, None


def converted_levels(levels: NDArray[np.uint16], profile: bytes) -> NDArray[np.uint16] | None:
    """Convert colours of 16 bits to sRGB; None if the profile does not consist of matrix and curves.

    Parameters
    ----------
    levels : ndarray of uint16 (H, W, 3) or (H, W, 4)
        Alpha, the fourth channel, is not changed. Colours outside sRGB are clipped.
    profile : bytes
        Of RGB.
    """
    model = _model(profile)
    if model is None:
        return None
    matrix, curves = model
    to_linear_srgb = np.linalg.solve(_srgb_matrix(), matrix)
    result = levels.copy()
    n_rows = max(1, _PIXELS_AT_ONCE // levels.shape[1])
    for start in range(0, len(levels), n_rows):  # piecewise, since floats take more memory
        part = levels[start : start + n_rows]
        linear = np.stack([curve[part[..., i]] for i, curve in enumerate(curves)], axis=2)
        result[start : start + n_rows, :, :3] = np.rint(encode_srgb(linear @ to_linear_srgb.T) * 65535.0)
    return result


def _through(image: PIL.Image.Image, source: Any) -> PIL.Image.Image:
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    target = PIL.ImageCms.createProfile("sRGB")
    return PIL.ImageCms.profileToProfile(image, source, target, outputMode=mode) or image


@functools.cache
def _srgb_matrix() -> NDArray[np.float64]:
    model = _model(srgb_profile())
    assert model is not None
    return model[0]


@functools.lru_cache(maxsize=4)
def _model(profile: bytes) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]] | None:
    """Matrix (3, 3) and the three curves at all 65536 levels; None if a profile is of another kind, or broken."""
    if profile[16:24] != b"RGB XYZ ":
        return None
    try:
        tags = _tags(profile)
        if b"A2B0" in tags:  # a table of colours, which takes precedence
            return None
        matrix = np.stack([_xyz(tags[name]) for name in (b"rXYZ", b"gXYZ", b"bXYZ")], axis=1)
        curves = [_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC")]
    except (struct.error, KeyError, ValueError):
        return None
    usable = all(np.isfinite(values).all() for values in (matrix, *curves))
    return (matrix, curves) if usable else None


def _tags(profile: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", profile, 128)
    entries = [struct.unpack_from(">4sII", profile, 132 + 12 * i) for i in range(min(count, 100))]
    return {name: profile[start : start + length] for name, start, length in entries}


def _xyz(tag: bytes) -> NDArray[np.float64]:
    return np.array(struct.unpack_from(">3i", tag, 8)) / 65536.0


def _curve(tag: bytes) -> NDArray[np.float64]:
    """A curve at all 65536 levels: a power, a table to interpolate in, or a formula with parameters."""
    if tag[:4] == b"para":
        (kind,) = struct.unpack_from(">H", tag, 8)
        return _formula(kind, np.array(struct.unpack_from(f">{(1, 3, 4, 5, 7)[kind]}i", tag, 12)) / 65536.0)
    if tag[:4] != b"curv":
        raise ValueError(f"no curve: {tag[:4]!r}")
    (count,) = struct.unpack_from(">I", tag, 8)
    if count == 0:
        return _LEVELS
    table = np.array(struct.unpack_from(f">{min(count, 65536)}H", tag, 12))
    if count == 1:
        return _LEVELS ** (table[0] / 256.0)
    return np.interp(_LEVELS, np.linspace(0.0, 1.0, len(table)), table / 65535.0)


def _formula(kind: int, parameters: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(a x + b)^g + e`` from ``x = d`` on, ``c x + f`` below; simpler kinds have fewer parameters."""
    g, a, b, c, d, e, f = 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0
    if kind == 0:
        (g,) = parameters
    elif kind in (1, 2):
        g, a, b = parameters[:3]
        d = -b / a if a else 0.0
        e = f = parameters[3] if kind == 2 else 0.0
    elif kind == 3:
        g, a, b, c, d = parameters
    else:
        g, a, b, c, d, e, f = parameters
    with np.errstate(all="ignore"):  # a broken profile; its values are checked later
        power = np.maximum(a * _LEVELS + b, 0.0) ** g + e
    return np.where(d <= _LEVELS, power, c * _LEVELS + f)


def _describes_srgb(profile: bytes) -> bool:
    try:
        source = PIL.ImageCms.ImageCmsProfile(BytesIO(profile))
        return profile[16:20] == b"RGB " and "srgb" in PIL.ImageCms.getProfileDescription(source).lower()
    except (OSError, PIL.ImageCms.PyCMSError):
        return False
