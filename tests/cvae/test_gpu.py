"""CVAETransformer on an accelerator: it does there what it does on the CPU, and leaves nothing of it behind."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from skisp import CVAETransformer
from skisp._chunks import chunk_sizes
from skisp.cvae._geodesic import even_line, geodesic
from skisp.cvae._latent import latent_statistics

IMAGES = (load_digits().images[:60] / 16).astype(np.float32)
NETWORKS = [{"network": "dense"}, {"network": "conv", "conv_channels": (2, 3)}]

ACCELERATOR = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else torch.device("cpu")
needs_an_accelerator = pytest.mark.skipif(not torch.accelerator.is_available(), reason="no accelerator")


def small_cvae(**parameters):
    defaults = {"n_components": 3, "hidden_layer_sizes": (8,), "max_iter": 3, "n_scoring_samples": 8}
    return CVAETransformer(**{**defaults, "random_state": 0, "device": "auto", **parameters})


def device_of(cvae):
    (device,) = {tensor.device.type for tensor in cvae.module_.state_dict().values()}
    return device


@pytest.mark.gpu
@needs_an_accelerator
@pytest.mark.parametrize("parameters", NETWORKS)
def test_auto_does_everything_on_the_accelerator(parameters):
    cvae = small_cvae(**parameters)
    for fitted in (cvae.fit(IMAGES), cvae.partial_fit(IMAGES), small_cvae(**parameters).partial_fit(IMAGES)):
        codes = fitted.transform(IMAGES)
        assert codes.shape == (60, 3)
        assert fitted.inverse_transform(codes).shape == IMAGES.shape
        assert fitted.sample(2, random_state=0).shape == (2, 8, 8)
        assert fitted.sample(2, random_state=0, prior="aggregate").shape == (2, 8, 8)
        assert fitted.interpolate(IMAGES[0], IMAGES[1], 4).shape == (4, 8, 8)
        results = [codes, fitted.score_samples(IMAGES), fitted.elbo(IMAGES), *fitted.posterior(IMAGES)]
        results += [fitted.latent_mean_, fitted.latent_covariance_, fitted.loss_curve_]
        assert all(np.isfinite(result).all() for result in results)
        assert np.isfinite(fitted.score(IMAGES))
        assert device_of(fitted) == ACCELERATOR.type
        assert fitted.device == "auto"


@pytest.mark.gpu
@needs_an_accelerator
@pytest.mark.parametrize(
    "parameters",
    [
        {"augment": ("shift", "flip")},
        {"contraction": 0.1},
        {"free_bits": 0.1},
        {"n_importance_samples": 3, "kl_warmup": 2.0},
        {"kl_weight": 0.0},
        {"likelihood": "gaussian"},
        {"likelihood": "gaussian", "noise_scale": 0.3},
        {"likelihood": "bernoulli", "binarize": True},
        {"early_stopping": True, "validation_fraction": 0.3},
        {"batch_size": 59, "batch_norm": False, "weight_decay": 0.1},
    ],
)
@pytest.mark.parametrize("network", NETWORKS)
def test_every_kind_of_training_runs_there_as_on_the_cpu(parameters, network):
    there, here = (
        small_cvae(device=device, precision="float32", **parameters, **network).fit(
            IMAGES, sample_weight=np.arange(60) % 3
        )
        for device in ("auto", "cpu")
    )
    np.testing.assert_allclose(there.loss_curve_, here.loss_curve_, rtol=1e-2, atol=0.1)
    assert np.isfinite(there.score_samples(IMAGES)).all()


@pytest.mark.gpu
@needs_an_accelerator
@pytest.mark.parametrize("likelihood", ["collapsed", "gaussian", "bernoulli"])
@pytest.mark.parametrize("network", NETWORKS)
def test_one_model_says_the_same_on_both_devices(likelihood, network):
    cvae = small_cvae(device="cpu", likelihood=likelihood, **network).fit(IMAGES)
    codes, here = cvae.transform(IMAGES), [*cvae.posterior(IMAGES), cvae.elbo(IMAGES), cvae.score_samples(IMAGES)]
    images = cvae.inverse_transform(codes)
    cvae.set_params(device="auto")
    np.testing.assert_allclose(cvae.transform(IMAGES), codes, atol=1e-3)
    np.testing.assert_allclose(cvae.inverse_transform(codes), images, atol=1e-3)
    there = [*cvae.posterior(IMAGES), cvae.elbo(IMAGES), cvae.score_samples(IMAGES)]
    for ours, theirs in zip(there, here, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-2)
    assert device_of(cvae) == ACCELERATOR.type


@pytest.mark.gpu
@needs_an_accelerator
@pytest.mark.parametrize("network", NETWORKS)
def test_a_model_trained_there_is_arrays_in_a_file_and_is_loaded_on_the_cpu(network):
    cvae = small_cvae(warm_start=True, precision="float32", **network).fit(IMAGES)
    stored = pickle.dumps(cvae)
    assert b"torch" not in stored
    assert ACCELERATOR.type.encode() not in stored
    twin = pickle.loads(stored)
    assert device_of(twin) == "cpu"
    codes = cvae.transform(IMAGES)
    np.testing.assert_allclose(twin.transform(IMAGES), codes, atol=1e-3)
    assert device_of(twin) == ACCELERATOR.type  # "auto" is resolved where it is used
    np.testing.assert_allclose(twin.set_params(device="cpu").transform(IMAGES), codes, atol=1e-3)
    assert device_of(twin) == "cpu"
    assert np.isfinite(twin.fit(IMAGES).loss_curve_).all()  # the optimiser's state goes on as well


@pytest.mark.gpu
@needs_an_accelerator
@pytest.mark.parametrize("path", ["geodesic", "straight"])
@pytest.mark.parametrize("network", NETWORKS)
def test_a_model_of_the_cpu_is_loaded_and_used_there_in_any_order(network, path):
    cvae = small_cvae(device="cpu", max_iter=20, **network).fit(IMAGES)
    images = cvae.interpolate(IMAGES[0], IMAGES[1], 5, path=path)
    for device in (ACCELERATOR, ACCELERATOR.type, "auto"):
        twin = pickle.loads(pickle.dumps(cvae)).set_params(device=device)
        # Straight after loading, after inference there, and after inference on the CPU.
        np.testing.assert_allclose(twin.interpolate(IMAGES[0], IMAGES[1], 5, path=path), images, atol=0.05)
        np.testing.assert_allclose(twin.transform(IMAGES), cvae.transform(IMAGES), atol=1e-3)
        np.testing.assert_allclose(twin.interpolate(IMAGES[0], IMAGES[1], 5, path=path), images, atol=0.05)
        twin.set_params(device="cpu").transform(IMAGES)
        twin.set_params(device=device)
        np.testing.assert_allclose(twin.interpolate(IMAGES[0], IMAGES[1], 5, path=path), images, atol=0.05)
        np.testing.assert_allclose(twin.sample(3, random_state=0), cvae.sample(3, random_state=0), atol=1e-3)


@pytest.mark.gpu
@needs_an_accelerator
@pytest.mark.parametrize("network", NETWORKS)
def test_bfloat16_there_is_finite_and_close_to_float32(network):
    exact, rounded = (
        small_cvae(precision=precision, max_iter=20, **network).fit(IMAGES) for precision in ("float32", "bfloat16")
    )
    assert rounded.loss_curve_ != exact.loss_curve_
    fallen = exact.loss_curve_[0] - exact.loss_
    assert abs(rounded.loss_ - exact.loss_) < 0.05 * fallen
    assert abs(rounded.score(IMAGES) - exact.score(IMAGES)) < 0.05 * fallen
    assert {parameter.dtype for parameter in rounded.module_.parameters()} == {torch.float32}
    assert rounded.transform(IMAGES).dtype == np.float32
    assert not torch.is_autocast_enabled(ACCELERATOR.type)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device, whose memory is counted")
def test_rows_read_in_blocks_are_never_all_on_the_accelerator(tmp_path, monkeypatch):
    monkeypatch.setattr(chunk_sizes, "block_bytes", 2**20)
    X = np.random.default_rng(0).random((2**14, 1024), dtype=np.float32)
    np.save(tmp_path / "rows.npy", X)
    rows = np.load(tmp_path / "rows.npy", mmap_mode="r")
    small_cvae(max_iter=1).fit(X[:300])  # what the libraries keep for themselves
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    cvae = small_cvae(max_iter=1).fit(rows)
    assert torch.cuda.max_memory_allocated() - before < X.nbytes / 4
    assert torch.cuda.memory_allocated() - before < 2**20  # the model
    assert cvae.transform(rows[:10]).shape == (10, 3)


class WithoutFloat64(torch.Tensor):
    """Stands for a tensor on Apple's accelerators: what is to be exact goes to the CPU first."""

    def double(self):
        raise TypeError("Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64.")

    def cpu(self):
        return self.as_subclass(torch.Tensor)


def test_statistics_of_the_codes_take_no_float64_on_the_device():
    mean, log_variance, weight = torch.randn(5, 2), torch.randn(5, 2), torch.ones(5, dtype=torch.float64)
    expected = latent_statistics([(mean, log_variance, weight)])
    found = latent_statistics([(mean.as_subclass(WithoutFloat64), log_variance.as_subclass(WithoutFloat64), weight)])
    np.testing.assert_array_equal(found.covariance, expected.covariance)


@pytest.mark.parametrize("lead", [geodesic, even_line])
def test_paths_take_no_float64_on_the_device(lead):
    start, end = torch.tensor([0.0, 1.0]), torch.tensor([2.0, -1.0])
    expected = lead(lambda z: z.exp(), start, end, 5)
    found = lead(lambda z: z.exp().as_subclass(WithoutFloat64), start, end, 5)
    torch.testing.assert_close(found.as_subclass(torch.Tensor), expected)
