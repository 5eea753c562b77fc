"""Image files as a sequence of arrays, of which none is read before it is asked for."""

import os
from collections.abc import Sequence
from functools import cached_property
from typing import Any, overload

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .._batches import as_sequence
from .._images import Image, to_unit
from .._names import shown
from .._threads import map_on_threads, one_thread
from ._reader import read_item
from ._resize import check_size

__all__ = ["ImageFiles", "are_paths"]


class ImageFiles(Sequence[Image]):
    """Image files as a sequence of arrays, each read when it is asked for: more of them than memory holds.

    :class:`~skisp.PatchTransformer` and :class:`~skisp.CVAETransformer` fit on it as on the images themselves, with
    the same result, and hold few at a time. Files are read on as many threads as torch may use.

    Parameters
    ----------
    paths : list of str or path-like, or a column of them
        At least one.
    size : int or None, default=None
        Longest side in pixels to which larger images are shrunk, as by :class:`~skisp.ImageReader`.
    max_kept_bytes : int, default=268435456
        Slices keep the images they have read, the first so many of all that fit into this memory as they lie in
        their files, a byte a value for most: a training that goes through all of them again and again does not
        decode those again. 0 keeps none.

    Attributes
    ----------
    paths : list of str or path-like
    size : int or None
    max_kept_bytes : int
    shape : tuple of int
        (n, H, W) or (n, H, W, C), of the first file.
    dtype : numpy.dtype
        float32.

    See Also
    --------
    skisp.ImageReader : Reads all at once, as a step of a pipeline.

    Notes
    -----
    ``files[i]`` is what :func:`read_image` returns, as float32 in [0, 1]. ``files[start:stop]`` is an array
    (n, H, W) or (n, H, W, C), for which the files must all have the shape of the first. A file that changes
    while others are read is read as it is then, unless it is kept.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from skisp.io import ImageFiles, write_image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     paths = [f"{folder}/{i}.png" for i in range(3)]
    ...     for path in paths:
    ...         write_image(path, np.full((6, 9, 3), 255, np.uint8))
    ...     files = ImageFiles(paths)
    ...     files.shape, files[1:].shape, float(files[0].max())
    ((3, 6, 9, 3), (2, 6, 9, 3), 1.0)
    """

    dtype = np.dtype(np.float32)

    def __init__(self, paths: Any, size: int | None = None, max_kept_bytes: int = 2**28) -> None:
        check_size(size)
        self.paths = list(as_sequence(paths, "paths"))
        self.size = size
        self.max_kept_bytes = max_kept_bytes
        if not are_paths(self.paths):
            raise TypeError("paths must be a list of at least one path; images in memory need no ImageFiles.")

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_kept"}

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Shape (n, H, W) or (n, H, W, C) of all of them, if they have that of the first, which is read for it."""
        return len(self), *self._kept.shape

    def __len__(self) -> int:
        return len(self.paths)

    @overload  # type: ignore[override]
    def __getitem__(self, key: int) -> Image: ...

    @overload
    def __getitem__(self, key: slice) -> Image: ...

    def __getitem__(self, key: Any) -> Image:
        if isinstance(key, slice):
            return self._stacked(range(len(self))[key])
        levels, name = self._read(range(len(self))[key])
        return to_unit(levels, name)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return self[:].astype(self.dtype if dtype is None else dtype, copy=False)

    def name(self, i: int) -> str:
        """What messages call a file.

        Parameters
        ----------
        i : int
            Its place.

        Returns
        -------
        name : str
            Its place and its path.
        """
        return f"file {i}, {shown(os.fsdecode(self.paths[i]))}"

    @cached_property
    def _kept(self) -> "_Kept":
        return _Kept(self._read(0)[0], self.max_kept_bytes, len(self))

    def _read(self, i: int) -> tuple[NDArray[Any], str]:
        """What a file holds, and what messages call it."""
        name = f"file {i}"
        return read_item(self.paths[i], self.size, name), name

    def _stacked(self, indices: range) -> Image:
        kept = self._kept
        if kept.has_all(indices):
            return to_unit(kept.levels[slice(indices.start, indices.stop, indices.step)], "files")
        images = np.empty((len(indices), *kept.shape), dtype=np.float32)

        def read(place: int) -> None:
            i = indices[place]
            levels, name = (kept.levels[i], "") if kept.has(i) else self._read(i)
            if levels.shape != kept.shape:
                raise ValueError(
                    f"{self.name(i)}: it has the shape {levels.shape}, and the first file {kept.shape}; whole "
                    "images are coded as rows, which needs all of one shape. Crop or resize them to one, or code them "
                    "patch by patch with PatchTransformer."
                )
            images[place] = to_unit(levels, name)
            kept.keep(i, levels)

        with one_thread():
            map_on_threads(read, range(len(indices)))
        return images


class _Kept:
    """The first images of many, as they lie in their files, in one array: small ones would scatter over the memory.

    Parameters
    ----------
    first : ndarray
        Images of another shape or type are not kept.
    max_bytes : int
    n_images : int
    """

    def __init__(self, first: NDArray[Any], max_bytes: int, n_images: int) -> None:
        self.shape = first.shape
        n_kept = min(n_images, max_bytes // max(first.nbytes, 1))
        self.levels = np.empty((n_kept, *first.shape), dtype=first.dtype)
        self._is_there = np.zeros(n_kept, dtype=bool)

    def has(self, i: int) -> bool:
        return i < len(self.levels) and bool(self._is_there[i])

    def has_all(self, indices: range) -> bool:
        """Whether all of these are there, which go up."""
        return len(indices) > 0 and indices.step > 0 and indices[-1] < len(self.levels) and self._all_there(indices)

    def _all_there(self, indices: range) -> bool:
        return bool(self._is_there[indices.start : indices.stop : indices.step].all())

    def keep(self, i: int, levels: NDArray[Any]) -> None:
        if i < len(self.levels) and levels.dtype == self.levels.dtype:
            self.levels[i] = levels
            self._is_there[i] = True


def are_paths(X: Any) -> bool:
    """Whether this is a list of paths, and of nothing else."""
    return isinstance(X, (list, tuple)) and len(X) > 0 and all(isinstance(item, (str, os.PathLike)) for item in X)
