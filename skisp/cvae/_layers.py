"""The layers of a C-VAE's two networks: dense ones for rows, convolutions for images.

An *encoder* maps standardised rows (n, D) to features (n, n_outputs); a *decoder* maps codes
(n, d) to rows (n, D) of the likelihood's parameters, and has an ``output_bias`` (D,).
"""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from ._processes import are_several, moments_of_batch

__all__ = ["ACTIVATIONS", "ConvDecoder", "ConvEncoder", "DenseDecoder", "DenseEncoder"]

ACTIVATIONS: dict[str, type[nn.Module]] = {"gelu": nn.GELU, "relu": nn.ReLU, "tanh": nn.Tanh, "identity": nn.Identity}

# A kernel that the stride divides covers every pixel equally often: transposed, it leaves no checkerboard.
_KERNEL, _STRIDE, _PADDING = 4, 2, 1


def _needs_running_statistics(module: nn.modules.batchnorm._BatchNorm, input: Tensor) -> bool:
    """Whether a channel has a single value in the batch, of which no variance can be taken."""
    return module.training and input.numel() == input.shape[1]


def _normalise_by_running_statistics(module: nn.modules.batchnorm._BatchNorm, input: Tensor) -> Tensor:
    return functional.batch_norm(
        input, module.running_mean, module.running_var, module.weight, module.bias, training=False, eps=module.eps
    )


def _normalise_by_all_processes(module: nn.modules.batchnorm._BatchNorm, input: Tensor) -> Tensor:
    """Normalise a share of a batch by the moments of the whole, as one process would, and note those."""
    values = input.movedim(1, -1)
    mean, variance, n_values = moments_of_batch(values.flatten(0, -2).float())
    if n_values == 1:
        return _normalise_by_running_statistics(module, input)
    assert module.running_mean is not None
    assert module.running_var is not None
    assert module.num_batches_tracked is not None
    module.num_batches_tracked += 1
    module.running_mean.lerp_(mean.detach(), module.momentum or 0.0)
    module.running_var.lerp_((variance * n_values / (n_values - 1)).detach(), module.momentum or 0.0)
    normalised = (values - mean) * torch.rsqrt(variance + module.eps) * module.weight + module.bias
    return normalised.to(input.dtype).movedim(-1, 1)


class _BatchNorm1d(nn.BatchNorm1d):
    """Batch normalisation that uses its running statistics where a batch has a single value a channel.

    Of a batch that several processes share, the moments are those of all of it.
    """

    def forward(self, input: Tensor) -> Tensor:
        if self.training and are_several():
            return _normalise_by_all_processes(self, input)
        if _needs_running_statistics(self, input):
            return _normalise_by_running_statistics(self, input)
        return super().forward(input)


class _BatchNorm2d(nn.BatchNorm2d):
    """The same for images."""

    def forward(self, input: Tensor) -> Tensor:
        if self.training and are_several():
            return _normalise_by_all_processes(self, input)
        if _needs_running_statistics(self, input):
            return _normalise_by_running_statistics(self, input)
        return super().forward(input)


def _activated(layer: nn.Module, norm: nn.Module | None, activation: str) -> list[nn.Module]:
    return [layer, *([] if norm is None else [norm]), ACTIVATIONS[activation]()]


def _dense(sizes: Sequence[int], activation: str, batch_norm: bool) -> list[nn.Module]:
    """Linear layers through ``sizes``, each normalised and activated.

    Batch normalisation makes the linear layer's own bias redundant, so it then has none.
    """
    layers: list[nn.Module] = []
    for n_inputs, n_outputs in itertools.pairwise(sizes):
        norm = _BatchNorm1d(n_outputs, dtype=torch.float32) if batch_norm else None
        layers += _activated(nn.Linear(n_inputs, n_outputs, bias=not batch_norm, dtype=torch.float32), norm, activation)
    return layers


class DenseEncoder(nn.Sequential):
    """Linear layers of ``hidden_layer_sizes``; none make it the identity."""

    def __init__(
        self, n_features: int, hidden_layer_sizes: Sequence[int], activation: str, batch_norm: bool = True
    ) -> None:
        super().__init__(*_dense([n_features, *hidden_layer_sizes], activation, batch_norm))
        self.n_outputs = hidden_layer_sizes[-1] if hidden_layer_sizes else n_features


class DenseDecoder(nn.Sequential):
    """The mirror of :class:`DenseEncoder`, from codes to rows, its last layer linear."""

    def __init__(
        self,
        n_features: int,
        n_components: int,
        hidden_layer_sizes: Sequence[int],
        activation: str,
        batch_norm: bool = True,
    ) -> None:
        sizes = [n_components, *reversed(hidden_layer_sizes)]
        super().__init__(*_dense(sizes, activation, batch_norm), nn.Linear(sizes[-1], n_features, dtype=torch.float32))

    @property
    def output_bias(self) -> nn.Parameter:
        return self._last.bias

    def zero_output(self) -> None:
        """Let the output be the bias alone, until it is trained."""
        nn.init.zeros_(self._last.weight)

    @property
    def _last(self) -> nn.Linear:
        last = self[-1]
        assert isinstance(last, nn.Linear)
        return last


def _halved(shape: tuple[int, int]) -> tuple[int, int]:
    return (shape[0] + 1) // 2, (shape[1] + 1) // 2


def _sizes(shape: tuple[int, int], n_layers: int) -> list[tuple[int, int]]:
    """Height and width before, between and after ``n_layers`` halvings, rounded up."""
    return list(itertools.accumulate(range(n_layers), lambda size, _: _halved(size), initial=shape))


class ConvEncoder(nn.Module):
    """Strided convolutions over images, each halving height and width (rounded up).

    Parameters
    ----------
    image_shape : (H, W, C)
        How a row is read; any height and width.
    conv_channels : sequence of int
        Channels after each convolution.
    """

    def __init__(
        self, image_shape: tuple[int, int, int], conv_channels: Sequence[int], activation: str, batch_norm: bool = True
    ) -> None:
        super().__init__()
        self.image_shape = image_shape
        self.stages = nn.ModuleList()
        for n_inputs, n_outputs in itertools.pairwise([image_shape[2], *conv_channels]):
            convolution = nn.Conv2d(
                n_inputs, n_outputs, _KERNEL, _STRIDE, _PADDING, bias=not batch_norm, dtype=torch.float32
            )
            norm = _BatchNorm2d(n_outputs, dtype=torch.float32) if batch_norm else None
            self.stages.append(nn.Sequential(*_activated(convolution, norm, activation)))
        height, width = _sizes(image_shape[:2], len(conv_channels))[-1]
        self.n_outputs = height * width * (conv_channels[-1] if conv_channels else image_shape[2])

    def forward(self, x: Tensor) -> Tensor:
        # Channels last in memory, as the rows are: no copy, and the layout convolutions like best.
        images = x.unflatten(1, self.image_shape).permute(0, 3, 1, 2)
        for stage in self.stages:
            height, width = images.shape[2:]
            images = stage(functional.pad(images, (0, width % 2, 0, height % 2)))
        return images.permute(0, 2, 3, 1).flatten(1)


class ConvDecoder(nn.Module):
    """The mirror of :class:`ConvEncoder`: a linear layer, then transposed convolutions that double the size.

    The bias of the output is one number a pixel and channel, so that it can hold the mean image.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        n_components: int,
        conv_channels: Sequence[int],
        activation: str,
        batch_norm: bool = True,
    ) -> None:
        super().__init__()
        channels = [*reversed(conv_channels), image_shape[2]]
        self.sizes = _sizes(image_shape[:2], len(conv_channels))[::-1]
        self.n_channels = channels[0]
        n_inputs = self.sizes[0][0] * self.sizes[0][1] * channels[0]
        hidden = _dense([n_components, n_inputs], activation, batch_norm)
        # Without convolutions this is the output, and so linear, its bias being output_bias.
        self.dense = (
            nn.Sequential(*hidden)
            if conv_channels
            else nn.Linear(n_components, n_inputs, bias=False, dtype=torch.float32)
        )
        self.stages = nn.ModuleList()
        for i, (n_before, n_after) in enumerate(itertools.pairwise(channels)):
            is_last = i == len(channels) - 2
            has_bias = not batch_norm and not is_last
            convolution = nn.ConvTranspose2d(
                n_before, n_after, _KERNEL, _STRIDE, _PADDING, bias=has_bias, dtype=torch.float32
            )
            norm = _BatchNorm2d(n_after, dtype=torch.float32) if batch_norm else None
            layers = [convolution] if is_last else _activated(convolution, norm, activation)
            self.stages.append(nn.Sequential(*layers))
        self.output_bias = nn.Parameter(
            torch.zeros(image_shape[0] * image_shape[1] * image_shape[2], dtype=torch.float32)
        )

    def zero_output(self) -> None:
        """Let the output be the bias alone, until it is trained."""
        last = self.stages[-1][0] if len(self.stages) else self.dense  # type: ignore[index]
        for parameter in last.parameters():
            nn.init.zeros_(parameter)

    def forward(self, z: Tensor) -> Tensor:
        images = self.dense(z).unflatten(1, (*self.sizes[0], self.n_channels)).permute(0, 3, 1, 2)
        for stage, (height, width) in zip(self.stages, self.sizes[1:], strict=True):
            images = stage(images)[:, :, :height, :width]
        return images.permute(0, 2, 3, 1).flatten(1) + self.output_bias
