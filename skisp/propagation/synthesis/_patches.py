"""Patches of an image as rows, and an image from overlapping patches.

A patch of side p of an image (C, H, W) is a row of C * p * p values, channel by channel. The grid
of an image is the array of positions of its patches' top left corners, ``stride`` pixels apart.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ..._chunks import chunk_sizes
from ..._threads import concatenate_on_threads, map_on_threads, split_evenly

__all__ = ["PatchGrid", "extract_patches", "hann_window", "map_patches", "overlap_add", "patches_at"]

# Bands of an image that are summed at once.
_BANDS_AT_ONCE = 8


def extract_patches(image: Tensor, patch_size: int, stride: int = 1) -> Tensor:
    """All patches of an image (C, H, W), ``stride`` apart, as rows (h * w, C * p * p)."""
    return functional.unfold(image[None], patch_size, stride=stride)[0].T


def patches_at(image: Tensor, rows: Tensor, columns: Tensor, patch_size: int) -> Tensor:
    """The patches of an image (C, H, W) with top left corners at ``rows`` and ``columns`` (n,)."""
    n_channels, height, width = image.shape
    pixels = image.flatten()
    # Every run of patch_size pixels, as overlapping rows: whole runs are copied, not single pixels.
    runs = pixels.as_strided((len(pixels) - patch_size + 1, patch_size), (1, 1))
    channels = torch.arange(n_channels, device=image.device)[:, None] * (height * width)
    offsets = (channels + torch.arange(patch_size, device=image.device) * width).flatten()
    corners = (rows * width + columns).to(image.device)
    return runs.index_select(0, (corners[:, None] + offsets).flatten()).reshape(len(rows), -1)


def hann_window(patch_size: int) -> Tensor:
    r"""Weights (p, p) of a patch's pixels, a raised cosine each way, 0 just outside of the patch.

    .. math:: w_i = \sin^2(\pi (i + 1) / (p + 1)), \quad i = 0, \dots, p - 1

    A window that is cut off at the patch's edge, as a Gaussian is, leaves a pattern with the stride's period where
    patches disagree.

    References
    ----------
    Harris, "On the use of windows for harmonic analysis with the discrete Fourier transform", Proc. IEEE 66, 1978.
    """
    profile = torch.hann_window(patch_size + 2, periodic=False, dtype=torch.float32)[1:-1]
    return profile[:, None] * profile


def map_patches(function: Callable[[Tensor], Tensor], image: Tensor, patch_size: int, stride: int = 1) -> Tensor:
    """``function`` of all patches of an image (C, H, W), given a band of them at a time, as rows (h * w, ...)."""
    height, width = ((side - patch_size) // stride + 1 for side in image.shape[1:])

    def of_band(rows: slice) -> Tensor:
        band = image[:, _pixels(rows, patch_size, stride)]
        return function(extract_patches(band, patch_size, stride))

    return _concatenate(of_band, (height, width), patch_size)


def overlap_add(
    patches_of: Callable[[slice], Tensor], grid_shape: tuple[int, int], stride: int, window: Tensor
) -> Tensor:
    """Weighted mean of overlapping patches as an image (C, H, W).

    ``patches_of`` gives the patches of a slice of the h * w positions, as rows (n, C * p * p); it is
    called for one band at a time. H = (h - 1) * stride + p, and W likewise. The window (p, p) is a
    product of two profiles, so that the sum of all weights at a pixel is a
    product as well.
    """
    return torch.cat([rows for _, rows in overlap_add_rows(patches_of, grid_shape, stride, window)], dim=1)


def overlap_add_rows(
    patches_of: Callable[[slice], Tensor], grid_shape: tuple[int, int], stride: int, window: Tensor
) -> Iterator[tuple[int, Tensor]]:
    """The rows (C, n, W) of :func:`overlap_add` from a first one on, as soon as all their patches are there."""
    patch_size = window.shape[0]
    width = (grid_shape[1] - 1) * stride + patch_size
    down, across = (_axis_weights(window.sum(dim=1 - axis), grid_shape[axis], stride) for axis in (0, 1))
    across = across / window.sum()

    def weighted_sum(rows: slice) -> Tensor:
        patches = patches_of(slice(rows.start * grid_shape[1], rows.stop * grid_shape[1]))
        weights = window.to(patches).flatten().repeat(patches.shape[1] // patch_size**2)
        size = ((rows.stop - rows.start - 1) * stride + patch_size, width)
        weighted = (patches * weights).T[None]
        del patches  # fold makes a copy of what it gets
        return functional.fold(weighted, size, patch_size, stride=stride)[0]

    bands = _bands(*grid_shape, patch_size)
    lock = threading.Lock()
    held: list[Tensor] = []
    n_most = (max(rows.stop - rows.start for rows in bands) - 1) * stride + patch_size

    def hold(i: int, rows: slice) -> Tensor:
        # Always in the same place: small pieces between the large temporary ones would keep an allocator from giving
        # memory back.
        part = weighted_sum(rows)
        with lock:
            if not held:
                held.append(part.new_empty(_BANDS_AT_ONCE, len(part), n_most, width))
        place = held[0][i, :, : part.shape[1]]
        place.copy_(part)
        return place

    begun = window.new_zeros(1, 0, width)  # what later bands still add to
    for i in range(0, len(bands), _BANDS_AT_ONCE):
        some = bands[i : i + _BANDS_AT_ONCE]
        parts = map_on_threads(lambda item: hold(*item), list(enumerate(some)))
        pixels = _pixels(slice(some[0].start, some[-1].stop), patch_size, stride)
        total = parts[0].new_zeros(len(parts[0]), pixels.stop - pixels.start, width)
        total[:, : begun.shape[1]] = begun
        for rows, part in zip(some, parts, strict=True):
            total[:, (rows.start - some[0].start) * stride :][:, : part.shape[1]] += part
        is_last = some[-1] is bands[-1]
        n_done = total.shape[1] if is_last else (some[-1].stop - some[0].start) * stride
        begun = total[:, n_done:].clone()
        done = total[:, :n_done]
        yield pixels.start, done.div_(down[pixels.start :][:n_done, None].to(done)).div_(across.to(done))


def _concatenate(of_band: Callable[[slice], Tensor], grid_shape: tuple[int, int], patch_size: int) -> Tensor:
    bands = _bands(*grid_shape, patch_size)
    return concatenate_on_threads(of_band, bands, [(rows.stop - rows.start) * grid_shape[1] for rows in bands])


def _pixels(rows: slice, patch_size: int, stride: int) -> slice:
    """The rows of pixels that some rows of a grid's patches cover."""
    return slice(rows.start * stride, (rows.stop - 1) * stride + patch_size)


def _bands(n_rows: int, n_columns: int, patch_size: int) -> list[slice]:
    """Slices of the rows of a grid, each of about as many patches as may exist at once."""
    most = min(chunk_sizes.patches, chunk_sizes.patch_pixels // patch_size**2)
    return split_evenly(n_rows, max(1, most // n_columns), -(-chunk_sizes.least_patches // n_columns))


def _axis_weights(profile: Tensor, n: int, stride: int) -> Tensor:
    """Sum of ``n`` profiles (p,), ``stride`` apart: one axis of the weights of all patches."""
    columns = profile[None, :, None].expand(1, -1, n)
    length = (n - 1) * stride + len(profile)
    return functional.fold(columns, (1, length), (1, len(profile)), stride=(1, stride))[0, 0, 0]


@dataclass(frozen=True)
class PatchGrid:
    """Patches that cover an image with the same overlap at its borders as inside.

    The image is continued by reflection: by p - 1 pixels on each side, and below and on the right by
    as many more as the stride needs. Without that, border pixels lie in few patches and show as bands.

    Attributes
    ----------
    size : (int, int)
        Height and width of the image.
    patch_size, stride : int
    """

    size: tuple[int, int]
    patch_size: int
    stride: int

    @property
    def margin(self) -> int:
        """Pixels before the image's first row and column."""
        return self.patch_size - 1

    @property
    def shape(self) -> tuple[int, int]:
        """Number of patches down and across."""
        height, width = (-(-(side + self.margin - 1) // self.stride) + 1 for side in self.size)
        return height, width

    def pad(self, image: Tensor) -> Tensor:
        """Continue an image (C, H, W) to what the grid's patches cover."""
        return self._pad_columns(self._pad_rows(image))

    def _pad_rows(self, image: Tensor) -> Tensor:
        return functional.pad(image[None], (0, 0, self.margin, self._after(0)), mode=self._padding_mode)[0]

    def _pad_columns(self, image: Tensor) -> Tensor:
        return functional.pad(image[None], (self.margin, self._after(1), 0, 0), mode=self._padding_mode)[0]

    def _after(self, axis: int) -> int:
        """Pixels after the image's last row or column."""
        return (self.shape[axis] - 1) * self.stride + self.patch_size - self.size[axis] - self.margin

    @property
    def _padding_mode(self) -> str:
        # Reflection cannot continue an image by its own side or more, replication can.
        fits = max(self.margin, self._after(0), self._after(1)) < min(self.size)
        return "reflect" if fits else "replicate"

    def map(self, function: Callable[[Tensor], Tensor], image: Tensor) -> Tensor:
        """``function`` of the grid's patches of an image (C, H, W), given a band of them at a time."""
        # Row numbers, padded like rows of pixels: so each band is padded when it is needed, never the whole image.
        numbers = torch.arange(image.shape[1], dtype=torch.float32, device=image.device)
        rows_of_image = self._pad_rows(numbers[None, :, None])[0, :, 0].long()

        def of_band(rows: slice) -> Tensor:
            band = image[:, rows_of_image[_pixels(rows, self.patch_size, self.stride)]]
            return function(extract_patches(self._pad_columns(band), self.patch_size, self.stride))

        return _concatenate(of_band, self.shape, self.patch_size)

    def assemble(self, patches_of: Callable[[slice], Tensor], window: Tensor) -> Tensor:
        """The image (C, H, W) on which the patches vote, by :func:`overlap_add`."""
        return torch.cat([rows for _, rows in self.assembled_rows(patches_of, window)], dim=1)

    def assembled_rows(self, patches_of: Callable[[slice], Tensor], window: Tensor) -> Iterator[tuple[int, Tensor]]:
        """The same some rows (C, n, W) at a time, from a first one on."""
        height, width = self.size
        for start, rows in overlap_add_rows(patches_of, self.shape, self.stride, window):
            first, last = (min(max(at - self.margin, 0), height) for at in (start, start + rows.shape[1]))
            yield first, rows[:, first + self.margin - start :, self.margin :][:, : last - first, :width]

    def centres(self) -> tuple[Tensor, Tensor]:
        """Rows (h,) and columns (w,) of the patches' centres, in pixels of the image."""
        rows, columns = (torch.arange(n, dtype=torch.float32) * self.stride - self.margin / 2 for n in self.shape)
        return rows, columns
