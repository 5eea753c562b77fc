"""Films from and to files, with pictures, times, colours and sound as they were."""

import io
import sys
from fractions import Fraction
from itertools import islice

import numpy as np
import pytest

from skisp.io import read_film, read_image, write_film, write_image

from .._videos import described, drawn, make_video, packets

av = pytest.importorskip("av")


def copied(tmp_path, name="out.mp4", **options):
    """A film, and the film of its own frames."""
    frames = drawn()
    make_video(tmp_path / "film.mp4", frames, **options)
    write_film(tmp_path / name, read_film(tmp_path / "film.mp4"), like=tmp_path / "film.mp4")
    return frames, tmp_path / "film.mp4", tmp_path / name


@pytest.mark.parametrize("color_range", [1, 2])
@pytest.mark.parametrize("colorspace", [1, 5])
def test_colours_and_their_kind_are_kept(tmp_path, color_range, colorspace):
    frames, film, copy = copied(tmp_path, color_range=color_range, colorspace=colorspace)
    assert described(copy)["colours"] == described(film)["colours"] == (color_range, colorspace, 1, 1)
    for frame, there, again in zip(frames, read_film(film), read_film(copy), strict=True):
        np.testing.assert_allclose(there.astype(int), frame, atol=6)
        np.testing.assert_allclose(again.astype(int)[3:21, 44:62], frame[3:21, 44:62], atol=8)  # away from edges


def test_it_is_upright_and_pixels_that_are_not_square_stay_so(tmp_path):
    frames, film, copy = copied(tmp_path, rotation=90, aspect=Fraction(4, 3))
    there = next(read_film(film))
    assert there.shape == (64, 48, 3)
    np.testing.assert_allclose(there.astype(int), np.rot90(frames[0]), atol=6)  # counterclockwise, as libavutil says
    said = described(copy)
    assert (said["size"], said["rotation"], said["aspect"]) == ((48, 64), 0, Fraction(3, 4))


def test_each_frame_is_shown_when_it_was(tmp_path):
    starts = [0, 3, 4, 10, 11, 12, 30, 31, 40, 41]
    _, film, copy = copied(tmp_path, starts=starts, tick=Fraction(1, 30))
    assert described(copy)["times"] == described(film)["times"] == [round(start / 30, 4) for start in starts]


def test_the_rate_and_the_length_are_kept(tmp_path):
    _, film, copy = copied(tmp_path, tick=Fraction(1001, 24000))
    there, again = described(film), described(copy)
    assert again.pop("seconds") == pytest.approx(10 * 1001 / 24000, abs=5e-4)
    assert (again, there.pop("seconds") > 0) == (there, True)


@pytest.mark.parametrize(("sound", "name"), [("aac", "out.mp4"), ("aac", "out.mov"), ("libopus", "out.webm")])
def test_the_sound_is_copied_bit_for_bit(tmp_path, sound, name):
    _, film, copy = copied(tmp_path, name, sound=sound)
    assert packets(copy, "audio") == packets(film, "audio") != []
    assert len(list(read_film(copy))) == 10


def test_sound_that_does_not_fit_is_said_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match=r"\.webm does not take the sound of \S+film\.mp4, aac; use \.mkv"):
        copied(tmp_path, "out.webm", sound="aac")
    assert not (tmp_path / "out.webm").exists()


@pytest.mark.parametrize("shape", [(31, 47, 3), (32, 47), (31, 48, 1), (9, 9, 4)])
def test_odd_sides_are_made_even_by_repeating_the_last_row_or_column(tmp_path, shape):
    frames = np.random.default_rng(0).integers(0, 256, (3, 5, 5), np.uint8).repeat(10, 1).repeat(10, 2)
    frames = np.stack([frames] * 4, axis=3)[:, : shape[0], : shape[1]]
    frames[..., 3] = 255
    frames = frames[..., 0] if len(shape) == 2 else frames[..., : shape[2]]
    write_film(tmp_path / "film.mp4", iter(frames), frame_rate=10)
    first = next(read_film(tmp_path / "film.mp4"))
    assert first.shape == (shape[0] + shape[0] % 2, shape[1] + shape[1] % 2, 3)
    assert described(tmp_path / "film.mp4")["times"] == [0, 0.1, 0.2]
    np.testing.assert_allclose(
        first[: shape[0], : shape[1], 0].astype(int), frames[0].reshape(*shape[:2], -1)[..., 0], atol=40
    )


def test_frames_are_read_and_written_one_at_a_time(tmp_path):
    make_video(tmp_path / "film.mp4", drawn(40, (320, 240)))
    alive = 0

    class Picture(np.ndarray):
        def __del__(self):
            nonlocal alive
            alive -= 1

    def pictures():
        nonlocal alive
        for frame in read_film(tmp_path / "film.mp4", size=64):
            alive += 1
            assert alive <= 3
            yield frame.view(Picture)

    write_film(tmp_path / "out.mp4", pictures(), like=tmp_path / "film.mp4")
    assert described(tmp_path / "out.mp4")["size"] == (64, 48)
    assert [frame.shape for frame in islice(read_film(tmp_path / "film.mp4"), 2)] == [(240, 320, 3)] * 2


def test_animations_and_folders_become_films_and_films_animations(tmp_path):
    frames = drawn(3)
    make_video(tmp_path / "film.mp4", frames, starts=[0, 5, 15])
    write_film(tmp_path / "film.webp", read_film(tmp_path / "film.mp4"), like=tmp_path / "film.mp4")
    write_film(tmp_path / "again.mp4", read_film(tmp_path / "film.webp"), like=tmp_path / "film.webp")
    assert described(tmp_path / "again.mp4")["times"] == described(tmp_path / "film.mp4")["times"]
    (tmp_path / "frames").mkdir()
    for i, frame in enumerate(frames):
        write_image(tmp_path / f"frames/{i}.png", frame)
    write_film(tmp_path / "of_folder.mkv", read_film(tmp_path / "frames"), like=tmp_path / "frames")
    assert described(tmp_path / "of_folder.mkv")["times"] == [0, 0.1, 0.2]


def test_more_pictures_than_frames_are_refused(tmp_path):
    make_video(tmp_path / "film.mp4", drawn(2))
    with pytest.raises(ValueError, match="has 2 frames, and there are more pictures"):
        write_film(tmp_path / "out.mp4", drawn(3), like=tmp_path / "film.mp4")
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize("how", ["text", "cut", "empty", "playlist", "sound"])
def test_what_is_no_film_is_refused_in_one_line(tmp_path, how):
    make_video(tmp_path / "film.mp4", drawn(), sound="aac")
    data = (tmp_path / "film.mp4").read_bytes()
    name = tmp_path / "bad.mp4"
    if how == "sound":
        with av.open(str(name), "w") as out, av.open(str(tmp_path / "film.mp4")) as film:
            stream = out.add_stream_from_template(film.streams.audio[0])
            for packet in film.demux(audio=0):
                if packet.dts is not None:
                    packet.stream = stream
                    out.mux(packet)
    else:
        playlist = b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:film.mp4\n"
        name.write_bytes({"text": b"no film\n" * 99, "cut": data[:900], "empty": b"", "playlist": playlist}[how])
    with pytest.raises(ValueError, match=r"cannot read \S*bad\.mp4: ") as error:
        read_film(name)
    assert "\n" not in str(error.value)


def test_without_the_extra_it_is_said_what_to_install(tmp_path, monkeypatch):
    make_video(tmp_path / "film.mp4", drawn(2))
    monkeypatch.setitem(sys.modules, "av", None)
    for call in (lambda: read_film(tmp_path / "film.mp4"), lambda: write_film(tmp_path / "new.mp4", drawn(2))):
        with pytest.raises(ValueError, match="films need PyAV; run pip install av"):
            call()
    with pytest.raises(ValueError, match="it is a film, not a picture; skisp sequence redraws films"):
        read_image(tmp_path / "film.mp4")


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path, monkeypatch):
    make_video(tmp_path / "film.mp4", drawn(2))

    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(28, "No space left on device")

        def fileno(self):
            return 0

    monkeypatch.setattr("skisp._files.open", lambda *_, **__: Full(), raising=False)
    with pytest.raises(OSError, match=r"cannot write \S*out\.mp4: No space left on device; check the folder"):
        write_film(tmp_path / "out.mp4", drawn(2))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film.mp4"]
