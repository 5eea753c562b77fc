"""Random shifts and flips: what they may do to an image, and that training alone sees them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from skisp.cvae._augmentation import augment, flip, shift
from skisp.cvae._objectives import Objective

from ._shared import small_cvae

IMAGES = (load_digits().images[:60] / 16).astype(np.float32)
ROWS = IMAGES.reshape(60, 64)
NAMES = [(), ("shift",), ("flip",), ("shift", "flip")]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def distinct(*shape):
    """Images (n, H, W, C) of which no two values are the same."""
    return torch.arange(float(np.prod(shape))).reshape(shape)


def moved(image, down, right):
    """One image (H, W, C) read ``down`` and ``right`` of each pixel, its edges repeated."""
    padded = np.pad(np.asarray(image), [(abs(down),) * 2, (abs(right),) * 2, (0, 0)], mode="edge")
    height, width = image.shape[:2]
    return padded[abs(down) + down :, abs(right) + right :][:height, :width]


def offsets_of(image, shifted, largest):
    """Every (down, right) up to ``largest`` pixels that makes ``shifted`` of ``image``."""
    around = [range(-side, side + 1) for side in largest]
    return [(i, j) for i in around[0] for j in around[1] if np.array_equal(moved(image, i, j), shifted)]


def eight_per_cent(side):
    """Pixels that a side may move by: 8 %, but at least one."""
    return max(1, 8 * side // 100)


# Shifts


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 4), st.integers(0, 100))
@settings(deadline=None, max_examples=40)
def test_each_image_moves_by_whole_pixels_up_to_8_per_cent_of_a_side_and_its_edges_are_repeated(H, W, C, seed):
    images = distinct(3, H, W, C)
    shifted = shift(images, generator(seed))
    assert shifted.shape == images.shape
    for image, result in zip(images, shifted, strict=True):
        assert offsets_of(image, result.numpy(), (eight_per_cent(H), eight_per_cent(W)))


@pytest.mark.parametrize(
    ("shape", "largest"), [((8, 30), (1, 2)), ((28, 12), (2, 1)), ((2, 2), (1, 1)), ((50, 2), (4, 1))]
)
def test_all_offsets_occur_about_equally_often(shape, largest):
    n_images = 400 * (2 * largest[0] + 1) * (2 * largest[1] + 1)
    image = distinct(1, *shape, 1)
    shifted = shift(image.expand(n_images, -1, -1, -1), generator()).numpy()
    patterns, counts = np.unique(shifted.reshape(n_images, -1), axis=0, return_counts=True)
    offsets = [offsets_of(image[0], pattern.reshape(*shape, 1), largest) for pattern in patterns]
    assert all(len(found) == 1 for found in offsets)
    assert {found[0] for found in offsets} == {
        (i, j) for i in range(-largest[0], largest[0] + 1) for j in range(-largest[1], largest[1] + 1)
    }
    assert (abs(counts - 400) < 5 * np.sqrt(400)).all()


# Flips


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 4), st.integers(0, 100))
@settings(deadline=None, max_examples=25)
def test_a_flip_gives_the_image_or_its_mirror_image_and_twice_the_same_flip_the_image(H, W, C, seed):
    images = distinct(5, H, W, C)
    flipped = flip(images, generator(seed))
    for image, result in zip(images.numpy(), flipped.numpy(), strict=True):
        assert np.array_equal(result, image) or np.array_equal(result, image[:, ::-1])
    torch.testing.assert_close(flip(flipped, generator(seed)), images, rtol=0, atol=0)


def test_about_half_of_the_images_are_mirrored():
    images = distinct(1, 3, 4, 2).expand(2000, -1, -1, -1)
    mirrored = (flip(images, generator()) != images).flatten(1).any(dim=1)
    assert abs(int(mirrored.sum()) - 1000) < 5 * np.sqrt(500)  # five standard deviations
    changes = (mirrored[1:] != mirrored[:-1]).sum()
    assert abs(int(changes) - 1000) < 5 * np.sqrt(500)  # one image's flip says nothing of the next one's


# Both, on rows


@pytest.mark.parametrize("names", NAMES[1:])
def test_each_image_has_a_draw_of_its_own(names):
    rows = distinct(1, 108).expand(300, -1)
    n_shifts, n_flips = 9 if "shift" in names else 1, 2 if "flip" in names else 1
    assert len(torch.unique(augment(rows, (9, 6, 2), names, generator()), dim=0)) == n_shifts * n_flips


@pytest.mark.parametrize("names", NAMES)
def test_torchs_global_generator_is_not_touched_and_neither_are_the_rows(names):
    before, rows = torch.get_rng_state(), distinct(10, 108)
    augment(rows, (9, 6, 2), names, generator())
    assert torch.equal(torch.get_rng_state(), before)
    torch.testing.assert_close(rows, distinct(10, 108), rtol=0, atol=0)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 4), st.sampled_from(NAMES), st.integers(1, 5))
@settings(deadline=None, max_examples=25)
def test_rows_keep_their_shape_and_hold_the_image_in_the_order_of_numpy(H, W, C, names, n):
    rows = distinct(n, H * W * C)
    augmented = augment(rows, (H, W, C), names, generator())
    assert augmented.shape == rows.shape
    assert augmented.dtype == rows.dtype
    images = rows.numpy().reshape(n, H, W, C)
    for image, result in zip(images, augmented.numpy().reshape(n, H, W, C), strict=True):
        sources = [image, image[:, ::-1]] if "flip" in names else [image]
        largest = (1, 1) if "shift" in names else (0, 0)
        assert any(offsets_of(source, result, largest) for source in sources)


# In training


@pytest.fixture
def seen(monkeypatch):
    """The batches whose loss is taken, training and validation, as they come."""
    batches, loss = [], Objective.loss

    def recorded(self, network, x, *rest):
        batches.append(x.clone())
        return loss(self, network, x, *rest)

    monkeypatch.setattr(Objective, "loss", recorded)
    return batches


def test_training_sees_every_image_each_epoch_as_it_is_or_mirrored(seen):
    small_cvae(augment=("flip",), max_iter=6, batch_size=13).fit(IMAGES)
    both = {np.ascontiguousarray(image[:, ::-1]).tobytes(): (i, 1) for i, image in enumerate(IMAGES)}
    both |= {image.tobytes(): (i, 0) for i, image in enumerate(IMAGES)}
    found = [both[row.numpy().tobytes()] for batch in seen for row in batch]
    epochs = [found[start : start + 60] for start in range(0, 360, 60)]
    assert all(sorted(i for i, _ in epoch) == list(range(60)) for epoch in epochs)
    assert abs(sum(side for _, side in found) - 180) < 5 * np.sqrt(90)
    assert len({tuple(sorted(epoch)) for epoch in epochs}) == 6


def test_training_sees_shifts_of_an_image_drawn_anew_each_epoch(seen):
    small_cvae(augment=("shift",), max_iter=20).fit(IMAGES, sample_weight=np.eye(60)[7])
    offsets = [offsets_of(IMAGES[7][..., None], batch.reshape(8, 8, 1).numpy(), (1, 1)) for batch in seen]
    assert all(offsets)
    assert len({tuple(found) for found in offsets}) > 5


def test_rows_held_back_for_early_stopping_are_seen_as_they_are(seen):
    small_cvae(augment=("shift", "flip"), early_stopping=True, max_iter=3, batch_size=100).fit(IMAGES)
    known = {row.tobytes() for row in ROWS}
    as_they_are = [sum(row.numpy().tobytes() in known for row in batch) for batch in seen]
    assert [len(batch) for batch in seen] == [54, 6] * 3
    assert as_they_are[1::2] == [6] * 3
    assert max(as_they_are[::2]) < 30
