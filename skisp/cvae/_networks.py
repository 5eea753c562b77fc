"""The two networks of a C-VAE: the encoder q(z | x) and the decoder p(x | z)."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from .._base import module_initialised_with
from .._chunks import chunk_sizes
from ._layers import ConvDecoder, ConvEncoder, DenseDecoder, DenseEncoder
from ._likelihoods import make_likelihood
from ._start import ProbabilisticPCA

__all__ = ["CVAENetwork", "rows_at_once"]

# exp(-8) .. exp(8): wide enough for a posterior that is learnt, narrow enough for float32. Probabilistic PCA knows its
# posterior, which is far narrower where one column has almost all of the variance.
_LOG_VARIANCE_BOUND, _LINEAR_LOG_VARIANCE_BOUND = 8.0, 16.0
_LEAST_PULL = 0.1
# Of a logit, where the mean is taken for a probability: pixels that are always black change little.
_LEAST_PROBABILITY, _LEAST_SLOPE = 0.02, 0.05


def rows_at_once(n_features: int) -> int:
    """Rows that go through a network together when coding, decoding or scoring: bounds its memory."""
    return max(1, min(chunk_sizes.rows, chunk_sizes.values // n_features))


class CVAENetwork(nn.Module):
    """Encoder, decoder and likelihood of a C-VAE, with the standardisation of its rows.

    Parameters
    ----------
    n_features : int
        Dimension D of a row.
    n_components : int
        Dimension d of the latent code.
    hidden_layer_sizes : sequence of int
        Widths of the encoder's hidden layers; the decoder mirrors them. Of dense networks.
    conv_channels : sequence of int
        Channels of the encoder's convolutions; the decoder mirrors them. Of convolutional networks.
    image_shape : (H, W, C) or None
        How convolutions read a row; None makes dense networks.
    activation : {"gelu", "relu", "tanh", "identity"}
    batch_norm : bool
        Whether hidden layers are normalised.
    likelihood : {"collapsed", "gaussian", "bernoulli"}
    noise_scale : float or None
        Fixed standard deviation of the Gaussian likelihood, of standardised rows.
    linear : bool
        Whether encoder and decoder have a linear map beside the network, for :meth:`start_from`.
    learnt_prior : bool
        Whether the prior of the collapsed likelihood is learnt.
    """

    mean: Tensor
    scale: Tensor

    def __init__(
        self,
        n_features: int,
        *,
        n_components: int,
        hidden_layer_sizes: Sequence[int] = (),
        conv_channels: Sequence[int] = (),
        image_shape: Sequence[int] | None = None,
        activation: str = "gelu",
        batch_norm: bool = True,
        likelihood: str = "collapsed",
        noise_scale: float | None = None,
        linear: bool = False,
        learnt_prior: bool = False,
    ) -> None:
        super().__init__()
        self.config: dict[str, Any] = {
            "n_features": n_features,
            "n_components": n_components,
            "hidden_layer_sizes": [int(size) for size in hidden_layer_sizes],
            "conv_channels": [int(size) for size in conv_channels],
            "image_shape": None if image_shape is None else [int(side) for side in image_shape],
            "activation": activation,
            "batch_norm": batch_norm,
            "likelihood": likelihood,
            "noise_scale": noise_scale,
            "linear": linear,
            "learnt_prior": learnt_prior,
        }
        self.register_buffer("mean", torch.zeros(n_features, dtype=torch.float32))
        self.register_buffer("scale", torch.ones((), dtype=torch.float32))
        self.encoder: DenseEncoder | ConvEncoder
        self.decoder: DenseDecoder | ConvDecoder
        if image_shape is None:
            self.encoder = DenseEncoder(n_features, hidden_layer_sizes, activation, batch_norm)
            self.decoder = DenseDecoder(n_features, n_components, hidden_layer_sizes, activation, batch_norm)
        else:
            height, width, n_channels = image_shape
            shape = (height, width, n_channels)
            self.encoder = ConvEncoder(shape, conv_channels, activation, batch_norm)
            self.decoder = ConvDecoder(shape, n_components, conv_channels, activation, batch_norm)
        self.posterior = nn.Linear(self.encoder.n_outputs, 2 * n_components, dtype=torch.float32)
        self.likelihood = make_likelihood(likelihood, n_features, noise_scale, learnt_prior=learnt_prior)
        self.is_linear = linear
        if linear:
            self.linear_encoder = nn.Linear(n_features, n_components, bias=False, dtype=torch.float32)
            self.linear_decoder = nn.Linear(n_components, n_features, bias=False, dtype=torch.float32)

    @property
    def n_features(self) -> int:
        """Dimension D of a row."""
        return int(self.config["n_features"])

    @property
    def n_components(self) -> int:
        """Dimension d of the code."""
        return int(self.config["n_components"])

    @property
    def _log_variance_bound(self) -> float:
        return _LINEAR_LOG_VARIANCE_BOUND if self.is_linear else _LOG_VARIANCE_BOUND

    def standardise_by(self, mean: Tensor, scale: float) -> None:
        """Subtract ``mean`` (D,) and divide by ``scale`` what enters, and start decoding at the mean row."""
        with torch.no_grad():
            self.mean.copy_(mean)
            self.scale.fill_(scale)
            self.decoder.output_bias.zero_()
            if not self.likelihood.standardised:
                self.decoder.output_bias.copy_(torch.logit(self.mean.clamp(1e-3, 1 - 1e-3)))

    def standardise(self, x: Tensor) -> Tensor:
        """Rows (n, D) less the mean row, divided by the scale."""
        return (x - self.mean).div_(self.scale)  # in place: a second new array would cost more than the division

    def trainable(self, whether: bool) -> Self:
        """Let the parameters gather gradients, or not; a fixed noise scale never does."""
        return self.train(whether).requires_grad_(whether)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Weights and buffers as arrays: what is pickled, on the CPU and without torch's storages.

        Torch pickles an address with every storage; arrays give equal models equal pickles, so that
        ``joblib.hash`` and with it ``Pipeline(memory=...)`` recognise a style they have seen.
        """
        return {name: tensor.cpu().numpy().copy() for name, tensor in self.state_dict().items()}

    @classmethod
    def from_arrays(cls, config: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Self:
        """Rebuild a network, in evaluation mode, from its ``config`` and :meth:`to_arrays`."""
        # The weights drawn here are overwritten; the caller's random state is not to notice.
        with torch.inference_mode(False), module_initialised_with(0):
            network = cls(**config)
        network.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in arrays.items()})
        return network.trainable(False)

    @torch.no_grad()
    def start_from(self, start: ProbabilisticPCA) -> None:
        r"""Make the model the given linear one: its maps and posterior, beside a network that gives 0 at first.

        .. math::
            \mu(x) = \frac{l^{1/2}}{l + s_0} U^T x, \quad \sigma^2 = \frac{s_0}{l + s_0}, \quad
            g(z) = U l^{1/2} z

        of standardised rows x. The decoder of a Bernoulli likelihood gives logits: the change of a
        probability p divided by p (1 - p), and halved, since it is small for small changes only.

        References
        ----------
        Tipping & Bishop, "Probabilistic principal component analysis", JRSS B 1999,
        doi:10.1111/1467-9868.00196 (the posterior); Lucas et al., "Don't blame the ELBO! A linear VAE
        perspective on posterior collapse", NeurIPS 2019, arXiv:1911.02469.
        """
        components, variances, noise = start
        decoder = (components * variances.sqrt()[:, None]).T
        if not self.likelihood.standardised:
            mean = self.mean.double().cpu().clamp(_LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY)
            decoder = 0.5 * float(self.scale) * decoder / (mean * (1 - mean)).clamp_min(_LEAST_SLOPE)[:, None]
        self.linear_decoder.weight.copy_(decoder)
        log_variance = torch.log(noise / (variances + noise)).clamp_min(-self._log_variance_bound)
        # As in the formula, but where the variance is at its bound: codes are those of least squares there too.
        gain = torch.where(variances > 0, (1 - log_variance.exp()) / variances.sqrt(), 0.0)
        self.linear_encoder.weight.copy_(components * gain[:, None])
        self.posterior.weight.zero_()
        self.posterior.bias.copy_(torch.cat([torch.zeros_like(variances), log_variance]))
        self.decoder.zero_output()

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance, each (n, d), of the posterior q(z | x) of rows (n, D)."""
        standardised = self.standardise(x)
        mean, log_variance = self.posterior(self.encoder(standardised)).float().chunk(2, dim=-1)
        if self.is_linear:
            mean = mean + self.linear_encoder(standardised).float()
        return mean, log_variance.clamp(-self._log_variance_bound, self._log_variance_bound)

    def code(self, x: Tensor) -> Tensor:
        r"""Codes (n, d) of rows (n, D) that decode best: the posterior's mean, without the pull of the prior.

        .. math:: z = \mu / (1 - \sigma^2)

        In the linear model this is the code of least squares, and decoding it the projection of PCA; the
        mean alone decodes to less. Components that carry nothing are divided by a tenth at least. Without
        linear maps codes are the means.

        References
        ----------
        Tipping & Bishop, "Probabilistic principal component analysis", JRSS B 1999, section 3.3.
        """
        mean, log_variance = self.encode(x)
        return mean / (1 - log_variance.exp()).clamp_min(_LEAST_PULL) if self.is_linear else mean

    def decode(self, z: Tensor) -> Tensor:
        """Output (n, D) of the decoder for codes (n, d), in the likelihood's units."""
        output = self.decoder(z).float()
        return output + self.linear_decoder(z).float() if self.is_linear else output

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
        log_density = self.likelihood.log_density(self.standardise(x), output)
        return log_density - x.shape[-1] * self.scale.log()
