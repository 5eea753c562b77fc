"""The networks: their layers, what they compute before training, and their arrays."""

import numpy as np
import pytest
import torch
from torch import nn

from skisp.cvae._layers import ACTIVATIONS, DenseEncoder
from skisp.cvae._networks import CVAENetwork


def network(**parameters):
    defaults = {"n_components": 3, "hidden_layer_sizes": (7, 5), "activation": "gelu", "likelihood": "collapsed"}
    return CVAENetwork(10, **{**defaults, **parameters})


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_every_hidden_layer_is_normalised_then_activated(activation):
    layers = DenseEncoder(4, (3, 2), activation)
    assert [isinstance(layer, nn.BatchNorm1d) for layer in layers] == [False, True, False] * 2
    assert [type(layer) for layer in layers][2::3] == [ACTIVATIONS[activation]] * 2


@pytest.mark.parametrize("likelihood", ["collapsed", "gaussian", "bernoulli"])
def test_decoding_starts_around_the_mean_row(likelihood):
    mean = torch.linspace(0.05, 0.95, 10)
    net = network(likelihood=likelihood).eval()
    net.standardise_by(mean, 2.0)
    nn.init.zeros_(net.decoder[-1].weight)
    torch.testing.assert_close(net.reconstruct(torch.randn(4, 3)), mean.expand(4, 10))


def test_what_enters_is_standardised():
    net = network().eval()
    x = torch.randn(6, 10)
    plain = net.encode(x)
    net.standardise_by(torch.arange(10.0), 4.0)
    for scaled, unscaled in zip(net.encode(4 * x + torch.arange(10.0)), plain, strict=True):
        torch.testing.assert_close(scaled, unscaled, atol=1e-5, rtol=1e-5)


def test_the_variance_of_the_posterior_is_bounded():
    net = network(hidden_layer_sizes=())
    log_variance = net.encode(torch.randn(50, 10) * 1e6)[1]
    assert log_variance.abs().max() == 8


def test_from_arrays_rebuilds_an_equal_network_without_touching_the_random_state():
    net = network(likelihood="gaussian").eval()
    net.standardise_by(torch.arange(10.0), 3.0)
    arrays = net.to_arrays()
    assert all(isinstance(array, np.ndarray) for array in arrays.values())
    before = torch.get_rng_state()
    twin = CVAENetwork.from_arrays(net.config, arrays)
    assert torch.equal(torch.get_rng_state(), before)
    x, z = torch.randn(4, 10), torch.randn(4, 3)
    torch.testing.assert_close(twin.encode(x), net.encode(x), rtol=0, atol=0)
    torch.testing.assert_close(twin.reconstruct(z), net.reconstruct(z), rtol=0, atol=0)
    assert not twin.training


def test_arrays_are_copies():
    net = network().requires_grad_(False)
    arrays = net.to_arrays()
    arrays["posterior.weight"][:] = 0
    assert float(net.posterior.weight.abs().min()) > 0
    arrays = net.to_arrays()
    twin = CVAENetwork.from_arrays(net.config, arrays)
    arrays["posterior.weight"][:] = 0
    assert float(twin.posterior.weight.abs().min()) > 0
