"""One call: the same kind out as in."""

import numpy as np
import PIL.Image
import pytest
from sklearn.decomposition import PCA

from skisp import PatchTransformer, StylePropagator, propagate_style
from skisp.io import write_image
from skisp.io._color import srgb_profile


@pytest.fixture(autouse=True)
def _small_default_style(monkeypatch):
    """A coder that fits in no time in place of the default one."""
    monkeypatch.setattr(PatchTransformer, "_unfitted_transformer", lambda self: PCA(4))


@pytest.fixture
def small(photograph):
    return photograph[:16, :20].copy()


def test_it_is_the_propagator_fitted_on_the_photograph(small, painting):
    picture = propagate_style(small, painting, random_state=0)
    expected = StylePropagator(style_images=painting, random_state=0).fit_transform([small])[0]
    np.testing.assert_array_equal(picture, expected)
    np.testing.assert_array_equal(propagate_style(small, painting, random_state=0), picture)


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "LA"])
def test_a_pillow_image_gives_a_pillow_image(small, painting, mode):
    content = PIL.Image.fromarray(small).convert(mode)
    picture = propagate_style(content, PIL.Image.fromarray(np.uint8(painting * 255)), random_state=0)
    assert isinstance(picture, PIL.Image.Image)
    assert (picture.mode, picture.size) == (mode, content.size)


@pytest.mark.parametrize(("dtype", "scale", "mode"), [(np.uint16, 257, "I;16"), (np.float32, np.float32(1 / 255), "F")])
def test_grey_of_more_bits_keeps_them(small, painting, dtype, scale, mode):
    grey = small[..., 0].astype(dtype) * dtype(scale)
    picture = propagate_style(PIL.Image.fromarray(grey), painting, strength=0, random_state=0)
    assert picture.mode == mode
    np.testing.assert_array_equal(np.asarray(picture), grey)


def test_colours_of_16_bits_come_back_with_8(tmp_path, small, painting):
    write_image(tmp_path / "deep.png", small.astype(np.uint16) * 257)
    picture = propagate_style(tmp_path / "deep.png", painting, strength=0, random_state=0)
    np.testing.assert_array_equal(np.asarray(picture), small)


def test_what_a_file_says_of_its_picture_is_kept(tmp_path, small, painting):
    exif = PIL.Image.Exif()
    exif[0x0110], exif[0x0112] = "a camera", 6  # to be turned by 90 degrees
    profile = srgb_profile()
    content = tmp_path / "content.jpg"
    PIL.Image.fromarray(small).save(content, exif=exif, dpi=(300, 300), icc_profile=profile)
    for photograph in (content, PIL.Image.open(content)):
        picture = propagate_style(photograph, painting, random_state=0)
        assert picture.size == (small.shape[0], small.shape[1])
        picture.save(tmp_path / "picture.jpg", **picture.info)
        with PIL.Image.open(tmp_path / "picture.jpg") as saved:
            assert dict(saved.getexif()) == {0x0110: "a camera", 0x0112: 1}
            assert saved.info["dpi"] == (300, 300)
            assert saved.info["icc_profile"] == profile


def test_a_path_gives_a_pillow_image(tmp_path, small, painting):
    content, style = tmp_path / "content.png", tmp_path / "style.png"
    PIL.Image.fromarray(small).save(content)
    PIL.Image.fromarray(np.uint8(painting * 255)).save(style)
    by_path = propagate_style(content, style, random_state=0)
    by_name = propagate_style(str(content), str(style), random_state=0)
    by_array = propagate_style(small, np.uint8(painting * 255), random_state=0)
    assert isinstance(by_path, PIL.Image.Image)
    np.testing.assert_array_equal(np.asarray(by_path), by_array)
    np.testing.assert_array_equal(np.asarray(by_name), by_array)


@pytest.mark.parametrize(
    ("size", "shape"), [(15, (12, 15, 3)), (20, (16, 20, 3)), (99, (16, 20, 3)), (None, (16, 20, 3))]
)
def test_size_is_the_longest_side_and_never_enlarges(small, painting, size, shape):
    assert propagate_style(small, painting, size=size, random_state=0).shape == shape


def test_several_styles_and_other_parameters_reach_the_propagator(small, painting, other_painting):
    styles = [painting, other_painting]
    picture = propagate_style(small, styles, content_weight=0.0, detail=0.5, random_state=0)
    propagator = StylePropagator(style_images=styles, content_weight=0.0, detail=0.5, random_state=0)
    np.testing.assert_array_equal(picture, propagator.fit_transform([small])[0])
    with pytest.raises(ValueError, match="The 'patches' parameter"):
        propagate_style(small, painting, patches="none")
    with pytest.raises(TypeError, match="nonsense"):
        propagate_style(small, painting, nonsense=1)


def test_bad_images_are_refused_by_name(small, painting):
    with pytest.raises(FileNotFoundError, match=r"cannot read nowhere\.jpg: there is no such file"):
        propagate_style("nowhere.jpg", painting)
    with pytest.raises(FileNotFoundError, match=r"cannot read nowhere\.jpg: there is no such file"):
        propagate_style(small, "nowhere.jpg")
    with pytest.raises(ValueError, match="Divide by 255"):
        propagate_style(small.astype(float), painting)
    with pytest.raises(ValueError, match="size"):
        propagate_style(small, painting, size=0)
