"""Rows in blocks: what an epoch sees, in what order, and the moments of all."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from skisp.cvae._rows import RowBlocks, batches, canonical_order, relative_weights, repetitions


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def row_blocks(rows, rows_a_block=None, **parameters):
    rows = np.asarray(rows, dtype=np.float32)
    return RowBlocks(
        lambda start, stop: rows[start:stop], len(rows), rows_a_block=rows_a_block or len(rows), **parameters
    )


def numbered(n_rows):
    return np.arange(n_rows, dtype=np.float32)[:, None] * np.ones((1, 3), dtype=np.float32)


def seen(blocks, batch_size, generator):
    """Numbers of the rows of one epoch, in the order of training."""
    return torch.cat(list(blocks.batches(batch_size, generator)))[:, 0].int().tolist()


@given(n_samples=st.integers(1, 60), batch_size=st.integers(1, 70))
@settings(max_examples=60, deadline=None)
def test_batches_cover_every_row_once_and_leave_no_row_alone(n_samples, batch_size):
    parts = [part.tolist() for part in batches(torch.arange(n_samples), batch_size)]
    assert list(itertools.chain.from_iterable(parts)) == list(range(n_samples))
    assert max(map(len, parts)) <= batch_size + 1
    if batch_size > 1 and n_samples > 1:
        assert min(map(len, parts)) > 1


@pytest.mark.parametrize(
    ("n_samples", "batch_size", "sizes"),
    [(9, 4, [4, 5]), (10, 4, [4, 4, 2]), (8, 4, [4, 4]), (5, 4, [5]), (1, 4, [1]), (3, 4, [3]), (3, 1, [1, 2])],
)
def test_a_last_row_joins_the_batch_before(n_samples, batch_size, sizes):
    assert [len(part) for part in batches(torch.arange(n_samples), batch_size)] == sizes


@pytest.mark.parametrize("rows_a_block", [30, 11, 4])
def test_an_epoch_sees_every_row_once_in_an_order_drawn_anew(rows_a_block):
    blocks, generator = row_blocks(numbered(30), rows_a_block), seeded(3)
    first, second = seen(blocks, 7, generator), seen(blocks, 7, generator)
    assert sorted(first) == sorted(second) == list(range(30))
    assert first != second
    assert first == seen(blocks, 7, seeded(3))


@pytest.mark.parametrize("n_rows", [320, 640])
def test_a_block_is_put_together_from_whole_runs_drawn_from_all_of_the_data(n_rows):
    order = seen(row_blocks(numbered(n_rows), 160), 7, seeded())
    for start in range(0, n_rows, 160):
        block = sorted(order[start : start + 160])
        assert all(block[i : i + 10] == list(range(block[i], block[i] + 10)) for i in range(0, 160, 10))
        assert max(block) - min(block) > max(200, n_rows / 2)


@given(
    n_rows=st.integers(2, 60),
    rows_a_block=st.integers(1, 70),
    batch_size=st.integers(2, 20),
    seed=st.integers(0, 3),
    weighted=st.booleans(),
)
@settings(max_examples=80, deadline=None)
def test_all_batches_and_parts_have_one_size_but_for_the_last(n_rows, rows_a_block, batch_size, seed, weighted):
    """Whatever the blocks: torch keeps memory for each size it has seen."""
    rng = np.random.default_rng(seed)
    weight = np.append(rng.integers(0, 3, n_rows - 2), [1, 1]).astype(float) if weighted else None
    blocks = row_blocks(numbered(n_rows), rows_a_block, weight=weight)
    times = np.ones(n_rows, int) if weight is None else weight.astype(int)
    found = list(blocks.batches(batch_size, seeded(seed)))
    assert np.bincount(torch.cat(found)[:, 0].int(), minlength=n_rows).tolist() == times.tolist()
    *others, last = map(len, found)
    assert set(others) <= {batch_size}
    assert 1 < last <= batch_size + 1
    assert len(found) <= blocks.n_batches(batch_size) <= len(found) + 1
    if rows_a_block < n_rows:
        parts = list(blocks.parts(batch_size))
        assert torch.cat([rows for rows, _ in parts])[:, 0].int().tolist() == np.flatnonzero(times).tolist()
        assert {len(rows) for rows, _ in parts[:-1]} <= {batch_size}
        assert all(len(rows) == len(weights) for rows, weights in parts)


def test_a_single_block_is_read_once_and_more_are_read_as_they_are_needed():
    reads = []

    def read(start, stop):
        reads.append((start, stop))
        return numbered(12)[start:stop]

    one = RowBlocks(read, 12, rows_a_block=12)
    seen(one, 4, seeded()), seen(one, 4, seeded()), one.survey(3)
    assert reads == [(0, 12)]
    reads.clear()
    seen(RowBlocks(read, 12, rows_a_block=5), 4, seeded())
    assert sorted(row for start, stop in reads for row in range(start, stop)) == list(range(12))
    assert max(stop - start for start, stop in reads) <= 5


@given(seed=st.integers(0, 999), n_rows=st.integers(1, 40), n_features=st.integers(1, 9))
@settings(max_examples=40, deadline=None)
def test_the_canonical_order_does_not_depend_on_the_order_of_the_rows(seed, n_rows, n_features):
    rng = np.random.default_rng(seed)
    rows = torch.from_numpy(rng.normal(size=(n_rows, n_features)).astype(np.float32))
    shuffled = rows[torch.from_numpy(rng.permutation(n_rows))]
    torch.testing.assert_close(shuffled[canonical_order(shuffled)], rows[canonical_order(rows)])


@given(weights=st.lists(st.integers(0, 4), min_size=1, max_size=20), rows_a_block=st.integers(1, 25))
@settings(max_examples=60, deadline=None)
def test_whole_weights_are_repetitions(weights, rows_a_block):
    blocks = row_blocks(numbered(len(weights)), rows_a_block, weight=np.array(weights, dtype=float))
    if sum(weights):
        expected = [row for row, weight in enumerate(weights) for _ in range(weight)]
        assert sorted(seen(blocks, 4, seeded())) == expected


def test_whole_weights_draw_nothing_from_the_generator():
    generator = seeded()
    repetitions(torch.tensor([0.0, 3.0, 1.0], dtype=torch.float64), generator)
    torch.testing.assert_close(generator.get_state(), seeded().get_state())


def test_fractions_of_a_weight_are_rounded_at_random_to_the_right_mean():
    weight = torch.tensor([0.25, 1.5, 2.0], dtype=torch.float64).repeat(20_000, 1)
    counts = repetitions(weight.flatten(), seeded()).reshape(-1, 3)
    assert set(counts[:, 0].tolist()) == {0, 1}
    assert set(counts[:, 1].tolist()) == {1, 2}
    assert set(counts[:, 2].tolist()) == {2}
    np.testing.assert_allclose(counts.double().mean(0), [0.25, 1.5, 2.0], atol=0.02)


@pytest.mark.parametrize("scale", [1e-3, 0.37, 1e6 + 0.5])
def test_the_scale_of_weights_that_are_not_whole_does_not_matter(scale):
    weight = np.array([0.2, 0.5, 1.3])
    np.testing.assert_allclose(relative_weights(scale * weight), relative_weights(weight))
    assert relative_weights(weight).mean() == pytest.approx(1.0)


@given(
    seed=st.integers(0, 999),
    n_rows=st.integers(1, 50),
    rows_a_block=st.integers(1, 60),
    offset=st.floats(-1e3, 1e3),
)
@settings(max_examples=40, deadline=None)
def test_moments_are_numpys_whatever_the_blocks(seed, n_rows, rows_a_block, offset):
    rows = (np.random.default_rng(seed).normal(size=(n_rows, 4)) + offset).astype(np.float32)
    moments = row_blocks(rows, rows_a_block).survey(9)[0]
    exact = rows.astype(np.float64)
    np.testing.assert_allclose(moments.mean, exact.mean(axis=0), rtol=1e-12, atol=1e-12)
    assert moments.scale == pytest.approx(np.sqrt(exact.var(axis=0).mean()), rel=1e-9, abs=1e-9)


def test_weighted_moments_are_those_of_repeated_rows():
    rows = np.random.default_rng(0).normal(size=(9, 3)).astype(np.float32)
    weight = np.array([0, 1, 4, 2, 0, 1, 1, 3, 2])
    weighted, repeated = (
        row_blocks(rows, 4, weight=weight).survey(9)[0],
        row_blocks(rows.repeat(weight, axis=0)).survey(9)[0],
    )
    np.testing.assert_allclose(weighted.mean, repeated.mean, rtol=1e-12)
    assert weighted.scale == pytest.approx(repeated.scale, rel=1e-12)
