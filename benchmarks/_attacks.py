"""Attacks on a score: results that look for a way round it, none of which redraws the content.

None is among skisp.metrics.trivial_answers. Each takes the content recoloured like the
style, and mostly something of the style without regard to what the content shows.
"""

import io

import numpy as np
import PIL.Image
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy import ndimage

from skisp.metrics._color_match import match_histograms
from skisp.metrics._trivial import _shuffle_blocks
from skisp.metrics._working import as_rgb, box_mean, resize, shape_of

Image = NDArray[np.float32]


def attacks(content: NDArray, style: NDArray, seed: int = 0) -> dict[str, Image]:
    """The attacks by name, each of the content's size, float32 in [0, 1]."""
    rng = np.random.RandomState(seed)
    content, style = as_rgb(content, "content"), as_rgb(style, "style")
    matched = match_histograms(content, style)
    fitted = resize(style, shape_of(content))
    turned = np.ascontiguousarray(fitted[::-1, ::-1])
    answers = (
        _filtered(matched)
        | _overlaid(matched, fitted, turned, _shuffle_blocks(fitted, rng))
        | _textured(matched, fitted, rng)
        | _assembled(matched, style)
    )
    return {name: np.asarray(image, dtype=np.float32).clip(0.0, 1.0) for name, image in answers.items()}


def _filtered(matched: Image) -> dict[str, Image]:
    edges = np.hypot(*np.gradient(_blur(matched, 1).mean(axis=2)))[..., None]
    local = matched - _blur(matched, 12)
    return {
        "posterised": np.round(matched * 5) / 5,
        "median 7": np.stack([ndimage.median_filter(matched[..., i], 7) for i in range(3)], axis=2),
        "kuwahara 7": _kuwahara(matched, 7),
        "unsharp 5": matched + 1.5 * (matched - _blur(matched, 5)),
        "local contrast": 0.5 + 0.2 * local / np.sqrt(_blur(local**2, 12) + 1e-3),
        "jpeg 5": _jpeg(matched, 5),
        "ink edges": matched * (1 - 0.8 * (edges / np.percentile(edges, 95)).clip(0, 1)),
        "warp": _warp(matched, amplitude=3, period=16),
    }


def _overlaid(matched: Image, fitted: Image, turned: Image, shuffled: Image) -> dict[str, Image]:
    grey = fitted.mean(axis=2, keepdims=True)
    return {
        "multiply": matched * grey / grey.mean(),
        "fade 30% turned style": 0.7 * matched + 0.3 * turned,
        "fade 50% turned style": 0.5 * matched + 0.5 * turned,
        "fade 30% shuffled style": 0.7 * matched + 0.3 * shuffled,
        "fade 50% shuffled style": 0.5 * matched + 0.5 * shuffled,
        "hybrid 8": box_mean(matched, 8) + fitted - box_mean(fitted, 8),
        "hybrid 8 turned": box_mean(matched, 8) + turned - box_mean(turned, 8),
        "hybrid 24 half": matched + 0.5 * (turned - box_mean(turned, 24)),
    }


def _textured(matched: Image, fitted: Image, rng: np.random.RandomState) -> dict[str, Image]:
    scattered = matched.copy()
    hit = rng.uniform(size=matched.shape[:2]) < 0.1
    scattered[hit] = fitted.reshape(-1, 3)[rng.randint(fitted[..., 0].size, size=hit.sum())]
    grain = _random_phase(fitted, rng)
    grain -= _blur(grain, 8)
    return {
        "style pixels 10%": scattered,
        "phase noise": matched + 0.7 * grain,
        "phase noise on blurred": _blur(matched, 3) + grain,
        "spectrum": match_histograms(_with_spectrum(matched, fitted), fitted),
        "pyramid histograms": _match_pyramid(matched, fitted),
        "blur 2 + noise": _blur(matched, 2) + rng.normal(scale=0.1, size=matched.shape),
    }


def _assembled(matched: Image, style: Image) -> dict[str, Image]:
    """Tiles of the style of the nearest mean colour: the crudest redrawing there is."""
    tiled = _mosaic(matched, style, 8)
    return {"mosaic 8": tiled, "mosaic 16": _mosaic(matched, style, 16), "mosaic 8 half": 0.5 * matched + 0.5 * tiled}


def _blur(image: Image, deviation: float) -> Image:
    return ndimage.gaussian_filter(image, (deviation, deviation, 0))


def _kuwahara(image: Image, size: int) -> Image:
    """Mean of that window beside each pixel which varies least (doi:10.1007/978-1-4684-0769-3_13)."""
    grey, shift = image.mean(axis=2), size // 2
    best, least = np.zeros_like(image), np.full(grey.shape, np.inf)
    for origin in [(y, x) for y in (-shift, shift) for x in (-shift, shift)]:
        mean = ndimage.uniform_filter(grey, size, origin=origin)
        variance = ndimage.uniform_filter(grey * grey, size, origin=origin) - mean * mean
        better = variance < least
        best[better] = ndimage.uniform_filter(image, (size, size, 1), origin=(*origin, 0))[better]
        least = np.minimum(least, variance)
    return best


def _jpeg(image: Image, quality: int) -> Image:
    file = io.BytesIO()
    PIL.Image.fromarray(np.rint(image.clip(0, 1) * 255).astype(np.uint8)).save(file, "JPEG", quality=quality)
    return np.asarray(PIL.Image.open(file), dtype=np.float32) / 255


def _warp(image: Image, amplitude: float, period: float) -> Image:
    y, x = np.mgrid[: image.shape[0], : image.shape[1]].astype(float)
    at = [y + amplitude * np.sin(2 * np.pi * x / period), x + amplitude * np.sin(2 * np.pi * y / period)]
    return np.stack([ndimage.map_coordinates(image[..., i], at, order=1, mode="reflect") for i in range(3)], axis=2)


def _random_phase(image: Image, rng: np.random.RandomState) -> Image:
    """The image's spectrum with one random phase (doi:10.1109/TIP.2010.2052822)."""
    phase = np.exp(1j * np.angle(np.fft.fft2(rng.normal(size=image.shape[:2]))))[..., None]
    return np.fft.ifft2(np.fft.fft2(image - image.mean(axis=(0, 1)), axes=(0, 1)) * phase, axes=(0, 1)).real


def _with_spectrum(image: Image, other: Image) -> Image:
    """The amplitudes of one image with the phases of another."""
    phase = np.angle(np.fft.fft2(image, axes=(0, 1)))
    amplitude = np.abs(np.fft.fft2(other, axes=(0, 1)))
    return np.fft.ifft2(amplitude * np.exp(1j * phase), axes=(0, 1)).real.astype(np.float32).clip(0, 1)


def _match_pyramid(image: Image, other: Image) -> Image:
    """Histograms matched in every band of a Laplacian pyramid (Heeger and Bergen, doi:10.1145/218380.218446)."""
    bands = [match_histograms(a, b) for a, b in zip(_bands(image), _bands(other), strict=True)]
    picture = bands.pop()
    while bands:
        fine = bands.pop()
        picture = fine + _enlarge(picture, shape_of(fine))
    return match_histograms(picture.astype(np.float32), other)


def _bands(image: Image) -> list[Image]:
    bands = []
    for _ in range(4):
        coarse = resize(image, [length // 2 for length in image.shape[:2]])
        bands.append(image - _enlarge(coarse, shape_of(image)))
        image = coarse
    return [*bands, image]


def _enlarge(image: Image, shape: tuple[int, int]) -> Image:
    tensor = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]
    return F.interpolate(tensor, size=shape, mode="bilinear")[0].permute(1, 2, 0).numpy()


def _mosaic(image: Image, style: Image, size: int) -> Image:
    height, width = shape_of(image)
    padded = np.pad(image, [(0, -height % size), (0, -width % size), (0, 0)], mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(style, (size, size), axis=(0, 1))[:: size // 2, :: size // 2]
    tiles = windows.reshape(-1, 3, size, size).transpose(0, 2, 3, 1)
    colors = tiles.mean(axis=(1, 2))
    for top in range(0, padded.shape[0], size):
        for left in range(0, padded.shape[1], size):
            place = padded[top : top + size, left : left + size]
            place[...] = tiles[np.square(colors - place.mean(axis=(0, 1))).sum(axis=1).argmin()]
    return padded[:height, :width]
