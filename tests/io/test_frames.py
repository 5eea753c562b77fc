"""Films in and out: folders of frames, and animated files."""

import struct
import zlib

import numpy as np
import PIL.Image
import pytest

from skisp.io import write_image
from skisp.io._frames import read_frames, write_animation
from skisp.io._image_file import ImageFile
from skisp.io._kinds import of_kind

from ._files import apng, needs


@pytest.fixture
def frames():
    """Four frames of plain colours that every format keeps."""
    colors = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]
    return [np.full((20, 30, 3), color, np.uint8) for color in colors]


@pytest.mark.parametrize(("suffix", "tolerance"), [(".gif", 0), (".png", 0), (".webp", 4)])
def test_an_animation_has_its_frames_and_their_times(tmp_path, frames, suffix, tolerance):
    durations = [80, 120, 40, 200]
    write_animation(tmp_path / f"film{suffix}", frames, durations)
    with PIL.Image.open(tmp_path / f"film{suffix}") as film:
        assert film.info["loop"] == 0  # for ever
    again = read_frames(tmp_path / f"film{suffix}")
    assert again.durations == durations
    assert again.names == [f"film-{i}.png" for i in range(4)]
    for frame, expected in zip(again, frames, strict=True):
        np.testing.assert_allclose(frame.astype(int), expected, atol=tolerance)


@pytest.mark.parametrize(("suffix", "longest"), [(".gif", 655_350), (".png", 65_535_000), (".webp", 2**24 - 1)])
def test_a_frame_is_shown_for_as_long_as_the_format_holds(tmp_path, frames, suffix, longest):
    film = [frames[0]] * 3 + frames[1:2]
    with pytest.warns(UserWarning, match=f"shown for {longest / 1000:.0f} s at most.*instead of 66000 s"):
        write_animation(tmp_path / f"a{suffix}", film, [22_000_000] * 3 + [10])
    assert read_frames(tmp_path / f"a{suffix}").durations == [longest, 10]
    write_animation(tmp_path / f"a{suffix}", film, [33_333] * 3 + [65_530])
    assert read_frames(tmp_path / f"a{suffix}").durations == [100_000, 65_530]


def test_frames_are_read_again_and_shrunk(tmp_path, frames):
    write_animation(tmp_path / "film.gif", frames, [100] * 4)
    again = read_frames(tmp_path / "film.gif", size=15)
    for _ in range(2):
        assert [frame.shape for frame in again] == [(10, 15, 3)] * 4
    assert next(iter(again))[0, 0].tolist() == [255, 0, 0]


def films(shape, dtype):
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max + 1, (3, 12, 16, *shape), dtype)


@pytest.mark.parametrize("shape", [(), (3,)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_pages_of_a_tiff_file_keep_their_bits(tmp_path, shape, dtype):
    tifffile = pytest.importorskip("tifffile")
    pages = films(shape, dtype)
    photometric = "rgb" if shape else "minisblack"
    tifffile.imwrite(tmp_path / "a.tif", pages, photometric=photometric)
    again = list(read_frames(tmp_path / "a.tif"))
    assert [frame.dtype for frame in again] == [dtype] * 3
    np.testing.assert_array_equal(again, pages)


@pytest.mark.parametrize("channels", [1, 3])
def test_frames_of_an_apng_keep_their_bits(tmp_path, channels):
    pages = films((channels,), np.uint16)
    (tmp_path / "a.png").write_bytes(apng(pages))
    again = read_frames(tmp_path / "a.png")
    for frame, page in zip(again, pages, strict=True):
        np.testing.assert_array_equal(frame, page[..., 0] if channels == 1 else page)


def laid(pages, top, disposal, blend):
    """The frames of an animation by the letter of the standard (PNG, section 11.3.6.2), pixel by pixel in fractions."""
    canvas, seen = pages[0] / 65535, [pages[0]]
    if disposal:
        canvas = np.zeros_like(canvas)  # of the first frame, what was there before is nothing
    for page in pages[1:] / 65535:
        before = canvas.copy()
        for y, x in np.ndindex(page.shape[:2]):
            above, below = page[y, x], before[y, x]
            if y < top:
                continue
            canvas[y, x] = above
            if blend and page.shape[2] in (2, 4):
                total = above[-1] + (1 - above[-1]) * below[-1]
                mixed = (above[-1] * above[:-1] + (1 - above[-1]) * below[-1] * below[:-1]) / (total or 1)
                canvas[y, x] = [*mixed, total]
        seen.append(np.rint(canvas * 65535))
        if disposal:
            canvas[top:] = before[top:] if disposal == 2 else 0
    return seen


@pytest.mark.parametrize("channels", [2, 3, 4])
@pytest.mark.parametrize("disposal", [0, 1, 2])
@pytest.mark.parametrize(("top", "blend", "poster"), [(3, 0, False), (3, 1, False), (0, 1, False), (3, 0, True)])
def test_frames_of_an_apng_that_are_laid_over_others_keep_their_bits(tmp_path, channels, disposal, top, blend, poster):
    """Pillow mixes bytes; the low bytes of what is mixed are not what is mixed of low bytes."""
    pages = np.concatenate([films((channels,), np.uint16), films((channels,), np.uint16)[:, ::-1]])
    if channels != 3:
        pages[1:, 4:6, :, -1], pages[1:, 6:8, :, -1] = 0, 65535
    (tmp_path / "a.png").write_bytes(apng(pages, top=top, disposal=disposal, blend=blend, poster=poster))
    for _ in range(2):
        again = list(read_frames(tmp_path / "a.png"))
        assert [frame.dtype for frame in again] == [np.uint16] * (6 - poster)
        begin = np.zeros_like(pages[:1]) if poster else pages[:1]
        expected_frames = laid(np.concatenate([begin, pages[1:]]), top, disposal, blend)[poster:]
        for frame, expected in zip(again, expected_frames, strict=True):
            np.testing.assert_allclose(frame, expected, atol=1)  # what mixing in turn rounds
            if not (blend and channels != 3):
                np.testing.assert_array_equal(frame, expected)


def test_frames_of_an_apng_that_are_laid_over_others_are_read_in_any_order(tmp_path):
    pages = films((3,), np.uint16)
    (tmp_path / "a.png").write_bytes(apng(pages, top=3, disposal=0, blend=0))
    expected = list(read_frames(tmp_path / "a.png"))
    with ImageFile(tmp_path / "a.png") as film:
        for i in (2, 0, 1, 0, 2, 1):
            np.testing.assert_array_equal(film.read(i)[0], expected[i])


def test_the_poster_of_an_apng_is_no_frame(tmp_path):
    pages = films((3,), np.uint8)
    (tmp_path / "a.png").write_bytes(apng(pages, poster=True))
    again = read_frames(tmp_path / "a.png")
    assert again.names == ["a-0.png", "a-1.png"]
    np.testing.assert_array_equal(list(again), pages[1:])
    assert again.durations == [50, 50]


def test_the_second_view_of_a_stereo_photograph_is_no_frame(tmp_path, frames):
    views = [PIL.Image.fromarray(frame) for frame in frames[:2]]
    views[0].save(tmp_path / "a.mpo", save_all=True, append_images=views[1:])
    assert len(list(read_frames(tmp_path / "a.mpo"))) == 1


@pytest.mark.parametrize("suffix", [".gif", ".png"])
def test_a_grey_film_stays_grey_unless_a_frame_shows_a_colour(tmp_path, suffix):
    grey = [np.repeat(np.arange(16, dtype=np.uint8)[None] * 16, 12, 0) + i for i in range(3)]
    write_animation(tmp_path / f"grey{suffix}", grey, [100] * 3)
    np.testing.assert_array_equal(list(read_frames(tmp_path / f"grey{suffix}")), grey)
    (tmp_path / "folder").mkdir()
    for i, frame in enumerate([*grey, np.full((12, 16, 3), (200, 0, 0), np.uint8)]):
        write_image(tmp_path / "folder" / f"{i}.png", frame)
    again = list(read_frames(tmp_path / "folder"))
    assert [frame.shape for frame in again] == [(12, 16, 3)] * 4
    np.testing.assert_array_equal(again[1], np.repeat(grey[1][..., None], 3, axis=2))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_alpha_is_that_of_every_frame_or_of_none(tmp_path, dtype):
    high = np.iinfo(dtype).max
    write_image(tmp_path / "0.png", np.full((12, 16), high // 3, dtype))
    write_image(tmp_path / "1.png", np.full((12, 16, 4), [high, high // 5, 0, high // 2], dtype))
    first, second = read_frames(tmp_path)
    assert first[0, 0].tolist() == [high // 3] * 3 + [high]
    assert second[0, 0].tolist() == [high, high // 5, 0, high // 2]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [0, 1, 2, 3, 4])
@pytest.mark.parametrize(("suffix", "tolerance"), [(".gif", 0), (".png", 0), (".webp", 8)])
def test_every_kind_of_frame_comes_back_with_8_bits(tmp_path, suffix, tolerance, channels, dtype):
    """Plain quarters, of which a GIF keeps all colours; its alpha is all or nothing."""
    quarters = np.random.default_rng(0).integers(0, 256, (3, 2, 2, channels or 1), np.uint8)
    if channels in (2, 4):
        quarters[..., -1] = [[255, 0], [255, 255]] if suffix == ".gif" else [[255, 0], [128, 255]]
    expected = quarters.repeat(8, 1).repeat(12, 2)
    frames = {np.uint8: expected, np.uint16: expected * np.uint16(257), np.float32: expected / np.float32(255)}[dtype]
    write_animation(tmp_path / f"a{suffix}", list(frames if channels else frames[..., 0]), [100] * 3)
    for frame, pixels in zip(read_frames(tmp_path / f"a{suffix}"), expected, strict=True):
        has_alpha = channels in (2, 4)
        wanted = of_kind(pixels, grey=frame.ndim == 2 or frame.shape[2] == 2, alpha=has_alpha)
        assert frame.shape == wanted.shape
        difference = np.abs(frame.astype(int) - wanted)[4::8, 6::12]  # in the middle of the quarters
        assert difference[wanted[4::8, 6::12, -1] > 0 if has_alpha else ...].max() <= tolerance
        if has_alpha:
            np.testing.assert_array_equal(frame[..., -1], wanted[..., -1])


@pytest.mark.parametrize(("suffix", "tolerance"), [(".gif", 0), (".png", 0), (".webp", 8)])
def test_what_moves_over_nothing_leaves_no_trace(tmp_path, suffix, tolerance):
    """A GIF whose frames are laid over each other would show the dot of the last frame too."""
    frames = [np.zeros((8, 24, 4), np.uint8) for _ in range(3)]
    for i, frame in enumerate(frames):
        frame[2:6, 8 * i + 2 : 8 * i + 6] = (200, 100, 50, 255)
    write_animation(tmp_path / f"a{suffix}", frames, [100] * 3)
    for frame, expected in zip(read_frames(tmp_path / f"a{suffix}"), frames, strict=True):
        np.testing.assert_array_equal(frame[..., 3], expected[..., 3])
        visible = expected[..., 3] > 0
        assert np.abs(frame[visible].astype(int) - expected[visible]).max() <= tolerance


@pytest.mark.parametrize("suffix", [".avif", ".ppm", ".qoi", ".jp2", ".tga"])
def test_frames_are_of_every_format_that_is_read(tmp_path, frames, suffix):
    needs(suffix[1:])
    for i, frame in enumerate(frames[:2]):
        PIL.Image.fromarray(frame).save(tmp_path / f"{i}{suffix}")
    (tmp_path / "1.pdf").write_bytes(b"no picture")
    assert read_frames(tmp_path).names == [f"0{suffix}", f"1{suffix}"]


def test_a_frame_of_another_size_is_named_before_anything_is_drawn(tmp_path, frames):
    for i, frame in enumerate([frames[0], frames[1][:, 1:]]):
        write_image(tmp_path / f"{i}.png", frame)
    with pytest.raises(ValueError, match=r"frame 1\.png is 29 x 20 pixels, the first 30 x 20; give frames of one size"):
        next(iter(read_frames(tmp_path)))


def saying_that_it_is_huge(path, field, value):
    """A whole film of three frames of 24 x 16 pixels, but for a number in its header."""
    frames = [PIL.Image.fromarray(frame) for frame in films((3,), np.uint8)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    data = bytearray(path.read_bytes())
    at, layout = {"canvas of a GIF": (6, "<HH"), "frames of an APNG": (data.find(b"acTL") + 4, ">I")}[field]
    struct.pack_into(layout, data, at, *value)
    if path.suffix == ".png":
        struct.pack_into(">I", data, at + 8, zlib.crc32(data[at - 4 : at + 8]))
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("name", "field", "value", "said"),
    [
        ("a.gif", "canvas of a GIF", (9990, 9990), "9990 x 9990 pixels, more than the 33554432 allowed; shrink"),
        ("a.gif", "canvas of a GIF", (5793, 5793), "5793 x 5793 pixels, more than the 33554432 allowed"),
        ("a.gif", "canvas of a GIF", (5790, 5790), "3 frames of 5790 x 5790 pixels are more than"),
        ("a.png", "frames of an APNG", (2**31 - 1,), "2147483647 frames of 16 x 12 pixels are more than"),
        ("a.png", "frames of an APNG", (20_000,), "20000 frames of 16 x 12 pixels are more than"),
    ],
)
def test_what_a_small_file_says_of_its_frames_is_not_believed(tmp_path, name, field, value, said):
    """It is refused before anything is decoded, however little each frame would take."""
    saying_that_it_is_huge(tmp_path / name, field, value)
    with pytest.raises(ValueError, match=said) as raised:
        read_frames(tmp_path / name)
    assert str(raised.value).startswith(f"cannot read {tmp_path / name}: ")


@pytest.mark.parametrize(
    ("size", "n_frames"), [((1024, 1024), 40), ((5792, 5792), 1), ((7680, 4320), 1), ((16, 16), 5000)]
)
def test_films_of_plain_colours_are_believed(tmp_path, size, n_frames):
    levels = [PIL.Image.new("1", size, i % 2) for i in range(n_frames)]
    levels[0].save(tmp_path / "a.png", save_all=True, append_images=levels[1:], compress_level=1)
    assert len(read_frames(tmp_path / "a.png").names) == n_frames


def test_a_camera_that_is_turned_is_upright_in_every_page(tmp_path):
    pages = [PIL.Image.new("L", (30, 20), level) for level in (10, 20)]
    tags = PIL.Image.Exif()
    tags[0x0112] = 6
    pages[0].save(tmp_path / "a.webp", save_all=True, append_images=pages[1:], exif=tags.tobytes())
    assert [frame.shape[:2] for frame in read_frames(tmp_path / "a.webp")] == [(30, 20)] * 2


@pytest.mark.parametrize("suffix", ["gif", "png", "webp", "tif"])
def test_damaged_films_are_refused_in_a_line(tmp_path, frames, suffix):
    """Bytes changed anywhere: frames are read, or an error of the usual kinds names the file."""
    draw = np.random.default_rng(0)
    noise = [PIL.Image.fromarray(draw.integers(0, 256, (12, 16, 3), np.uint8)) for _ in range(3)]
    noise[0].save(tmp_path / f"whole.{suffix}", save_all=True, append_images=noise[1:])
    whole = (tmp_path / f"whole.{suffix}").read_bytes()
    path = tmp_path / f"bad.{suffix}"
    n_refused = 0
    for _ in range(150):
        damaged = bytearray(whole)
        for i in draw.integers(30, min(len(whole), draw.choice([90, 10_000])), 3):  # the canvas is not enlarged
            damaged[i] = draw.integers(256)
        path.write_bytes(damaged[: draw.choice([len(whole), len(whole) - 40])])
        try:
            list(read_frames(path))
        except ValueError as error:
            message = str(error)
            n_refused += message.startswith(f"cannot read {path}: ") or "give frames of one size" in message
    assert n_refused > 10


def test_a_folder_is_read_in_the_order_of_its_numbers(tmp_path, frames):
    for number, frame in zip((2, 10, 9, 100), frames, strict=True):
        write_image(tmp_path / f"frame{number}.png", frame)
    (tmp_path / "notes.txt").write_text("no frame")
    (tmp_path / ".hidden.png").write_text("no frame")
    again = read_frames(tmp_path)
    assert again.names == ["frame2.png", "frame9.png", "frame10.png", "frame100.png"]
    np.testing.assert_array_equal(list(again)[1], frames[2])


def test_what_is_no_film_is_refused(tmp_path, frames):
    with pytest.raises(ValueError, match="there are no images in the folder"):
        read_frames(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"gone\.gif: there is no such file"):
        read_frames(tmp_path / "gone.gif")
    (tmp_path / "text.gif").write_text("text")
    with pytest.raises(ValueError, match="it is not an image"):
        read_frames(tmp_path / "text.gif")
    with pytest.raises(ValueError, match=r"'\.jpg' is not a film or animation; use \.mp4, \.gif"):
        write_animation(tmp_path / "film.jpg", frames, [100] * 4)
