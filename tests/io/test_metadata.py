"""EXIF, resolution and frames: what files say of their pictures."""

import warnings

import numpy as np
import PIL.Image
import pytest

from skisp.io import ImageMetadata, read_image, write_image

from ._files import HEIGHT, WIDTH, chunk, exif, levels, needs, picture, png

ORIENTATION, ARTIST, MAKE, EXIF_IFD, GPS_IFD, IFD1 = 0x0112, 0x013B, 0x010F, 0x8769, 0x8825, 1


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
