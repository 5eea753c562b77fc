"""Frames of a sequence: checked, all at once or one by one, and their pictures in the frames' own form."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .._images import Image, ImageLayout, as_images

__all__ = ["frames_as_they_come", "frames_of"]


def frames_of(frames: Any) -> tuple[list[Image], ImageLayout]:
    """Frames in memory as images (H, W, C) of one size, and how to give pictures their layout.

    Raises
    ------
    ValueError
        If a frame differs in size from the first.
    """
    images, layout = as_images(frames, name="frames")
    for i, image in enumerate(images):
        _check_frame(image, i, images[0].shape)
    return images, layout


def frames_as_they_come(frames: Iterable[Any], redraw: Callable[[Iterable[Image]], Iterator[Image]]) -> Iterator[Any]:
    """The pictures of frames that are read one at a time, each only when the next picture is asked for."""
    layouts = []

    def images() -> Iterator[Image]:
        shape = None
        for i, frame in enumerate(frames):
            [image], layout = as_images([frame], name=f"frame {i}")
            shape = image.shape if shape is None else shape
            _check_frame(image, i, shape)
            layouts.append(layout)
            yield image

    for picture in redraw(images()):
        yield layouts.pop().restore([picture])[0]


def _check_frame(image: Image, i: int, first: tuple[int, ...]) -> None:
    if image.shape != first:
        raise ValueError(
            f"Frame {i} has the shape {image.shape}, frame 0 {first}; give frames of one size and kind, "
            "or use transform for images that are not a sequence."
        )
