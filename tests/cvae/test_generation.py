"""Samples of a fitted model from either prior, and paths between two data points."""

import joblib
import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from ._shared import small_cvae

RNG = np.random.default_rng(0)
ROWS = RNG.random((40, 6)).astype(np.float32)
CENTRES = np.array([[0.0, 0.0], [6.0, 0.0], [0.0, 6.0]])
BLOBS = np.repeat(CENTRES, 100, axis=0) + 0.3 * RNG.normal(size=(300, 2))
ANGLES = RNG.uniform(0, 1.5 * np.pi, 400)
HELIX = np.column_stack([np.cos(ANGLES), np.sin(ANGLES), 0.3 * ANGLES]) + 0.02 * RNG.normal(size=(400, 3))


def trained_cvae(**parameters):
    defaults = {"hidden_layer_sizes": (32, 32), "max_iter": 20, "batch_size": 32, "learning_rate": 1e-2}
    return small_cvae(**{**defaults, **parameters})


@pytest.fixture(scope="module")
def fitted():
    """A model of rows; tests must not change it."""
    return small_cvae().fit(ROWS)


@pytest.fixture(scope="module")
def of_helix():
    return trained_cvae(activation="tanh", init="random").fit(HELIX)  # from PCA it would hardly be curved


def reconstruction(cvae, X):
    return cvae.inverse_transform(cvae.transform(X))


def global_state():
    name, keys, *rest = np.random.get_state()
    return torch.get_rng_state().numpy().tobytes(), name, keys.tobytes(), *rest, torch.get_num_threads()


# Samples


def test_aggregate_samples_are_seeded(fitted):
    def sample(seed):
        return fitted.sample(9, random_state=seed, prior="aggregate")

    np.testing.assert_array_equal(sample(1), sample(1), strict=True)
    np.testing.assert_array_equal(sample(1), sample(np.random.RandomState(1)), strict=True)
    assert not np.allclose(sample(1), sample(2))
    state = np.random.RandomState(1)
    assert not np.allclose(sample(state), sample(state))  # an instance advances
    assert not np.allclose(sample(None), sample(None))
    assert len(np.unique(sample(1), axis=0)) == 9


@pytest.mark.parametrize("prior", ["standard", "aggregate"])
@pytest.mark.parametrize("random_state", [0, np.random.RandomState(0)], ids=["seed", "instance"])
def test_sampling_leaves_the_global_generators_and_the_model_alone(fitted, prior, random_state):
    state, model = global_state(), joblib.hash(fitted)
    fitted.sample(3, random_state=random_state, prior=prior)
    assert global_state() == state
    assert joblib.hash(fitted) == model


@pytest.mark.parametrize("prior", ["standard", "aggregate"])
@pytest.mark.parametrize(("shape", "n_samples"), [((6,), 1), ((4, 5), 7), ((4, 5, 1), 1), ((2, 3, 3), 7)])
def test_samples_have_the_form_of_what_was_fitted(prior, shape, n_samples):
    cvae = small_cvae(max_iter=1).fit(np.random.default_rng(0).random((10, *shape)))
    samples = cvae.sample(n_samples, random_state=0, prior=prior)
    assert samples.shape == (n_samples, *shape)
    assert samples.dtype == np.float32
    assert np.isfinite(samples).all()


def test_aggregate_samples_of_a_linear_model_have_the_moments_of_the_aggregate_posterior():
    """A linear decoder maps the mean and the covariance of the codes; the codes kept are draws, hence the error."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 2)) @ rng.normal(size=(2, 5)) + 0.5 * rng.normal(size=(4000, 5))
    weight = np.where(X[:, 0] > 0, 19, 1)
    # Of an autoencoder that is hardly variational: codes far from N(0, I).
    cvae = small_cvae(hidden_layer_sizes=(), init="random", kl_weight=0.05, max_iter=5, learning_rate=1e-2)
    cvae.fit(X, sample_weight=weight)
    assert np.abs(cvae.latent_covariance_ - np.eye(2)).max() > 0.3
    decoder = cvae.module_.decoder[-1]
    W, b = (array.double().numpy() * float(cvae.module_.scale) for array in (decoder.weight, decoder.bias))
    samples = cvae.sample(200_000, random_state=0, prior="aggregate").astype(np.float64)
    codes = np.linalg.lstsq(W, (samples - b - cvae.module_.mean.numpy()).T)[0].T
    deviations = np.sqrt(cvae.latent_covariance_.diagonal())
    np.testing.assert_allclose(codes.mean(axis=0) / deviations, cvae.latent_mean_ / deviations, atol=0.1)
    unit = np.outer(deviations, deviations)
    np.testing.assert_allclose(np.cov(codes.T) / unit, cvae.latent_covariance_ / unit, atol=0.15)


def test_aggregate_samples_follow_the_rows_of_the_last_partial_fit():
    cvae = trained_cvae()
    for _ in range(10):
        cvae.partial_fit(BLOBS)
    before = cvae.sample(500, random_state=0, prior="aggregate")
    assert before.shape == (500, 2)
    cvae.set_params(learning_rate=1e-6).partial_fit(BLOBS[:100])  # the model stays, the codes are of one cluster
    after = cvae.sample(500, random_state=0, prior="aggregate")
    of_cluster = reconstruction(cvae, CENTRES[:1])
    assert np.median(cdist(after, of_cluster)) < 0.5 * np.median(cdist(before, of_cluster))


@pytest.mark.parametrize("prior", ["uniform", "", None, 1])
def test_an_unknown_prior_is_refused(fitted, prior):
    with pytest.raises(ValueError, match=rf"prior={prior!r}; expected one of 'standard', 'aggregate'"):
        fitted.sample(3, prior=prior)


# Paths


PATHS = ("geodesic", "straight")


def step_lengths(points):
    return np.linalg.norm(np.diff(points.reshape(len(points), -1), axis=0), axis=1)


def unevenness(points):
    """Standard deviation of the steps' lengths, of which the mean is 1."""
    steps = step_lengths(points)
    return steps.std() / steps.mean()


@pytest.mark.parametrize(
    ("shape", "likelihood"),
    [
        ((6,), "gaussian"),
        ((4, 5), "collapsed"),
        ((4, 5, 1), "bernoulli"),
        ((2, 3, 3), "gaussian"),
        ((16, 16), "bernoulli"),
    ],
)
def test_a_path_leads_from_the_reconstruction_of_one_point_to_that_of_the_other(shape, likelihood):
    X = np.random.default_rng(0).random((10, *shape), dtype=np.float32)
    cvae = small_cvae(likelihood=likelihood, conv_channels=(2,)).fit(X)
    for path in PATHS:
        for n_points in (2, 5):
            points = cvae.interpolate(X[3], X[7], n_points, path=path)
            assert points.shape == (n_points, *shape)
            assert points.dtype == np.float32
            np.testing.assert_allclose(points[[0, -1]], reconstruction(cvae, X[[3, 7]]), atol=1e-5)


def test_a_path_has_ten_points_and_is_straight_unless_told(of_helix):
    found = of_helix.interpolate(HELIX[0], HELIX[1])
    assert found.shape == (10, 3)
    straight, geodesic = (of_helix.interpolate(HELIX[0], HELIX[1], 10, path=path) for path in ("straight", "geodesic"))
    np.testing.assert_array_equal(found, straight, strict=True)
    assert not np.allclose(found, geodesic, atol=1e-4)


@pytest.mark.parametrize("given_as", [list, np.float64, torch.tensor], ids=["list", "float64", "tensor"])
def test_the_ends_of_a_path_may_be_any_array_like(fitted, given_as):
    ends = [given_as(row) for row in ROWS[:2]]
    np.testing.assert_array_equal(fitted.interpolate(*ends, 4), fitted.interpolate(ROWS[0], ROWS[1], 4), strict=True)


def test_a_path_is_the_same_every_time_and_leaves_the_model_alone(of_helix):
    state, model = global_state(), joblib.hash(of_helix)
    np.testing.assert_array_equal(of_helix.interpolate(*HELIX[:2]), of_helix.interpolate(*HELIX[:2]), strict=True)
    assert global_state() == state
    assert joblib.hash(of_helix) == model
    assert not any(parameter.requires_grad for parameter in of_helix.module_.parameters())
    assert all(parameter.grad is None for parameter in of_helix.module_.parameters())


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("seed", range(2))
def test_steps_are_even_in_the_space_of_the_data(of_helix, path, seed):
    ends = np.random.default_rng(seed).choice(HELIX, 2, replace=False)
    assert unevenness(of_helix.interpolate(*ends, 12, path=path)) < 0.05


@pytest.mark.parametrize("path", ["curved", "", None])
def test_an_unknown_path_is_refused(fitted, path):
    with pytest.raises(ValueError, match=rf"path={path!r}; expected one of 'geodesic', 'straight'"):
        fitted.interpolate(ROWS[0], ROWS[1], path=path)


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        (ROWS[0, :3], ROWS[1, :3], "X has 3 features, but CVAETransformer is expecting 6 features"),
        (ROWS[0], ROWS[1, :3], "same shape"),
        (ROWS[0], ROWS[:2], "same shape"),
        (ROWS[:2], ROWS[2:4], "X has 12 features, but CVAETransformer is expecting 6 features"),
        (0.0, 1.0, "Expected 2D array"),
        (np.full(6, np.nan), ROWS[0], "contains NaN"),
        (ROWS[0], np.full(6, np.inf), "contains infinity"),
    ],
)
def test_ends_of_another_size_or_without_numbers_are_refused(fitted, start, end, message):
    with pytest.raises(ValueError, match=message):
        fitted.interpolate(start, end)


def test_images_of_another_shape_are_refused():
    images = ROWS.reshape(40, 2, 3)
    cvae = small_cvae().fit(images)
    with pytest.raises(ValueError, match=r"images of shape \(3, 2\), but \(2, 3\) were fitted"):
        cvae.interpolate(images[0].T, images[1].T)
    np.testing.assert_array_equal(cvae.interpolate(ROWS[0], ROWS[1]), cvae.interpolate(images[0], images[1]))


# Devices


@pytest.fixture
def elsewhere(monkeypatch):
    """Put a model's weights on another device, as it were: the next method moves them, that is, makes new tensors."""
    away = set()

    def to(module, device):
        if module in away:
            away.remove(module)
            module._apply(lambda tensor: tensor.clone())
        return module

    monkeypatch.setattr(torch.nn.Module, "to", to)
    return lambda cvae: away.add(cvae.module_)


@pytest.mark.parametrize("mode", [torch.enable_grad, torch.inference_mode], ids=["usual", "inference"])
@pytest.mark.parametrize("method", ["transform", "score_samples", "sample", "interpolate"])
def test_a_path_is_drawn_after_a_method_has_moved_the_weights(elsewhere, method, mode):
    cvae = small_cvae().fit(ROWS)
    path = cvae.interpolate(ROWS[0], ROWS[1], 5)
    elsewhere(cvae)
    with mode():
        getattr(cvae, method)(*{"sample": [2], "interpolate": ROWS[:2]}.get(method, [ROWS]))
    np.testing.assert_array_equal(cvae.interpolate(ROWS[0], ROWS[1], 5), path, strict=True)
    assert cvae.partial_fit(ROWS).interpolate(ROWS[0], ROWS[1], 5).shape == (5, 6)
