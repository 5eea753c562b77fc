"""Every format and mode, in and out: size, mode, depth, profile, EXIF and alpha."""

import warnings
import zlib
from io import BytesIO

import numpy as np
import PIL.features
import PIL.Image
import PIL.ImageCms
import pytest

from skisp._images import as_images
from skisp.io import ImageMetadata, read_image, write_image

from ._files import D50, P3, SRGB, chunk, exif, grey_profile, p3_profile, png, srgb_profile

HEIGHT, WIDTH = 9, 12
ORIENTATION, ARTIST, MAKE, EXIF_IFD, GPS_IFD, IFD1 = 0x0112, 0x013B, 0x010F, 0x8769, 0x8825, 1


def levels(dtype=np.uint8, shape=(HEIGHT, WIDTH, 4)):
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max + 1, shape, dtype)


def picture(mode):
    """The same picture in every mode of Pillow."""
    colour = PIL.Image.fromarray(levels())
    if mode == "I;16":
        return PIL.Image.fromarray(levels(np.uint16)[..., 0])
    if mode == "F":
        return PIL.Image.fromarray(levels()[..., 0].astype(np.float32) / 255)
    if mode == "RGBA":
        return colour
    if mode == "LA":
        return PIL.Image.merge("LA", (colour.convert("L"), colour.getchannel("A")))
    if mode == "LAB":
        return PIL.Image.merge("LAB", [PIL.Image.new("L", colour.size, value) for value in (200, 128, 128)])
    if mode == "P":
        return colour.convert("RGB").quantize(16)
    return colour.convert("RGB").convert(mode)


# Suffix, Pillow's mode of the file, channels (0: none) and dtype read, options; whether levels are kept exactly.
READ = [
    ("png", "1", 0, "u1", {}, True),
    ("png", "L", 0, "u1", {}, True),
    ("png", "LA", 2, "u1", {}, True),
    ("png", "P", 3, "u1", {}, True),
    ("png", "RGB", 3, "u1", {}, True),
    ("png", "RGBA", 4, "u1", {}, True),
    ("png", "I;16", 0, "u2", {}, True),
    ("jpg", "L", 0, "u1", {"quality": 100}, False),
    ("jpg", "RGB", 3, "u1", {"quality": 100, "subsampling": 0}, False),
    ("jpg", "CMYK", 3, "u1", {"quality": 100, "subsampling": 0}, False),
    ("tif", "1", 0, "u1", {}, True),
    ("tif", "L", 0, "u1", {}, True),
    ("tif", "LA", 2, "u1", {}, True),
    ("tif", "P", 3, "u1", {}, True),
    ("tif", "RGB", 3, "u1", {"compression": "tiff_lzw"}, True),
    ("tif", "RGBA", 4, "u1", {"compression": "tiff_deflate"}, True),
    ("tif", "CMYK", 3, "u1", {}, True),
    ("tif", "YCbCr", 3, "u1", {}, False),
    ("tif", "I;16", 0, "u2", {}, True),
    ("tif", "F", 0, "f4", {}, True),
    ("webp", "RGB", 3, "u1", {"lossless": True}, True),
    ("webp", "RGBA", 4, "u1", {"lossless": True, "exact": True}, True),
    ("gif", "L", 3, "u1", {}, True),
    ("gif", "P", 3, "u1", {}, True),
    ("bmp", "1", 0, "u1", {}, True),
    ("bmp", "L", 0, "u1", {}, True),
    ("bmp", "P", 3, "u1", {}, True),
    ("bmp", "RGB", 3, "u1", {}, True),
    ("tga", "L", 0, "u1", {}, True),
    ("tga", "LA", 2, "u1", {}, True),
    ("tga", "RGB", 3, "u1", {}, True),
    ("tga", "RGBA", 4, "u1", {}, True),
    ("pcx", "L", 0, "u1", {}, True),
    ("pcx", "RGB", 3, "u1", {}, True),
    ("pgm", "L", 0, "u1", {}, True),
    ("ppm", "RGB", 3, "u1", {}, True),
    ("sgi", "RGB", 3, "u1", {}, True),
    ("ico", "RGBA", 4, "u1", {"sizes": [(WIDTH, HEIGHT)]}, True),
    ("dds", "RGBA", 4, "u1", {}, True),
    ("jp2", "L", 0, "u1", {}, True),
    ("jp2", "RGB", 3, "u1", {}, True),
    ("jp2", "RGBA", 4, "u1", {}, True),
    ("jp2", "I;16", 0, "u2", {}, True),
    ("avif", "RGB", 3, "u1", {"quality": 100, "subsampling": "4:4:4"}, False),
    ("avif", "RGBA", 4, "u1", {"quality": 100, "subsampling": "4:4:4"}, False),
]


def needs(suffix):
    feature = {"jp2": "jpg_2000", "avif": "avif", "webp": "webp"}.get(suffix)
    if feature and not PIL.features.check(feature):
        pytest.skip(f"this Pillow has no {feature}")


@pytest.mark.parametrize(("suffix", "mode", "channels", "dtype", "options", "exact"), READ)
def test_read(tmp_path, suffix, mode, channels, dtype, options, exact):
    needs(suffix)
    image = picture(mode)
    path = tmp_path / f"a.{suffix}"
    image.save(path, **options)
    read, metadata = read_image(path, return_metadata=True)
    assert read.shape == (HEIGHT, WIDTH) + ((channels,) if channels else ())
    assert read.dtype == np.dtype(dtype)
    assert (metadata.exif, metadata.icc_profile, metadata.n_frames) == (None, None, 1)
    plain = "RGB" if channels == 3 else "L" if mode == "1" else mode
    expected = np.asarray(image if mode == plain else image.convert(plain))
    if exact:
        np.testing.assert_array_equal(read, expected)
    else:
        assert np.abs(read.astype(int) - expected.astype(int)).mean() < 5


def test_read_lab(tmp_path):
    picture("LAB").save(tmp_path / "a.tif")
    read = read_image(tmp_path / "a.tif")
    assert read.shape == (HEIGHT, WIDTH, 3)
    lightness = 100 * 200 / 255
    grey = 255 * _encode(((lightness + 16) / 116) ** 3)
    assert np.abs(read.astype(float) - grey).max() < 3


# Suffix, channels, dtype of the array; Pillow's mode and the dtype of what is read back; whether exactly.
WRITTEN = [
    (
        suffix,
        channels,
        dtype,
        mode,
        "u2" if dtype == "u2" and suffix in ("png", "tif") else "u1",
        suffix in ("png", "tif", "bmp"),
    )
    for suffix, modes in {
        "png": ("L", "LA", "RGB", "RGBA"),
        "tif": ("L", "LA", "RGB", "RGBA"),
        "bmp": ("L", "L", "RGB", "RGB"),
        "jpg": ("L", "L", "RGB", "RGB"),
        "webp": ("RGB", "RGBA", "RGB", "RGBA"),
    }.items()
    for channels, mode in zip((0, 2, 3, 4), modes, strict=True)
    for dtype in ("u1", "u2", "f4")
]
SIXTEEN = {"L": "I;16", "LA": "RGBA"}  # how Pillow opens them


@pytest.mark.parametrize(("suffix", "channels", "dtype", "mode", "dtype_read", "exact"), WRITTEN)
def test_write(tmp_path, suffix, channels, dtype, mode, dtype_read, exact):
    needs(suffix)
    shape = (HEIGHT, WIDTH) + ((channels,) if channels else ())
    array = levels(np.uint16, shape)
    array = {"u1": array // 257, "u2": array, "f4": array / 65535}[dtype].astype(dtype)
    path = tmp_path / f"a.{suffix}"
    write_image(path, array)
    with PIL.Image.open(path) as image:
        assert image.mode == (SIXTEEN.get(mode, mode) if dtype_read == "u2" else mode)
        assert image.size == (WIDTH, HEIGHT)
        assert not set(image.info) & {"exif", "icc_profile"}
    read = read_image(path)
    assert read.dtype == np.dtype(dtype_read)
    if suffix == "tif" and channels == 2 and dtype == "u2":
        array = array[..., [0, 0, 0, 1]]
    if suffix in ("jpg", "bmp") and channels in (2, 4):
        assert read.shape[2:] == ((3,) if channels == 4 else ())  # on white
    elif exact:
        scale = {"u1": 255, "u2": 65535, "f4": 1}
        expected = np.rint(array / scale[dtype] * scale[dtype_read])
        np.testing.assert_array_equal(read, expected)
    elif channels == 4:
        np.testing.assert_array_equal(
            read[..., 3], np.rint(array[..., 3] / (1 if dtype == "f4" else np.iinfo(dtype).max) * 255)
        )


class TestSixteenBits:
    @pytest.mark.parametrize("channels", [2, 3, 4])
    @pytest.mark.parametrize("filter_type", range(5))
    def test_png_of_every_filter(self, tmp_path, channels, filter_type):
        array = levels(np.uint16, (HEIGHT, WIDTH, channels))
        (tmp_path / "a.png").write_bytes(png(array, filter_type=filter_type))
        read = read_image(tmp_path / "a.png")
        assert read.dtype == np.dtype(np.uint16)
        np.testing.assert_array_equal(read, array)

    @pytest.mark.parametrize(("channels", "key"), [(1, 500), (3, (500, 600, 700))])
    def test_png_with_a_transparent_colour(self, tmp_path, channels, key):
        array = levels(np.uint16, (HEIGHT, WIDTH, channels))
        array[2, 3] = key
        value = np.array(key, ">u2").tobytes()
        (tmp_path / "a.png").write_bytes(png(array, before=chunk(b"tRNS", value)))
        read = read_image(tmp_path / "a.png")
        np.testing.assert_array_equal(read[..., :-1], array)
        assert read.dtype == np.dtype(np.uint16)
        assert (read[..., -1] == 0).sum() == 1
        assert read[2, 3, -1] == 0
        assert (read[..., -1] == 65535).sum() == HEIGHT * WIDTH - 1

    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("channels", [2, 3])
    def test_orientation(self, tmp_path, channels, orientation):
        array = levels(np.uint16, (HEIGHT, WIDTH, channels))
        tags = exif(orientation=orientation)
        (tmp_path / "a.png").write_bytes(png(array, before=chunk(b"eXIf", tags)))
        expected = [
            array, array[:, ::-1], array[::-1, ::-1], array[::-1], array.swapaxes(0, 1), np.rot90(array, -1),
            array[::-1, ::-1].swapaxes(0, 1), np.rot90(array),
        ][orientation - 1]  # fmt: skip
        np.testing.assert_array_equal(read_image(tmp_path / "a.png"), expected)

    @pytest.mark.parametrize("byteorder", ["<", ">"])
    @pytest.mark.parametrize(
        "options",
        [
            {},
            {"compression": "zlib"},
            {"compression": "zlib", "predictor": True},
            {"tile": (16, 16)},
            {"rowsperstrip": 2},
        ],
    )
    @pytest.mark.parametrize("channels", [3, 4])
    def test_tiff_of_another_program(self, tmp_path, byteorder, options, channels):
        tifffile = pytest.importorskip("tifffile")
        array = levels(np.uint16, (HEIGHT, WIDTH, channels))
        extra = {"extrasamples": ["unassalpha"]} if channels == 4 else {}
        tifffile.imwrite(tmp_path / "a.tif", array, photometric="rgb", byteorder=byteorder, **options, **extra)
        read = read_image(tmp_path / "a.tif")
        assert read.dtype == np.dtype(np.uint16)
        np.testing.assert_array_equal(read, array)

    @pytest.mark.parametrize("byteorder", ["<", ">"])
    @pytest.mark.parametrize("compression", [None, "zlib"])
    def test_tiff_in_planes(self, tmp_path, byteorder, compression):
        """Compressed, Pillow gives the high bytes only, and no more is pretended."""
        tifffile = pytest.importorskip("tifffile")
        array = levels(np.uint16, (3, HEIGHT, WIDTH))
        options = {"photometric": "rgb", "planarconfig": "separate", "byteorder": byteorder}
        tifffile.imwrite(tmp_path / "a.tif", array, compression=compression, **options)
        expected = np.moveaxis(array, 0, 2)
        expected = expected if compression is None else (expected >> 8).astype(np.uint8)
        read = read_image(tmp_path / "a.tif")
        assert read.dtype == expected.dtype
        np.testing.assert_array_equal(read, expected)

    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
    @pytest.mark.parametrize("channels", [1, 3, 4])
    def test_another_program_reads_our_tiff(self, tmp_path, channels, dtype):
        tifffile = pytest.importorskip("tifffile")
        array = levels(dtype, (HEIGHT, WIDTH, channels))
        write_image(tmp_path / "a.tif", array, ImageMetadata(exif(thumbnail=False), srgb_profile(), (300.0, 72.5)))
        with tifffile.TiffFile(tmp_path / "a.tif") as file:
            np.testing.assert_array_equal(file.asarray().reshape(array.shape), array)
            tags = file.pages[0].tags
            assert tags["XResolution"].value == (3_000_000, 10_000)
            assert tags["ExifTag"].value["ExposureTime"] == (1, 250)
            assert ("InterColorProfile" in tags) == (channels > 1)  # it is one of RGB

    def test_our_png_by_the_letter_of_the_standard(self, tmp_path):
        array = levels(np.uint16, (HEIGHT, WIDTH, 3))
        write_image(tmp_path / "a.png", array)
        data = (tmp_path / "a.png").read_bytes()
        start = data.index(b"IDAT") + 4
        rows = np.frombuffer(zlib.decompress(data[start:]), np.uint8).reshape(HEIGHT, 1 + 6 * WIDTH)
        assert (rows[:, 0] == 1).all()
        pixels = np.cumsum(rows[:, 1:].reshape(HEIGHT, WIDTH, 6), axis=1, dtype=np.uint8)
        np.testing.assert_array_equal(pixels.view(">u2"), array)

    def test_the_package_gives_back_every_level(self):
        """What the propagator works on are floats of 32 bits, made and rounded here."""
        content = np.arange(65536, dtype=np.uint16).reshape(128, 128, 4)
        images, layout = as_images([content])
        (result,) = layout.restore(images)
        assert result.dtype == np.dtype(np.uint16)
        np.testing.assert_array_equal(result, content)


class TestProfiles:
    def test_grey_keeps_its_own(self, tmp_path):
        profile = grey_profile()
        picture("L").save(tmp_path / "a.png", icc_profile=profile)
        read, metadata = read_image(tmp_path / "a.png", return_metadata=True)
        np.testing.assert_array_equal(read, np.asarray(picture("L")))
        assert metadata.icc_profile == profile

    def test_srgb_stays_as_it_is(self, tmp_path):
        profile = srgb_profile()
        picture("RGB").save(tmp_path / "a.png", icc_profile=profile)
        read, metadata = read_image(tmp_path / "a.png", return_metadata=True)
        np.testing.assert_array_equal(read, np.asarray(picture("RGB")))
        assert metadata.icc_profile == profile

    @pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
    def test_others_become_srgb(self, tmp_path, mode):
        picture(mode).save(tmp_path / "a.png", icc_profile=p3_profile())
        read, metadata = read_image(tmp_path / "a.png", return_metadata=True)
        expected = _in_srgb(np.asarray(picture(mode).convert("RGB")) / 255)
        assert np.abs(read[..., :3] / 255 - expected).max() < 1.5 / 255
        assert "sRGB" in _description(metadata.icc_profile)

    @pytest.mark.parametrize(
        ("mode", "profile"), [("RGB", grey_profile()), ("L", srgb_profile()), ("RGB", b"nonsense")]
    )
    def test_one_that_does_not_fit_is_left_out(self, tmp_path, mode, profile):
        picture(mode).save(tmp_path / "a.png", icc_profile=profile)
        read, metadata = read_image(tmp_path / "a.png", return_metadata=True)
        np.testing.assert_array_equal(read, np.asarray(picture(mode)))
        assert metadata.icc_profile is None

    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
    def test_sixteen_bits_are_converted_with_sixteen(self, tmp_path, dtype):
        array = levels(dtype, (HEIGHT, WIDTH, 3))
        compressed = chunk(b"iCCP", b"P3\0\0" + zlib.compress(p3_profile()))
        (tmp_path / "a.png").write_bytes(png(array, before=compressed))
        read = read_image(tmp_path / "a.png")
        assert read.dtype == dtype
        high = np.iinfo(dtype).max
        # The primaries are published with four digits, and the curve starts with a slope of 12.92.
        assert np.abs(read / high - _in_srgb(array / high)).max() < (1.5 / 255 if dtype == np.uint8 else 12.92e-4)

    @pytest.mark.parametrize("suffix", ["png", "tif", "jpg", "webp"])
    def test_colours_look_the_same(self, tmp_path, suffix):
        """Of a photograph in Display P3, what sRGB holds is shown as before, by any program that heeds profiles."""
        needs(suffix)
        steps = np.linspace(0, 255, 9).astype(np.uint8)
        array = (
            np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1)
            .reshape(27, 27, 3)
            .repeat(8, 0)
            .repeat(8, 1)
        )
        PIL.Image.fromarray(array).save(tmp_path / "p3.png", icc_profile=p3_profile())
        read, metadata = read_image(tmp_path / "p3.png", return_metadata=True)
        write_image(tmp_path / f"a.{suffix}", read, metadata)
        with PIL.Image.open(tmp_path / f"a.{suffix}") as image:
            assert "sRGB" in _description(image.info["icc_profile"])
            written = np.asarray(image)
        before, after = _lab(array[4::8, 4::8] / 255, P3), _lab(written[4::8, 4::8] / 255, SRGB)
        linear = _decode(array[4::8, 4::8] / 255) @ P3.T @ np.linalg.inv(SRGB).T
        inside = ((linear >= 0) & (linear <= 1)).all(axis=2)
        difference = np.linalg.norm(before - after, axis=2)[inside]
        print(f"{suffix}: colour difference {difference.mean():.2f}, at most {difference.max():.2f}")
        assert inside.sum() > 200
        lossless = suffix in ("png", "tif")
        assert difference.mean() < (0.5 if lossless else 1)  # 2.3 is what can just be seen
        assert difference.max() < (1 if lossless else 4)


class TestExif:
    @pytest.mark.parametrize("order", ["<", ">"])
    @pytest.mark.parametrize("suffix_in", ["jpg", "png", "webp", "tif"])
    @pytest.mark.parametrize("suffix_out", ["jpg", "png", "webp", "tif"])
    def test_is_kept_upright(self, tmp_path, order, suffix_in, suffix_out):
        needs("webp")
        picture("RGB").save(tmp_path / f"in.{suffix_in}", exif=b"Exif\0\0" + exif(order, thumbnail=suffix_in != "tif"))
        image, metadata = read_image(tmp_path / f"in.{suffix_in}", return_metadata=True)
        assert image.shape == (WIDTH, HEIGHT, 3)
        write_image(tmp_path / f"out.{suffix_out}", image, metadata)
        np.testing.assert_array_equal(read_image(tmp_path / f"out.{suffix_out}").shape, image.shape)
        with PIL.Image.open(tmp_path / f"out.{suffix_out}") as written:
            tags = written.getexif()
            inner, place = tags.get_ifd(EXIF_IFD), tags.get_ifd(GPS_IFD)
        assert tags.get(ORIENTATION, 1) == 1
        assert tags[MAKE] == "Cam"
        if suffix_in != "tif":  # Pillow's TIFF writer, which made the file, replaces what is not ASCII
            assert tags[ARTIST].encode("latin-1").rstrip(b"\0") == "Žofie 花".encode()
        assert inner[0x829A] == 1 / 250
        assert inner[0x927C] == b"maker note"
        assert (inner[0xA002], inner[0xA003]) == (HEIGHT, WIDTH)
        assert place[1].rstrip("\0") == "N"
        assert not tags.get_ifd(IFD1)
        assert b"tttt" not in (tmp_path / f"out.{suffix_out}").read_bytes()

    @pytest.mark.parametrize("order", ["<", ">"])
    def test_everything_else_stays_where_it_is(self, order, tmp_path):
        """Byte for byte: the maker's note may hold positions."""
        tags = exif(order)
        picture("RGB").save(tmp_path / "a.jpg", exif=b"Exif\0\0" + tags)
        kept = read_image(tmp_path / "a.jpg", return_metadata=True)[1].exif
        changed = np.flatnonzero(np.frombuffer(tags[: len(kept)], np.uint8) != np.frombuffer(kept, np.uint8))
        assert len(kept) == 500
        orientation, link = 8 + 2 + 12 + 8, 8 + 2 + 5 * 12
        assert set(changed) <= {*range(orientation, orientation + 4), *range(link, link + 4)}

    @pytest.mark.parametrize("length", [0, 4, 9, 30, 60, 300, 420])
    def test_damaged_tags_do_not_matter(self, tmp_path, length):
        tags = exif(orientation=1)[:length]
        (tmp_path / "a.png").write_bytes(png(levels(), before=chunk(b"eXIf", tags)))
        image, metadata = read_image(tmp_path / "a.png", return_metadata=True)
        np.testing.assert_array_equal(image, levels())
        write_image(tmp_path / "b.tif", image, metadata)
        np.testing.assert_array_equal(read_image(tmp_path / "b.tif"), image)

    def test_too_much_for_jpeg(self, tmp_path):
        tags = exif(thumbnail=False) + bytes(70_000)
        with pytest.warns(UserWarning, match=r"70400 bytes of EXIF are left out, since JPEG holds 65527; write a PNG"):
            write_image(tmp_path / "a.jpg", levels()[..., :3], ImageMetadata(exif=tags))
        assert read_image(tmp_path / "a.jpg", return_metadata=True)[1].exif is None
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            write_image(tmp_path / "a.jpg", levels()[..., :3], ImageMetadata(exif=tags[:65527]))
            write_image(tmp_path / "a.png", levels(), ImageMetadata(exif=tags))
        assert read_image(tmp_path / "a.jpg", return_metadata=True)[1].exif is not None


class TestResolution:
    @pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "bmp"])
    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
    def test_is_kept(self, tmp_path, suffix, dtype):
        write_image(tmp_path / f"a.{suffix}", levels(dtype), ImageMetadata(dpi=(300.0, 96.0)))
        dpi = read_image(tmp_path / f"a.{suffix}", return_metadata=True)[1].dpi
        np.testing.assert_allclose(dpi, (300, 96), rtol=2e-3)

    @pytest.mark.parametrize("dpi", [(0, 0), (float("nan"), 72), (-1, 72), (1e9, 1e9), 72, "many", ("a", "b"), None])
    def test_numbers_that_cannot_be_are_left_out(self, dpi):
        from skisp.io._metadata import read_resolution

        image = picture("L")
        image.info["dpi"] = dpi
        assert read_resolution(image) is None


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "tif"])
def test_frames_are_counted_and_the_first_is_read(tmp_path, suffix):
    needs(suffix)
    frames = [PIL.Image.new("RGB", (WIDTH, HEIGHT), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if suffix == "webp" else {}
    frames[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=frames[1:], **options)
    image, metadata = read_image(tmp_path / f"a.{suffix}", return_metadata=True)
    assert metadata.n_frames == 3
    assert (image == [255, 0, 0]).all()


def _decode(values):
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _encode(linear):
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 0) ** (1 / 2.4) - 0.055)


def _in_srgb(values):
    """Display P3 to sRGB, by the published primaries."""
    return _encode((_decode(values) @ P3.T @ np.linalg.inv(SRGB).T).clip(0, 1))


def _lab(values, primaries):
    """CIE L*a*b*, relative to D50."""
    ratio = _decode(values) @ primaries.T / D50
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


def _description(profile):
    return PIL.ImageCms.getProfileDescription(PIL.ImageCms.ImageCmsProfile(BytesIO(profile)))
