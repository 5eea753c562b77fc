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

    Attributes
    ----------
    paths : list of str or path-like
    size : int or None
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
    while others are read is read as it is then.

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

    def __init__(self, paths: Any, size: int | None = None) -> None:
        check_size(size)
        self.paths = list(as_sequence(paths, "paths"))
        self.size = size
        if not are_paths(self.paths):
            raise TypeError("paths must be a list of at least one path; images in memory need no ImageFiles.")

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Shape (n, H, W) or (n, H, W, C) of all of them, if they have that of the first, which is read for it."""
        return len(self), *self[0].shape

    def __len__(self) -> int:
        return len(self.paths)

    @overload  # type: ignore[override]
    def __getitem__(self, key: int) -> Image: ...

    @overload
    def __getitem__(self, key: slice) -> Image: ...

    def __getitem__(self, key: Any) -> Image:
        if isinstance(key, slice):
            return self._stacked(range(len(self))[key])
        name = f"file {range(len(self))[key]}"
        return to_unit(read_item(self.paths[key], self.size, name), name)

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

    def _stacked(self, indices: range) -> Image:
        shape = self.shape[1:]
        images = np.empty((len(indices), *shape), dtype=np.float32)

        def read(place: int) -> None:
            image = self[indices[place]]
            if image.shape != shape:
                raise ValueError(
                    f"{self.name(indices[place])}: it has the shape {image.shape}, and the first file {shape}; whole "
                    "images are coded as rows, which needs all of one shape. Crop or resize them to one, or code them "
                    "patch by patch with PatchTransformer."
                )
            images[place] = image

        with one_thread():
            map_on_threads(read, range(len(indices)))
        return images


def are_paths(X: Any) -> bool:
    """Whether this is a list of paths, and of nothing else."""
    return isinstance(X, (list, tuple)) and len(X) > 0 and all(isinstance(item, (str, os.PathLike)) for item in X)
