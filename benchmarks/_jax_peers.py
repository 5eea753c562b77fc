"""The dense VAE of ``_vae_peers`` on JAX: by Keras, and as a loop written by hand, compiled an epoch at a time."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from _keras_vae import keras_vae
from _vae_peers import VAE, Rows, dense_vae
from torch import nn

SIZES = (784, 512, 256, 32)

# One thread, as the others have; before JAX is imported.
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

Epochs = Iterator[Callable[[], VAE]]


def import_backend() -> None:
    """Import JAX and Keras on it, which takes seconds that are no training."""
    os.environ["KERAS_BACKEND"] = "jax"
    import jax  # noqa: F401
    import keras  # noqa: F401


def keras_epochs(rows: Rows, rate: float, batch_size: int, n_epochs: int, seed: int) -> Epochs:
    """Train by ``fit`` of Keras; after each epoch yield what gives the network as it is then."""
    import keras

    keras.utils.set_random_seed(seed)
    model = keras_vae(SIZES[0], SIZES[3], SIZES[1:3], binarize=True)
    model.compile(optimizer=keras.optimizers.Adam(rate))
    for _ in range(n_epochs):
        model.fit(rows, batch_size=batch_size, epochs=1, verbose=0)
        yield lambda: as_torch([np.asarray(weight) for weight in model.trainable_weights])


def loop_epochs(rows: Rows, rate: float, batch_size: int, n_epochs: int, seed: int) -> Epochs:
    """Train by a loop of nothing but what a step needs, all steps of an epoch compiled as one."""
    import jax
    import jax.numpy as jnp

    widths = [*SIZES[:3], 2 * SIZES[3]], [SIZES[3], *SIZES[2::-1]]
    start = [tensor.detach().numpy().T for tensor in _parameters(dense_vae(784, 32, batch_norm=False))]
    parameters = [jnp.asarray(array) for array in start]
    n_layers = len(widths[0]) - 1
    data, n_batches = jnp.asarray(rows), len(rows) // batch_size

    def layers(x: Any, own: list[Any]) -> Any:
        for i in range(n_layers):
            x = x @ own[2 * i] + own[2 * i + 1]
            x = jax.nn.relu(x) if i < n_layers - 1 else x
        return x

    def loss(own: list[Any], x: Any, key: Any) -> Any:
        first, second = jax.random.split(key)
        x = (jax.random.uniform(first, x.shape) < x).astype(jnp.float32)
        mean, log_variance = jnp.split(layers(x, own[: 2 * n_layers]), 2, axis=-1)
        z = mean + jnp.exp(0.5 * log_variance) * jax.random.normal(second, mean.shape)
        logit = layers(z, own[2 * n_layers :])
        kl = 0.5 * (mean**2 + jnp.exp(log_variance) - 1 - log_variance).sum(-1)
        return (kl + (jax.nn.softplus(logit) - x * logit).sum(-1)).mean()

    def step(state: Any, batch: Any) -> Any:
        own, first, second, count, key = state
        key, used = jax.random.split(key)
        gradients = jax.grad(loss)(own, data[batch], used)
        count = count + 1
        first = [0.9 * m + 0.1 * g for m, g in zip(first, gradients, strict=True)]
        second = [0.999 * v + 0.001 * g * g for v, g in zip(second, gradients, strict=True)]
        size = rate * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
        own = [p - size * m / (jnp.sqrt(v) + 1e-8) for p, m, v in zip(own, first, second, strict=True)]
        return (own, first, second, count, key), None

    @jax.jit
    def epoch(state: Any, order: Any) -> Any:
        return jax.lax.scan(step, state, order.reshape(n_batches, batch_size))[0]

    zeros = [jnp.zeros_like(p) for p in parameters]
    state = (parameters, zeros, zeros, jnp.zeros(()), jax.random.PRNGKey(seed))
    rng = np.random.default_rng(seed)
    for _ in range(n_epochs):
        state = jax.block_until_ready(epoch(state, jnp.asarray(rng.permutation(len(rows))[: n_batches * batch_size])))
        own = state[0]
        yield lambda own=own: as_torch([np.asarray(array) for array in own])  # type: ignore[misc]


def as_torch(arrays: list[Any]) -> VAE:
    """The network with kernels (inputs, outputs) and biases, layer by layer."""
    network = dense_vae(784, 32, batch_norm=False).eval()
    with torch.no_grad():
        for tensor, array in zip(_parameters(network), arrays, strict=True):
            tensor.copy_(torch.from_numpy(np.array(array.T)))
    return network


def _parameters(network: VAE) -> list[Any]:
    layers = [layer for layer in [*network.encoder, *network.decoder] if isinstance(layer, nn.Linear)]
    return [tensor for layer in layers for tensor in (layer.weight, layer.bias)]
