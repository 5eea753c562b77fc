"""The layers: what a convolution reads of a row, how a decoder writes one, and that the two are mirrors."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn

from skisp.cvae._layers import ConvDecoder, ConvEncoder, DenseDecoder, DenseEncoder
from skisp.cvae._networks import CVAENetwork

image_shapes = st.tuples(st.integers(1, 11), st.integers(1, 11), st.integers(1, 4))
channel_counts = st.lists(st.integers(1, 4), max_size=4).map(tuple)
few = settings(deadline=None, max_examples=25)


def randn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def randomised(module, seed=0):
    """The module with other numbers in every weight and buffer, in evaluation mode, so that each row is alone."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for tensor in [*module.parameters(), *module.buffers()]:
            if tensor.is_floating_point():
                tensor.copy_(0.5 + torch.rand(tensor.shape, generator=generator))
    return module.eval().requires_grad_(False)


def sizes_of(shape, n_layers):
    """Heights and widths, halved and rounded up ``n_layers`` times."""
    sizes = [shape[:2]]
    for _ in range(n_layers):
        sizes.append(tuple(-(-side // 2) for side in sizes[-1]))
    return sizes


def features_of_shape(encoder, rows):
    """Features (n, h, w, c) of rows."""
    height, width = sizes_of(encoder.image_shape, len(encoder.stages))[-1]
    return encoder(rows).unflatten(1, (height, width, -1))


def readers(position, side, n_layers):
    """Which outputs of ``n_layers`` convolutions along a side see the input at ``position``: o reads 2o-1 .. 2o+2."""
    positions = {position}
    for _ in range(n_layers):
        side = -(-side // 2)
        positions = {o for o in range(side) for i in positions if 2 * o - 1 <= i <= 2 * o + 2}
    return positions


def convolutions(module):
    return [layer for layer in module.modules() if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d))]


def norms(module):
    return [layer for layer in module.modules() if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d))]


# Shapes


@given(image_shapes, channel_counts, st.integers(1, 3), st.booleans(), st.booleans())
@example((1, 1, 1), (2, 2, 2, 2), 1, True, True)
@example((1, 11, 1), (3,), 1, True, True)
@few
def test_images_of_any_height_width_and_channels_are_coded_and_decoded(shape, channels, n, batch_norm, training):
    encoder = ConvEncoder(shape, channels, "gelu", batch_norm).train(training)
    decoder = ConvDecoder(shape, 2, channels, "gelu", batch_norm).train(training)
    features, rows = encoder(randn(n, int(np.prod(shape)))), decoder(randn(n, 2))
    height, width = sizes_of(shape, len(channels))[-1]
    assert encoder.n_outputs == height * width * (channels[-1] if channels else shape[2])
    assert features.shape == (n, encoder.n_outputs)
    assert rows.shape == (n, np.prod(shape))
    assert torch.isfinite(features).all()
    assert torch.isfinite(rows).all()


@given(st.integers(1, 6), st.integers(1, 4), st.lists(st.integers(1, 5), max_size=3), st.booleans())
@few
def test_dense_layers_have_the_widths_asked_for_and_their_mirror(n_features, n_components, widths, batch_norm):
    encoder = DenseEncoder(n_features, widths, "tanh", batch_norm)
    decoder = DenseDecoder(n_features, n_components, widths, "tanh", batch_norm)
    inner = [(layer.in_features, layer.out_features) for layer in encoder if isinstance(layer, nn.Linear)]
    outer = [(layer.in_features, layer.out_features) for layer in decoder if isinstance(layer, nn.Linear)]
    path = [n_features, *widths]
    assert inner == list(itertools.pairwise(path))
    back = [n_components, *widths[::-1], n_features]
    assert outer == list(itertools.pairwise(back))
    assert encoder.n_outputs == path[-1]
    assert encoder(randn(3, n_features)).shape == (3, path[-1])
    assert decoder(randn(3, n_components)).shape == (3, n_features)
    assert decoder.output_bias.shape == (n_features,)


# What is computed


@pytest.mark.parametrize("shape", [(4, 6, 2), (5, 3, 1), (1, 1, 3), (1, 7, 1)])
def test_one_convolution_is_the_sum_written_out(shape):
    """Feature (i, j, k) is the sum over a window of 4 x 4 pixels around (2i, 2j), nothing outside the image."""
    encoder = randomised(ConvEncoder(shape, (3,), "identity", batch_norm=False))
    weight, bias = (p.numpy() for p in convolutions(encoder)[0].parameters())
    image = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    height, width = -(-shape[0] // 2), -(-shape[1] // 2)
    padded = np.zeros((2 * height + 2, 2 * width + 2, shape[2]))
    padded[1 : shape[0] + 1, 1 : shape[1] + 1] = image
    expected = np.array(
        [
            [
                np.einsum("abc,kcab->k", padded[2 * i : 2 * i + 4, 2 * j : 2 * j + 4], weight) + bias
                for j in range(width)
            ]
            for i in range(height)
        ]
    )
    features = encoder(torch.from_numpy(image.reshape(1, -1)))
    np.testing.assert_allclose(features[0].reshape(height, width, 3), expected, rtol=1e-4)


@given(image_shapes, channel_counts, st.integers(0, 100))
@example((5, 6, 3), (2, 4), 0)
@few
def test_with_the_same_weights_the_decoder_is_the_transpose_of_the_encoder(shape, channels, seed):
    """<E x, y> = <x, D y> for linear networks: rows, pixels, channels and edges lie in the same place in both."""
    encoder = randomised(ConvEncoder(shape, channels, "identity", batch_norm=False), seed)
    decoder = randomised(ConvDecoder(shape, encoder.n_outputs, channels, "identity", batch_norm=False), seed)
    for there, back in zip(convolutions(encoder), convolutions(decoder)[::-1], strict=True):
        back.weight.copy_(there.weight)
    for module in (encoder, decoder):
        for name, parameter in module.named_parameters():
            if name.endswith("bias"):
                parameter.zero_()
    for layer in decoder.dense.modules():
        if isinstance(layer, nn.Linear):
            nn.init.eye_(layer.weight)
    x, y = randn(3, int(np.prod(shape)), seed=1), randn(3, encoder.n_outputs, seed=2)
    torch.testing.assert_close((encoder(x) * y).sum(1), (x * decoder(y)).sum(1), rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("batch_norm", [True, False])
def test_without_convolutions_the_decoder_is_linear(batch_norm):
    """As with no hidden layers: values of any sign and size, whatever the activation."""
    decoder = randomised(ConvDecoder((3, 2, 2), 2, (), "relu", batch_norm)).train()
    origin, z = decoder(torch.zeros(4, 2)), randn(4, 2)
    torch.testing.assert_close(decoder(-3 * z) - origin, -3 * (decoder(z) - origin), rtol=1e-4, atol=1e-4)
    assert (decoder(z) - origin).abs().min() > 1e-3


@given(image_shapes, channel_counts, st.data())
@few
def test_a_pixel_changes_just_the_features_that_read_it(shape, channels, data):
    encoder = randomised(ConvEncoder(shape, channels, "identity")).double()
    pixel = data.draw(st.tuples(*(st.integers(0, side - 1) for side in shape)))
    image = torch.zeros(1, *shape, dtype=torch.float64)
    before = features_of_shape(encoder, image.flatten(1)).clone()
    image[(0, *pixel)] = 1
    changed = (features_of_shape(encoder, image.flatten(1)) - before)[0].abs().numpy() > 1e-6
    rows, columns = (readers(pixel[axis], shape[axis], len(channels)) for axis in (0, 1))
    for i, j, k in np.ndindex(changed.shape):
        assert changed[i, j, k] == (i in rows and j in columns and (bool(channels) or k == pixel[2]))


# The bias of the output


@given(image_shapes, channel_counts)
@few
def test_the_decoders_bias_is_one_number_a_pixel_and_channel_in_the_order_of_the_row(shape, channels):
    decoder = randomised(ConvDecoder(shape, 2, channels, "gelu"))
    n_features = int(np.prod(shape))
    assert decoder.output_bias.shape == (n_features,)
    z = randn(3, 2)
    decoder.output_bias.zero_()
    plain = decoder(z)
    decoder.output_bias.copy_(torch.arange(n_features))
    torch.testing.assert_close(decoder(z) - plain, torch.arange(n_features).expand(3, -1).float(), atol=1e-2, rtol=0)


@pytest.mark.parametrize("likelihood", ["collapsed", "gaussian", "bernoulli"])
def test_convolutions_start_decoding_around_the_mean_image(likelihood):
    mean = torch.linspace(0.05, 0.95, 30)
    network = CVAENetwork(30, n_components=2, conv_channels=(2, 3), image_shape=(3, 5, 2), likelihood=likelihood).eval()
    network.standardise_by(mean, 2.0)
    nn.init.zeros_(convolutions(network.decoder)[-1].weight)
    torch.testing.assert_close(network.reconstruct(randn(4, 2)), mean.expand(4, 30))


# Normalisation


def layers(kind, batch_norm, activation="gelu"):
    if kind == "dense":
        return DenseEncoder(12, (4, 3), activation, batch_norm), DenseDecoder(12, 3, (4, 3), activation, batch_norm)
    shape = (2, 3, 2)
    return ConvEncoder(shape, (4, 3), activation, batch_norm), ConvDecoder(shape, 3, (4, 3), activation, batch_norm)


def hidden_layers(module):
    """Linear layers and convolutions but the one that gives the output."""
    found = [layer for layer in module.modules() if isinstance(layer, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d))]
    return found[:-1] if isinstance(module, (DenseDecoder, ConvDecoder)) else found


@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_without_batch_norm_hidden_layers_have_biases_and_no_norm(kind):
    for module in layers(kind, batch_norm=False):
        assert norms(module) == []
        assert len(hidden_layers(module)) > 0
        assert all(layer.bias is not None for layer in hidden_layers(module))


@pytest.mark.parametrize("kind", ["dense", "conv"])
@pytest.mark.parametrize("batch_norm", [True, False])
def test_every_parameter_matters(kind, batch_norm):
    for module, n_inputs in zip(layers(kind, batch_norm, "tanh"), (12, 3), strict=True):
        module.train()
        (module(randn(5, n_inputs)) * randn(5, module(randn(5, n_inputs)).shape[1], seed=1)).sum().backward()
        for name, parameter in module.named_parameters():
            assert parameter.grad.abs().max() > 1e-6, name


@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_in_training_features_are_normalised_over_the_batch(kind):
    encoder = layers(kind, True, "identity")[0].train()
    for norm in encoder.modules():
        if isinstance(norm, nn.modules.batchnorm._BatchNorm):
            norm.eps = 1e-12  # added to the variance lest a flat feature be divided by 0; it would show
    features = encoder(10 + randn(40, 12)).unflatten(1, (-1, 3)).flatten(0, 1)
    torch.testing.assert_close(features.mean(0), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(features.var(0, correction=0), torch.ones(3), atol=1e-4, rtol=0)


def trained_statistics(module, n_inputs):
    for seed in range(3):
        module.train()(3 + 2 * randn(20, n_inputs, seed=seed))
    return module


def buffers_of(module):
    return {name: buffer.clone() for name, buffer in module.named_buffers()}


@pytest.mark.parametrize(
    ("module", "n_inputs"),
    [
        (lambda: DenseEncoder(4, (3, 2), "gelu"), 4),
        (lambda: DenseDecoder(4, 2, (3, 2), "gelu"), 2),
        (lambda: ConvEncoder((1, 1, 2), (3, 2), "gelu"), 2),
        (lambda: ConvEncoder((2, 2, 1), (3, 2), "gelu"), 4),
        (lambda: ConvDecoder((1, 1, 2), 2, (3,), "gelu"), 2),
        (lambda: ConvDecoder((2, 2, 1), 2, (3,), "gelu"), 2),
        (lambda: ConvDecoder((4, 4, 1), 2, (), "gelu"), 2),
    ],
)
def test_one_row_with_one_value_a_channel_uses_the_running_statistics_and_leaves_them(module, n_inputs):
    module = trained_statistics(module(), n_inputs)
    before, row = buffers_of(module), randn(1, n_inputs, seed=9)
    in_training = module.train()(row)
    for name, buffer in buffers_of(module).items():
        torch.testing.assert_close(buffer, before[name], rtol=0, atol=0)
    torch.testing.assert_close(in_training, module.eval()(row))
    assert torch.isfinite(in_training).all()


def test_one_image_of_several_pixels_is_normalised_over_its_pixels():
    """There is a variance to take, and the running statistics learn of it."""
    encoder = trained_statistics(ConvEncoder((8, 8, 1), (3,), "identity"), 64)
    before = buffers_of(encoder)
    features = encoder.train()(5 * randn(1, 64)).reshape(16, 3)
    torch.testing.assert_close(features.mean(0), torch.zeros(3), atol=1e-4, rtol=0)
    (norm,) = norms(encoder)
    assert not torch.equal(norm.running_mean, before["stages.0.1.running_mean"])


@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_in_evaluation_each_row_is_alone(kind):
    for module, n_inputs in zip(layers(kind, True), (12, 3), strict=True):
        module = randomised(module)
        rows = randn(6, n_inputs)
        together, alone = module(rows), torch.cat([module(row[None]) for row in rows])
        torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-5)
