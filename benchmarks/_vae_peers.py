"""What the C-VAE's benchmarks share: data, networks and loops to compare with, pythae, one estimate of log p(x)."""

import io
import logging
import math
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from _report import leave_out
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional

from skisp.cvae._precision import autocast

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data"
# Decoded rows held at once while scoring: bounds memory whatever the number of importance samples.
ROWS_AT_ONCE = 16384

Rows = NDArray[np.float32]
Density = Callable[[Tensor, Tensor], Tensor]


def load_data(name: str, *, stand_in: bool = False) -> dict[str, NDArray[Any]]:
    """Arrays of the data set ``name``; where the data folder is not there digits stand in, or the program ends."""
    path = FOLDER / f"{name}.npz"
    if path.is_file():
        with np.load(path) as arrays:
            return dict(arrays)
    if not stand_in:
        leave_out(f"{path.name} is not in {FOLDER}; this benchmark needs the shared data folder beside the repository")
    print(f"\n({path.name} is not in {FOLDER}: scikit-learn's digits stand in)")
    return _digits_as(name)


def _digits_as(name: str) -> dict[str, NDArray[Any]]:
    """scikit-learn's digits in the shape of another data set, which shows only that the code runs."""
    digits = load_digits()
    images = np.pad(digits.images.repeat(3, axis=1).repeat(3, axis=2) * 15, ((0, 0), (2, 2), (2, 2))).astype(np.uint8)
    rows = np.resize(images.reshape(-1, 784), (10_000, 784))
    labels = np.resize(digits.target.astype(np.uint8), 10_000)
    return {
        "mnist": {"x_train": rows, "y_train": labels, "x_test": rows, "y_test": labels},
        "frey": {"x": rows[:1965, :560]},
        "olivetti": {"x": np.pad(images[:400], ((0, 0), (18, 18), (18, 18)))},
        "omniglot_small": {"x": rows[:4840], "drawer": np.arange(4840) % 20 + 1},
    }[name]


def as_unit(values: NDArray[np.uint8]) -> Rows:
    """Rows in [0, 1] of 8-bit images."""
    return np.ascontiguousarray(values.reshape(len(values), -1), dtype=np.float32) / 255


def dequantised(values: NDArray[np.uint8], seed: int = 0) -> Rows:
    """Rows (v + u) / 256 with uniform u, so that a density of 8-bit values is bounded."""
    rows = values.reshape(len(values), -1)
    return ((rows + np.random.default_rng(seed).random(rows.shape)) / 256).astype(np.float32)


def binarised(rows: Rows, seed: int = 0) -> Rows:
    """Each value 1 with its grey as the probability, else 0."""
    return (np.random.default_rng(seed).random(rows.shape) < rows).astype(np.float32)


# Networks and their likelihoods


class VAE(nn.Module):
    """An encoder to 2d numbers, a decoder, and log p(x | z) of what it puts out."""

    def __init__(self, encoder: nn.Module, decoder: nn.Module, log_likelihood: Density) -> None:
        super().__init__()
        self.encoder, self.decoder, self.log_likelihood = encoder, decoder, log_likelihood

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = self.encoder(x).float().chunk(2, dim=-1)
        return mean, log_variance

    def decode(self, z: Tensor) -> Tensor:
        return self.decoder(z).float()


def bernoulli_density(x: Tensor, logit: Tensor) -> Tensor:
    """Log probability of rows in [0, 1], summed over the features."""
    return (x * logit - functional.softplus(logit)).sum(-1)


def unit_gaussian_density(x: Tensor, mean: Tensor) -> Tensor:
    """log N(x | mean, I), summed over the features: what a plain squared error means."""
    return -0.5 * (x - mean).square().sum(-1) - 0.5 * x.shape[-1] * math.log(2 * math.pi)


def dense_vae(
    n_features: int,
    n_components: int,
    sizes: Sequence[int] = (512, 256),
    *,
    log_likelihood: Density = bernoulli_density,
    batch_norm: bool = True,
) -> VAE:
    """Dense VAE: batch normalisation and GELU as ours has them, or the ReLU alone that most peers start from."""
    last = nn.Linear(sizes[-1], 2 * n_components), nn.Linear(sizes[0], n_features)
    encoder = [*_hidden([n_features, *sizes], batch_norm), last[0]]
    decoder = [*_hidden([n_components, *reversed(sizes)], batch_norm), last[1]]
    return VAE(nn.Sequential(*encoder), nn.Sequential(*decoder), log_likelihood)


def _hidden(sizes: Sequence[int], batch_norm: bool) -> Iterator[nn.Module]:
    for n_inputs, n_outputs in pairwise(sizes):
        yield nn.Linear(n_inputs, n_outputs, bias=not batch_norm)
        yield from (nn.BatchNorm1d(n_outputs), nn.GELU()) if batch_norm else (nn.ReLU(),)


def conv_vae(side: int, channels: Sequence[int], n_components: int) -> VAE:
    """Convolutional VAE of flattened images (C, side, side): ReLU and a unit Gaussian; ``channels`` start at C."""
    final = side >> len(channels) - 1
    shape = (channels[-1], final, final)
    down = [layer for pair in pairwise(channels) for layer in (nn.Conv2d(*pair, 4, 2, 1), nn.ReLU())]
    up = [layer for pair in pairwise(channels[::-1]) for layer in (nn.ReLU(), nn.ConvTranspose2d(*pair, 4, 2, 1))]
    n_hidden = math.prod(shape)
    encoder = [nn.Unflatten(1, (channels[0], side, side)), *down, nn.Flatten(), nn.Linear(n_hidden, 2 * n_components)]
    decoder = [nn.Linear(n_components, n_hidden), nn.Unflatten(1, shape), *up, nn.Flatten()]
    return VAE(nn.Sequential(*encoder), nn.Sequential(*decoder), unit_gaussian_density)


# The plainest training loop


def one_cycle(progress: float, peak: float) -> float:
    """Learning rate after a share ``progress`` of all steps: cosine up over 30 per cent, cosine down to 0."""
    if progress < 0.3:
        return peak * (0.52 - 0.48 * math.cos(math.pi * progress / 0.3))
    return peak * 0.5 * (1 + math.cos(math.pi * (progress - 0.3) / 0.7))


def negative_elbo(network: Any, x: Tensor, precision: str) -> Tensor:
    """Mean negative evidence lower bound of a batch; the networks in ``precision``, the rest in float32."""
    with autocast(precision, x.device):
        mean, log_variance = network.encode(x)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        output = network.decode(z)
    kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(-1)
    return (kl - network.log_likelihood(x, output)).mean()


def raw_trainer(network: nn.Module, rows: Rows, batch_size: int, precision: str) -> Callable[[int], None]:
    """Train for so many epochs a call, with nothing but what a step needs: the yardstick of the speed."""
    X = torch.from_numpy(rows)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.0, fused=True)
    network.train()

    def train(n_epochs: int) -> None:
        n_steps, step = n_epochs * math.ceil(len(X) / batch_size), 0
        for _ in range(n_epochs):
            for indices in torch.randperm(len(X)).split(batch_size):
                optimizer.param_groups[0]["lr"] = one_cycle(step / n_steps, 3e-3)
                optimizer.zero_grad()
                negative_elbo(network, X[indices], precision).backward()
                optimizer.step()
                step += 1

    return train


# pythae


class PythaeSettings(NamedTuple):
    """What of pythae's trainer and model is not left at its default.

    Attributes
    ----------
    loss : {"bce", "mse"}
        Bernoulli, or Gaussian of unit variance: all that its VAE has.
    binarize : bool
        Draw each target anew as 0 or 1 at every step, which pythae itself does not.
    """

    loss: str = "bce"
    batch_size: int = 256
    learning_rate: float = 1e-3
    n_epochs: int = 50
    binarize: bool = False
    seed: int = 0


def pythae_trainer(network: VAE, rows: Rows, folder: str, settings: PythaeSettings) -> Any:
    """pythae's BaseTrainer, on the CPU, of pythae's VAE around the layers of ``network``."""
    from pythae.data.datasets import BaseDataset
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    logging.disable(logging.INFO)  # it logs every epoch
    config = BaseTrainerConfig(
        output_dir=folder,
        per_device_train_batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        num_epochs=settings.n_epochs,
        seed=settings.seed,
        no_cuda=True,
    )
    dataset = BaseDataset(torch.from_numpy(rows), torch.zeros(len(rows)))
    return BaseTrainer(pythae_model(network, rows.shape[1], settings), dataset, training_config=config)


def pythae_model(network: VAE, n_features: int, settings: PythaeSettings) -> Any:
    """pythae's VAE, with the layers of ``network`` for its encoder and decoder."""
    from pythae.data.datasets import DatasetOutput
    from pythae.models import VAE as PythaeVAE
    from pythae.models import VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder

    class Encoder(BaseEncoder):
        layers: nn.Module

        def forward(self, x: Tensor) -> Any:
            mean, log_variance = self.layers(x).chunk(2, dim=-1)
            return ModelOutput(embedding=mean, log_covariance=log_variance)

    class Decoder(BaseDecoder):
        layers: nn.Module

        def forward(self, z: Tensor) -> Any:
            output = self.layers(z)
            return ModelOutput(reconstruction=torch.sigmoid(output) if settings.loss == "bce" else output)

    class Model(PythaeVAE):
        def forward(self, inputs: Any, **rest: Any) -> Any:
            data = inputs["data"]
            return super().forward(DatasetOutput(data=torch.bernoulli(data) if settings.binarize else data), **rest)

    encoder, decoder = Encoder(), Decoder()
    encoder.layers, decoder.layers = network.encoder, network.decoder
    n_components = network.decoder[0].in_features
    config = VAEConfig(input_dim=(n_features,), latent_dim=n_components, reconstruction_loss=settings.loss)
    return Model(config, encoder, decoder)


def train_quietly(trainer: Any) -> None:
    """The whole of pythae's ``train``; its progress bars are drawn where nobody sees them."""
    with redirect_stderr(io.StringIO()):
        trainer.train()


def fit_pythae(network: VAE, rows: Rows, settings: PythaeSettings) -> VAE:
    """Train by pythae, and return what it would save: the epoch with the best training loss."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = pythae_trainer(network, rows, folder, settings)
        train_quietly(trainer)
    best = trainer._best_model
    return VAE(best.encoder.layers, best.decoder.layers, network.log_likelihood).eval()


# One estimate of log p(x) for all


class Model(NamedTuple):
    """A trained model as the estimate needs it, of rows (n, D) in the units of the data.

    Attributes
    ----------
    encode : callable
        ``encode(x)`` gives the mean and log variance (n, d) of q(z | x).
    decode : callable
        ``decode(z)`` gives the decoder's output (n, D).
    log_density : callable
        ``log_density(x, output)`` gives log p(x | z), summed over the features.
    device : str or torch.device
    """

    encode: Callable[[Tensor], tuple[Tensor, Tensor]]
    decode: Callable[[Tensor], Tensor]
    log_density: Density
    device: Any = "cpu"


def as_model(network: Any) -> Model:
    """A fitted ``CVAETransformer``'s ``module_``, or a :class:`VAE`."""
    device = next(network.parameters()).device
    return Model(network.encode, network.decode, network.log_likelihood, device)


def rescaled(model: Model, mean: Rows, scale: float) -> Model:
    """``model`` of (x - mean) / scale as a model of x: its density changes by -D log(scale)."""
    shift = torch.from_numpy(mean)

    def log_density(x: Tensor, output: Tensor) -> Tensor:
        return model.log_density((x - shift) / scale, output) - x.shape[-1] * math.log(scale)

    return Model(lambda x: model.encode((x - shift) / scale), model.decode, log_density, model.device)


def importance_weighted_bound(model: Model, x: Tensor, noise: Tensor) -> Tensor:
    """Estimate log p(x) of rows (n, D) from k samples of q(z | x), with ``noise`` (k, n, d)."""
    mean, log_variance = model.encode(x)
    z = mean + torch.exp(0.5 * log_variance) * noise
    output = model.decode(z.flatten(0, 1)).unflatten(0, z.shape[:2])
    log_ratio = 0.5 * (noise.square() + log_variance - z.square()).sum(-1)  # log p(z) - log q(z | x)
    log_weight = model.log_density(x, output) + log_ratio
    return torch.logsumexp(log_weight.double(), dim=0) - math.log(len(noise))


@torch.inference_mode()
def log_likelihood(model: Model, rows: Rows, n_samples: int, seed: int = 0) -> float:
    """Mean estimate of log p(x) in nats a row, with ``n_samples`` importance samples, in chunks."""
    generator = torch.Generator().manual_seed(seed)
    n_components = model.encode(torch.from_numpy(rows[:1]).to(model.device))[0].shape[1]
    total = 0.0
    for x in torch.from_numpy(rows).split(max(1, ROWS_AT_ONCE // n_samples)):
        noise = torch.randn(n_samples, len(x), n_components, generator=generator)
        total += float(importance_weighted_bound(model, x.to(model.device), noise.to(model.device)).sum())
    return total / len(rows)


@torch.inference_mode()
def n_active_units(model: Model, rows: Rows) -> int:
    """Latent dimensions whose posterior mean varies by more than 0.01 over ``rows``."""
    codes = [model.encode(x.to(model.device))[0] for x in torch.from_numpy(rows).split(ROWS_AT_ONCE)]
    return int((torch.cat(codes).var(dim=0, correction=0) > 0.01).sum())


# Times


class Seconds:
    """Seconds of the CPU and of the clock that a block of :func:`stopwatch` took."""

    cpu = math.nan
    wall = math.nan


@contextmanager
def stopwatch() -> Iterator[Seconds]:
    """Measure the block; the CPU's seconds are those of all threads of this process."""
    seconds = Seconds()
    cpu, wall = time.process_time(), time.perf_counter()
    try:
        yield seconds
    finally:
        seconds.cpu, seconds.wall = time.process_time() - cpu, time.perf_counter() - wall
