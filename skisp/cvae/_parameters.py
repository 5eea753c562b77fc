"""The parameters of a C-VAE: their defaults, their ranges, and which go together."""

import os
from numbers import Integral, Real
from typing import Any, ClassVar

import torch
from sklearn.base import BaseEstimator

from .._base import Interval, StrOptions
from ._augmentation import AUGMENTATIONS
from ._layers import ACTIVATIONS

__all__ = ["CVAEParameters"]


class CVAEParameters(BaseEstimator):
    """An estimator that has the parameters of a C-VAE; :class:`~skisp.CVAETransformer` says what they mean."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "network": [StrOptions({"auto", "dense", "conv"})],
        "init": [StrOptions({"pca", "random"})],
        "hidden_layer_sizes": [tuple, list, StrOptions({"auto"})],
        "conv_channels": [tuple, list],
        "image_shape": [tuple, list, None],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "batch_norm": ["boolean"],
        "likelihood": [StrOptions({"collapsed", "gaussian", "bernoulli"})],
        "noise_scale": [Interval(Real, 0, None, closed="neither"), None],
        "binarize": ["boolean"],
        "kl_weight": [Interval(Real, 0, None, closed="left")],
        "kl_warmup": [Interval(Real, 0, None, closed="left")],
        "free_bits": [Interval(Real, 0, None, closed="left")],
        "contraction": [Interval(Real, 0, None, closed="left")],
        "n_importance_samples": [Interval(Integral, 1, None, closed="left")],
        "n_scoring_samples": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither"), StrOptions({"auto"})],
        "learning_rate_schedule": [StrOptions({"one_cycle", "constant"})],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "max_iter": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "augment": [tuple, list],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "warm_start": ["boolean"],
        "checkpoint": [str, os.PathLike, None],
        "precision": [StrOptions({"auto", "float32", "bfloat16"})],
        "compile": ["boolean"],
        "device": [str, torch.device],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components: int = 32,
        *,
        network: str = "auto",
        init: str = "pca",
        hidden_layer_sizes: tuple[int, ...] | str = "auto",
        conv_channels: tuple[int, ...] = (16, 32, 64),
        image_shape: tuple[int, ...] | None = None,
        activation: str = "gelu",
        batch_norm: bool = True,
        likelihood: str = "collapsed",
        noise_scale: float | None = None,
        binarize: bool = False,
        kl_weight: float = 1.0,
        kl_warmup: float = 0.0,
        free_bits: float = 0.0,
        contraction: float = 0.0,
        n_importance_samples: int = 1,
        n_scoring_samples: int = 64,
        learning_rate: float | str = "auto",
        learning_rate_schedule: str = "one_cycle",
        weight_decay: float = 0.0,
        batch_size: int | str = "auto",
        max_iter: int | str = "auto",
        augment: tuple[str, ...] = (),
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 1e-4,
        warm_start: bool = False,
        checkpoint: str | os.PathLike[str] | None = None,
        precision: str = "auto",
        compile: bool = False,
        device: str | torch.device = "auto",
        verbose: int = 0,
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.network = network
        self.init = init
        self.hidden_layer_sizes = hidden_layer_sizes
        self.conv_channels = conv_channels
        self.image_shape = image_shape
        self.activation = activation
        self.batch_norm = batch_norm
        self.likelihood = likelihood
        self.noise_scale = noise_scale
        self.binarize = binarize
        self.kl_weight = kl_weight
        self.kl_warmup = kl_warmup
        self.free_bits = free_bits
        self.contraction = contraction
        self.n_importance_samples = n_importance_samples
        self.n_scoring_samples = n_scoring_samples
        self.learning_rate = learning_rate
        self.learning_rate_schedule = learning_rate_schedule
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.augment = augment
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warm_start = warm_start
        self.checkpoint = checkpoint
        self.precision = precision
        self.compile = compile
        self.device = device
        self.verbose = verbose
        self.random_state = random_state

    def _check_parameters(self) -> None:
        """Refuse what no single parameter's range can tell."""
        for name in ("hidden_layer_sizes", "conv_channels"):
            sizes = getattr(self, name)
            if sizes != "auto" and not all(isinstance(size, Integral) and int(size) > 0 for size in sizes):
                raise ValueError(f"{name}={sizes!r}; expected integers greater than 0.")
        if self.binarize and self.likelihood != "bernoulli":
            raise ValueError(f"binarize=True needs likelihood='bernoulli', got {self.likelihood!r}.")
        if self.n_importance_samples > 1 and (self.free_bits > 0 or self.kl_weight == 0):
            raise ValueError("n_importance_samples > 1 needs kl_weight > 0 and free_bits=0.")
        if set(self.augment) - AUGMENTATIONS:
            raise ValueError(f"augment={self.augment!r}; expected names among {sorted(AUGMENTATIONS)}.")
