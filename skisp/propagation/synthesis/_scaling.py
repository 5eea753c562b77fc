"""Pictures of other sizes, made of some rows at a time: columns first, then rows."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from ..._threads import map_on_threads
from ._raster import Raster, RowStore, on_strips, unpacked

__all__ = ["Shrinking", "enlarged", "halved", "resized", "shrunk", "side_by_side"]


class Shrinking:
    """A smaller picture that is made of the rows of a larger one, whose columns become fewer at once.

    Parameters
    ----------
    shape : (int, int, int)
        Of the larger one.
    size : (int, int)
        Height and width of the smaller one.
    mode : {"bicubic", "bilinear"}
        Antialiased.
    """

    def __init__(self, shape: tuple[int, ...], size: tuple[int, int], mode: str, device: torch.device) -> None:
        self._size = size
        self._mode = mode
        self._rows = torch.empty(*shape[:2], size[1], dtype=torch.float32, device=device)

    def put(self, start: int, rows: Tensor) -> None:
        """Take the rows (C, n, W) from ``start`` on."""
        self._rows[:, start : start + rows.shape[1]] = _resampled(rows, (rows.shape[1], self._size[1]), self._mode)

    def result(self) -> Tensor:
        """The smaller picture (C, h, w), when all rows are there."""
        planes = self._rows.split(1)
        return torch.cat(map_on_threads(lambda plane: _resampled(plane, self._size, self._mode), planes))


def shrunk(raster: Raster, size: tuple[int, int], mode: str) -> Tensor:
    """A raster at a smaller size, antialiased: the bits are those of ``interpolate``."""
    shrinking = Shrinking(raster.shape, size, mode, raster.device)
    on_strips(lambda start, stop: shrinking.put(start, raster.rows(start, stop)), raster.shape)
    return shrinking.result()


def resized(raster: Raster, size: tuple[int, int]) -> Tensor:
    """A raster at a size (height, width), antialiased where it shrinks, as :func:`resize` does it."""
    return raster.whole() if raster.size == size else shrunk(raster, size, "bicubic").clamp_(0.0, 1.0)


def halved(picture: Raster) -> RowStore:
    """A picture at half its size."""
    size = -(-picture.size[0] // 2), -(-picture.size[1] // 2)
    store = RowStore((picture.shape[0], *size), picture.device)
    for i, plane in enumerate(picture.planes()):  # all at once would take three times the memory
        store.put_planes(slice(i, i + 1), 0, 0, shrunk(plane, size, "bicubic"))
    return store


def side_by_side(images: Sequence[Tensor], sizes: Sequence[tuple[int, int]]) -> RowStore:
    """Images (C, H, W), each resized as :func:`resize` does it, with an empty column between them."""
    first, width = images[0], sum(width + 1 for _, width in sizes) - 1
    store = RowStore((len(first), max(height for height, _ in sizes), width), first.device)
    if len(images) > 1:
        store.put(0, first.new_zeros(1, 1, 1).expand(store.shape))
    left = 0
    for image, size in zip(images, sizes, strict=True):
        if tuple(image.shape[1:]) == size:
            store.put_planes(slice(None), 0, left, image)
        else:
            columns = _resampled(image, (image.shape[1], size[1]), "bicubic")
            for i, plane in enumerate(columns.split(1)):  # all at once would take three times the memory
                store.put_planes(slice(i, i + 1), 0, left, _resampled(plane, size, "bicubic").clamp_(0.0, 1.0))
        left += size[1] + 1
    return store


def enlarged(field: Tensor, size: tuple[int, int], start: int, stop: int) -> Tensor:
    """Rows from ``start`` to ``stop`` of values (C, h, w), packed or not, bilinearly at a larger size."""
    n_rows = field.shape[1]
    at = ((torch.arange(start, stop, dtype=torch.float64) + 0.5) * (n_rows / size[0]) - 0.5).clamp_(0, n_rows - 1)
    above = at.long()
    share = (at - above).to(field.device, torch.float32)[:, None]
    above = above.to(field.device)
    below = (above + 1).clamp_max_(n_rows - 1)
    rows = torch.lerp(unpacked(field[:, above]), unpacked(field[:, below]), share)
    return functional.interpolate(rows, size=size[1], mode="linear", align_corners=False)


def _resampled(picture: Tensor, size: tuple[int, int], mode: str) -> Tensor:
    return functional.interpolate(picture[None], size=size, mode=mode, antialias=True, align_corners=False)[0]
