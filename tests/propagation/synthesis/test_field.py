"""The nearest-neighbour field and its search."""

import numpy as np
import pytest
import torch
from sklearn.preprocessing import FunctionTransformer

from skisp._math.distances import nearest
from skisp.propagation._patch_codec import PatchCodec
from skisp.propagation.synthesis import _exemplar
from skisp.propagation.synthesis._exemplar import build_exemplar
from skisp.propagation.synthesis._field import (
    FieldSearch,
    coherence,
    occurrence,
    share_gap,
    upsample_field,
    warp_field,
)
from skisp.propagation.synthesis._patches import PatchGrid


def random_image(height, width, seed=0):
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def codec():
    """Codes that are the patches themselves."""
    return PatchCodec(FunctionTransformer(), np.eye(75, dtype=np.float32))


def make_exemplar(codec, height, width, seed=0):
    return build_exemplar([[random_image(height, width, seed)]], [1.0], min(height, width), codec, 5, 1)


def shifted_identity(grid, exemplar, down, across):
    """Matches (h * w,) of the grid's positions in a exemplar of stride 1, moved by a constant."""
    rows, columns = (torch.arange(n) * grid.stride for n in grid.shape)
    return ((rows + down)[:, None] * exemplar.shape[1] + columns + across).flatten()


def make_search(queries, exemplar, grid, reward=0.0, penalty=None, seed=0):
    penalty = torch.zeros(len(exemplar)) if penalty is None else penalty
    return FieldSearch(
        queries, penalty, exemplar, grid, torch.full((len(queries),), reward), torch.Generator().manual_seed(seed)
    )


@pytest.mark.parametrize("times", [1, 3])
def test_occurrence_is_1_where_all_patches_occur_alike(codec, times):
    exemplar = make_exemplar(codec, 14, 17)
    field = torch.arange(len(exemplar)).repeat(times)[
        torch.randperm(times * len(exemplar), generator=torch.Generator().manual_seed(0))
    ]
    torch.testing.assert_close(occurrence(field, exemplar), torch.ones(len(exemplar)))


def test_occurrence_is_high_about_the_one_patch_that_occurs(codec):
    exemplar = make_exemplar(codec, 24, 24)
    field = torch.full((len(exemplar),), 10 * exemplar.shape[1] + 10)
    found = occurrence(field, exemplar).reshape(exemplar.shape)
    # Twenty-five positions overlap by half a patch or more, and share all of the occurrences.
    torch.testing.assert_close(found[8:13, 8:13], torch.full((5, 5), len(exemplar) / 25))
    assert float(found.sum()) == pytest.approx(len(exemplar))


def test_the_share_gap_of_a_style_is_what_it_has_over_its_share_less_1(codec):
    images = [[random_image(14, 17, seed)] for seed in (0, 1)]
    exemplar = build_exemplar(images, [0.25, 0.75], 14, codec, 5, 1)
    first, second = (torch.nonzero(exemplar.origin == style)[0, 0] for style in (0, 1))
    field = torch.stack([first] * 3 + [second] * 1)
    torch.testing.assert_close(share_gap(field, exemplar), torch.tensor([0.75 / 0.25 - 1, 0.25 / 0.75 - 1]))
    alone = make_exemplar(codec, 14, 17)
    torch.testing.assert_close(share_gap(torch.tensor([3, 3, 5]), alone), torch.zeros(1))


@pytest.mark.parametrize("stride", [1, 2])
def test_coherence_of_a_shifted_identity_is_1(codec, stride):
    exemplar = make_exemplar(codec, 40, 44)
    grid = PatchGrid((20, 23), 5, stride)
    assert coherence(shifted_identity(grid, exemplar, 3, 5), grid, exemplar) == 1.0


def test_coherence_of_one_patch_everywhere_and_of_random_ones_is_about_0(codec):
    exemplar = make_exemplar(codec, 40, 44)
    grid = PatchGrid((20, 23), 5, 2)
    n = grid.shape[0] * grid.shape[1]
    assert coherence(torch.full((n,), 7), grid, exemplar) == 0.0
    assert (
        coherence(torch.randint(len(exemplar), (n,), generator=torch.Generator().manual_seed(0)), grid, exemplar) < 0.02
    )


@pytest.mark.parametrize(("stride", "fine_side"), [(1, 34), (2, 34), (2, 48), (3, 29)])
def test_the_identity_is_upsampled_to_the_identity(codec, stride, fine_side):
    exemplars = [make_exemplar(codec, side, side) for side in (24, fine_side)]
    grids = [PatchGrid((side, side), 5, stride) for side in (24, fine_side)]
    fields = []
    for exemplar, grid in zip(exemplars, grids, strict=True):
        corners = [torch.arange(n) * stride - grid.margin for n in grid.shape]
        rows, columns = (corner.clamp(0, n - 1) for corner, n in zip(corners, exemplar.shape, strict=True))
        fields.append(rows[:, None] * exemplar.shape[1] + columns)
    moved = upsample_field(fields[0].flatten(), *grids, *exemplars).reshape(grids[1].shape)
    # Inside, where nothing was moved to the border of the exemplar.
    corners = torch.arange(grids[1].shape[0]) * stride - grids[1].margin
    margin = 2 * grids[1].margin
    inside = torch.nonzero((corners >= margin) & (corners < exemplars[1].shape[0] - margin))[:, 0]
    assert len(inside) > 2
    ahead = (moved // exemplars[1].shape[1] - fields[1] // exemplars[1].shape[1])[inside][:, inside]
    across = (moved % exemplars[1].shape[1] - fields[1] % exemplars[1].shape[1])[inside][:, inside]
    assert int(ahead.abs().max()) == 0
    assert int(across.abs().max()) == 0


def test_a_shifted_identity_stays_coherent_when_it_is_upsampled(codec):
    coarse_exemplar, fine_exemplar = make_exemplar(codec, 40, 40), make_exemplar(codec, 80, 80)
    coarse, fine = PatchGrid((16, 16), 5, 2), PatchGrid((32, 32), 5, 2)
    moved = upsample_field(
        shifted_identity(coarse, coarse_exemplar, 6, 9), coarse, fine, coarse_exemplar, fine_exemplar
    )
    assert coherence(moved, fine, fine_exemplar) > 0.95


@pytest.mark.parametrize(("stride", "down", "right"), [(1, 2, -3), (2, 2, 4), (2, 1, 0), (3, -1, 4)])
def test_matches_are_warped_along_with_the_content_to_the_pixel(codec, stride, down, right):
    exemplar, grid = make_exemplar(codec, 60, 60), PatchGrid((24, 27), 5, stride)
    field = shifted_identity(grid, exemplar, 9, 12)
    flow = torch.tensor([down, right], dtype=torch.float32)[:, None, None].expand(2, 24, 27)
    moved = warp_field(field, flow, grid, exemplar).reshape(grid.shape)
    # What stood at x + m now stands at x: the same shifted identity, m further on.
    expected = shifted_identity(grid, exemplar, 9 + down, 12 + right).reshape(grid.shape)
    inside = slice(-(-4 // stride), -(-4 // stride) * -1)
    torch.testing.assert_close(moved[inside, inside], expected[inside, inside])


def test_without_flow_matches_stay(codec):
    exemplar, grid = make_exemplar(codec, 30, 34), PatchGrid((20, 23), 5, 2)
    n = grid.shape[0] * grid.shape[1]
    field = torch.randint(len(exemplar), (n,), generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(warp_field(field, torch.zeros(2, 20, 23), grid, exemplar), field)


def test_upsampled_fields_stay_in_the_exemplar(codec):
    coarse_exemplar, fine_exemplar = make_exemplar(codec, 20, 31), make_exemplar(codec, 28, 44)
    coarse, fine = PatchGrid((17, 40), 5, 2), PatchGrid((24, 57), 5, 2)
    n = coarse.shape[0] * coarse.shape[1]
    field = torch.randint(len(coarse_exemplar), (n,), generator=torch.Generator().manual_seed(0))
    moved = upsample_field(field, coarse, fine, coarse_exemplar, fine_exemplar)
    assert moved.shape == (fine.shape[0] * fine.shape[1],)
    assert int(moved.min()) >= 0
    assert int(moved.max()) < len(fine_exemplar)


@pytest.fixture
def problem(codec):
    """A exemplar, a grid, random queries near the exemplar's codes, and a random field to start from."""
    exemplar = make_exemplar(codec, 20, 24)
    grid = PatchGrid((14, 17), 5, 2)
    generator = torch.Generator().manual_seed(1)
    n = grid.shape[0] * grid.shape[1]
    queries = torch.rand(n, 75, generator=generator)
    return queries, exemplar, grid, torch.randint(len(exemplar), (n,), generator=generator)


def test_without_coherence_no_cost_rises(problem):
    queries, exemplar, grid, field = problem
    penalty = torch.rand(len(exemplar), generator=torch.Generator().manual_seed(2))

    def costs(field):
        return (queries - exemplar.codes[field]).square().sum(1) + penalty[field]

    improved = make_search(queries, exemplar, grid, penalty=penalty).improve(field, n_samples=5, n_sweeps=2)
    assert bool((costs(improved) <= costs(field)).all())
    assert float(costs(improved).sum()) < float(costs(field).sum())


def test_without_coherence_a_sample_of_everything_gives_the_nearest(problem):
    queries, exemplar, grid, field = problem
    penalty = torch.rand(len(exemplar), generator=torch.Generator().manual_seed(2))
    improved = make_search(queries, exemplar, grid, penalty=penalty).improve(field, n_samples=len(exemplar), n_sweeps=1)
    assert float((improved == nearest(queries, exemplar.codes, penalty)[0]).float().mean()) > 0.99  # but for ties


def test_coherence_is_rewarded(codec):
    exemplar, grid = make_exemplar(codec, 20, 24), PatchGrid((40, 50), 5, 2)
    generator = torch.Generator().manual_seed(1)
    n = grid.shape[0] * grid.shape[1]
    queries, field = torch.rand(n, 75, generator=generator), torch.randint(len(exemplar), (n,), generator=generator)
    variance = float(exemplar.codes.var(dim=0).sum())
    found = [
        coherence(
            make_search(queries, exemplar, grid, reward).improve(field, n_samples=100, n_sweeps=4), grid, exemplar
        )
        for reward in (0.0, variance)
    ]
    assert found[1] > 3 * found[0]


def test_the_identity_is_found_from_few_samples(codec):
    exemplar = make_exemplar(codec, 30, 34)
    grid = PatchGrid((30, 34), 5, 1)
    queries = grid.map(codec.encode, exemplar.canvas)
    start = torch.zeros(len(queries), dtype=torch.long)
    search = make_search(queries, exemplar, grid, reward=0.1)
    found = search.improve(start, n_samples=40, n_sweeps=12).reshape(grid.shape)[4:-4, 4:-4]
    identity = torch.arange(len(exemplar)).reshape(exemplar.shape)
    assert float((found == identity).float().mean()) > 0.95


@pytest.mark.parametrize("reward", [0.0, 5.0])
def test_patches_between_images_are_never_chosen(codec, reward):
    exemplar = build_exemplar([[random_image(16, 16), random_image(22, 16, seed=1)]], [1.0], 16, codec, 5, 1)
    grid = PatchGrid((14, 17), 5, 2)
    queries = torch.zeros(grid.shape[0] * grid.shape[1], 75)  # nearest to the emptiness between the images
    penalty = torch.zeros(len(exemplar)).masked_fill(~exemplar.is_valid, torch.inf)
    invalid = torch.nonzero(~exemplar.is_valid)[:, 0]
    for start in (int(invalid[0]), int(torch.nonzero(exemplar.is_valid)[0, 0])):
        field = torch.full((len(queries),), start)
        found = make_search(queries, exemplar, grid, reward, penalty).improve(field, n_samples=20, n_sweeps=3)
        assert exemplar.is_valid[found].all()


def test_one_seed_gives_one_field(problem):
    queries, exemplar, grid, field = problem
    fields = [
        make_search(queries, exemplar, grid, 1.0, seed=seed).improve(field, n_samples=10, n_sweeps=1)
        for seed in (0, 0, 1)
    ]
    assert torch.equal(fields[0], fields[1])
    assert not torch.equal(fields[0], fields[2])


def test_a_sparse_exemplar_is_searched_as_well(codec, monkeypatch):
    monkeypatch.setattr(_exemplar, "_MOST_DENSE_POSITIONS", 0)
    image = random_image(40, 42)
    exemplar = build_exemplar([[image]], [1.0], 40, codec, 5, 2)
    grid = PatchGrid((40, 42), 5, 2)
    queries = grid.map(codec.encode, image)
    start = torch.zeros(len(queries), dtype=torch.long)
    found = make_search(queries, exemplar, grid, reward=0.1).improve(start, n_samples=len(exemplar), n_sweeps=2)
    before = grid.margin // 2  # positions whose patches begin before the image
    inside = found.reshape(grid.shape)[before : before + exemplar.shape[0], before : before + exemplar.shape[1]]
    assert float((inside == torch.arange(len(exemplar)).reshape(exemplar.shape)).float().mean()) > 0.95


def test_prices_follow_what_is_taken_so_that_a_patch_is_not_taken_by_all(codec):
    """Queries that are all nearest to one patch spread over the others, once it costs the more the more it is taken."""
    exemplar, grid = make_exemplar(codec, 16, 18), PatchGrid((30, 34), 5, 2)
    n_positions = grid.shape[0] * grid.shape[1]
    queries = exemplar.codes.mean(dim=0).expand(n_positions, -1).contiguous()
    start = torch.randint(len(exemplar), (n_positions,), generator=torch.Generator().manual_seed(1))
    most = []
    for reprice in (None, lambda field: exemplar.variance * occurrence(field, exemplar)):
        search = make_search(queries, exemplar, grid)
        found = search.improve(start, n_samples=len(exemplar), n_sweeps=3, reprice=reprice)
        most.append(int(torch.bincount(found).max()) / n_positions)
    assert most[0] == 1.0
    assert most[1] < 0.6
