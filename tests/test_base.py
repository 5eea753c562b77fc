"""Devices, seeds and rows: what the estimators stand on."""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from skisp._base import as_float32, draw_seed, module_initialised_with, resolve_device
from skisp._batches import flatten_images

# Seeds


def test_a_seed_is_drawn_as_scikit_learn_reads_random_states():
    assert draw_seed(0) == draw_seed(0) == draw_seed(np.random.RandomState(0))
    assert draw_seed(0) != draw_seed(1)
    state = np.random.RandomState(0)
    assert draw_seed(state) != draw_seed(state)
    assert type(draw_seed(0)) is int
    with pytest.raises(ValueError, match="cannot be used to seed"):
        draw_seed("seed")


def test_no_random_state_draws_from_numpys_global_one():
    before = np.random.get_state()
    try:
        np.random.seed(7)
        first, second = draw_seed(None), draw_seed(None)
        np.random.seed(7)
        assert [draw_seed(None), draw_seed(None)] == [first, second]
        assert first != second
    finally:
        np.random.set_state(before)


def test_modules_are_initialised_by_the_seed_alone_and_the_global_state_stays():
    def weights(seed):
        with module_initialised_with(seed):
            return torch.nn.Linear(3, 4).weight

    before = torch.get_rng_state()
    first = weights(0)
    torch.rand(1)
    assert torch.equal(weights(0), first)
    assert not torch.equal(weights(1), first)
    torch.set_rng_state(before)
    weights(0)
    assert torch.equal(torch.get_rng_state(), before)


def test_threads_take_turns_with_the_global_state():
    def weights(seed):
        with module_initialised_with(seed):
            time.sleep(0.001)
            return torch.nn.Linear(3, 4).weight.tolist()

    before = torch.get_rng_state()
    expected = [weights(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as threads:
        for _ in range(10):
            assert list(threads.map(weights, range(4))) == expected
    assert torch.equal(torch.get_rng_state(), before)


def test_the_global_state_stays_after_an_error():
    before = torch.get_rng_state()
    with pytest.raises(KeyError), module_initialised_with(0):
        raise KeyError
    assert torch.equal(torch.get_rng_state(), before)


def test_seeding_weights_leaves_the_generators_of_accelerators_alone(monkeypatch):
    """torch.manual_seed would seed them too, and nothing would put them back."""
    seeded = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)
    monkeypatch.setattr(torch, "manual_seed", seeded.append)
    with module_initialised_with(0):
        torch.nn.Linear(2, 2)
    assert seeded == []


# Devices


def test_auto_takes_the_cpu_where_there_is_no_accelerator(monkeypatch):
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    assert resolve_device("auto") == torch.device("cpu")


def test_auto_takes_the_accelerator_that_torch_reports(monkeypatch):
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: torch.device("mps"))
    assert resolve_device("auto") == torch.device("mps")


def test_a_device_by_name_or_itself():
    assert resolve_device("cpu") == resolve_device(torch.device("cpu")) == torch.device("cpu")


@pytest.mark.parametrize("device", ["nonsense", "cuda:99", "", "AUTO"])
def test_a_device_that_is_not_here_names_the_cure(device):
    with pytest.raises(ValueError, match=rf"device={device!r} cannot be used here \(.+\); use 'auto' or 'cpu'\."):
        resolve_device(device)


# Rows


@pytest.mark.parametrize("shape", [(5, 3, 4), (5, 3, 4, 2), (1, 1, 1), (0, 3, 4)])
def test_images_are_flattened_row_by_row(shape):
    X = np.arange(np.prod(shape)).reshape(shape)
    rows, image_shape = flatten_images(X)
    assert image_shape == shape[1:]
    assert rows.shape == (shape[0], np.prod(shape[1:]))
    np.testing.assert_array_equal(rows.reshape(shape), X)
    np.testing.assert_array_equal(flatten_images(np.asfortranarray(X))[0], rows)


@pytest.mark.parametrize("X", [np.zeros((3, 4)), np.zeros(3), np.zeros((1, 2, 3, 4, 5)), [[1, 2]], "text", None])
def test_what_is_no_stack_of_images_is_left_as_it_is(X):
    same, image_shape = flatten_images(X)
    assert same is X
    assert image_shape is None


def test_float32_rows_are_not_copied_and_others_are_ordered():
    X = np.zeros((3, 4), dtype=np.float32)
    assert as_float32(X) is X
    for other in (np.asfortranarray(X), X[:, ::-1], X.astype(">f4"), X.astype(float), X.tolist()):
        converted = as_float32(other)
        assert converted.dtype == np.dtype("f4")
        assert converted.dtype.isnative
        assert converted.flags.c_contiguous
