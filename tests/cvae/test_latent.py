"""Statistics of the codes of a training set, against their closed forms."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from skisp.cvae._latent import PosteriorSamples, latent_statistics


def posteriors(n, d, seed=0, offset=0.0, scale=1.0):
    """Means (n, d) and log variances (n, d) of any size."""
    rng = np.random.default_rng(seed)
    return offset + scale * rng.normal(size=(n, d)), rng.normal(-1, 1, size=(n, d))


def in_parts(mean, log_variance, weight, cuts=(), dtype=torch.float64):
    """The posteriors as they come: in parts, once."""
    bounds = [0, *sorted(cuts), len(mean)]
    for start, stop in itertools.pairwise(bounds):
        yield (
            torch.tensor(mean[start:stop], dtype=dtype),
            torch.tensor(log_variance[start:stop], dtype=dtype),
            torch.tensor(weight[start:stop], dtype=torch.float64),
        )


def statistics(mean, log_variance, weight=None, **parameters):
    weight = np.ones(len(mean)) if weight is None else np.asarray(weight, dtype=np.float64)
    return latent_statistics(in_parts(np.asarray(mean), np.asarray(log_variance), weight, **parameters))


def closed_form(mean, log_variance, weight):
    """Moments of the mixture of the rows' Gaussians, and the mean KL divergence, of all rows at once."""
    variance = np.exp(log_variance)
    centre = np.average(mean, axis=0, weights=weight)
    second = np.einsum("n,ni,nj->ij", weight, mean - centre, mean - centre) / np.sum(weight)
    kl = 0.5 * (mean**2 + variance - 1 - log_variance)
    return (
        centre,
        second + np.diag(np.average(variance, axis=0, weights=weight)),
        np.average(kl, axis=0, weights=weight),
        int((second.diagonal() > 0.01).sum()),
    )


def assert_close(ours, theirs, rtol=1e-9, atol=1e-9):
    for our, their in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(our, their, rtol=rtol, atol=atol)


@given(
    n=st.integers(1, 40),
    d=st.integers(1, 5),
    seed=st.integers(0, 999),
    cuts=st.lists(st.integers(0, 40), max_size=5),
    scale=st.sampled_from([0.0, 0.05, 0.1, 1.0, 30.0]),
    weighted=st.booleans(),
)
@settings(max_examples=80, deadline=None)
def test_statistics_in_parts_are_the_closed_form_of_all_rows_at_once(n, d, seed, cuts, scale, weighted):
    mean, log_variance = posteriors(n, d, seed, scale=scale)
    weight = np.random.default_rng(seed).random(n) + 1e-3 if weighted else np.ones(n)
    cuts = [min(cut, n) for cut in cuts]  # some parts are empty
    found = statistics(mean, log_variance, weight, cuts=cuts)
    assert_close(found, closed_form(mean, log_variance, weight))
    assert [array.shape for array in found[:3]] == [(d,), (d, d), (d,)]
    assert {array.dtype for array in found[:3]} == {np.dtype(np.float64)}
    assert type(found.n_active_units) is int


@given(seed=st.integers(0, 999), weight=st.lists(st.integers(0, 4), min_size=2, max_size=12))
@settings(max_examples=40, deadline=None)
def test_whole_weights_are_repetitions(seed, weight):
    weight = [*weight, 1]
    mean, log_variance = posteriors(len(weight), 3, seed)
    repeated = statistics(mean.repeat(weight, axis=0), log_variance.repeat(weight, axis=0))
    assert_close(statistics(mean, log_variance, weight, cuts=[2]), repeated)


def test_a_unit_is_active_where_the_variance_of_its_mean_exceeds_a_hundredth():
    """Means of plus and minus s have the variance s^2, however far from 0 and however vague they are."""
    sign = np.array([1.0, -1.0] * 10)[:, None]
    deviations = np.array([0.0, 0.05, 0.099, 0.101, 0.2, 3.0])
    for offset in (0.0, 5.0):
        for log_variance in (-8.0, 0.0, 8.0):
            found = statistics(offset + sign * deviations, np.full((20, 6), log_variance))
            assert found.n_active_units == 3
            assert_close([found.covariance.diagonal()], [deviations**2 + np.exp(log_variance)], rtol=1e-6)


def test_a_unit_is_active_by_the_weighted_variance():
    mean, log_variance = np.array([[-0.15], [0.15]] * 4 + [[0.0]] * 8), np.zeros((16, 1))
    assert statistics(mean, log_variance).n_active_units == 1  # 0.15^2 / 2 > 0.01
    assert statistics(mean, log_variance, [1] * 8 + [9] * 8).n_active_units == 0


@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_codes_in_float32_are_summed_in_float64(offset):
    """A hundred thousand rows, with a variance that is small beside their mean."""
    mean, log_variance = posteriors(100_000, 2, offset=offset, scale=0.25)
    mean, log_variance = mean.astype(np.float32), log_variance.astype(np.float32)
    found = statistics(mean, log_variance, cuts=range(0, 100_000, 8192), dtype=torch.float32)
    expected = closed_form(mean.astype(np.float64), log_variance.astype(np.float64), np.ones(100_000))
    assert_close(found, expected, rtol=1e-7, atol=1e-7)


def test_statistics_of_what_is_computed_without_gradients_and_in_inference_mode_are_plain_arrays():
    mean, log_variance = posteriors(6, 2)
    parts = [
        tuple(tensor.requires_grad_() for tensor in part[:2]) + part[2:]
        for part in in_parts(mean, log_variance, np.ones(6), cuts=[3])
    ]
    with torch.inference_mode():
        found = latent_statistics(parts)
    assert all(isinstance(array, np.ndarray) for array in found[:3])
    assert_close(found, closed_form(mean, log_variance, np.ones(6)))


# Samples


def samples_of(mean, log_variance, weight, n_samples, **parameters):
    samples = PosteriorSamples(np.sum(weight), n_samples, torch.Generator().manual_seed(0))
    for part in in_parts(np.asarray(mean), np.asarray(log_variance), weight, **parameters):
        samples.add(*part)
    return samples.codes()


@given(
    weight=st.lists(st.floats(0, 5) | st.integers(0, 5), min_size=1, max_size=60),
    n_samples=st.integers(1, 80),
    cuts=st.lists(st.integers(1, 60), max_size=5),
)
@settings(max_examples=60, deadline=None)
def test_samples_are_spread_evenly_over_the_weights_whatever_the_parts(weight, n_samples, cuts):
    """Of all rows before a row together as many as of their share of the weight, but for rounding."""
    weight = np.array([*weight, 1.0], dtype=float)
    rows = np.arange(len(weight))
    exact = np.full((len(weight), 1), -200.0)  # posteriors that are points
    codes = samples_of(rows[:, None], exact, weight, n_samples, cuts=[min(cut, len(weight)) for cut in cuts])
    codes = codes[:, 0].round()
    assert (np.diff(codes) >= 0).all()
    step = max(1.0, weight.sum() / n_samples)
    counts = np.searchsorted(codes, rows, side="right")
    np.testing.assert_allclose(counts, weight.cumsum() / step, atol=0.5 + 1e-9)


def test_samples_have_the_moments_of_the_posteriors_they_are_drawn_from():
    codes = samples_of(np.full((20_000, 1), 3.0), np.full((20_000, 1), np.log(4.0)), np.ones(20_000), 20_000)
    assert codes.mean() == pytest.approx(3, abs=0.06)
    assert codes.std() == pytest.approx(2, rel=0.03)
    assert abs(np.corrcoef(codes[:-1, 0], codes[1:, 0])[0, 1]) < 0.03
