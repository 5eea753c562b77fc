"""Coders of patches that learn from files, which are read a few at a time."""

import threading

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator

from skisp import ImageReader, PatchTransformer, StylePropagator
from skisp.io import ImageFiles, write_image
from skisp.persistence import load_model, save_model
from skisp.propagation import _patch_sampling

from ._coders import KeepingRows


@pytest.fixture
def paths(tmp_path, rng):
    """Images of several sizes; of the larger the pyramid has two levels."""
    paths = [tmp_path / f"{i}.png" for i in range(7)]
    for i, path in enumerate(paths):
        write_image(path, rng.integers(0, 256, (50 + 7 * i, 70, 3), dtype=np.uint8))
    return paths


def patches_of(X, n_patches=100, coder=None):
    coder = KeepingRows(3) if coder is None else coder
    return PatchTransformer(coder, patch_size=5, max_patches=n_patches, random_state=0).fit(X)


@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("n_patches", [3, 10, 100])
def test_files_give_the_patches_of_the_images_with_any_number_of_threads(paths, n_patches, n_threads, set_threads):
    expected = patches_of(ImageReader().transform(paths), n_patches)
    set_threads(n_threads)
    fitted = [patches_of(X, n_patches) for X in (paths, [str(path) for path in paths], ImageFiles(paths))]
    for one in fitted:
        assert one.transformer_.rows.shape == (n_patches, 75)
        np.testing.assert_array_equal(one.transformer_.rows, expected.transformer_.rows)
        assert (one.images_, one.n_channels_, one.n_features_in_) == ([], 3, 75)


def test_every_image_has_its_share_and_every_level_too(tmp_path):
    """More images than half of the patches, each of a grey of its own that says which it is."""
    paths = [tmp_path / f"{i}.png" for i in range(30)]
    for i, path in enumerate(paths):
        image = np.full((96, 96), 8 * i, np.uint8)
        image[::2] += 1  # only the finest level keeps that as it is
        write_image(path, image)
    rows = patches_of(paths, 40).transformer_.rows * 255
    seen = np.bincount((rows.mean(axis=1) / 8).astype(int), minlength=30)
    assert seen.sum() == 40
    assert set(seen) == {1, 2}
    is_finest = np.ptp(rows, axis=1) > 0.999
    assert is_finest.sum() == 20  # there are two levels, of 68 and 96 pixels


def test_of_more_files_than_patches_some_are_not_read(paths):
    fitted = patches_of([*paths[:3], "missing.png", *paths[4:]], 5)
    assert len(fitted.transformer_.rows) == 5


def test_few_images_are_held_at_once(paths, monkeypatch, set_threads):
    """No more than there are threads, however many files there are."""
    lock, held, most = threading.Lock(), [0], [0]
    item, sample = ImageFiles.__getitem__, _patch_sampling.sample_patches

    def count(change):
        with lock:
            held[0] += change
            most[0] = max(most[0], held[0])

    monkeypatch.setattr(ImageFiles, "__getitem__", lambda *arguments: (item(*arguments), count(1))[0])
    monkeypatch.setattr(_patch_sampling, "sample_patches", lambda *arguments: (sample(*arguments), count(-1))[0])
    set_threads(2)
    patches_of(10 * paths)
    assert held[0] == 1  # the first, by which the others are judged, is read once more
    assert most[0] <= 3


def test_a_coder_of_files_codes_images_and_serves_other_pictures_as_a_style(paths, tmp_path, rng):
    fitted = patches_of(paths, coder=PCA(3))
    image = rng.random((20, 24, 3), dtype=np.float32)
    field = fitted.transform([image])[0]
    assert field.shape == (16, 20, 3)
    save_model(tmp_path / "coder.skisp", fitted)
    np.testing.assert_array_equal(load_model(tmp_path / "coder.skisp").transform([image])[0], field)
    with pytest.raises(ValueError, match=r"fitted on files and keeps no images.*\(FrozenEstimator.*patch_size=5"):
        StylePropagator(style=fitted).fit([image])
    style = PatchTransformer(FrozenEstimator(fitted.transformer_), patch_size=5).fit([image[:15]])
    assert StylePropagator(style=style, random_state=0).fit_transform([image])[0].shape == image.shape


def test_a_file_that_cannot_be_coded_is_named(paths, tmp_path):
    write_image(tmp_path / "grey.png", np.zeros((60, 60), np.uint8))
    with pytest.raises(ValueError, match=r"file 2, .*grey.png is grey, and the first one in colour; convert them"):
        patches_of([*paths[:2], tmp_path / "grey.png"])
    write_image(tmp_path / "small.png", np.zeros((4, 9, 3), np.uint8))
    with pytest.raises(ValueError, match=r"file 1, .*small.png is 4 x 9 pixels, smaller than a patch of 5"):
        patches_of([paths[0], tmp_path / "small.png"])
    (tmp_path / "damaged.png").write_bytes(paths[0].read_bytes()[:200])
    with pytest.raises(ValueError, match=r"file 1: cannot read .*damaged.png: it is damaged or cut short"):
        patches_of([paths[0], tmp_path / "damaged.png"])
    with pytest.raises(TypeError, match="image 1 of X is a path"):
        patches_of([np.zeros((9, 9, 3)), paths[0]])
