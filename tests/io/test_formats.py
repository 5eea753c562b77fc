"""Every format and mode, in and out: size, mode, depth, profile, EXIF and alpha."""

import struct
import zlib

import numpy as np
import PIL.features
import PIL.Image
import PIL.ImageCms
import pytest

from skisp.io import ImageMetadata, read_image, write_image
from skisp.io._frames import read_frames

from ._files import HEIGHT, WIDTH, chunk, exif, levels, needs, p3_profile, picture, png, srgb_encoded, srgb_profile

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
    ("gif", "L", 0, "u1", {}, True),
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
    grey = 255 * srgb_encoded(((lightness + 16) / 116) ** 3)
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
    def test_tiff_is_written_in_strips(self, tmp_path, monkeypatch, dtype, channels):
        array = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (25, 7, channels), dtype, endpoint=True)
        array = array[..., 0] if channels == 1 else array
        for n_bytes, rows in ((1, 1), (4 * array[0].nbytes, 4), (2**22, 25)):
            monkeypatch.setattr("skisp.io._encoders._STRIP_BYTES", n_bytes)
            write_image(tmp_path / "a.tif", array)
            with PIL.Image.open(tmp_path / "a.tif") as image:
                assert image.tag_v2[278] == rows
                assert len(image.tag_v2[273]) == len(image.tag_v2[279]) == -(-25 // rows)
            np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), array)
            tifffile = pytest.importorskip("tifffile")
            np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), array)

    @pytest.mark.parametrize(("byteorder", "bigtiff"), [("<", False), (">", False), ("<", True)])
    @pytest.mark.parametrize("compression", [None, "zlib"])
    @pytest.mark.parametrize(("dtype", "white"), [(np.uint8, 255), (np.uint16, 65535), (np.float32, 1)])
    def test_tiff_of_grey_in_which_white_is_zero(self, tmp_path, dtype, white, bigtiff, compression, byteorder):
        tifffile = pytest.importorskip("tifffile")
        pages = levels(np.uint8, (2, HEIGHT, WIDTH)) / 255 if white == 1 else levels(dtype, (2, HEIGHT, WIDTH))
        pages, options = pages.astype(dtype), {"compression": compression, "metadata": None}
        with tifffile.TiffWriter(tmp_path / "a.tif", byteorder=byteorder, bigtiff=bigtiff) as file:
            for page, photometric in zip(pages, ("minisblack", "miniswhite"), strict=True):
                file.write(page, photometric=photometric, **options)
        np.testing.assert_array_equal(list(read_frames(tmp_path / "a.tif")), [pages[0], white - pages[1]])
        options |= {"photometric": "miniswhite", "byteorder": byteorder, "bigtiff": bigtiff}
        tifffile.imwrite(tmp_path / "a.tif", pages[0], **options)
        np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), white - pages[0])

    @pytest.mark.parametrize("byteorder", ["<", ">"])
    @pytest.mark.parametrize("compression", [None, "zlib"])
    def test_tiff_whose_colours_are_multiplied_by_alpha(self, tmp_path, byteorder, compression):
        tifffile = pytest.importorskip("tifffile")
        array = levels(np.uint16, (HEIGHT, WIDTH, 4))
        array[..., 3] |= 0x8000
        array[0, 0, 3] = 0
        stored = array.copy()
        stored[..., :3] = np.rint(array[..., :3] / 65535.0 * array[..., 3:])
        stored[0, 1], array[0, 1] = (50_000, 0, 7, 40_000), (65535, 0, 11, 40_000)  # more than alpha allows
        stored[0, 2], array[0, 2] = (1, 0, 1, 1), (65535, 0, 65535, 1)  # the least that alpha can be
        stored[0, 3], array[0, 3] = (2, 0, 1, 2), (65535, 0, 32768, 2)
        options = {"photometric": "rgb", "extrasamples": ["assocalpha"], "compression": compression}
        tifffile.imwrite(tmp_path / "a.tif", stored, byteorder=byteorder, **options)
        read = read_image(tmp_path / "a.tif")
        assert read.dtype == np.uint16
        np.testing.assert_array_equal(read[..., 3], array[..., 3])
        difference = np.abs(read.astype(int) - array)[array[..., 3] > 0]
        assert difference.max() <= 1  # what dividing by alpha of 15 bits or more rounds

    @pytest.mark.parametrize(("photometric", "expected"), [(1, [65535, 32775]), (0, [0, 32760])])
    def test_tiff_of_twelve_bits_is_as_bright(self, tmp_path, photometric, expected):
        """Two levels are packed into three bytes (TIFF, section 3); half of the range is 0x800 of 0xfff."""
        tags = {256: (3, 1, 2), 257: (3, 1, 1), 258: (3, 1, 12), 259: (3, 1, 1)}
        tags |= {262: (3, 1, photometric), 273: (4, 1, 8)}
        tags |= {277: (3, 1, 1), 278: (3, 1, 1), 279: (4, 1, 3)}
        entries = b"".join(struct.pack("<HHII", tag, *value) for tag, value in tags.items())
        directory = struct.pack("<H", len(tags)) + entries + bytes(4)
        (tmp_path / "a.tif").write_bytes(b"II*\0" + struct.pack("<I", 12) + b"\xff\xf8\0\0" + directory)
        assert read_image(tmp_path / "a.tif").tolist() == [expected]

    @pytest.mark.parametrize("byteorder", ["<", ">"])
    @pytest.mark.parametrize("compression", [None, "zlib"])
    def test_tiff_of_signed_levels(self, tmp_path, byteorder, compression):
        tifffile = pytest.importorskip("tifffile")
        array = np.arange(-3, 9, dtype=np.int16).reshape(3, 4)
        tifffile.imwrite(tmp_path / "a.tif", array, byteorder=byteorder, compression=compression)
        with pytest.raises(ValueError, match=r"levels are below 0; save it with levels from 0 on, of 8 or 16 bits"):
            read_image(tmp_path / "a.tif")
        tifffile.imwrite(tmp_path / "a.tif", array.clip(0), byteorder=byteorder, compression=compression)
        np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), array.clip(0))

    @pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
    def test_png_of_grey_with_a_transparent_level(self, tmp_path, bits):
        """Levels of all depths, from the highest bit of each byte on (PNG, section 7.2)."""
        high = 2**bits - 1
        row = np.arange(16) % (high + 1)
        packed = np.array([(int(level) >> (bits - 1 - i)) & 1 for level in row for i in range(bits)], np.uint8)
        data = zlib.compress(b"\0" + np.packbits(packed).tobytes())
        header = struct.pack(">IIBBBBB", 16, 1, bits, 0, 0, 0, 0)
        parts = ((b"IHDR", header), (b"tRNS", struct.pack(">H", 1)), (b"IDAT", data), (b"IEND", b""))
        (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts))
        read = read_image(tmp_path / "a.png")
        top = 65535 if bits == 16 else 255
        np.testing.assert_array_equal(read[0, :, 0], row * top // high)
        np.testing.assert_array_equal(read[0, :, 1], np.where(row == 1, 0, top))

    def test_png_of_colour_with_a_transparent_colour_and_a_profile_that_is_a_table(self, tmp_path):
        """Pillow converts the colours, with 8 bits; the transparent one is still found among 16."""
        array = levels(np.uint16, (HEIGHT, WIDTH, 3))
        array[2, 3] = (500, 600, 700)
        profile = bytearray(p3_profile())
        profile[128 + 4 : 128 + 8] = b"A2B0"
        notes = chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(profile))) + chunk(
            b"tRNS", array[2, 3].astype(">u2").tobytes()
        )
        (tmp_path / "a.png").write_bytes(png(array, before=notes))
        read = read_image(tmp_path / "a.png")
        assert np.argwhere(read[..., 3] == 0).tolist() == [[2, 3]]

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
