"""Number formats: where bfloat16 computes, that it stays inside training, and compiled networks."""

import pickle
import shutil
import warnings

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from skisp import CVAETransformer
from skisp.cvae import _precision
from skisp.cvae._networks import CVAENetwork
from skisp.cvae._objectives import Objective
from skisp.cvae._precision import _cpu_has_fast_bfloat16, autocast, has_fast_bfloat16

CPU = torch.device("cpu")
IMAGES = (load_digits().images / 16).astype(np.float32)
FEW = IMAGES[:60]
NETWORKS = [{"network": "dense"}, {"network": "conv", "conv_channels": (2, 3)}]


def small_cvae(**parameters):
    defaults = {"n_components": 3, "hidden_layer_sizes": (8,), "max_iter": 2, "n_scoring_samples": 4}
    return CVAETransformer(**{**defaults, "random_state": 0, "device": "cpu", **parameters})


@pytest.fixture
def computed():
    """Which number formats the linear layers and convolutions of any network have computed in."""
    formats = set()

    def note(module, inputs, output):
        if isinstance(module, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
            formats.add(output.dtype)

    handle = nn.modules.module.register_module_forward_hook(note)
    yield formats
    handle.remove()


def same_bits(ours, theirs):
    return np.array_equal(ours.transform(FEW), theirs.transform(FEW)) and ours.loss_curve_ == theirs.loss_curve_


# The block


@pytest.mark.parametrize(("precision", "expected"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_linear_layers_of_the_block_compute_in_its_precision_and_those_after_it_in_float32(
    precision, expected, monkeypatch
):
    """A precision that is named is taken whether it is fast here or not."""
    monkeypatch.setattr(_precision, "has_fast_bfloat16", lambda device: precision == "float32")
    layer, x = nn.Linear(4, 3), torch.ones(2, 4)
    with autocast(precision, CPU):
        assert layer(x).dtype == expected
        assert torch.is_autocast_enabled("cpu") == (precision == "bfloat16")
    assert layer(x).dtype == torch.float32
    assert not torch.is_autocast_enabled("cpu")
    assert layer.weight.dtype == torch.float32


@pytest.mark.parametrize("layers", [{"hidden_layer_sizes": (8,)}, {"conv_channels": (2,), "image_shape": (2, 3, 1)}])
def test_in_bfloat16_the_layers_compute_but_codes_outputs_and_densities_come_in_float32(layers, computed):
    network = CVAENetwork(6, n_components=2, **layers).eval()
    x, z = torch.rand(5, 6), torch.randn(5, 2)
    with autocast("bfloat16", CPU):
        mean, log_variance = network.encode(x)
        output = network.decode(z)
        results = [mean, log_variance, output, network.log_likelihood(x, output), network.reconstruct(z)]
    assert computed == {torch.bfloat16}
    assert {result.dtype for result in results} == {torch.float32}
    torch.testing.assert_close(mean, network.encode(x)[0], rtol=0.1, atol=0.05)
    assert not torch.equal(mean, network.encode(x)[0])


# Where it is fast


@pytest.mark.parametrize(
    ("capabilities", "fast"),
    [
        ({}, False),
        ({"amx_bf16": True}, True),
        ({"amx_bf16": True, "cpu_name": "Intel Xeon", "avx512_bf16": True}, True),
        ({"amx_bf16": False, "cpu_name": "Intel Xeon", "avx512_bf16": True}, False),
        ({"cpu_name": "AMD EPYC 9554 64-Core Processor", "avx512_bf16": True}, True),
        ({"cpu_name": "AMD EPYC 7763 64-Core Processor", "avx512_bf16": False}, False),
        ({"cpu_name": "AMD Ryzen"}, False),
        ({"cpu_name": None, "avx512_bf16": True}, False),
        ({"architecture": "aarch64", "bf16": True}, False),
    ],
)
def test_processors_with_matrix_tiles_and_amds_with_bfloat16_instructions_are_fast(capabilities, fast):
    assert _cpu_has_fast_bfloat16(capabilities) is fast


@pytest.mark.parametrize("capabilities", [{"amx_bf16": True}, {"amx_bf16": False}])
def test_the_processor_is_asked_what_it_can_do(monkeypatch, capabilities):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert has_fast_bfloat16(CPU) is capabilities["amx_bf16"]


def test_a_torch_that_cannot_tell_has_no_fast_bfloat16(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert has_fast_bfloat16(CPU) is False


@pytest.mark.parametrize("supported", [True, False])
def test_a_cuda_device_is_asked_without_emulation(monkeypatch, supported):
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation or supported
    )
    assert has_fast_bfloat16(torch.device("cuda")) is supported


@pytest.mark.parametrize("device", ["mps", "meta", "xpu"])
def test_other_devices_stay_with_float32(device):
    assert has_fast_bfloat16(torch.device(device)) is False


@pytest.mark.parametrize("fast", [True, False])
def test_auto_takes_bfloat16_where_it_is_fast(monkeypatch, computed, fast):
    monkeypatch.setattr(_precision, "has_fast_bfloat16", lambda device: fast)
    auto = small_cvae(precision="auto").fit(FEW)
    assert (torch.bfloat16 in computed) == fast
    assert same_bits(auto, small_cvae(precision="bfloat16" if fast else "float32").fit(FEW))
    assert auto.precision == "auto"


# Training


@pytest.mark.parametrize("parameters", NETWORKS)
def test_what_was_fitted_in_bfloat16_holds_computes_and_returns_float32(computed, parameters):
    cvae = small_cvae(precision="bfloat16", **parameters).fit(FEW)
    computed.clear()
    codes = cvae.transform(FEW)
    results = [codes, cvae.inverse_transform(codes), cvae.score_samples(FEW), *cvae.posterior(FEW), cvae.elbo(FEW)]
    results.append(cvae.sample(2, random_state=0))
    assert computed == {torch.float32}
    assert {result.dtype for result in results} == {np.dtype(np.float32)}
    assert {parameter.dtype for parameter in cvae.module_.parameters()} == {torch.float32}
    assert same_bits(pickle.loads(pickle.dumps(cvae)).set_params(precision="float32"), cvae)


def test_the_loss_of_rows_held_back_is_computed_in_float32(monkeypatch, computed):
    formats, loss = [], Objective.loss

    def recorded(*arguments):
        computed.clear()
        value = loss(*arguments)
        formats.append((set(computed), value.dtype))
        return value

    monkeypatch.setattr(Objective, "loss", recorded)
    small_cvae(precision="bfloat16", early_stopping=True).fit(FEW)
    assert formats == [({torch.bfloat16}, torch.float32), ({torch.float32}, torch.float32)] * 2


@pytest.mark.parametrize(
    ("parameters", "likelihood"), [(NETWORKS[0], "collapsed"), (NETWORKS[1], "gaussian"), (NETWORKS[0], "bernoulli")]
)
def test_training_in_bfloat16_reaches_about_the_loss_of_float32(parameters, likelihood):
    exact, rounded = (
        small_cvae(precision=precision, likelihood=likelihood, max_iter=4, **parameters).fit(IMAGES)
        for precision in ("float32", "bfloat16")
    )
    assert rounded.loss_curve_ != exact.loss_curve_
    fallen = exact.loss_curve_[0] - exact.loss_
    assert abs(rounded.loss_ - exact.loss_) < 0.02 * fallen
    assert abs(rounded.score(IMAGES) - exact.score(IMAGES)) < 0.02 * fallen


# Compiled


def global_settings():
    from torch import _dynamo, _inductor

    return (
        torch.get_num_threads(),
        torch.get_float32_matmul_precision(),
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        torch.are_deterministic_algorithms_enabled(),
        torch.get_rng_state().numpy().tobytes(),
        _dynamo.config.get_config_copy(),
        _inductor.config.get_config_copy(),
    )


needs_a_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="no C++ compiler")


@pytest.fixture
def compiled(monkeypatch):
    """Names of the modules that are compiled, as they come."""
    names, compile_module = [], nn.Module.compile

    def noted(module, *arguments, **options):
        names.append(type(module).__name__)
        compile_module(module, *arguments, **options)

    monkeypatch.setattr(nn.Module, "compile", noted)
    return names


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        ({"compile": True}, ["DenseEncoder", "DenseDecoder"]),
        ({"compile": True, "contraction": 0.1}, ["DenseDecoder"]),  # its penalty differentiates the encoder twice
        ({}, []),
    ],
    ids=["both", "contraction", "none"],
)
def test_the_networks_are_compiled_for_training_and_only_there(monkeypatch, compiled, parameters, names):
    monkeypatch.setattr(torch, "compile", lambda function, **options: function)
    cvae = small_cvae(**parameters)
    for method in (cvae.fit, cvae.partial_fit):
        method(FEW)
        assert compiled == names
        compiled.clear()
        assert all(module._compiled_call_impl is None for module in cvae.module_.modules())
    cvae.score(FEW)
    assert compiled == []


@pytest.mark.slow
@needs_a_compiler
@pytest.mark.parametrize(
    ("parameters", "backend"),
    [({"early_stopping": True, "batch_size": 25}, "inductor"), (NETWORKS[1], "eager")],
    ids=["dense", "conv, without the compiler of C++"],
)
def test_a_compiled_fit_gives_a_model_like_any_other(parameters, backend, monkeypatch):
    compile_module = nn.Module.compile
    monkeypatch.setattr(nn.Module, "compile", lambda own, **options: compile_module(own, backend=backend, **options))
    before = global_settings()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning, module="torch")
        compiled = small_cvae(compile=True, precision="float32", **parameters).fit(FEW)
    assert global_settings() == before
    plain = small_cvae(precision="float32", **parameters).fit(FEW)
    np.testing.assert_allclose(compiled.transform(FEW), plain.transform(FEW), atol=1e-4)
    np.testing.assert_allclose(compiled.loss_curve_, plain.loss_curve_, atol=1e-4, rtol=1e-3)
    assert b"torch" not in pickle.dumps(compiled)
    assert same_bits(pickle.loads(pickle.dumps(compiled)), compiled)
    assert compiled.interpolate(FEW[0], FEW[1], 3).shape == (3, 8, 8)
