"""Devices, seeds, threads and rows: what the estimators stand on."""

import threading
import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from skisp._base import (
    as_float32,
    draw_seed,
    flatten_images,
    map_on_threads,
    module_initialised_with,
    one_thread,
    resolve_device,
    split_evenly,
)


@pytest.fixture
def three_threads():
    """Three threads for the test, so that one is a limit whatever the machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def run_all(*targets):
    workers = [threading.Thread(target=target) for target in targets]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=30)
        assert not worker.is_alive()


# Threads


def test_one_thread_limits_and_restores(three_threads):
    with one_thread() as allowed:
        assert torch.get_num_threads() == 1
        assert allowed == 3
    assert torch.get_num_threads() == 3


def test_one_thread_nests(three_threads):
    with one_thread():
        with one_thread() as allowed:
            assert torch.get_num_threads() == 1
            assert allowed == 3
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 3


def test_one_thread_restores_after_an_error(three_threads):
    with pytest.raises(KeyError), one_thread(), one_thread():
        raise KeyError
    assert torch.get_num_threads() == 3
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 3


def test_one_thread_leaves_a_count_of_one_alone(three_threads):
    torch.set_num_threads(1)
    with one_thread() as allowed:
        assert allowed == 1
    assert torch.get_num_threads() == 1


def test_a_thread_that_leaves_last_gives_the_first_one_its_count_back(three_threads):
    inside, may_leave = threading.Event(), threading.Event()

    def other():
        with one_thread():
            inside.set()
            may_leave.wait(30)

    worker = threading.Thread(target=other)
    with one_thread():
        worker.start()
        inside.wait(30)
    assert torch.get_num_threads() == 3
    may_leave.set()
    worker.join(30)
    assert torch.get_num_threads() == 3


def test_a_thread_that_already_counts_for_itself_is_limited_too(three_threads):
    """torch's count belongs to the thread: that of a second one inside must fall as well."""
    counts, ready, go = [], threading.Event(), threading.Event()

    def other():
        counts.append(torch.get_num_threads())
        ready.set()
        go.wait(30)
        with one_thread():
            counts.append(torch.get_num_threads())
        counts.append(torch.get_num_threads())

    worker = threading.Thread(target=other)
    worker.start()
    ready.wait(30)
    with one_thread():
        go.set()
        worker.join(30)
    assert counts == [3, 1, 3]


def test_threads_that_come_and_go_leave_the_count_as_it_was(three_threads):
    counts = []

    def work(seed):
        rng = np.random.default_rng(seed)
        for _ in range(20):
            with one_thread(), one_thread():
                counts.append(torch.get_num_threads())
                time.sleep(rng.random() / 1000)

    run_all(*[lambda seed=seed: work(seed) for seed in range(4)])
    assert set(counts) == {1}
    assert len(counts) == 80
    assert torch.get_num_threads() == 3
    after = []
    run_all(lambda: after.append(torch.get_num_threads()))
    assert after == [3]


def test_mapping_on_threads_keeps_the_order_and_one_thread_a_job(three_threads):
    def job(i):
        time.sleep((5 - i) / 200)
        return i, torch.get_num_threads(), threading.get_ident()

    with one_thread():
        found = map_on_threads(job, range(5))
        assert torch.get_num_threads() == 1
    assert [i for i, _, _ in found] == [0, 1, 2, 3, 4]
    assert {n_threads for _, n_threads, _ in found} == {1}
    assert 1 < len({ident for _, _, ident in found}) <= 3
    assert torch.get_num_threads() == 3


def test_mapping_outside_a_limit_or_one_item_takes_no_thread(three_threads):
    main = threading.get_ident()
    assert map_on_threads(lambda _: threading.get_ident(), range(3)) == [main] * 3
    with one_thread():
        assert map_on_threads(lambda _: threading.get_ident(), [0]) == [main]
        assert map_on_threads(lambda _: 0, []) == []


def test_an_error_on_a_thread_reaches_the_caller(three_threads):
    with one_thread(), pytest.raises(ZeroDivisionError):
        map_on_threads(lambda i: 1 // i, [1, 0, 2])
    assert torch.get_num_threads() == 3


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


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30)
def test_a_seed_fits_31_bits(random_state):
    assert 0 <= draw_seed(random_state) < 2**31 - 1


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
    expected, found = [weights(seed) for seed in range(4)], {}
    for _ in range(10):
        run_all(*[lambda seed=seed: found.setdefault(seed, []).append(weights(seed)) for seed in range(4)])
    assert [found[seed] for seed in range(4)] == [[weights] * 10 for weights in expected]
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


@given(st.integers(0, 5000), st.integers(1, 600), st.integers(1, 600))
def test_slices_cover_everything_once_evenly_and_within_their_bounds(n, most, least):
    slices = split_evenly(n, most, least)
    assert [i for part in slices for i in range(part.start, part.stop)] == list(range(n))
    lengths = [part.stop - part.start for part in slices]
    assert max(lengths) <= most
    assert max(lengths) - min(lengths) <= 1
    if n >= 4 * least:
        assert len(slices) >= 4


def test_threads_of_a_block_are_kept_for_all_of_its_maps_and_end_with_it():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with one_thread():
            for _ in range(3):
                map_on_threads(lambda _: time.sleep(0.002), range(8))
            names = {thread.name for thread in threading.enumerate() if thread.name.startswith("skisp")}
            assert len(names) == 2
        assert not any(thread.name.startswith("skisp") for thread in threading.enumerate())
    finally:
        torch.set_num_threads(before)


def test_blocks_inside_of_a_map_leave_its_threads_at_one():
    def count(_):
        with one_thread():
            inside = torch.get_num_threads()
        return inside, torch.get_num_threads()

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with one_thread():
            assert set(map_on_threads(count, range(20))) == {(1, 1)}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
