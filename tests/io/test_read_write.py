"""Files to arrays and back, with the files people really have."""

import io
import os
import stat

import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest

from skisp.io import ImageMetadata, read_image, resize_longest, write_image


def save(path, array, **options):
    PIL.Image.fromarray(array).save(path, **options)
    return path


class TestRead:
    def test_big_endian_sixteen_bits(self, tmp_path):
        array = np.arange(12, dtype=np.uint16).reshape(3, 4) * 1000
        header = b"P5 4 3 65535\n"
        (tmp_path / "a.pgm").write_bytes(header + array.astype(">u2").tobytes())
        read = read_image(tmp_path / "a.pgm")
        assert read.dtype == np.dtype(np.uint16)
        np.testing.assert_array_equal(read, array)

    def test_transparent_palette_keeps_alpha(self, tmp_path):
        image = PIL.Image.new("P", (4, 3), 1)
        image.putpalette([0, 0, 0, 200, 100, 50])
        image.putpixel((0, 0), 0)
        image.save(tmp_path / "a.png", transparency=0)
        read = read_image(tmp_path / "a.png")
        assert read.shape == (3, 4, 4)
        assert read[0, 0, 3] == 0
        assert (read[1:, :, 3] == 255).all()

    @pytest.mark.parametrize("profile", [None, b"nonsense", PIL.ImageCms.ImageCmsProfile])
    def test_cmyk_becomes_rgb(self, tmp_path, profile):
        if profile is PIL.ImageCms.ImageCmsProfile:  # of another colour space: it must not be applied
            profile = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("LAB")).tobytes()
        PIL.Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "a.jpg", icc_profile=profile)
        read = read_image(tmp_path / "a.jpg")
        assert read.shape == (8, 8, 3)
        assert read[..., 0].min() > 200
        assert read[..., 1:].max() < 60

    def test_size_shrinks_and_never_enlarges(self, tmp_path, rng):
        path = save(tmp_path / "a.png", rng.integers(0, 256, (30, 45, 3), dtype=np.uint8))
        assert read_image(path, size=15).shape == (10, 15, 3)
        assert read_image(path, size=200).shape == (30, 45, 3)

    def test_size_follows_the_orientation(self, tmp_path):
        exif = PIL.Image.Exif()
        exif[0x0112] = 6
        PIL.Image.new("L", (40, 20)).save(tmp_path / "a.jpg", exif=exif)
        assert read_image(tmp_path / "a.jpg", size=10).shape == (10, 5)

    def test_the_array_can_be_written_to(self, tmp_path):
        image = read_image(save(tmp_path / "a.png", np.zeros((3, 4), np.uint8)))
        image[0, 0] = 1


class TestReadErrors:
    def check(self, kind, path, reason, cure, **options):
        with pytest.raises(kind) as caught:
            read_image(path, **options)
        message = str(caught.value)
        assert os.fspath(path) in message
        assert reason in message
        assert cure in message
        assert "\n" not in message

    def test_limit_of_pixels_can_be_set(self, tmp_path):
        save(tmp_path / "a.png", np.zeros((10, 10), np.uint8))
        self.check(ValueError, tmp_path / "a.png", "10 x 10 pixels", "a greater max_pixels", max_pixels=99)
        assert read_image(tmp_path / "a.png", max_pixels=100).shape == (10, 10)

    def test_32_bit_integers(self, tmp_path):
        save(tmp_path / "a.tif", np.full((3, 4), 70_000, np.int32))
        self.check(ValueError, tmp_path / "a.tif", "32 bits", "8 or 16 bits")

    @pytest.mark.parametrize("size", [0, -1, 2.5, "big", True])
    def test_size(self, tmp_path, size):
        with pytest.raises(ValueError, match="size must be a positive number of pixels"):
            read_image(tmp_path / "a.png", size=size)


class TestWrite:
    @pytest.mark.parametrize("suffix", [".jpg", ".bmp"])
    def test_alpha_is_laid_on_white(self, tmp_path, suffix):
        image = np.zeros((8, 8, 4), np.uint8)
        write_image(tmp_path / f"a{suffix}", image)
        read = read_image(tmp_path / f"a{suffix}")
        assert read.shape == (8, 8, 3)
        assert read.min() > 250

    def test_unknown_suffix(self, tmp_path):
        with pytest.raises(ValueError, match=r"'\.xyz' is not a known image format; use one of \.png, \.jpg"):
            write_image(tmp_path / "a.xyz", np.zeros((2, 3)))

    @pytest.mark.parametrize(
        ("image", "message"),
        [(np.full((4, 5), 255.0), "Divide by 255"), (np.full((4, 5), np.nan), "NaN"), (np.zeros(3), "expected")],
    )
    def test_not_an_image(self, tmp_path, image, message):
        with pytest.raises(ValueError, match=message):
            write_image(tmp_path / "a.png", image)
        assert list(tmp_path.iterdir()) == []

    def test_overwrite(self, tmp_path):
        write_image(tmp_path / "a.png", np.zeros((2, 3)))
        with pytest.raises(FileExistsError, match="choose another name"):
            write_image(tmp_path / "a.png", np.ones((2, 3)), overwrite=False)
        assert read_image(tmp_path / "a.png").max() == 0
        write_image(tmp_path / "a.png", np.ones((2, 3)))
        assert read_image(tmp_path / "a.png").min() == 255

    def test_missing_folder(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="create it first"):
            write_image(tmp_path / "no" / "a.png", np.zeros((2, 3)))

    def test_folder_in_the_way(self, tmp_path):
        (tmp_path / "a.png").mkdir()
        with pytest.raises(OSError, match=r"cannot write .*a\.png"):
            write_image(tmp_path / "a.png", np.zeros((2, 3)))
        assert [entry.name for entry in tmp_path.iterdir()] == ["a.png"]

    def test_nothing_is_left_half_written_by_an_interrupt(self, tmp_path, monkeypatch):
        write_image(tmp_path / "a.png", np.zeros((2, 3)))

        def fail(*args):
            raise KeyboardInterrupt

        monkeypatch.setattr("os.replace", fail)
        with pytest.raises(KeyboardInterrupt):
            write_image(tmp_path / "a.png", np.ones((2, 3)))
        assert [entry.name for entry in tmp_path.iterdir()] == ["a.png"]
        assert read_image(tmp_path / "a.png").max() == 0

    @pytest.mark.skipif(os.name != "posix", reason="permissions as POSIX has them")
    def test_permissions_are_those_of_any_new_file(self, tmp_path):
        (tmp_path / "plain").touch()
        write_image(tmp_path / "a.png", np.zeros((2, 3)))
        modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "a.png")}
        assert len(modes) == 1

    @pytest.mark.skipif(os.name != "posix", reason="links need rights elsewhere")
    def test_a_link_stays_a_link(self, tmp_path):
        write_image(tmp_path / "a.png", np.zeros((2, 3)))
        (tmp_path / "link.png").symlink_to(tmp_path / "a.png")
        write_image(tmp_path / "link.png", np.ones((2, 3)))
        assert (tmp_path / "link.png").is_symlink()
        assert read_image(tmp_path / "a.png").min() == 255


class TestResize:
    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float16, np.float32, np.float64, bool])
    @pytest.mark.parametrize("channels", [(), (1,), (2,), (3,), (4,)])
    def test_layout_dtype_and_range_stay(self, rng, dtype, channels):
        image = (rng.random((40, 30, *channels)) * (1 if np.dtype(dtype).kind in "fb" else 255)).astype(dtype)
        small = resize_longest(image, 20)
        assert small.shape == (20, 15, *channels)
        assert small.dtype == dtype
        assert image.min() <= small.min() <= small.max() <= image.max()

    def test_no_side_vanishes(self):
        assert resize_longest(np.zeros((1000, 2), np.uint8), 10).shape == (10, 1)

    def test_fine_patterns_become_grey(self):
        """Antialiased: every new pixel averages all the old ones under it."""
        image = np.indices((64, 64)).sum(axis=0) % 2 * np.uint8(255)
        assert np.abs(resize_longest(image.astype(np.uint8), 8).astype(float) - 127.5).max() < 4


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_a_file_that_is_open_is_read_and_stays_open(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    write_image(path, np.random.default_rng(0).integers(0, 65535, (5, 7, 3), np.uint16), ImageMetadata(dpi=(72, 72)))
    with open(path, "rb") as on_disk:
        for file in (on_disk, io.BytesIO(path.read_bytes())):
            file.seek(3)
            image, metadata = read_image(file, return_metadata=True)
            np.testing.assert_array_equal(image, read_image(path))
            assert metadata == read_image(path, return_metadata=True)[1]
            assert not file.closed


@pytest.mark.parametrize(("data", "reason"), [(b"", "the file is empty"), (b"no picture", "it is not an image")])
def test_errors_of_open_files_have_their_names(data, reason):
    file = io.BytesIO(data)
    with pytest.raises(ValueError, match=f"cannot read the file: {reason}"):
        read_image(file)
    file.name = "the scan"
    with pytest.raises(ValueError, match=f"cannot read the scan: {reason}"):
        read_image(file)
