"""CVAETransformer as a user meets it: rows and images, units, seeds, threads, pickles, errors."""

import copy
import pickle
from pathlib import Path

import joblib
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skisp import CVAETransformer

from ._shared import as_memmap, assert_same_bits

MNIST = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "mnist.npz"
DIGITS = load_digits()
IMAGES = (DIGITS.images[:60] / 16).astype(np.float32)
ROWS = IMAGES.reshape(60, 64)


def small_cvae(**parameters):
    defaults = {"n_components": 3, "hidden_layer_sizes": (8,), "max_iter": 3, "n_scoring_samples": 8}
    return CVAETransformer(**{**defaults, "random_state": 0, "device": "cpu", **parameters})


def results(cvae, X):
    """Everything a fitted model says of X."""
    codes = cvae.transform(X)
    return [codes, cvae.inverse_transform(codes), cvae.score_samples(X), *cvae.posterior(X)]


@pytest.fixture(scope="module")
def fitted():
    """A model of images; tests must not change it."""
    return small_cvae().fit(IMAGES)


# Rows and images


def test_images_and_rows_give_the_same_codes(fitted):
    of_rows = small_cvae().fit(ROWS)
    assert_same_bits([of_rows.transform(ROWS)], [fitted.transform(IMAGES)])
    assert_same_bits([fitted.transform(ROWS)], [fitted.transform(IMAGES)])
    assert_same_bits([of_rows.transform(IMAGES)], [fitted.transform(IMAGES)])


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 1), (4, 5, 3)])
def test_decoded_and_sampled_images_have_the_shape_of_those_fitted(shape):
    X = np.random.default_rng(0).random((10, *shape))
    cvae = small_cvae().fit(X)
    assert cvae.image_shape_ == shape
    assert cvae.inverse_transform(cvae.transform(X[:4])).shape == (4, *shape)
    assert cvae.sample(2, random_state=0).shape == (2, *shape)


def test_everything_that_comes_out_is_float32(fitted):
    for X in (IMAGES, IMAGES.astype(np.float64), (16 * IMAGES).astype(np.uint8)):
        assert {result.dtype for result in results(fitted, X)} == {np.dtype(np.float32)}
    assert fitted.sample(2).dtype == np.float32


def test_codes_are_the_means_of_the_posterior_without_the_pull_of_the_prior(fitted):
    mean, scale = fitted.posterior(IMAGES)
    assert scale.shape == mean.shape
    assert (scale > 0).all()
    np.testing.assert_allclose(fitted.transform(IMAGES), mean / np.maximum(1 - scale**2, 0.1), rtol=1e-5)


def test_codes_of_a_model_without_linear_maps_are_the_means_of_the_posterior():
    cvae = small_cvae(init="random").fit(IMAGES)
    assert_same_bits([cvae.transform(IMAGES)], [cvae.posterior(IMAGES)[0]])


def test_scoring_a_row_alone_or_in_a_batch_is_the_same(fitted):
    alone = np.concatenate([fitted.score_samples(image[None]) for image in IMAGES])
    np.testing.assert_allclose(alone, fitted.score_samples(IMAGES), rtol=1e-5, atol=1e-4)


def test_score_is_the_weighted_mean_of_the_scores_of_the_rows(fitted):
    scores = fitted.score_samples(IMAGES).astype(np.float64)
    weights = np.random.default_rng(0).random(60)
    assert fitted.score(IMAGES) == pytest.approx(scores.mean())
    assert fitted.score(IMAGES, sample_weight=weights) == pytest.approx(np.average(scores, weights=weights))
    only_third = np.eye(60)[2].tolist()
    assert fitted.score(IMAGES, sample_weight=only_third) == pytest.approx(scores[2])
    with pytest.raises(ValueError, match=r"sample_weight.shape == \(2,\), expected \(60,\)"):
        fitted.score(IMAGES, sample_weight=[1, 2])


def test_pandas_goes_in_and_comes_out():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(ROWS, columns=[f"pixel{i}" for i in range(64)], index=range(100, 160))
    cvae = small_cvae().set_output(transform="pandas").fit(frame)
    codes = cvae.transform(frame)
    assert codes.columns.tolist() == ["cvaetransformer0", "cvaetransformer1", "cvaetransformer2"]
    assert codes.index.tolist() == frame.index.tolist()
    assert cvae.feature_names_in_[0] == "pixel0"
    np.testing.assert_array_equal(codes, small_cvae().fit(ROWS).transform(ROWS))
    np.testing.assert_allclose(cvae.inverse_transform(codes), cvae.inverse_transform(codes.to_numpy()))


# Memory layouts


def read_only(X, folder):
    X = X.copy()
    X.flags.writeable = False
    return X


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "stored",
    [
        read_only,
        as_memmap,
        lambda X, folder: np.asfortranarray(X),
        lambda X, folder: X.astype(">f4"),
        lambda X, folder: X.astype(">f8"),
        lambda X, folder: np.ascontiguousarray(X[::-1])[::-1],
        lambda X, folder: np.repeat(X, 2, axis=0)[::2],
    ],
    ids=["read-only", "memmap", "fortran", "big-endian-float32", "big-endian-float64", "reversed", "strided"],
)
def test_how_an_array_is_stored_does_not_matter(fitted, tmp_path, stored):
    odd = stored(IMAGES, tmp_path)
    assert_same_bits(results(small_cvae().fit(odd), odd), results(fitted, IMAGES))
    codes = fitted.transform(IMAGES)
    odd_codes = stored(codes, tmp_path)
    assert_same_bits([fitted.inverse_transform(odd_codes)], [fitted.inverse_transform(codes)])


# Few rows, odd rows, odd units


@pytest.mark.parametrize("likelihood", ["collapsed", "gaussian", "bernoulli"])
@pytest.mark.parametrize("value", [0.0, 0.1, 1.0])
def test_constant_rows_are_coded_and_restored(likelihood, value):
    X = np.full((12, 5), value, dtype=np.float32)
    cvae = small_cvae(likelihood=likelihood, max_iter=20).fit(X)
    assert all(np.isfinite(result).all() for result in results(cvae, X))
    np.testing.assert_allclose(cvae.inverse_transform(cvae.transform(X)), X, atol=0.1)


@pytest.mark.parametrize("likelihood", ["collapsed", "gaussian"])
@pytest.mark.parametrize("scale", [2.0**14, 2.0**-14])
def test_units_of_a_power_of_two_change_no_bit_of_the_codes(likelihood, scale):
    plain, scaled = small_cvae(likelihood=likelihood).fit(ROWS), small_cvae(likelihood=likelihood).fit(ROWS * scale)
    codes = plain.transform(ROWS)
    assert_same_bits([scaled.transform(ROWS * scale)], [codes])
    assert_same_bits([scaled.inverse_transform(codes)], [plain.inverse_transform(codes) * np.float32(scale)])


@pytest.mark.parametrize("likelihood", ["collapsed", "gaussian"])
@pytest.mark.parametrize("scale", [1e-4, 1e20])
def test_score_changes_by_the_jacobian_of_the_units(likelihood, scale):
    """x -> s x has the density p(x) / s^D: the log falls by D log s."""
    X = ROWS * np.float32(scale)
    scores = small_cvae(likelihood=likelihood).fit(ROWS).score_samples(ROWS)
    scaled = small_cvae(likelihood=likelihood).fit(X).score_samples(X)
    np.testing.assert_allclose(scaled, scores - 64 * np.log(scale), rtol=1e-3, atol=0.1)


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_small_models_of_any_kind_give_finite_numbers_of_the_right_shape(data):
    draw = data.draw
    n_samples = draw(st.integers(1, 7))
    shape = draw(st.sampled_from([(1,), (6,), (1, 1), (3, 4), (2, 3, 1), (2, 2, 3)]))
    likelihood = draw(st.sampled_from(["collapsed", "gaussian", "bernoulli"]))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    X = rng.random((n_samples, *shape))
    if likelihood != "bernoulli":
        X = X * 10 ** draw(st.integers(-6, 6)) + draw(st.sampled_from([0, -3]))
    cvae = CVAETransformer(
        draw(st.integers(1, 5)),
        hidden_layer_sizes=draw(st.sampled_from([(), (1,), (4,), (5, 3)])),
        activation=draw(st.sampled_from(["gelu", "relu", "tanh", "identity"])),
        likelihood=likelihood,
        noise_scale=draw(st.sampled_from([None, 0.5])),
        kl_weight=draw(st.sampled_from([0, 0.1, 1, 10])),
        batch_size=draw(st.integers(1, 8)),
        max_iter=draw(st.integers(1, 3)),
        n_scoring_samples=draw(st.integers(1, 4)),
        device="cpu",
        random_state=0,
    )
    codes = cvae.fit_transform(X)
    assert codes.shape == (n_samples, cvae.n_components)
    assert cvae.inverse_transform(codes).shape == X.shape
    assert cvae.score_samples(X).shape == (n_samples,)
    assert cvae.sample(3, random_state=1).shape == (3, *shape)
    for result in [
        *results(cvae, X),
        cvae.latent_covariance_,
        cvae.kl_per_component_,
        cvae.sample(3),
        cvae.loss_curve_,
    ]:
        assert np.isfinite(result).all()
    assert cvae.n_active_units_ <= cvae.n_components


# What is learnt


def relative_error(cvae, X):
    return np.mean((cvae.inverse_transform(cvae.transform(X)) - X) ** 2) / X.var(axis=0).mean()


def test_samples_of_a_linear_model_have_the_mean_and_covariance_of_its_prior():
    cvae = small_cvae(hidden_layer_sizes=(), max_iter=20).fit(ROWS[:, 20:26])
    network = cvae.module_
    weight = network.decoder[-1].weight + network.linear_decoder.weight
    W, b = (array.numpy() * float(network.scale) for array in (weight, network.decoder[-1].bias))
    samples = cvae.sample(50_000, random_state=0)
    np.testing.assert_allclose(samples.mean(axis=0), b + network.mean.numpy(), atol=0.02)
    np.testing.assert_allclose(np.cov(samples.T), W @ W.T, atol=0.02)


@pytest.mark.slow
@pytest.mark.skipif(not MNIST.exists(), reason="the MNIST of the shared data is not here")
def test_mnist_keeps_its_units_active_and_reconstructs():
    with np.load(MNIST) as archive:
        images = archive["x_train"][:1500].reshape(-1, 28, 28) / np.float32(255)
    cvae = CVAETransformer(n_components=32, max_iter=8, random_state=0).fit(images)
    assert cvae.n_active_units_ >= 10
    assert relative_error(cvae, images) < 1 / 3  # of the mean image's error; measured: 0.21


# Seeds, threads, global state


def test_another_random_state_gives_another_result():
    one, other = (small_cvae(random_state=seed).fit_transform(IMAGES) for seed in (0, 1))
    assert not np.allclose(one, other)


def test_a_random_state_instance_advances_from_fit_to_fit():
    state = np.random.RandomState(0)
    first, second = (small_cvae(random_state=state).fit_transform(IMAGES) for _ in range(2))
    assert not np.array_equal(first, second)
    assert_same_bits([first], [small_cvae(random_state=np.random.RandomState(0)).fit_transform(IMAGES)])


def test_the_number_of_threads_changes_no_bit(set_threads):
    found = []
    for n_threads in (1, 2):
        set_threads(n_threads)
        cvae = small_cvae(hidden_layer_sizes=(256,), n_components=16).fit(DIGITS.images)
        found.append(results(cvae, DIGITS.images))
        assert torch.get_num_threads() == n_threads
    assert_same_bits(*found)


def test_fits_on_two_threads_at_once_are_those_on_one(set_threads):
    set_threads(2)
    jobs = [small_cvae(random_state=seed) for seed in (0, 1, 0, 1)]
    codes = joblib.Parallel(n_jobs=2, backend="threading")(joblib.delayed(job.fit_transform)(IMAGES) for job in jobs)
    assert_same_bits(codes[:2], codes[2:])
    assert_same_bits(codes[:2], [small_cvae(random_state=seed).fit_transform(IMAGES) for seed in (0, 1)])
    assert torch.get_num_threads() == 2


def global_state():
    name, keys, *rest = np.random.get_state()
    return (
        torch.get_rng_state().numpy().tobytes(),
        (name, keys.tobytes(), *rest),
        torch.get_num_threads(),
        torch.get_float32_matmul_precision(),
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        torch.are_deterministic_algorithms_enabled(),
    )


def test_global_state_is_left_alone(set_threads):
    set_threads(2)
    before = global_state()
    cvae = small_cvae().fit(IMAGES)
    results(cvae, IMAGES)
    cvae.sample(2, random_state=0)
    pickle.loads(pickle.dumps(cvae))
    copy.deepcopy(cvae)
    assert global_state() == before
    with pytest.raises(ArithmeticError):
        small_cvae(learning_rate=1e30).fit(IMAGES)
    with pytest.raises(ValueError, match="cannot be used here"):
        cvae.set_params(device="nonsense").transform(IMAGES)
    assert global_state() == before


# Among other estimators


def test_pipeline_with_a_classifier_beats_chance(tmp_path):
    images, labels = DIGITS.images[:600], DIGITS.target[:600]
    cvae = small_cvae(n_components=8, hidden_layer_sizes=(64,), max_iter=20, batch_size=64)
    pipeline = make_pipeline(cvae, LogisticRegression(max_iter=1000), memory=str(tmp_path))
    assert pipeline.fit(images[:400], labels[:400]).score(images[400:], labels[400:]) > 0.6


# Devices and errors


@pytest.mark.parametrize("method", ["transform", "score_samples", "score", "posterior"])
@pytest.mark.parametrize(
    ("X", "message"),
    [
        (IMAGES.reshape(60, 4, 16), r"images of shape \(4, 16\), but \(8, 8\) were fitted"),
        (IMAGES.reshape(60, 8, 8, 1), r"images of shape \(8, 8, 1\), but \(8, 8\) were fitted"),
        (IMAGES[:, :5], "has 40 features, but CVAETransformer is expecting 64"),
        (np.full((2, 64), np.nan), "contains NaN"),
        (np.zeros((0, 8, 8)), "0 sample"),
    ],
)
def test_a_fitted_model_refuses_with_a_message(fitted, method, X, message):
    with pytest.raises(ValueError, match=message):
        getattr(fitted, method)(X)


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (np.zeros((2, 4)), r"shape \(2, 4\); expected codes of shape \(n, 3\)"),
        (np.zeros(3), "Expected 2D array"),
        (np.zeros((0, 3)), "0 sample"),
        (np.full((2, 3), np.nan), "contains NaN"),
    ],
)
def test_decoding_refuses_what_is_not_codes(fitted, codes, message):
    with pytest.raises(ValueError, match=message):
        fitted.inverse_transform(codes)
