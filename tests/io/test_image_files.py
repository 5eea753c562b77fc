"""Image files as a sequence that is read when it is asked for."""

import threading

import numpy as np
import pytest

from skisp.io import ImageFiles, ImageReader, read_image, write_image
from skisp.io import _image_files as module


@pytest.fixture
def paths(tmp_path, rng):
    """Five images of one shape."""
    paths = [tmp_path / f"{i}.png" for i in range(5)]
    for path in paths:
        write_image(path, rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    return paths


@pytest.fixture
def read(monkeypatch):
    """Items that are read, and the threads that do it."""
    read, read_item = [], module.read_item

    def watched(item, *arguments):
        read.append((item, threading.get_ident()))
        return read_item(item, *arguments)

    monkeypatch.setattr(module, "read_item", watched)
    return read


@pytest.mark.parametrize("size", [None, 4])
def test_an_item_is_the_image_as_floats(paths, size):
    files = ImageFiles([str(path) for path in paths], size)
    assert len(files) == 5
    for image, path in zip(files, paths, strict=True):
        assert image.dtype == np.float32
        np.testing.assert_array_equal(image, read_image(path, size=size) / np.float32(255))


def test_slices_are_stacked_in_their_order(paths):
    files = ImageFiles(paths)
    whole = np.stack(ImageReader().transform(paths)) / np.float32(255)
    assert (files.shape, files.dtype) == (whole.shape, whole.dtype)
    for key in (slice(None), slice(1, 3), slice(4, 1, -2), slice(3, 3), slice(-2, 99)):
        np.testing.assert_array_equal(files[key], whole[key])
    np.testing.assert_array_equal(np.asarray(files), whole)


def test_nothing_is_read_before_it_is_asked_for(paths, read):
    files = ImageFiles([*paths, "missing.png"])
    assert len(files) == 6
    assert not read
    files[2]
    assert [item for item, _ in read] == [paths[2]]
    with pytest.raises(FileNotFoundError, match=r"file 5: cannot read missing.png: there is no such file"):
        files[1:]


@pytest.mark.parametrize(("n_kept", "n_read_again"), [(5, 0), (3, 2), (0, 5)])
def test_slices_keep_the_first_images_that_fit_and_read_the_others_again(paths, read, n_kept, n_read_again):
    files = ImageFiles(paths, max_kept_bytes=n_kept * 6 * 8 * 3)
    first = files[:].copy()
    read.clear()
    for key in (slice(None), slice(1, 4), slice(4, 1, -1)):
        np.testing.assert_array_equal(files[key], first[key])
    assert len([item for item, _ in read if item in paths[:n_kept]]) == 0
    assert len({item for item, _ in read}) == n_read_again
    files[0]
    assert read[-1][0] == paths[0]  # a single one is what its file holds now


def test_an_image_of_another_type_is_not_kept_but_read(paths, rng):
    write_image(paths[2], rng.integers(0, 65536, (6, 8, 3), dtype=np.uint16))
    files, whole = ImageFiles(paths), ImageFiles(paths, max_kept_bytes=0)[:]
    for _ in range(2):
        np.testing.assert_array_equal(files[:], whole)


def test_slices_are_read_on_as_many_threads_as_torch_may_use(paths, read, set_threads):
    files = ImageFiles(8 * paths)
    set_threads(3)
    files[:]
    assert 1 < len({thread for _, thread in read}) <= 4  # three, and this one, which read the shape


def test_images_of_several_shapes_are_read_one_by_one(paths, tmp_path):
    write_image(tmp_path / "other.png", np.zeros((5, 5), np.uint8))
    files = ImageFiles([*paths, tmp_path / "other.png"])
    assert files[5].shape == (5, 5)
    with pytest.raises(ValueError, match=r"file 5, .*other.png: it has the shape \(5, 5\), and the first file"):
        files[3:]


@pytest.mark.parametrize("X", [["a.png", np.zeros((4, 4))], [3]])
def test_what_is_no_path_is_refused(X):
    with pytest.raises(TypeError, match="paths must be a list of at least one path"):
        ImageFiles(X)
