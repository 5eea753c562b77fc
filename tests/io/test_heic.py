"""Photographs of phones, which Pillow does not read."""

import sys

import numpy as np
import PIL.Image
import pytest

from skisp.io import read_image
from skisp.io._frames import pictures_in


@pytest.fixture
def photograph(tmp_path):
    """Red at the left, taken with the camera on its side."""
    pillow_heif = pytest.importorskip("pillow_heif")
    array = np.zeros((40, 64, 3), np.uint8)
    array[:, :32, 0] = 255
    tags = PIL.Image.Exif()
    tags[0x010F], tags[0x0112] = "Cam", 6
    file = pillow_heif.from_pillow(PIL.Image.fromarray(array))
    file.save(tmp_path / "a.heic", quality=90, exif=tags.tobytes())
    return tmp_path / "a.heic"


def test_it_is_read_upright_with_its_notes(photograph):
    image, metadata = read_image(photograph, return_metadata=True)
    assert image.shape == (64, 40, 3)
    np.testing.assert_allclose(image[[10, 50], 20], [[254, 0, 0], [0, 0, 0]], atol=8)
    assert b"Cam" in metadata.exif
    assert read_image(photograph, size=16).shape == (16, 10, 3)
    assert pictures_in(photograph.parent) == [photograph]
    assert "HEIF" not in PIL.Image.OPEN  # Pillow is left as it was


def test_a_damaged_one_is_refused_in_one_line(photograph):
    photograph.write_bytes(photograph.read_bytes()[:300])
    with pytest.raises(ValueError, match=r"cannot read \S*a\.heic: it is damaged or cut short") as error:
        read_image(photograph)
    assert "\n" not in str(error.value)


def test_without_the_extra_it_is_said_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    with pytest.raises(ValueError, match=r"it is HEIC, as phones save photographs; to read it run pip install pillow-"):
        read_image(tmp_path / "a.heic")
