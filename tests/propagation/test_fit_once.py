"""An estimator is fitted once and found again, by whoever asks, with the bits that fitting gives."""

import errno
import logging
import threading
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator

import skisp.propagation._fit_once as module
from skisp import CVAETransformer, PatchTransformer
from skisp.propagation._fit_once import fit_once


def tiny_patches(transformer=None, **parameters):
    cvae = CVAETransformer(3, hidden_layer_sizes=(8,), max_iter=1)
    return PatchTransformer(transformer or cvae, **{"patch_size": 5, "max_patches": 300} | parameters)


def state(estimator):
    """The hash of everything a fitted estimator holds."""
    return joblib.hash(estimator)


@pytest.mark.parametrize("transformer", [CVAETransformer(3, hidden_layer_sizes=(8,), max_iter=1), PCA(3)])
def test_what_is_found_has_the_bits_that_fitting_gives(memory, transformer, painting, other_painting):
    estimator = tiny_patches(transformer=transformer)
    images = [painting, other_painting]
    expected = state(fit_once(None, estimator, images, 7))
    assert [state(fit_once(memory, estimator, images, 7)) for _ in range(2)] == [expected] * 2
    assert state(fit_once(None, estimator, images, 8)) != expected


def test_the_given_transformer_stays_unfitted(memory, painting):
    estimator = tiny_patches()
    for _ in range(2):
        fitted = fit_once(memory, estimator, [painting], 5)
        assert fitted is not estimator
        assert fitted.random_state == fitted.transformer_.random_state == 5
    assert estimator.random_state is None
    assert not hasattr(estimator, "transformer_")


@pytest.mark.parametrize("location", [str, Path, lambda folder: joblib.Memory(str(folder), verbose=0)])
def test_a_memory_is_a_name_a_path_or_one_of_joblibs(memory, location, cvae_fits, painting):
    for _ in range(2):
        fit_once(location(memory), tiny_patches(), [painting], 0)
    assert len(cvae_fits) == 1
    assert memory.is_dir()


@pytest.mark.parametrize(
    "change",
    [
        lambda estimator: estimator.set_params(patch_size=6),
        lambda estimator: estimator.set_params(max_patches=299),
        lambda estimator: estimator.set_params(random_state=1),
        lambda estimator: estimator.set_params(transformer__max_iter=2),
        lambda estimator: estimator.set_params(transformer__random_state=1),
        lambda estimator: estimator.set_params(transformer=PCA(3)),
    ],
)
def test_another_parameter_is_another_estimator(memory, cvae_fits, painting, change):
    other = change(tiny_patches())
    expected = state(fit_once(None, other, [painting], 0))
    fit_once(memory, tiny_patches(), [painting], 0)
    assert state(fit_once(memory, other, [painting], 0)) == expected


def test_another_seed_image_or_version_is_another_estimator(memory, cvae_fits, painting, other_painting, monkeypatch):
    fit_once(memory, tiny_patches(), [painting], 0)
    fit_once(memory, tiny_patches(), [painting], 1)
    fit_once(memory, tiny_patches(), [other_painting], 0)
    fit_once(memory, tiny_patches(), [painting, other_painting], 0)
    touched = painting.copy()
    touched[3, 4, 1] = 1 - touched[3, 4, 1]
    fit_once(memory, tiny_patches(), [touched], 0)
    monkeypatch.setattr(module, "__version__", "another")
    fit_once(memory, tiny_patches(), [painting], 0)
    assert len(cvae_fits) == 6


def test_a_fitted_estimator_inside_counts_with_all_it_has_learnt(memory, painting, other_painting):
    coders = [
        FrozenEstimator(PatchTransformer(PCA(3), patch_size=5, random_state=0).fit([image]).transformer_)
        for image in (painting, other_painting)
    ]
    found = [fit_once(memory, tiny_patches(transformer=coder), [painting], 0) for coder in coders]
    for estimator, coder in zip(found, coders, strict=True):
        np.testing.assert_array_equal(estimator.transformer_.components_, coder.components_)


def test_images_are_known_by_what_they_hold_not_by_where_they_lie(memory, cvae_fits, painting, tmp_path):
    np.save(tmp_path / "painting.npy", painting)
    lying = [
        painting,
        painting.copy(),
        np.load(tmp_path / "painting.npy", mmap_mode="r"),
        np.repeat(painting, 2, axis=1)[:, ::2],
        np.stack([painting, painting])[1:][0],
    ]
    for image in lying:
        fit_once(memory, tiny_patches(), [image], 0)
    assert len(cvae_fits) == 1


def test_rows_are_known_by_what_they_hold_too(memory, cvae_fits, tmp_path, rng):
    rows = rng.normal(size=(30, 6)).astype(np.float32)
    np.save(tmp_path / "rows.npy", rows)
    cvae = CVAETransformer(2, hidden_layer_sizes=(4,), max_iter=1)
    for X in (rows, np.load(tmp_path / "rows.npy", mmap_mode="r"), np.repeat(rows, 2, axis=0)[::2]):
        fit_once(memory, cvae, X, 0)
    assert len(cvae_fits) == 1


def test_images_are_not_stored_again(memory, rng):
    image = rng.random((200, 200, 3), dtype=np.float32)
    fitted = fit_once(memory, tiny_patches(), [image], 0)
    found = fit_once(memory, tiny_patches(), [image], 0)
    for estimator in (fitted, found):
        np.testing.assert_array_equal(estimator.images_[0], image)
    stored = sum(file.stat().st_size for file in memory.rglob("*") if file.is_file())
    assert stored < image.nbytes / 4


def test_a_memory_that_maps_files_gives_arrays_that_can_be_written(memory, painting):
    mapping = joblib.Memory(str(memory), mmap_mode="r", verbose=0)
    for _ in range(2):
        fitted = fit_once(mapping, tiny_patches(transformer=PCA(3)), [painting], 0)
        for array in (fitted.transformer_.components_, fitted.transformer_.mean_, fitted.images_[0]):
            assert type(array) is np.ndarray
            assert array.flags.writeable
    assert mapping.mmap_mode == mapping.store_backend.mmap_mode == "r"


@pytest.mark.parametrize("damage", [b"", b"not a pickle", None])
def test_a_damaged_entry_is_fitted_again(memory, cvae_fits, painting, damage, caplog):
    expected = state(fit_once(memory, tiny_patches(), [painting], 0))
    [file] = memory.rglob("output.pkl")
    file.write_bytes(file.read_bytes()[:-100] if damage is None else damage)
    with caplog.at_level(logging.ERROR):
        assert [state(fit_once(memory, tiny_patches(), [painting], 0)) for _ in range(2)] == [expected] * 2
    assert len(cvae_fits) == 2  # the damaged entry has been replaced


def test_a_fit_that_fails_keeps_nothing_and_locks_nobody_out(memory, cvae_fits, painting):
    for _ in range(2):
        with pytest.raises(ValueError, match="smaller than a patch"):
            fit_once(memory, tiny_patches(), [painting[:3]], 0)
    assert not list(memory.rglob("output.pkl"))


def test_threads_that_ask_at_once_fit_once(memory, painting, monkeypatch):
    pytest.importorskip("fcntl")
    waiting, found, fits = threading.Semaphore(0), [], []
    flock, fit = module.fcntl.flock, PCA.fit

    def announced_flock(*args):
        waiting.release()
        flock(*args)

    def fit_when_all_wait(self, X, y=None):
        fits.append(len(X))
        for _ in range(4):
            assert waiting.acquire(timeout=60)
        return fit(self, X)

    def ask():
        found.append(state(fit_once(memory, tiny_patches(PCA(3)), [painting], 0)))

    monkeypatch.setattr(module.fcntl, "flock", announced_flock)
    monkeypatch.setattr(PCA, "fit", fit_when_all_wait)
    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(fits) == 1
    assert len(found) == 4
    assert len(set(found)) == 1


@pytest.mark.parametrize("platform", ["without fcntl", "with a file system that has no locks"])
def test_without_locks_estimators_are_kept_all_the_same(memory, cvae_fits, painting, monkeypatch, platform):
    def no_locks(*args):
        raise OSError(errno.ENOLCK, "No locks available")

    if platform == "without fcntl":
        monkeypatch.setattr(module, "fcntl", None)
    else:
        monkeypatch.setattr(pytest.importorskip("fcntl"), "flock", no_locks)
    for _ in range(2):
        fit_once(memory, tiny_patches(), [painting], 0)
    assert len(cvae_fits) == 1
