"""The first step of a pipeline."""

import numpy as np
import PIL.Image
import pytest
import sklearn

from skisp.io import ImageReader, read_image


@pytest.fixture
def paths(tmp_path):
    rng = np.random.default_rng(0)
    paths = [tmp_path / "colour.png", tmp_path / "grey.png"]
    PIL.Image.fromarray(rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)).save(paths[0])
    PIL.Image.fromarray(rng.integers(0, 256, (40, 10), dtype=np.uint8)).save(paths[1])
    return paths


def test_mixed_items(paths):
    array = np.zeros((8, 9, 3))
    upright = PIL.Image.open(paths[0])
    images = ImageReader().transform([str(paths[1]), upright, array])
    np.testing.assert_array_equal(images[0], read_image(paths[1]))
    np.testing.assert_array_equal(images[1], read_image(paths[0]))
    assert images[2] is array


def test_size(paths):
    arrays = [np.zeros((50, 20), np.uint16), np.zeros((4, 5), np.float32)]
    images = ImageReader(size=10).transform([*paths, PIL.Image.open(paths[0]), *arrays])
    assert [image.shape for image in images] == [(7, 10, 3), (10, 2), (7, 10, 3), (10, 4), (4, 5)]
    assert [image.dtype for image in images[3:]] == [np.uint16, np.float32]


class TestErrors:
    @pytest.mark.parametrize("one", ["photo.jpg", PIL.Image.new("L", (3, 3))])
    def test_one_item_alone(self, one):
        with pytest.raises(TypeError, match=r"pass \[X\]"):
            ImageReader().transform(one)

    @pytest.mark.parametrize("empty", [[], np.array([], dtype=str)])
    def test_empty(self, empty):
        with pytest.raises(ValueError, match="X holds no images"):
            ImageReader().transform(empty)

    def test_size_is_checked_at_fit_and_transform(self, paths):
        with pytest.raises(ValueError, match="size must be"):
            ImageReader(size=0).fit(paths)
        with pytest.raises(ValueError, match="size must be"):
            ImageReader(size=1.5).transform(paths)

    def test_the_item_is_named(self, paths, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"item 1 of X: cannot read .*gone\.png: there is no such file"):
            ImageReader().transform([paths[0], tmp_path / "gone.png"])
        (tmp_path / "bad.png").write_text("bad")
        with pytest.raises(ValueError, match=r"item 0 of X: cannot read .*bad\.png"):
            ImageReader().transform([tmp_path / "bad.png"])

    @pytest.mark.parametrize("item", [None, 3.0, {"a": 1}, [], np.zeros(3), np.array(["a"])])
    def test_other_items(self, item):
        with pytest.raises((TypeError, ValueError), match=r"item 0 of X: .*expected"):
            ImageReader().transform([item])


@pytest.mark.parametrize("transform", ["pandas", "polars", "default", None])
def test_an_output_that_is_set_leaves_images_alone(transform):
    image = np.zeros((4, 6, 3), dtype=np.uint8)
    reader = ImageReader()
    assert reader.set_output(transform=transform) is reader
    assert type(reader.fit_transform([image])) is list
    with sklearn.config_context(transform_output="pandas"):
        assert type(reader.transform([image])[0]) is np.ndarray
