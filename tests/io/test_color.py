"""Colours through the profiles of files, and the profiles that are kept."""

import struct
import zlib
from io import BytesIO

import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest

from skisp.io import read_image, write_image

from ._files import (
    D50,
    HEIGHT,
    P3,
    SRGB,
    WIDTH,
    chunk,
    grey_profile,
    levels,
    needs,
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


def _decode(values):
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _in_srgb(values):
    """Display P3 to sRGB, by the published primaries."""
    return srgb_encoded((_decode(values) @ P3.T @ np.linalg.inv(SRGB).T).clip(0, 1))


def _lab(values, primaries):
    """CIE L*a*b*, relative to D50."""
    ratio = _decode(values) @ primaries.T / D50
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


def _description(profile):
    return PIL.ImageCms.getProfileDescription(PIL.ImageCms.ImageCmsProfile(BytesIO(profile)))
