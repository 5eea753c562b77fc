"""Films for Python: an iterator of frames in, an iterator of pictures out."""

import os
from collections.abc import Iterable, Iterator
from typing import Any

from numpy.typing import NDArray

from ._frames import read_frames, write_animation, write_frames
from ._video import Video, is_video, write_video

__all__ = ["read_film", "write_film"]


def read_film(path: str | os.PathLike[str], *, size: int | None = None) -> Iterator[NDArray[Any]]:
    """Read the frames of a film, each only when it is asked for.

    Parameters
    ----------
    path : str or path-like
        A film such as MP4, MOV, MKV, WebM or AVI (which needs PyAV, the extra ``video``); an animated GIF, PNG or
        WebP file; or a folder of images, in the order of the numbers in their names.
    size : int or None, default=None
        Longest side in pixels to shrink to; smaller frames are not changed.

    Returns
    -------
    frames : iterator of ndarray (H, W) or (H, W, C)
        Upright, of one size and kind; of a film RGB of 8 bits. For
        :meth:`skisp.StylePropagator.propagate_sequence`, which gives an iterator of pictures.

    Raises
    ------
    ValueError, OSError
        If the film cannot be read, or PyAV is missing. It is looked through first.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from skisp.io import read_film, write_film
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_film(f"{folder}/film.gif", np.random.default_rng(0).random((3, 8, 12, 3)))
    ...     shapes = [frame.shape for frame in read_film(f"{folder}/film.gif")]
    >>> len(shapes), shapes[0]
    (3, (8, 12, 3))
    """
    return iter(read_frames(path, size=size))


def write_film(
    path: str | os.PathLike[str],
    pictures: Iterable[NDArray[Any]],
    *,
    like: str | os.PathLike[str] | None = None,
    frame_rate: float = 25.0,
    overwrite: bool = True,
) -> None:
    """Write pictures as a film, whole or not at all.

    Parameters
    ----------
    path : str or path-like
        .mp4, .m4v, .mov, .mkv or .webm (which need PyAV, the extra ``video``), or an animation, .gif, .png or .webp.
    pictures : iterable of ndarray (H, W) or (H, W, C)
        Of one size. For a film they are taken one at a time, so it need not fit into memory.
    like : str or path-like, default=None
        A film, an animation or a folder of which the pictures were made. Each is shown as long as its frame;
        the sound is copied, and the kind of colours kept.
    frame_rate : float, default=25.0
        Pictures a second where ``like`` is None.
    overwrite : bool
        Whether an existing file is replaced.

    Raises
    ------
    ValueError, OSError
        If the film cannot be written; the message says why, and what to do.

    Notes
    -----
    Films are coded as H.264, WebM as VP9, in 8 bits and with colours at half the size, as all players show them; where
    a side is odd, its last row or column is repeated. In animations Pillow joins frames that are the same.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from skisp.io import read_film, write_film
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_film(f"{folder}/film.png", np.random.default_rng(0).random((3, 8, 12)), frame_rate=10)
    ...     len(list(read_film(f"{folder}/film.png")))
    3
    """
    if like is not None:
        write_frames(path, pictures, read_frames(like), overwrite=overwrite)
    elif is_video(path):
        write_video(path, pictures, Video.of_rate(frame_rate), overwrite=overwrite)
    else:
        pictures = list(pictures)
        write_animation(path, pictures, [round(1000 / frame_rate)] * len(pictures), overwrite=overwrite)
