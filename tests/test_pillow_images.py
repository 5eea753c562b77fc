"""An image of Pillow is what one sees, at every door: not palette indices, inks, or a camera's side view."""

import numpy as np
import PIL.Image
import pytest
from sklearn.decomposition import PCA

from skisp import PatchTransformer, StylePropagator, metrics
from skisp._images import as_images
from skisp.io import ImageReader, read_image, write_image


def turned():
    """A photograph of a camera that was held upright: its pixels lie on their side."""
    image = picture()
    image.getexif()[0x0112] = 6
    return image


def picture(height=20, width=28, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3))
    return PIL.Image.fromarray(pixels.astype(np.uint8))


def levels(dtype):
    return PIL.Image.fromarray((np.arange(560).reshape(20, 28) * 117).astype(dtype))


def transparent_index():
    image = picture().convert("P")
    image.info["transparency"] = 3
    return image


def with_alpha(image):
    image = image.convert("RGBA")
    image.putalpha(picture(seed=1).convert("L"))
    return image


# Images, and what one sees of them, by Pillow's own conversions.
SEEN = {
    "P": (picture().convert("P"), lambda image: image.convert("RGB")),
    "P with a transparent index": (transparent_index(), lambda image: image.convert("RGBA")),
    "CMYK": (picture().convert("CMYK"), lambda image: image.convert("RGB")),
    "YCbCr": (picture().convert("YCbCr"), lambda image: image.convert("RGB")),
    "HSV": (picture().convert("HSV"), lambda image: image.convert("RGB")),
    "RGBX": (picture().convert("RGBX"), lambda image: image.convert("RGB")),
    "1": (picture().convert("1"), lambda image: image.convert("L")),
    "LA": (picture().convert("LA"), lambda image: image),
    "RGBa": (with_alpha(picture()).convert("RGBa"), lambda image: image.convert("RGBA")),
    "I;16": (levels(np.uint16), lambda image: image),
    "I": (levels(np.int32), lambda image: np.asarray(image).astype(np.uint16)),
    "turned": (turned(), lambda image: np.rot90(np.asarray(image), -1)),
}


def pair_of(name):
    """An image of Pillow, and the array of what one sees."""
    image, convert = SEEN[name]
    return image, np.asarray(convert(image))


@pytest.fixture(params=SEEN)
def any_pair(request):
    return pair_of(request.param)


@pytest.fixture(params=["P with a transparent index", "I;16", "turned"])
def pair(request):
    """Of images whose plain arrays have other channels, levels or sides than what one sees."""
    return pair_of(request.param)


@pytest.fixture(scope="module")
def coder():
    style = np.random.default_rng(2).random((20, 20, 3))
    return PatchTransformer(PCA(3), patch_size=5, max_patches=200, random_state=0).fit([style])


@pytest.fixture(scope="module")
def propagator(coder):
    return StylePropagator(style=coder, random_state=0).fit([picture()])


def assert_same(found, expected):
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert np.asarray(one).dtype == np.asarray(other).dtype
        np.testing.assert_array_equal(one, other)


def test_the_door_gives_what_one_sees(any_pair):
    image, array = any_pair
    (found, layout), (expected, _) = as_images([image]), as_images([array])
    assert_same(found, expected)
    assert_same(layout.restore(found), [array])


def test_transformers_fit_and_code_what_one_sees(pair, coder):
    image, array = pair
    unfitted = PatchTransformer(PCA(3), patch_size=5, max_patches=200, random_state=0)
    assert_same(unfitted.fit([image]).images_, unfitted.fit([array]).images_)
    assert_same(coder.transform([image]), coder.transform([array]))
    assert_same(ImageReader(size=12).transform([image]), ImageReader(size=12).transform([array]))


def test_propagators_redraw_what_one_sees(pair, coder, propagator):
    image, array = pair
    assert_same(propagator.transform([image]), propagator.transform([array]))
    assert_same(propagator.propagate_sequence([image] * 2), propagator.propagate_sequence([array] * 2))
    assert_same(list(propagator.propagate_sequence(iter([image]))), list(propagator.propagate_sequence(iter([array]))))
    assert propagator.score([image]) == propagator.score([array])
    twins = [StylePropagator(style=coder, random_state=0).fit([one]) for one in (image, array)]
    assert_same(*[twin.alignment_ for twin in twins])


def test_masks_act_where_one_sees_them(pair, propagator):
    image, array = pair
    content = np.zeros((*array.shape[:2], 3), np.uint8)
    channels = np.atleast_3d(array) / np.iinfo(array.dtype).max
    grey = channels[..., :3] @ (0.299, 0.587, 0.114) if channels.shape[2] > 2 else channels[..., 0]
    seen = grey * (channels[..., -1] if channels.shape[2] in (2, 4) else 1)
    found, expected = (propagator.transform([content], mask=[mask])[0].astype(int) for mask in (image, seen))
    assert expected.max() > 50
    assert np.abs(found - expected).max() <= 1


def test_figures_measure_what_one_sees(pair):
    image, array = pair
    other = np.random.default_rng(3).random((20, 28, 3))
    assert metrics.style_distance(other, image) == metrics.style_distance(other, array)
    assert metrics.propagation_report(image, other, image) == metrics.propagation_report(array, other, array)
    answers = [metrics.trivial_answers(one, other) for one in (image, array)]
    assert_same(*[list(answer.values()) for answer in answers])
    assert_same(*[[metrics.PropagationScorer(one, held_out=0).seen] for one in pair])


def test_what_one_sees_is_written(any_pair, tmp_path):
    image, array = any_pair
    write_image(tmp_path / "image.png", image)
    assert_same([read_image(tmp_path / "image.png")], [array])


def test_an_image_that_cannot_be_read_is_named():
    image = PIL.Image.fromarray(np.full((8, 8), 70_000, np.int32))
    with pytest.raises(ValueError, match=r"image 1 of X cannot be read: its grey levels are integers of 32 bits; save"):
        as_images([picture(), image])
