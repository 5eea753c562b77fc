"""What a C-VAE is once it is fitted: it codes rows, decodes codes, samples, leads from row to row, and scores."""

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import check_scalar

from .._base import draw_seed
from .._torch_state import own_torch_state
from ._aggregate import fit_aggregate_prior, sample_aggregate
from ._computing import computing
from ._geodesic import even_line, geodesic
from ._latent import LatentStatistics
from ._networks import CVAENetwork, rows_at_once
from ._objectives import expected_elbo_terms, importance_weighted_log_likelihood
from ._reading import RowSource

__all__ = ["FittedCVAE"]

_PRIORS = ("standard", "aggregate")
_PATHS = {"geodesic": geodesic, "straight": even_line}

Rows = RowSource | NDArray[np.float32]
Device = str | torch.device
Decoded = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False, repr=False)
class FittedCVAE:
    """All that a fit leaves. Its methods compute on the ``device`` they are given, a chunk of rows at a time.

    Attributes
    ----------
    network : CVAENetwork
        In evaluation mode, on the device of the last call.
    image_shape : tuple of int or None
        (H, W) or (H, W, C) where the shape of images is known.
    decodes_to_images : bool
        Whether images were fitted, and not rows that hold them.
    seed : int
        Seeds the noise of scores, and the mixture from which is sampled.
    loss_curve, validation_loss_curve : list of float
        Mean loss a row of each epoch, in nats (the last 10,000).
    n_iter : int
        Epochs run.
    latent : LatentStatistics
        Moments of the aggregate posterior of the training rows.
    latent_samples : ndarray (m, d), float32
        Samples of the aggregate posterior.
    offset : ndarray (D,), float64, or None
        What was subtracted from rows far from zero, and is added to what is decoded.
    optimization : dict of str to ndarray, or None
        State of the optimiser and of the generator, with which a training goes on exactly.
    """

    network: CVAENetwork
    image_shape: tuple[int, ...] | None
    decodes_to_images: bool
    seed: int
    loss_curve: list[float]
    validation_loss_curve: list[float]
    n_iter: int
    latent: LatentStatistics
    latent_samples: NDArray[np.float32]
    offset: NDArray[np.float64] | None = None
    optimization: dict[str, NDArray[Any]] | None = None

    @property
    def n_components(self) -> int:
        """Dimension d of the code."""
        return self.network.n_components

    def check_image_shape(self, shape: tuple[int, ...] | None) -> None:
        """Refuse images of another shape than those fitted; None stands for rows, which may hold any."""
        if shape is not None and self.image_shape not in (None, shape):
            raise ValueError(f"X holds images of shape {shape}, but {self.image_shape} were fitted.")

    # Codes and rows

    def encode(self, rows: Rows, device: Device) -> NDArray[np.float32]:
        """Codes (n, d) of rows (n, D)."""
        return self._in_chunks(self.network.code, rows, device)

    def posterior(self, rows: Rows, device: Device) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Means and standard deviations, each (n, d), of the posteriors of rows (n, D)."""
        both = self._in_chunks(lambda x: torch.cat(self.network.encode(x), dim=1), rows, device)
        mean, log_variance = np.split(both, 2, axis=1)
        return mean, np.exp(0.5 * log_variance)

    def decode(self, codes: NDArray[np.float32], device: Device) -> Decoded:
        """E[x | z] of codes (n, d): rows (n, D), or images where images were fitted; float64 far from zero."""
        rows: Decoded = self._in_chunks(self.network.reconstruct, codes, device)
        if self.offset is not None:
            rows = rows + self.offset
        if not self.decodes_to_images or self.image_shape is None:
            return rows
        return rows.reshape(-1, *self.image_shape)

    # New data points

    def sample(self, n_samples: int, random_state: Any, prior: str, device: Device) -> Decoded:
        """Decode samples of N(0, I) or of a mixture fitted to the latent samples."""
        check_scalar(n_samples, "n_samples", Integral, min_val=1)
        if prior not in _PRIORS:
            raise ValueError(f"prior={prior!r}; expected one of {', '.join(map(repr, _PRIORS))}.")
        seed = draw_seed(random_state)
        if prior == "standard":
            return self.decode(self._noise(int(n_samples), seed).numpy(), device)
        mixture = fit_aggregate_prior(self.latent_samples, self.seed)
        return self.decode(sample_aggregate(mixture, int(n_samples), seed), device)

    def interpolate(self, ends: Rows, n_points: int, path: str, device: Device) -> Decoded:
        """Decode the points of a path between the codes of two rows (2, D)."""
        if path not in _PATHS:
            raise ValueError(f"path={path!r}; expected one of {', '.join(map(repr, _PATHS))}.")
        check_scalar(n_points, "n_points", Integral, min_val=2)
        codes = self.encode(ends, device)
        with computing(device) as resolved:
            network = self.network.to(resolved)
            start, end = torch.tensor(codes, device=resolved)
            points = _PATHS[path](lambda z: network.reconstruct(z) / network.scale, start, end, n_points)
        return self.decode(points.cpu().numpy(), device)

    # Scores

    def elbo(self, rows: Rows, n_samples: int, device: Device) -> NDArray[np.float32]:
        """The two terms (n, 2) of the evidence lower bound of rows (n, D), over ``n_samples`` samples of z a row."""
        noise = self._noise(n_samples, self.seed)
        return self._in_chunks(
            lambda x: expected_elbo_terms(self.network, x, noise.to(x.device)), rows, device, n_samples
        )

    def log_likelihood(self, rows: Rows, n_samples: int, device: Device) -> NDArray[np.float32]:
        """Estimates (n,) of log p(x) of rows (n, D) by ``n_samples`` importance samples a row."""
        noise = self._noise(n_samples, self.seed)
        return self._in_chunks(
            lambda x: importance_weighted_log_likelihood(self.network, x, noise.to(x.device)), rows, device, n_samples
        )

    @own_torch_state()
    def _noise(self, n_samples: int, seed: int) -> torch.Tensor:
        """Standard normal noise (n_samples, d); scores take the same for every row and every call."""
        return torch.randn(
            n_samples, self.n_components, generator=torch.Generator().manual_seed(seed), dtype=torch.float32
        )

    def _in_chunks(
        self, function: Callable[[torch.Tensor], torch.Tensor], rows: Rows, device: Device, samples_a_row: int = 1
    ) -> NDArray[np.float32]:
        """Apply ``function`` to ``rows`` on the device, a part of a chunk at a time, and join the results."""
        chunk = rows_at_once(self.network.n_features)
        at_once = max(1, chunk // samples_a_row)
        with computing(device) as resolved:
            self.network.to(resolved)  # outside of inference mode
            with torch.inference_mode():
                chunks = [
                    function(part).cpu()
                    for start in range(0, len(rows), chunk)
                    for part in torch.tensor(_read(rows, start, chunk), device=resolved).split(at_once)
                ]
        return torch.cat(chunks).numpy()


def _read(rows: Rows, start: int, n_rows: int) -> NDArray[np.float32]:
    stop = min(start + n_rows, len(rows))
    return rows.read(start, stop) if isinstance(rows, RowSource) else rows[start:stop]
