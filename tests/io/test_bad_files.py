"""Files that cannot be read or written: one line that names the file, the reason and the cure."""

import errno
import os
import zlib

import numpy as np
import pytest

from skisp._names import shown
from skisp.io import ImageReader, read_image, write_image

from ._files import chunk, png

POSIX = pytest.mark.skipif(os.name != "posix", reason="files as POSIX has them")
NAMES = [
    "صورة.png",
    "照片.png",
    "фото ё.png",
    "𝓐👩‍🎨🎉.png",
    "two words.png",
    " .png",
    "-dash.png",
    "a\nb.png",
    "a\r\tb.png",
    "quote'\".png",
    "%s{0}.png",
    "\x1b[31mred.png",
    "\u202egnp.exe.png",
    "\u2028.png",
    os.fsdecode(b"\xff\xfe.png"),
]


@pytest.fixture
def folder(tmp_path):
    """A folder with a file of every kind that cannot be read."""
    colour = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    whole = png(colour)
    (tmp_path / "empty.png").touch()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.jpg").write_text("Dear Sir or Madam,\n" * 100)
    (tmp_path / "page.png").write_text("<!doctype html><title>404</title>")
    (tmp_path / "drawing.jpg").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n")
    (tmp_path / "zeros.jpg").write_bytes(bytes(10_000))
    (tmp_path / "bomb.png").write_bytes(bomb(30_000, 30_000))
    (tmp_path / "large.png").write_bytes(bomb(12_000, 10_000))
    (tmp_path / "folder.png").mkdir()
    return tmp_path


def bomb(width, height):
    """A PNG file of a few bytes that asks for all these pixels."""
    header = width.to_bytes(4) + height.to_bytes(4) + b"\x08\x02\0\0\0"
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data


def refusal(kind, path, read=read_image):
    with pytest.raises(kind) as caught:
        read(path)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert message.replace("\u200d", "").isprintable()  # the joiner of emoji
    assert shown(path) in message
    assert message.count("; ") >= 1  # the cure
    return message


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("empty.png", ValueError, "is empty (0 bytes)"),
        ("cut.png", ValueError, "is damaged or cut short"),
        ("text.jpg", ValueError, "is not an image"),
        ("page.png", ValueError, "is not an image"),
        ("drawing.jpg", ValueError, "is not an image"),
        ("zeros.jpg", ValueError, "is not an image"),
        ("bomb.png", ValueError, "has 30000 x 30000 pixels, more than the 100000000 allowed"),
        ("large.png", ValueError, "has 12000 x 10000 pixels, more than the 100000000 allowed"),
        ("folder.png", IsADirectoryError, "is a folder"),
        ("gone.png", FileNotFoundError, "no such file"),
        ("cut.png/a.png", OSError, "Not a directory"),
    ],
)
def test_every_kind(folder, name, kind, reason):
    assert reason in refusal(kind, folder / name)


@POSIX
class TestOtherFiles:
    def test_a_pipe_is_not_waited_for(self, tmp_path):
        os.mkfifo(tmp_path / "pipe.png")
        assert "is a pipe or a device" in refusal(ValueError, tmp_path / "pipe.png")

    def test_a_device(self):
        assert "is a pipe or a device" in refusal(ValueError, "/dev/zero")

    def test_links(self, tmp_path):
        (tmp_path / "circle.png").symlink_to("circle.png")
        (tmp_path / "gone.png").symlink_to("nowhere")
        refusal(OSError, tmp_path / "circle.png")
        assert "no such file" in refusal(FileNotFoundError, tmp_path / "gone.png")

    def test_names_that_cannot_be(self, tmp_path):
        refusal(OSError, tmp_path / ("a" * 300 + ".png"))
        refusal(ValueError, str(tmp_path / "a\0b.png"))

    def test_no_permission(self, tmp_path):
        write_image(tmp_path / "a.png", np.zeros((3, 4)))
        (tmp_path / "a.png").chmod(0)
        user = os.geteuid()
        if user == 0:  # root may read everything
            os.seteuid(65534)
        try:
            message = refusal(PermissionError, tmp_path / "a.png")
        finally:
            os.seteuid(user)
        assert "permission denied; make the file readable" in message


@POSIX
@pytest.mark.parametrize("name", NAMES)
def test_names_in_any_script(tmp_path, name):
    path = tmp_path / name
    image = np.arange(12, dtype=np.uint8).reshape(3, 4)
    write_image(path, image)
    np.testing.assert_array_equal(read_image(path), image)
    np.testing.assert_array_equal(ImageReader().transform([os.fspath(path)])[0], image)
    assert os.listdir(tmp_path) == [name]
    path.write_text("no image")
    refusal(ValueError, path)
    path.unlink()
    refusal(FileNotFoundError, path)
    path.touch()
    refusal(FileExistsError, path, lambda path: write_image(path, image, overwrite=False))


def test_an_icon_is_not_decoded_before_its_pixels_are_counted(tmp_path):
    """The directory of an icon says 16 x 16; the PNG inside has many more, and could not be decoded."""
    inside = bomb(5000, 4000)
    entry = bytes([16, 16, 0, 0, 1, 0, 32, 0]) + len(inside).to_bytes(4, "little") + (22).to_bytes(4, "little")
    (tmp_path / "a.ico").write_bytes(b"\0\0\1\0\1\0" + entry + inside)
    with pytest.raises(ValueError, match=r"cannot read .*a\.ico: it has 5000 x 4000 pixels, more than the 1000000"):
        read_image(tmp_path / "a.ico", max_pixels=1e6)


def test_an_icon_of_another_kind_may_be_larger_than_it_says(tmp_path):
    """Of the type ic07, which is 128 x 128 (Apple), with a PNG of 150 x 150."""
    inside = png(np.zeros((150, 150, 4), np.uint8))
    entry = b"ic07" + (8 + len(inside)).to_bytes(4) + inside
    (tmp_path / "a.icns").write_bytes(b"icns" + (8 + len(entry)).to_bytes(4) + entry)
    with pytest.raises(ValueError, match=r"it has 150 x 150 pixels, more than the 20000 allowed"):
        read_image(tmp_path / "a.icns", max_pixels=20_000)


def test_too_little_memory(tmp_path, monkeypatch):
    write_image(tmp_path / "a.png", np.zeros((3, 4)))

    def fail(*_):
        raise MemoryError

    monkeypatch.setattr("skisp.io._pillow.turned_upright", fail)
    assert "too little memory" in refusal(MemoryError, tmp_path / "a.png")


class TestFullDisk:
    IMAGE = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)

    @pytest.mark.parametrize("call", ["os.fsync", "os.replace"])
    @pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
    def test_whenever_it_is_found(self, tmp_path, monkeypatch, call, code):
        write_image(tmp_path / "a.png", self.IMAGE)
        before = (tmp_path / "a.png").read_bytes()

        def fail(*_):
            raise OSError(code, os.strerror(code))

        monkeypatch.setattr(call, fail)
        with pytest.raises(OSError, match=rf"^cannot write .*a\.png: {os.strerror(code)}; check the folder, .*disk\.$"):
            write_image(tmp_path / "a.png", self.IMAGE[::-1])
        assert os.listdir(tmp_path) == ["a.png"]
        assert (tmp_path / "a.png").read_bytes() == before
