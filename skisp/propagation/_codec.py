"""A fitted row transformer as the propagation sees it: patches in, codes in pixel units out."""

import copy
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .._base import map_on_threads
from ..cvae import CVAETransformer
from ._alignment import fit_ridge, symmetric_power

__all__ = ["PatchCodec", "code_metric"]

_PATCHES_AT_ONCE = 4096


class PatchCodec:
    r"""Codes of patches whose distances are about those of the patches they decode to.

    A C-VAE's latent dimensions all have about unit variance, whether they carry the brightness of
    a patch or next to nothing. With B the linear decoder that fits best (least squares, codes to
    patches), :math:`\|(q - k) B\|^2` is the squared distance of what two codes decode to; codes are
    multiplied by :math:`(B B^T)^{1/2}`, so that the plain Euclidean distance is just that. For a
    PCA the matrix is the identity.

    Parameters
    ----------
    transformer : fitted transformer of rows (n, D)
    metric : ndarray (d, d)
        That matrix, from :func:`code_metric`.
    """

    def __init__(self, transformer: Any, metric: NDArray[np.float32]) -> None:
        self.transformer = transformer
        self._metric = torch.from_numpy(metric)
        self._moved: Any = None

    def encode(self, patches: Tensor) -> Tensor:
        """Codes (n, d) of patches (n, D)."""
        return self._codes(patches) @ self._metric.to(patches)

    def renew(self, patches: Tensor, noise: Tensor | None, detail: float) -> Tensor:
        r"""New patches from the transformer's model of these, with a share of the originals' residual.

        .. math:: g(z) + \text{detail} \cdot (x - g(\mu(x))),\quad z \sim q(z | x)

        Parameters
        ----------
        patches : Tensor (n, D)
        noise : Tensor (n, d) or None
            Standard normal, scaled by the posterior's standard deviation where the transformer has
            one (:meth:`CVAETransformer.posterior`). None takes :math:`z = \mu(x)`.
        detail : float in [0, 1]
            1 keeps the originals' residual, 0 leaves the pure model.
        """
        if not hasattr(self.transformer, "posterior"):
            noise = None
        if noise is None and detail == 1.0:
            return patches
        if isinstance(self.transformer, CVAETransformer):
            return self._renew_by_network(patches, noise, detail)
        codes = self._codes(patches)
        mean = _apply(self.transformer.inverse_transform, codes)
        if noise is None:
            return mean + detail * (patches - mean)
        scale = torch.from_numpy(self.transformer.posterior(patches.cpu().numpy())[1]).to(codes)
        return _apply(self.transformer.inverse_transform, codes + scale * noise) + detail * (patches - mean)

    def _codes(self, patches: Tensor) -> Tensor:
        if not isinstance(self.transformer, CVAETransformer):
            return _apply(self.transformer.transform, patches)
        # Straight to the network: no copies to arrays, no validation of what is valid.
        with torch.inference_mode():
            return self._network(patches.device).encode(patches)[0]

    def _network(self, device: torch.device) -> Any:
        """The C-VAE's network, or a copy of it where it is on another device: the user's stays where it is."""
        network = self._moved or self.transformer.module_
        if next(network.parameters()).device != device:
            network = self._moved = copy.deepcopy(self.transformer.module_).to(device)
        return network

    def _renew_by_network(self, patches: Tensor, noise: Tensor | None, detail: float) -> Tensor:
        network = self._network(patches.device)
        with torch.inference_mode():
            mean, log_variance = network.encode(patches)
            decoded = network.reconstruct(mean)
            if noise is None:
                return torch.lerp(decoded, patches, detail)
            new = network.reconstruct(mean + torch.exp(0.5 * log_variance) * noise)
            return new.add_(patches - decoded, alpha=detail)


def code_metric(transformer: Any, patches: Tensor) -> NDArray[np.float32]:
    """The matrix (d, d) that gives codes the distances of patches, fitted on ``patches`` (n, D)."""
    decoder = fit_ridge(_apply(transformer.transform, patches), patches).matrix
    return symmetric_power(decoder @ decoder.T, 0.5).float().cpu().numpy()


def _apply(function: Any, rows: Tensor) -> Tensor:
    """Apply a numpy function of rows a chunk at a time, so that memory does not grow with the image."""
    chunks = rows.cpu().numpy()
    parts = [chunks[start : start + _PATCHES_AT_ONCE] for start in range(0, len(chunks), _PATCHES_AT_ONCE)]
    return torch.cat([torch.as_tensor(part, dtype=rows.dtype) for part in map_on_threads(function, parts)]).to(
        rows.device
    )
