"""Colours through the profiles of files, and the profiles that are kept."""

import struct
import zlib
from io import BytesIO

import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest

from skisp.io import read_image

from ._files import (
    HEIGHT,
    P3,
    SRGB,
    WIDTH,
    chunk,
    grey_profile,
    levels,
    p3_profile,
    picture,
    png,
    srgb_encoded,
    srgb_profile,
)


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

    @pytest.mark.parametrize("gamma", [256, 461, 563])
    def test_the_power_of_a_curve_is_counted_in_256ths(self, tmp_path, gamma):
        """ICC.1:2010, 10.5: a curve of one entry is a power, in u8Fixed8Number."""
        profile = bytearray(srgb_profile())
        for name in (b"rTRC", b"gTRC", b"bTRC"):
            struct.pack_into(">II", profile, profile.index(name) + 4, len(profile), 14)
        profile += b"curv\0\0\0\0" + struct.pack(">IH", 1, gamma)
        array = levels(np.uint16, (HEIGHT, WIDTH, 3))
        (tmp_path / "a.png").write_bytes(png(array, before=chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(profile)))))
        expected = srgb_encoded((array / 65535) ** (gamma / 256)) * 65535
        assert np.abs(read_image(tmp_path / "a.png") - expected).max() < 3


def _decode(values):
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _in_srgb(values):
    """Display P3 to sRGB, by the published primaries."""
    return srgb_encoded((_decode(values) @ P3.T @ np.linalg.inv(SRGB).T).clip(0, 1))


def _description(profile):
    return PIL.ImageCms.getProfileDescription(PIL.ImageCms.ImageCmsProfile(BytesIO(profile)))
