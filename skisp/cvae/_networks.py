"""The two networks of a C-VAE: the encoder q(z | x) and the decoder p(x | z)."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from ._likelihoods import Likelihood

__all__ = ["CVAENetwork", "dense_layers"]

ACTIVATIONS: dict[str, type[nn.Module]] = {"gelu": nn.GELU, "relu": nn.ReLU, "tanh": nn.Tanh, "identity": nn.Identity}

# exp(-8) .. exp(8): wide enough for any posterior, narrow enough for float32.
_LOG_VARIANCE_BOUND = 8.0


class _BatchNorm(nn.BatchNorm1d):
    """Batch normalisation that uses its running statistics where a batch has a single row."""

    def forward(self, input: Tensor) -> Tensor:
        if self.training and input.shape[0] == 1:
            return functional.batch_norm(
                input, self.running_mean, self.running_var, self.weight, self.bias, training=False, eps=self.eps
            )
        return super().forward(input)


def dense_layers(sizes: Sequence[int], activation: str) -> nn.Sequential:
    """Linear layers through ``sizes``, each with batch normalisation and an activation.

    Batch normalisation makes the linear layer's own bias redundant, so it has none.
    """
    layers: list[nn.Module] = []
    for n_inputs, n_outputs in zip(sizes[:-1], sizes[1:], strict=True):
        layers += [nn.Linear(n_inputs, n_outputs, bias=False), _BatchNorm(n_outputs), ACTIVATIONS[activation]()]
    return nn.Sequential(*layers)


class CVAENetwork(nn.Module):
    """Encoder, decoder and likelihood of a C-VAE, with the standardisation of its rows.

    Parameters
    ----------
    mean : Tensor (D,)
        Mean of the training rows, subtracted from what enters the encoder.
    scale : float
        One standard deviation for all features, greater than 0.
    n_components : int
        Dimension d of the latent code.
    hidden_layer_sizes : sequence of int
        Widths of the encoder's hidden layers; the decoder mirrors them.
    activation : {"gelu", "relu", "tanh", "identity"}
    likelihood : Likelihood
    """

    mean: Tensor
    scale: Tensor

    def __init__(
        self,
        mean: Tensor,
        scale: float,
        *,
        n_components: int,
        hidden_layer_sizes: Sequence[int],
        activation: str,
        likelihood: Likelihood,
    ) -> None:
        super().__init__()
        n_features = mean.shape[0]
        sizes = [n_features, *hidden_layer_sizes]
        self.register_buffer("mean", mean.clone())
        self.register_buffer("scale", torch.tensor(float(scale)))
        self.encoder = dense_layers(sizes, activation)
        self.posterior = nn.Linear(sizes[-1], 2 * n_components)
        self.decoder = dense_layers([n_components, *sizes[:0:-1]], activation)
        self.output = nn.Linear(sizes[1] if hidden_layer_sizes else n_components, n_features)
        self.likelihood = likelihood
        self._start_at_the_mean()

    def _start_at_the_mean(self) -> None:
        """Let the untrained decoder answer with the mean row."""
        with torch.no_grad():
            self.output.bias.zero_()
            if not self.likelihood.standardised:
                self.output.bias.copy_(torch.logit(self.mean.clamp(1e-3, 1 - 1e-3)))

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance, each (n, d), of the posterior q(z | x) of rows (n, D)."""
        hidden = self.encoder((x - self.mean) / self.scale)
        mean, log_variance = self.posterior(hidden).float().chunk(2, dim=-1)
        return mean, log_variance.clamp(-_LOG_VARIANCE_BOUND, _LOG_VARIANCE_BOUND)

    def decode(self, z: Tensor) -> Tensor:
        """Output (n, D) of the decoder for codes (n, d), in the likelihood's units."""
        return self.output(self.decoder(z)).float()

    def reconstruct(self, z: Tensor) -> Tensor:
        """E[x | z], rows (n, D) in the units of the data."""
        mean = self.likelihood.mean(self.decode(z))
        return mean * self.scale + self.mean if self.likelihood.standardised else mean

    def log_likelihood(self, x: Tensor, output: Tensor) -> Tensor:
        """log p(x | z) (...,) of rows (..., D) in the units of the data, given the decoder's output.

        The standardisation x -> (x - mean) / scale adds -D log(scale), by change of variables.
        """
        if not self.likelihood.standardised:
            return self.likelihood.log_density(x, output)
        log_density = self.likelihood.log_density((x - self.mean) / self.scale, output)
        return log_density - x.shape[-1] * math.log(float(self.scale))
