"""Before its first step a C-VAE is probabilistic PCA: its scores, codes and reconstructions, against closed forms."""

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from skisp import CVAETransformer
from skisp._chunks import chunk_sizes
from skisp.cvae._fitting import Fitting
from skisp.cvae._likelihoods import learnt_collapsed_log_density
from skisp.cvae._start import fit_inverse_gamma, probabilistic_pca
from skisp.cvae._training import TrainingLog

D, K = 12, 3
CPU = torch.device("cpu")


def factors(n_rows, n_features=D, n_factors=K, noise=0.5, seed=0):
    """Rows of a few factors of different strength, and noise."""
    rng = np.random.default_rng(seed)
    loadings = np.linspace(3, 1, n_factors)[:, None] * rng.normal(size=(n_factors, n_features))
    return 5 + rng.normal(size=(n_rows, n_factors)) @ loadings + noise * rng.normal(size=(n_rows, n_features))


X = factors(400)
NEW = factors(50, seed=0)[:20] + np.random.default_rng(9).normal(size=(20, D))


def at_start(X, sample_weight=None, n_components=K, **parameters):
    """A model that is fitted, but for its training."""
    defaults = {"likelihood": "gaussian", "random_state": 0, "device": "cpu", "max_iter": 1}
    cvae = CVAETransformer(n_components, **{**defaults, **parameters})
    fitting = Fitting(cvae, X, sample_weight, CPU, before=None)
    cvae.fitted_ = fitting.fitted(TrainingLog())
    return cvae


def restored(model, X):
    return model.inverse_transform(model.transform(X))


NETWORKS = [{}, {"hidden_layer_sizes": ()}, {"hidden_layer_sizes": (7, 5), "batch_norm": False, "activation": "tanh"}]


# Real-valued likelihoods


@pytest.mark.parametrize("parameters", NETWORKS, ids=["auto", "linear", "tanh"])
def test_scores_are_those_of_probabilistic_pca(parameters):
    cvae, pca = at_start(X, **parameters), PCA(K).fit(X)
    covariance = pca.get_covariance() * (len(X) - 1) / len(X)  # scikit-learn's is the unbiased one
    exact = stats.multivariate_normal.logpdf(NEW, X.mean(axis=0), covariance)
    np.testing.assert_allclose(cvae.score_samples(NEW), exact, atol=1e-3, rtol=1e-5)
    assert cvae.score(X) == pytest.approx(pca.score(X), abs=1e-3)


@pytest.mark.parametrize("likelihood", ["gaussian", "collapsed"])
@pytest.mark.parametrize("parameters", NETWORKS, ids=["auto", "linear", "tanh"])
def test_codes_are_the_scores_of_pca_and_decode_to_its_projection(parameters, likelihood):
    cvae, pca = at_start(X, likelihood=likelihood, **parameters), PCA(K).fit(X)
    ours, theirs = cvae.transform(NEW), pca.transform(NEW)
    for our, their in zip(ours.T, theirs.T, strict=True):
        assert abs(np.corrcoef(our, their)[0, 1]) > 1 - 1e-6
    # At the scale of the prior: the variance of the signal along a component is 1.
    signal = (pca.explained_variance_ - pca.noise_variance_) * (len(X) - 1) / len(X)
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs) / np.sqrt(signal), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(restored(cvae, NEW), restored(pca, NEW), atol=1e-4)


def test_the_posterior_is_that_of_probabilistic_pca():
    pca, cvae = PCA(K).fit(X), at_start(X)
    noise, signal = pca.noise_variance_, pca.explained_variance_ - pca.noise_variance_
    mean, scale = cvae.posterior(NEW)
    np.testing.assert_allclose(scale, np.broadcast_to(np.sqrt(noise / (signal + noise)), (20, K)), rtol=1e-4)
    np.testing.assert_allclose(mean, cvae.transform(NEW) * (1 - scale**2), rtol=1e-4)


@pytest.mark.parametrize("noise_scale", [0.3, 1.0, 5.0])
def test_a_fixed_noise_scale_is_kept_and_scores_as_the_optimum_for_it(noise_scale):
    cvae = at_start(X, noise_scale=noise_scale)
    values, vectors = np.linalg.eigh(np.cov(X.T, bias=True))
    signal = np.maximum(values[-K:] - noise_scale**2, 0)
    covariance = (vectors[:, -K:] * signal) @ vectors[:, -K:].T + noise_scale**2 * np.eye(D)
    exact = stats.multivariate_normal.logpdf(NEW, X.mean(axis=0), covariance)
    np.testing.assert_allclose(cvae.score_samples(NEW), exact, atol=1e-3, rtol=1e-4)
    if (signal > 0).all():
        np.testing.assert_allclose(restored(cvae, NEW), restored(PCA(K).fit(X), NEW), atol=1e-3)
    assert (signal > 0).all() == (noise_scale < 2)


@pytest.mark.parametrize("shape", [(16, 16), (17, 19, 3)])
@pytest.mark.parametrize("conv_channels", [(), (2,), (4, 4, 4)])
def test_convolutions_start_from_pca_too(shape, conv_channels):
    n_features = int(np.prod(shape))
    images = factors(60, n_features).reshape(60, *shape)
    cvae = at_start(images[:50], network="conv", conv_channels=conv_channels)
    pca = PCA(K).fit(images[:50].reshape(50, -1))
    expected = restored(pca, images[50:].reshape(10, -1)).reshape(10, *shape)
    np.testing.assert_allclose(restored(cvae, images[50:]), expected, atol=1e-3)
    assert restored(cvae.set_params(max_iter=2).fit(images), images).shape == images.shape


# Data without full rank


def test_components_beyond_the_rank_are_not_used_and_the_rows_are_restored():
    flat = factors(200, noise=0.0)
    cvae = at_start(flat, n_components=6)
    np.testing.assert_allclose(restored(cvae, flat), flat, atol=1e-3)
    assert np.isfinite(cvae.score_samples(flat)).all()
    assert cvae.n_active_units_ == K
    assert np.abs(cvae.transform(flat)[:, K:]).max() == 0


@pytest.mark.parametrize("likelihood", ["gaussian", "collapsed"])
@pytest.mark.parametrize("n_rows", [2, 5, 8])
@pytest.mark.parametrize("n_features", [4, 40])
def test_fewer_rows_than_components_are_restored(n_rows, n_features, likelihood):
    few = factors(n_rows, n_features)
    cvae = at_start(few, n_components=8, likelihood=likelihood)
    np.testing.assert_allclose(restored(cvae, few), few, atol=1e-3)
    assert np.isfinite(cvae.score_samples(few)).all()


@pytest.mark.parametrize("value", [0.0, 3.0, 1e6])
def test_constant_columns_stay_what_they_are(value):
    with_constant = np.column_stack([X, np.full(len(X), value)])
    cvae = at_start(with_constant)
    np.testing.assert_allclose(restored(cvae, with_constant)[:, -1], value, rtol=1e-6, atol=1e-4)
    np.testing.assert_allclose(restored(cvae, with_constant)[:, :-1], restored(PCA(K).fit(X), X), atol=2e-3)


# Weights, orders, sides, blocks, samples


def test_weights_make_weighted_pca():
    weight = np.random.default_rng(1).integers(0, 4, len(X))
    ours, theirs = at_start(X, weight), PCA(K).fit(X.repeat(weight, axis=0))
    np.testing.assert_allclose(restored(ours, NEW), restored(theirs, NEW), atol=1e-4)
    fractions = at_start(X, weight / 3)
    np.testing.assert_allclose(restored(fractions, NEW), restored(theirs, NEW), atol=1e-4)


@pytest.mark.parametrize("likelihood", ["gaussian", "collapsed", "bernoulli"])
@pytest.mark.parametrize("n_features", [D, 300], ids=["covariance", "gram"])
def test_repeated_rows_and_rows_with_weight_start_from_the_same_bits_in_any_order(likelihood, n_features):
    rows = factors(100, n_features)
    rows = (rows - rows.min()) / np.ptp(rows)
    rng = np.random.default_rng(1)
    weight = rng.integers(1, 5, len(rows))
    repeated = rng.permutation(rows.repeat(weight, axis=0))
    ours, theirs = (
        cvae.module_.to_arrays()
        for cvae in (at_start(rows, weight, likelihood=likelihood), at_start(repeated, likelihood=likelihood))
    )
    for name in ours:
        if name not in ("mean", "scale"):  # which float64 sums that differ in their last bit may round otherwise
            np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-6, atol=1e-7, err_msg=name)


@pytest.mark.parametrize("n_components", [1, 5])
def test_the_gram_side_and_the_covariance_side_are_one_solution(n_components):
    rows = torch.from_numpy(np.random.default_rng(0).normal(size=(20, 30)))
    rows -= rows.mean(dim=0)
    gram = probabilistic_pca(rows, torch.ones(20).double(), n_components, 1e-9)
    # Each row twice: the same covariance, of more rows than columns.
    covariance = probabilistic_pca(rows.repeat(2, 1), torch.ones(40).double(), n_components, 1e-9)
    for one, other in zip(gram, covariance, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-10)
    greatest = gram.components.gather(1, gram.components.abs().argmax(dim=1, keepdim=True))
    assert (greatest > 0).all()
    np.testing.assert_allclose(gram.components @ gram.components.T, np.eye(n_components), atol=1e-12)


def test_the_closed_form_is_that_of_tipping_and_bishop():
    rows = torch.from_numpy(X - X.mean(axis=0))
    values = np.linalg.eigvalsh(np.cov(X.T, bias=True))[::-1]
    found = probabilistic_pca(rows, torch.ones(len(X)).double(), K, 1e-9)
    assert found.noise_variance == pytest.approx(values[K:].mean())
    np.testing.assert_allclose(found.variances, values[:K] - values[K:].mean())
    assert probabilistic_pca(0 * rows, torch.ones(len(X)).double(), K, 1e-3).noise_variance == 1e-3


@pytest.mark.parametrize("weighted", [False, True])
def test_a_start_from_blocks_is_that_from_memory(weighted, tmp_path, monkeypatch):
    np.save(tmp_path / "rows.npy", X)
    weight = np.random.default_rng(1).integers(0, 4, len(X)) if weighted else None
    in_memory = at_start(X, weight)
    monkeypatch.setattr(chunk_sizes, "block_bytes", 4 * 37 * D)
    blocks = at_start(np.load(tmp_path / "rows.npy", mmap_mode="r"), weight)
    np.testing.assert_allclose(restored(blocks, NEW), restored(in_memory, NEW), atol=1e-5)
    np.testing.assert_allclose(blocks.score_samples(NEW), in_memory.score_samples(NEW), atol=1e-4)


@pytest.mark.parametrize("n_features", [D, 3000], ids=["rows", "columns"])
def test_of_many_rows_a_sample_is_taken_evenly(n_features, monkeypatch):
    monkeypatch.setattr("skisp.cvae._pca_start._SAMPLED", 500)
    monkeypatch.setattr("skisp.cvae._pca_start._MANY_COLUMNS", 100)
    sizes = []

    def recording(rows, *arguments):
        sizes.append(len(rows))
        return probabilistic_pca(rows, *arguments)

    monkeypatch.setattr("skisp.cvae._pca_start.probabilistic_pca", recording)
    many = factors(1200, n_features)
    many = many[np.argsort(many[:, 0])]  # as files often are: the first rows alone would not do
    cvae = at_start(many, hidden_layer_sizes=(4,))
    assert sizes == [400] if n_features == D else sizes == [100]
    best = np.mean((restored(PCA(K).fit(many), many) - many) ** 2)
    assert np.mean((restored(cvae, many) - many) ** 2) < 1.1 * best


# Calls of partial_fit


@pytest.mark.parametrize(("likelihood", "n_first"), [("collapsed", 1), ("gaussian", 3), ("collapsed", 9)])
def test_a_first_batch_of_fewer_rows_than_components_does_not_spoil_what_is_learnt_from_others(likelihood, n_first):
    rows = factors(1000, 30, n_factors=8, noise=1.0)
    parameters = {"likelihood": likelihood, "learning_rate": 1e-2, "random_state": 0, "device": "cpu"}
    cvae = CVAETransformer(8, **parameters).partial_fit(rows[:n_first])
    for _ in range(8):
        for start in range(n_first, 1000, 100):
            cvae.partial_fit(rows[start : start + 100])
    assert cvae.n_active_units_ == 8
    assert np.mean((restored(cvae, rows) - rows) ** 2) < 0.1 * rows.var(axis=0).mean()
    assert cvae.score(rows) > PCA(8).fit(rows).score(rows) - 40


def test_partial_fit_trains_on_all_rows_whatever_max_iter():
    one, other = (CVAETransformer(K, max_iter=n, random_state=0, device="cpu") for n in ("auto", 1))
    one.partial_fit(X), other.partial_fit(X)
    np.testing.assert_array_equal(one.transform(X), other.transform(X), strict=True)
    assert one.validation_loss_curve_ == []
    assert not np.allclose(one.transform(X), at_start(X, likelihood="collapsed").transform(X), atol=1e-5)


# The prior of the collapsed likelihood


@pytest.mark.parametrize(("shape", "scale"), [(2.0, 1.0), (5.0, 20.0), (30.0, 3.0)])
def test_the_inverse_gamma_prior_of_simulated_errors_is_found(shape, scale):
    rng, n_features = np.random.default_rng(0), 40
    variance = stats.invgamma(shape, scale=scale).rvs(20_000, random_state=rng)
    squared_error = variance * rng.chisquare(n_features, 20_000)
    a, b = fit_inverse_gamma(squared_error, np.ones(20_000), n_features)
    assert a == pytest.approx(shape, rel=0.08)
    assert b == pytest.approx(scale, rel=0.08)


def test_weights_of_errors_are_repetitions():
    rng = np.random.default_rng(0)
    squared_error, weight = rng.chisquare(5, 500) * rng.uniform(1, 4, 500), rng.integers(1, 5, 500).astype(float)
    weighted = fit_inverse_gamma(squared_error, weight, 5)
    repeated = np.repeat(squared_error, weight.astype(int))
    assert weighted == pytest.approx(fit_inverse_gamma(repeated, np.ones(len(repeated)), 5), rel=2e-3)


@pytest.mark.parametrize(("shape", "scale"), [(0.5, 0.2), (3.0, 2.0), (200.0, 50.0)])
def test_the_learnt_collapsed_density_integrates_to_one(shape, scale):
    log_shape, log_scale = (torch.tensor(value).double().log() for value in (shape, scale))

    def density(t):  # t, of which the error is the hyperbolic sine: heavy tails reach far
        squared = torch.tensor([np.sinh(t) ** 2], dtype=torch.float64)
        return float(learnt_collapsed_log_density(squared, 1, log_shape, log_scale).exp()) * np.cosh(t)

    assert integrate.quad(density, -30, 30, limit=400, points=[0])[0] == pytest.approx(1, abs=1e-5)


def test_the_collapsed_likelihood_of_one_noise_starts_at_the_score_of_probabilistic_pca():
    cvae, pca = at_start(X, likelihood="collapsed"), PCA(K).fit(X)
    assert cvae.score(X) == pytest.approx(pca.score(X), abs=0.1)


# Bernoulli


DIGITS = load_digits().data / 16


@pytest.mark.parametrize(("binary", "gain"), [(False, 0.3), (True, 1.0)], ids=["grey", "binary"])
@pytest.mark.parametrize("n_components", [2, 8, 32])
def test_a_bernoulli_model_starts_far_better_than_a_random_one(n_components, binary, gain):
    """Of greys little can be gained: the Bernoulli noise is greater than what they differ by."""
    rows = (DIGITS > 0.5).astype(float) if binary else DIGITS
    train, test = rows[:1297], rows[1297:]
    start, random = (
        at_start(train, likelihood="bernoulli", n_components=n_components, init=init) for init in ("pca", "random")
    )
    assert start.score(test) > random.score(test) + gain
    assert np.mean((restored(start, test) - test) ** 2) < 0.9 * np.mean((restored(random, test) - test) ** 2)


def test_a_bernoulli_start_of_pixels_that_are_always_black_or_white_is_finite():
    binary = (DIGITS > 0.5).astype(float)
    cvae = at_start(binary, likelihood="bernoulli")
    assert np.isfinite(cvae.score_samples(binary)).all()
    assert np.isfinite(restored(cvae, binary)).all()
