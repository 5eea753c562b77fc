"""Threads: how many there are is limited and restored, and never shows in results."""

import multiprocessing
import os
import threading
import time
import warnings
from contextlib import nullcontext

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from skisp._base import module_initialised_with
from skisp._threads import computed_ahead, concatenate_on_threads, map_on_threads, one_thread, split_evenly


@pytest.fixture
def three_threads(set_threads):
    """Three threads for the test, so that one is a limit whatever the machine."""
    set_threads(3)


@pytest.mark.parametrize("n_threads", [1, 3])
def test_results_that_are_computed_ahead_are_one_further_and_in_order(n_threads, set_threads):
    started, used, ahead = [], [], []

    def compute(item):
        started.append(item)
        return 2 * item

    set_threads(n_threads)
    with one_thread():
        for result in computed_ahead(compute, range(5)):
            used.append(result)
            time.sleep(0.01)
            ahead.append(len(started) - len(used))
    assert used == [0, 2, 4, 6, 8]
    assert ahead == ([0] * 5 if n_threads == 1 else [1, 1, 1, 1, 0])


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


@given(st.integers(0, 5000), st.integers(1, 600), st.integers(1, 600))
def test_slices_cover_everything_once_evenly_and_within_their_bounds(n, most, least):
    slices = split_evenly(n, most, least)
    assert [i for part in slices for i in range(part.start, part.stop)] == list(range(n))
    lengths = [part.stop - part.start for part in slices]
    assert max(lengths) <= most
    assert max(lengths) - min(lengths) <= 1
    if n >= 4 * least:
        assert len(slices) >= 4


def test_threads_of_a_block_are_kept_for_all_of_its_maps_and_end_with_it(three_threads):
    with one_thread():
        for _ in range(3):
            map_on_threads(lambda _: time.sleep(0.002), range(8))
        names = {thread.name for thread in threading.enumerate() if thread.name.startswith("skisp")}
        assert len(names) == 3
    assert not any(thread.name.startswith("skisp") for thread in threading.enumerate())


def test_blocks_inside_of_a_map_leave_its_threads_at_one(three_threads):
    def count(_):
        with one_thread():
            inside = torch.get_num_threads()
        return inside, torch.get_num_threads()

    with one_thread():
        assert set(map_on_threads(count, range(20))) == {(1, 1)}
    assert torch.get_num_threads() == 3


def test_maps_inside_of_a_map_stay_on_its_threads(three_threads):
    def job(_):
        return [threading.get_ident()] * 4, map_on_threads(lambda _: threading.get_ident(), range(4))

    with one_thread():
        assert all(own == inner for own, inner in map_on_threads(job, range(6)))


@pytest.mark.parametrize("mode", [True, False])
def test_threads_are_in_the_inference_mode_of_their_caller(three_threads, mode):
    with torch.inference_mode(mode), one_thread():
        for on_threads in (map_on_threads, computed_ahead):
            assert list(on_threads(lambda _: torch.is_inference_mode_enabled(), range(4))) == [mode] * 4


@pytest.mark.parametrize("limit", [one_thread, nullcontext], ids=["threads", "alone"])
def test_rows_are_concatenated_in_order(three_threads, limit):
    def rows(i):
        time.sleep((4 - i) / 500)
        return torch.full((i + 1, 2), float(i))

    with limit():
        found = concatenate_on_threads(rows, range(4), [1, 2, 3, 4])
    assert torch.equal(found, torch.cat([rows(i) for i in range(4)]))


def in_a_fork(function):
    """What a forked child prints of ``function``, which must end in time."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that there are threads is the point
        child = multiprocessing.get_context("fork")
        receiver, sender = child.Pipe(duplex=False)
        process = child.Process(target=lambda: sender.send(function()))
        process.start()
    try:
        return receiver.recv() if receiver.poll(20) else "it hangs"
    finally:
        process.kill()
        process.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")
@pytest.mark.parametrize("from_inside", [False, True], ids=["outside", "inside"])
def test_a_child_forked_while_another_thread_works_can_work_too(three_threads, from_inside):
    working, may_end = threading.Barrier(4), threading.Event()

    def work(_):
        working.wait(30)
        may_end.wait(60)

    def busy():
        with one_thread():
            map_on_threads(work, range(3))

    def of_child():
        with one_thread(), module_initialised_with(0):
            return map_on_threads(lambda i: 2 * i, range(3))

    def of_child_afterwards():
        return of_child(), torch.get_num_threads()

    worker, holder = threading.Thread(target=busy), threading.Thread(target=hold_the_generator, args=(may_end,))
    try:
        worker.start()
        holder.start()
        working.wait(30)
        with one_thread() if from_inside else nullcontext():
            found = in_a_fork(of_child if from_inside else of_child_afterwards)
    finally:
        may_end.set()
        worker.join(30)
        holder.join(30)
    assert found == ([0, 2, 4] if from_inside else ([0, 2, 4], 3))


def hold_the_generator(until):
    with module_initialised_with(0):
        until.wait(60)
