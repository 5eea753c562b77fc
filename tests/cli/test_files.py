"""What the command keeps of a photograph's file, and what it says of files and names that are unusual."""

import os
import struct
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest

import skisp
import skisp.cli._commands
import skisp.cli._propagate  # before something is put in the place of what they import
from skisp.cli import main
from skisp.io import read_image, write_image

# Names in scripts, with blanks, line ends and a dash, and one whose bytes are no text.
NAMES = ["صورة.png", "照片.png", "🎉.png", "two words.png", "a\nb.png", "-dash.png", os.fsdecode(b"\xff\xfe.png")]
POSIX = pytest.mark.skipif(os.name != "posix", reason="files as POSIX has them")


class Inverter:
    """Stands in for StylePropagator."""

    def __init__(self, **parameters):
        pass

    def fit(self, X):
        return self

    def transform(self, X):
        colours = [(..., slice(None, 3))] if X[0].ndim == 3 else [...]
        result = X[0].copy()
        for colour in colours:
            result[colour] = np.iinfo(result.dtype).max - result[colour]
        return [result]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder, made current, with a style."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(skisp, "StylePropagator", Inverter)
    monkeypatch.setattr("skisp.cli._styles.learn", lambda *_, **__: "a style")
    write_image("style.png", np.full((16, 24, 3), 128, np.uint8))
    return tmp_path


def run(capfdbinary, *contents, output="out"):
    """Run; what is printed comes as bytes, and by whatever means."""
    status = main(["propagate", "--style", "style.png", "-o", output, "--quiet", "--", *contents])
    out, err = capfdbinary.readouterr()
    return status, out, err.decode(sys.stderr.encoding, "surrogateescape")


def levels(dtype, channels):
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max + 1, (20, 30, channels), dtype)


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_depth_and_alpha_are_kept(folder, capfdbinary, suffix, dtype):
    image = levels(dtype, 4)
    write_image(f"a.{suffix}", image)
    assert run(capfdbinary, f"a.{suffix}") == (0, f"out/a.{suffix}\n".encode(), "")
    result = read_image(f"out/a.{suffix}")
    assert result.dtype == dtype
    np.testing.assert_array_equal(result[..., :3], np.iinfo(dtype).max - image[..., :3])
    np.testing.assert_array_equal(result[..., 3], image[..., 3])


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_notes_are_kept_and_the_camera_is_upright(folder, capfdbinary, suffix):
    tags = PIL.Image.Exif()
    tags[0x0112], tags[0x010F] = 6, "Cam"
    profile = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()
    picture = PIL.Image.fromarray(levels(np.uint8, 3))
    picture.save(
        f"a.{suffix}", exif=tags.tobytes(), icc_profile=profile, **({} if suffix == "webp" else {"dpi": (300, 300)})
    )
    assert run(capfdbinary, f"a.{suffix}")[0] == 0
    with PIL.Image.open(f"out/a.{suffix}") as result:
        assert result.size == (20, 30)
        assert result.getexif()[0x010F] == "Cam"
        assert result.getexif().get(0x0112, 1) == 1
        assert result.info["icc_profile"] == profile
        if suffix != "webp":
            np.testing.assert_allclose([float(side) for side in result.info["dpi"]], 300, rtol=2e-3)


@pytest.mark.parametrize(("name", "result"), [("a.gif", "a.png"), ("a.png", "a.png"), ("a.tif", "a.tif")])
def test_of_frames_the_first_is_redrawn_and_it_is_said(folder, capfdbinary, name, result):
    frames = [PIL.Image.new("RGB", (30, 20), colour) for colour in ("red", "lime", "blue")]
    frames[0].save(name, save_all=True, append_images=frames[1:])
    status, out, err = run(capfdbinary, name)
    assert (status, out) == (0, f"out/{result}\n".encode())
    assert err == f"skisp: note: {name} has 3 frames; the first is redrawn\n"
    assert (read_image(f"out/{result}") == [0, 255, 255]).all()


@POSIX
def test_a_batch_of_bad_files_and_good(folder, capfdbinary):
    """Each failure is one line, the others are done, and a last line lists what failed."""
    image = levels(np.uint8, 3)
    for name in NAMES:
        write_image(name, image)
    whole = Path("照片.png").read_bytes()
    header = struct.pack(">II", 60_000, 60_000)
    bad = {
        "empty.png": b"",
        "cut.png": whole[:200],
        "text.jpg": b"no image\n" * 99,
        "bomb.png": whole[:16] + header + whole[24:],
        "新\nbad.jpg": b"no image",
        os.fsdecode(b"bad\xfe.jpg"): b"no image",
    }
    for name, data in bad.items():
        with open(name, "wb") as file:
            file.write(data)
    with PIL.Image.new("RGB", (30, 20)) as picture:
        picture.save("strip.tif", compression="tiff_lzw")
    damaged = bytearray(Path("strip.tif").read_bytes())
    damaged[8:40] = bytes(32)  # of which the decoder, in C, complains on its own
    with open("strip.tif", "wb") as file:
        file.write(damaged)
    os.mkdir("folder.png")
    os.mkfifo("pipe.png")
    failing = [*bad, "strip.tif", "folder.png", "pipe.png", "gone.png"]
    contents = [name for pair in zip(failing, [*NAMES, *NAMES], strict=False) for name in pair][: 2 * len(NAMES)]
    contents += [name for name in failing if name not in contents]
    before = {name: Path(name).read_bytes() for name in [*NAMES, *bad, "strip.tif"]}
    status, out, err = run(capfdbinary, *contents)
    assert status == 1
    assert out == b"".join(b"out/" + os.fsencode(name) + b"\n" for name in NAMES)
    assert sorted(os.listdir("out")) == sorted([*NAMES, ".skisp-settings.jsonl"])
    lines = err.splitlines()
    assert len(lines) == len(failing) + 1
    shown = [name.replace("\n", "\\n").replace("\udcfe", "\\udcfe") for name in contents if name in failing]
    for name in shown:
        [line] = [line for line in lines if line.startswith(f"skisp: error: cannot read the photograph {name}: ")]
        assert "; " in line
    start = "skisp: 10 of 17 pictures failed: "
    assert sorted(lines[-1].removeprefix(start).split(", ")) == sorted(shown)
    assert {name: Path(name).read_bytes() for name in before} == before
