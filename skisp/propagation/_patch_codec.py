"""Fitted row transformers as the propagation uses them: from patches to codes in pixel units."""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .._chunks import chunk_sizes
from .._math.affine import AffineMap, fit_ridge
from .._math.linalg import symmetric_power
from .._threads import map_on_threads
from ..cvae import CVAETransformer

__all__ = ["JointCodec", "PatchCodec", "code_metric"]


class PatchCodec:
    r"""Codes of patches whose distances are about those of the patches to which they decode.

    A C-VAE's latent dimensions all have about unit variance, whether they carry the brightness of
    a patch or almost nothing. With B the linear decoder that fits best (least squares, codes to
    patches), :math:`\|(q - k) B\|^2` is the squared distance of what two codes decode to. Codes are
    multiplied by :math:`(B B^T)^{1/2}`, which makes the plain Euclidean distance equal to that. For a
    PCA the matrix is the identity.

    Parameters
    ----------
    transformer : fitted transformer of rows (n, D)
    metric : ndarray (d, d)
        That matrix, from :func:`code_metric`.
    own_colors : AffineMap or None
        From the colours of the patches to those on which the transformer was fitted; None if they are the same.
    """

    def __init__(self, transformer: Any, metric: NDArray[np.float32], own_colors: AffineMap | None = None) -> None:
        self.transformer = transformer
        self._metric = torch.from_numpy(metric)
        self._own_colors = own_colors
        self._moved: Any = None

    @property
    def n_components(self) -> int:
        """Length d of a code."""
        return len(self._metric)

    def encode(self, patches: Tensor) -> Tensor:
        """Codes (n, d) of patches (n, D)."""
        return self._codes(self._in_own_colors(patches)) @ self._metric.to(patches)

    def generate(self, patches: Tensor, noise: Tensor | None, detail: float) -> Tensor:
        r"""New patches from the transformer's model of these, with a share of the originals' residual.

        .. math:: g(z) + \delta (x - g(\mu(x))),\quad z \sim q(z | x) ,

        :math:`\delta` being ``detail``.

        Parameters
        ----------
        patches : Tensor (n, D)
        noise : Tensor (n, d) or None
            Standard normal, scaled by the posterior's standard deviation if the transformer has one
            (:meth:`CVAETransformer.posterior`). None takes :math:`z = \mu(x)`.
        detail : float in [0, 1]
            1 keeps the originals' residual, 0 gives the pure model.
        """
        if not hasattr(self.transformer, "posterior"):
            noise = None
        if noise is None and detail == 1.0:
            return patches
        own = self._in_own_colors(patches)
        change = self._change(own, noise, detail)
        if self._own_colors is not None:
            # A difference of colours is mapped back without the offset.
            back = self._own_colors.inverse()
            change = _map_colors(change, AffineMap(back.matrix, torch.zeros_like(back.offset)))
        return patches + change

    def _in_own_colors(self, patches: Tensor) -> Tensor:
        return patches if self._own_colors is None else _map_colors(patches, self._own_colors)

    def _change(self, patches: Tensor, noise: Tensor | None, detail: float) -> Tensor:
        """What to add to patches to make new ones of them: g(z) - g(mu) - (1 - detail) (x - g(mu))."""
        if isinstance(self.transformer, CVAETransformer):
            return self._change_by_network(patches, noise, detail)
        codes = self._codes(patches)
        mean = _apply(self.transformer.inverse_transform, codes)
        if noise is None:
            return (1 - detail) * (mean - patches)
        scale = torch.from_numpy(self.transformer.posterior(patches.cpu().numpy())[1]).to(codes)
        new = _apply(self.transformer.inverse_transform, codes + scale * noise)
        return new - mean + (1 - detail) * (mean - patches)

    def _codes(self, patches: Tensor) -> Tensor:
        if not isinstance(self.transformer, CVAETransformer):
            return _apply(self.transformer.transform, patches)
        # Straight to the network: no copies to arrays, no validation of what is valid.
        with torch.inference_mode():
            return self._network(patches.device).code(patches)

    def _network(self, device: torch.device) -> Any:
        """The C-VAE's network, or a copy of it where it is on another device: the user's stays where it is."""
        network = self._moved or self.transformer.module_
        if next(network.parameters()).device != device:
            network = self._moved = copy.deepcopy(self.transformer.module_).to(device)
        return network

    def _change_by_network(self, patches: Tensor, noise: Tensor | None, detail: float) -> Tensor:
        network = self._network(patches.device)
        with torch.inference_mode():
            mean, log_variance = network.encode(patches)
            decoded = network.reconstruct(mean)
            residual = (1 - detail) * (decoded - patches)
            if noise is None:
                return residual
            return residual + network.reconstruct(mean + torch.exp(0.5 * log_variance) * noise) - decoded


class JointCodec:
    r"""One code for several styles: the codes by the coder of each, side by side.

    Each is multiplied by the square root of its style's weight, so that the squared distance of two
    joint codes is the weighted mean of the distances by each of the coders. With one style it is
    that style's code.

    Parameters
    ----------
    codecs : sequence of PatchCodec
    weights : sequence of float
        Of sum 1.
    """

    def __init__(self, codecs: Sequence[PatchCodec], weights: Sequence[float]) -> None:
        self._codecs = codecs
        self._scales = [weight**0.5 for weight in weights]

    def encode(self, patches: Tensor) -> Tensor:
        """Codes (n, d) of patches (n, D), d being the sum of the coders' numbers of components."""
        if len(self._codecs) == 1:
            return self._codecs[0].encode(patches)
        codes = [scale * codec.encode(patches) for codec, scale in zip(self._codecs, self._scales, strict=True)]
        return torch.cat(codes, dim=1)

    def generate(self, patches: Tensor, noise: Tensor | None, detail: float, origin: Tensor) -> Tensor:
        """New patches as of :meth:`PatchCodec.generate`, each by the coder of the style it comes from.

        Parameters
        ----------
        patches : Tensor (n, D)
        noise : Tensor (n, d) or None
        detail : float in [0, 1]
        origin : Tensor (n,) of int64
            Index of each patch's style.
        """
        if len(self._codecs) == 1:
            return self._codecs[0].generate(patches, noise, detail)
        noises = (
            [None] * len(self._codecs) if noise is None else noise.split([c.n_components for c in self._codecs], dim=1)
        )
        new = torch.empty_like(patches)
        for i, (codec, own_noise) in enumerate(zip(self._codecs, noises, strict=True)):
            rows = origin == i
            if not bool(rows.any()):  # a chunk may hold no patches of a style
                continue
            new[rows] = codec.generate(patches[rows], None if own_noise is None else own_noise[rows], detail)
        return new


def code_metric(transformer: Any, patches: Tensor) -> NDArray[np.float32]:
    """The matrix (d, d) that gives codes the distances of patches, fitted on ``patches`` (n, D)."""
    decoder = fit_ridge(_apply(transformer.transform, patches), patches).matrix
    return symmetric_power(decoder @ decoder.T, 0.5).float().cpu().numpy()


def _map_colors(patches: Tensor, colors: AffineMap) -> Tensor:
    """Apply a map of colours to every pixel of patches (n, C * p * p)."""
    matrix, offset = (torch.as_tensor(part).to(patches) for part in colors)
    pixels = patches.reshape(len(patches), len(offset), -1)
    return (torch.einsum("ncp,cd->ndp", pixels, matrix) + offset[:, None]).flatten(1)


def _apply(function: Any, rows: Tensor) -> Tensor:
    """Apply a numpy function of rows chunk by chunk, so that memory does not grow with the image."""
    chunks = rows.cpu().numpy()
    parts = [chunks[start : start + chunk_sizes.patches] for start in range(0, len(chunks), chunk_sizes.patches)]
    # They are DataFrames if the transformer's output was set to that.
    results = [np.require(part, requirements="W") for part in map_on_threads(function, parts)]
    return torch.cat([torch.as_tensor(part, dtype=rows.dtype) for part in results]).to(rows.device)
