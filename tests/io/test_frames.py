"""Films in and out: folders of frames, and animated files."""

import os

import numpy as np
import pytest

from skisp.io import write_image
from skisp.io._frames import read_frames, write_animation


@pytest.fixture
def frames():
    """Four frames of plain colours that every format keeps."""
    colors = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]
    return [np.full((20, 30, 3), color, np.uint8) for color in colors]


@pytest.mark.parametrize(("suffix", "tolerance"), [(".gif", 0), (".png", 0), (".webp", 4)])
def test_an_animation_has_its_frames_and_their_times(tmp_path, frames, suffix, tolerance):
    durations = [80, 120, 40, 200]
    write_animation(tmp_path / f"film{suffix}", frames, durations)
    again = read_frames(tmp_path / f"film{suffix}")
    assert again.durations == durations
    assert again.names == [f"film-{i}.png" for i in range(4)]
    for frame, expected in zip(again, frames, strict=True):
        np.testing.assert_allclose(frame.astype(int), expected, atol=tolerance)


def test_frames_are_read_in_any_order_and_shrunk(tmp_path, frames):
    write_animation(tmp_path / "film.gif", frames, [100] * 4)
    again = read_frames(tmp_path / "film.gif", size=15)
    assert again.read(2).shape == (10, 15, 3)
    assert again.read(0)[0, 0].tolist() == [255, 0, 0]


def test_a_folder_is_read_in_the_order_of_its_numbers(tmp_path, frames):
    for number, frame in zip((2, 10, 9, 100), frames, strict=True):
        write_image(tmp_path / f"frame{number}.png", frame)
    (tmp_path / "notes.txt").write_text("no frame")
    (tmp_path / ".hidden.png").write_text("no frame")
    again = read_frames(tmp_path)
    assert again.names == ["frame2.png", "frame9.png", "frame10.png", "frame100.png"]
    np.testing.assert_array_equal(list(again)[1], frames[2])


def test_a_still_image_is_a_film_of_one_frame(tmp_path, frames):
    write_image(tmp_path / "one.png", frames[0])
    assert len(list(read_frames(tmp_path / "one.png"))) == 1


def test_what_is_no_film_is_refused(tmp_path, frames):
    with pytest.raises(ValueError, match="there are no images in the folder"):
        read_frames(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"gone\.gif: there is no such file"):
        read_frames(tmp_path / "gone.gif")
    (tmp_path / "text.gif").write_text("text")
    with pytest.raises(ValueError, match="it is not an image"):
        read_frames(tmp_path / "text.gif")
    with pytest.raises(ValueError, match=r"'\.jpg' is not an animated format; use one of \.gif"):
        write_animation(tmp_path / "film.jpg", frames, [100] * 4)


def test_files_are_kept_unless_they_may_be_overwritten(tmp_path, frames):
    write_animation(tmp_path / "film.gif", frames, [100] * 4)
    with pytest.raises(FileExistsError):
        write_animation(tmp_path / "film.gif", frames[:2], [100] * 2, overwrite=False)
    assert len(read_frames(tmp_path / "film.gif").names) == 4
    assert os.listdir(tmp_path) == ["film.gif"]
