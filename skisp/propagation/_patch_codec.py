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
        self._inverse_metric = torch.from_numpy(np.linalg.pinv(metric.astype(np.float64)).astype(np.float32))
        self._own_colors = own_colors
        self._moved: Any = None

    @property
    def n_components(self) -> int:
        """Length d of a code."""
        return len(self._metric)

    def encode(self, patches: Tensor) -> Tensor:
        """Codes (n, d) of patches (n, D)."""
        return self._codes(self._in_own_colors(patches)) @ self._metric.to(patches)

    def generate(
        self, patches: Tensor, codes: Tensor, step: Tensor | None, noise: Tensor | None, detail: float
    ) -> Tensor:
        r"""New patches about these: what the model makes of a code that moves, with a share of their residual.

        .. math:: x' = x + g(k + \Delta + \sigma(x)\, \epsilon) - g(k) - (1 - \text{detail}) (x - g(k))

        for a code k of x, a step :math:`\Delta`, the standard deviation :math:`\sigma` of the posterior
        q(z | x) and standard normal noise :math:`\epsilon`.

        Parameters
        ----------
        patches : Tensor (n, D)
        codes : Tensor (n, d)
            Theirs, as :meth:`encode` gives them.
        step : Tensor (n, d) or None
            How far the codes move, in the same units; None leaves them.
        noise : Tensor (n, d) or None
            None, or a transformer without a posterior (:meth:`CVAETransformer.posterior`), adds none.
        detail : float in [0, 1]
            1 keeps the originals' residual, 0 gives the pure model.
        """
        if not hasattr(self.transformer, "posterior"):
            noise = None
        if noise is None and step is None and detail == 1.0:
            return patches
        own = self._in_own_colors(patches)
        code = codes @ self._inverse_metric.to(codes)
        decoded = self._decode(code)
        moved = code if step is None else code + step @ self._inverse_metric.to(step)
        moved = moved if noise is None else moved + self._scale(own) * noise
        change = self._decode(moved) - decoded + (1 - detail) * (decoded - own)
        if self._own_colors is not None:
            # A difference of colours is mapped back without the offset.
            back = self._own_colors.inverse()
            change = _map_colors(change, AffineMap(back.matrix, torch.zeros_like(back.offset)))
        return patches + change

    def _in_own_colors(self, patches: Tensor) -> Tensor:
        return patches if self._own_colors is None else _map_colors(patches, self._own_colors)

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

    def _decode(self, codes: Tensor) -> Tensor:
        """Patches (n, D) of the transformer's own codes (n, d)."""
        if not isinstance(self.transformer, CVAETransformer):
            return _apply(self.transformer.inverse_transform, codes)
        with torch.inference_mode():
            return self._network(codes.device).reconstruct(codes)

    def _scale(self, patches: Tensor) -> Tensor:
        """Standard deviations (n, d) of the posteriors of patches (n, D)."""
        if not isinstance(self.transformer, CVAETransformer):
            return torch.from_numpy(self.transformer.posterior(patches.cpu().numpy())[1]).to(patches)
        with torch.inference_mode():
            return torch.exp(0.5 * self._network(patches.device).encode(patches)[1])


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

    def generate(
        self,
        patches: Tensor,
        codes: Tensor,
        step: Tensor | None,
        noise: Tensor | None,
        detail: float,
        origin: Tensor,
    ) -> Tensor:
        """New patches as of :meth:`PatchCodec.generate`, each by the coder of the style it comes from.

        Parameters
        ----------
        patches : Tensor (n, D)
        codes : Tensor (n, d)
        step, noise : Tensor (n, d) or None
        detail : float in [0, 1]
        origin : Tensor (n,) of int64
            Index of each patch's style.
        """
        if len(self._codecs) == 1:
            return self._codecs[0].generate(patches, codes, step, noise, detail)
        own_codes, own_steps, own_noises = (self._by_codec(part) for part in (codes, step, noise))
        new = torch.empty_like(patches)
        for i, codec in enumerate(self._codecs):
            rows = origin == i
            if not bool(rows.any()):  # a chunk need not hold patches of every style
                continue
            own = [None if part is None else part[i][rows] for part in (own_codes, own_steps)]
            scaled = [None if part is None else part / self._scales[i] for part in own]
            own_noise = None if own_noises is None else own_noises[i][rows]
            new[rows] = codec.generate(patches[rows], scaled[0], scaled[1], own_noise, detail)  # type: ignore[arg-type]
        return new

    def _by_codec(self, joint: Tensor | None) -> tuple[Tensor, ...] | None:
        widths = [codec.n_components for codec in self._codecs]
        return None if joint is None else joint.split(widths, dim=1)


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
