"""The affine map that is learnt from samples without pairs."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from skisp._math.affine import AffineMap, fit_ridge
from skisp._math.gaussian import Moments, gaussian_transport
from skisp.propagation._sample_transport import sample_transport

IDENTITY = AffineMap(torch.eye(2, dtype=torch.float64), torch.zeros(2, dtype=torch.float64))
# No rotation of these in themselves, and no reflection, leaves them as they are.
CENTRES = np.array([[-3.0, 0.0], [0.0, 1.5], [2.0, -2.0], [3.5, 2.0]])


def clusters(rng, n):
    """Codes about the centres, equally many about each, and the cluster of each."""
    cluster = np.arange(n) % len(CENTRES)
    return torch.from_numpy(CENTRES[cluster] + 0.2 * rng.normal(size=(n, 2))).float(), cluster


def rotation(degrees):
    angle = np.deg2rad(degrees)
    return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def learnt(codes, style_codes, start=IDENTITY, seed=0):
    moments = Moments.of(style_codes)
    return sample_transport(codes, start, style_codes, moments, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("degrees", [0, 15, -30, 45])
def test_a_rotation_is_found_from_disjoint_samples_where_gaussian_transport_cannot_see_it(rng, degrees):
    truth = torch.from_numpy(rotation(degrees)).float()
    (codes, cluster), (style_codes, style_cluster) = clusters(rng, 500), clusters(rng, 400)
    style_codes = style_codes @ truth + 1.0
    transport = learnt(codes, style_codes)
    np.testing.assert_allclose(transport.matrix, truth, atol=0.1)
    moved = transport(codes)
    for k in range(len(CENTRES)):
        np.testing.assert_allclose(moved[cluster == k].mean(0), style_codes[style_cluster == k].mean(0), atol=0.3)
    if degrees == 45:
        gaussian = gaussian_transport(Moments.of(codes), Moments.of(style_codes))
        assert float((gaussian.matrix - truth).abs().max()) > 0.3


def test_moments_are_those_of_the_style(rng):
    codes = torch.from_numpy(rng.normal(size=(400, 5)) * np.array([3, 1, 1, 0.5, 0.1])).float()
    style_codes = torch.from_numpy(rng.exponential(size=(300, 5)) @ rng.normal(size=(5, 5))).float()
    start = fit_ridge(codes, codes @ torch.from_numpy(rng.normal(size=(5, 5))).float())
    moments = Moments.of(style_codes)
    moved = Moments.of(learnt(codes, style_codes, start)(codes))
    torch.testing.assert_close(moved.mean, moments.mean, rtol=0, atol=1e-4)
    torch.testing.assert_close(moved.covariance, moments.covariance, rtol=0, atol=1e-3)


def test_codes_may_have_other_dimensions_than_the_styles(rng):
    style_codes, _ = clusters(rng, 500)
    inside, cluster = clusters(rng, 500)
    codes = torch.cat([inside, torch.from_numpy(rng.normal(size=(500, 1))).float()], dim=1)
    matrix = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]], dtype=torch.float64)
    transport = learnt(codes, style_codes, AffineMap(matrix, torch.zeros(2, dtype=torch.float64)))
    assert transport.matrix.shape == (3, 2)
    moved = transport(codes)
    for k, centre in enumerate(CENTRES):
        np.testing.assert_allclose(moved[cluster == k].mean(0), centre, atol=0.3)


def test_one_generator_gives_one_map_and_nothing_global_is_touched(rng):
    codes, style_codes = clusters(rng, 1100)[0], clusters(rng, 200)[0]
    state = torch.get_rng_state()
    one, same, other = (learnt(codes, style_codes, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one.matrix, same.matrix)
    assert torch.equal(one.offset, same.offset)
    assert not torch.equal(one.matrix, other.matrix)
    torch.testing.assert_close(one.matrix, other.matrix, rtol=0, atol=0.05)
    assert torch.equal(state, torch.get_rng_state())


@settings(deadline=None, max_examples=15)
@given(n=st.integers(1, 12), m=st.integers(1, 12), d=st.integers(1, 8), seed=st.integers(0, 1000))
def test_few_codes_give_a_finite_map(n, m, d, seed):
    rng = np.random.default_rng(seed)
    codes, style_codes = (torch.from_numpy(rng.normal(size=(size, d))).float() for size in (n, m))
    start = AffineMap(torch.eye(d, dtype=torch.float64), torch.zeros(d, dtype=torch.float64))
    transport = learnt(codes, style_codes, start)
    assert torch.isfinite(transport(codes)).all()
