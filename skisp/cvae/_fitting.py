"""One call of ``fit`` or ``partial_fit``: from what the user passed to a trained network."""

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .._base import check_sample_weight, draw_seed, module_initialised_with
from ._fitted import FittedCVAE
from ._latent import aggregate_posterior
from ._networks import CVAENetwork
from ._objectives import Objective
from ._parameters import CVAEParameters
from ._reading import row_source
from ._rows import RowBlocks, relative_weights
from ._training import EarlyStopping, Trainer, TrainingLog, Watcher, n_rising_epochs, train

__all__ = ["Fitting"]

# Epochs whose losses are kept: partial_fit may be called for ever.
_LONGEST_CURVE = 10_000
# Smaller images gain nothing from convolutions.
_SMALLEST_CONV_SIDE = 16


class Fitting:
    """The rows, the trainer, and what is kept of them.

    Parameters
    ----------
    estimator : CVAEParameters
        Whose parameters rule. Nothing is written to it, apart from what scikit-learn notes of the columns of ``X``.
    X : array-like
    sample_weight : array-like (n,) or None
    device : torch.device
    before : FittedCVAE or None
        The model to go on with; it is not changed.
    """

    def __init__(
        self, estimator: CVAEParameters, X: Any, sample_weight: Any, device: torch.device, *, before: FittedCVAE | None
    ) -> None:
        self.estimator = estimator
        self.before = before
        self.source = row_source(estimator, X, reset=before is None)
        self.image_shape = self._image_shape()
        self.seed = draw_seed(estimator.random_state) if before is None else before.seed
        self.n_epochs_before = 0 if before is None else before.n_iter
        self.generator = torch.Generator().manual_seed(self.seed + self.n_epochs_before)
        self.rows, self.held_back = self._split(sample_weight, device)
        self.trainer = self._make_trainer(self._network().to(device))

    def run(self, max_iter: int, learning_rate: Callable[[float], float], watcher: Watcher) -> TrainingLog:
        """Train; a model that goes on keeps its old weights where an epoch fails."""
        stopping = None
        if self.held_back is not None:
            n_exempt = n_rising_epochs(self.estimator.learning_rate_schedule, max_iter)
            stopping = EarlyStopping(self.estimator.tol, self.estimator.n_iter_no_change, n_exempt)
        if self.estimator.compile:
            _compile(self.trainer)
        return train(
            self.trainer,
            self.rows,
            max_iter,
            learning_rate,
            watcher,
            validation_rows=self.held_back,
            stopping=stopping,
        )

    def fitted(self, log: TrainingLog, *, with_optimization: bool = False) -> FittedCVAE:
        """The model as it is now: with a copy of the network, and all that is known of its training rows."""
        network = copy.deepcopy(self.trainer.network).trainable(False)
        before = self.before
        loss_curve, validation = log.loss_curve, log.validation_loss_curve
        if before is not None:
            loss_curve = [*before.loss_curve, *loss_curve]
            validation = [*before.validation_loss_curve, *validation]
        latent, latent_samples = aggregate_posterior(network, self.rows, self.seed)
        return FittedCVAE(
            network=network,
            image_shape=self.image_shape,
            decodes_to_images=self.source.image_shape is not None or (before is not None and before.decodes_to_images),
            seed=self.seed,
            loss_curve=loss_curve[-_LONGEST_CURVE:],
            validation_loss_curve=validation[-_LONGEST_CURVE:],
            n_iter=self.n_epochs_before + len(log.loss_curve),
            latent=latent,
            latent_samples=latent_samples,
            optimization=self.trainer.to_arrays() if with_optimization else None,
        )

    def _image_shape(self) -> tuple[int, ...] | None:
        shape = known_image_shape(self.estimator.image_shape, self.source.image_shape, self.source.n_features)
        if self.before is None:
            return shape
        self.before.check_image_shape(shape)
        return self.before.image_shape if shape is None else shape

    def _split(self, sample_weight: Any, device: torch.device) -> tuple[RowBlocks, RowBlocks | None]:
        """Rows to train on and, for early stopping, rows held back."""
        weight = None
        if sample_weight is not None:
            checked = check_sample_weight(sample_weight, self.source, dtype=np.float64, ensure_non_negative=True)
            weight = relative_weights(checked)
        if not self.estimator.early_stopping:
            return self._blocks(weight, device), None
        weight = np.ones(len(self.source)) if weight is None else weight
        held_back = self._held_back(np.flatnonzero(weight))
        training, validation = np.where(held_back, 0.0, weight), np.where(held_back, weight, 0.0)
        return self._blocks(relative_weights(training), device), self._blocks(relative_weights(validation), device)

    def _blocks(self, weight: NDArray[np.float64] | None, device: torch.device) -> RowBlocks:
        source = self.source
        return RowBlocks(source.read, len(source), rows_a_block=source.rows_a_block, weight=weight, device=device)

    def _held_back(self, candidates: NDArray[np.intp]) -> NDArray[np.bool_]:
        n_held_back = max(1, round(self.estimator.validation_fraction * len(candidates)))
        if n_held_back >= len(candidates):
            raise ValueError(
                f"early_stopping holds back {n_held_back} of {len(candidates)} samples, and none is left to train on. "
                "Lower validation_fraction, or set early_stopping=False."
            )
        # A generator of its own: a fit that goes on holds the same rows back again.
        order = torch.randperm(len(candidates), generator=torch.Generator().manual_seed(self.seed)).numpy()
        held_back = np.zeros(len(self.source), dtype=bool)
        held_back[candidates[order[:n_held_back]]] = True
        return held_back

    def _network(self) -> CVAENetwork:
        """The estimator's network to go on with, or a new one, its weights drawn on the CPU."""
        if self.before is not None:
            network = copy.deepcopy(self.before.network)
            _check_unchanged(self._network_config(float(network.scale)), network.config)
            return network
        mean, scale = self.rows.standardisation()
        scale = scale or 1.0
        with module_initialised_with(self.seed):
            network = CVAENetwork(**self._network_config(scale))
        network.standardise_by(torch.from_numpy(mean), scale)
        return network

    def _network_config(self, scale: float) -> dict[str, Any]:
        """What the parameters say of the network, for rows that are divided by ``scale``."""
        estimator = self.estimator
        shape = conv_shape(estimator.network, self.image_shape, self.source.n_features)
        fixed = estimator.noise_scale if estimator.likelihood == "gaussian" else None
        return {
            "n_features": self.source.n_features,
            "n_components": estimator.n_components,
            "hidden_layer_sizes": list(estimator.hidden_layer_sizes) if shape is None else [],
            "conv_channels": [] if shape is None else list(estimator.conv_channels),
            "image_shape": None if shape is None else list(shape),
            "activation": estimator.activation,
            "batch_norm": estimator.batch_norm,
            "likelihood": estimator.likelihood,
            "noise_scale": None if fixed is None else fixed / scale,
        }

    def _make_trainer(self, network: CVAENetwork) -> Trainer:
        estimator = self.estimator
        if estimator.augment and self.image_shape is None:
            raise ValueError(f"augment={estimator.augment!r} needs images: pass (n, H, W[, C]) or set image_shape.")
        trainer = Trainer(
            network,
            Objective(
                kl_weight=estimator.kl_weight,
                kl_warmup=estimator.kl_warmup,
                free_bits=estimator.free_bits,
                contraction=estimator.contraction,
                n_importance_samples=estimator.n_importance_samples,
                binarize=estimator.binarize,
            ),
            self.generator,
            batch_size=estimator.batch_size,
            weight_decay=estimator.weight_decay,
            augmentations=estimator.augment,
            image_shape=None if self.image_shape is None else _with_channels(self.image_shape),
            precision=estimator.precision,
            n_epochs_before=self.n_epochs_before,
        )
        if self.before is not None and self.before.optimization is not None:
            trainer.load_arrays(self.before.optimization)
        return trainer


def known_image_shape(
    parameter: Sequence[int] | None, found: tuple[int, ...] | None, n_features: int
) -> tuple[int, ...] | None:
    """Shape of the images in ``X``: that found, or else that of the parameter ``image_shape``."""
    if parameter is None:
        return found
    shape = tuple(int(side) for side in parameter)
    if len(shape) not in (2, 3) or min(shape) < 1:
        raise ValueError(f"image_shape={parameter!r}; expected (H, W) or (H, W, C), all at least 1.")
    if math.prod(shape) != n_features or (found is not None and _with_channels(found) != _with_channels(shape)):
        actual = f"images of shape {found}" if found is not None else f"rows of {n_features} features"
        raise ValueError(f"image_shape={parameter!r}, but X holds {actual}.")
    return shape if found is None else found


def conv_shape(network: str, image_shape: Sequence[int] | None, n_features: int) -> tuple[int, int, int] | None:
    """Shape (H, W, C) that convolutions read, or None for dense layers."""
    if network == "dense" or (network == "auto" and image_shape is None):
        return None
    if image_shape is None:
        return 1, n_features, 1
    height, width, n_channels = _with_channels(image_shape)
    if network == "auto" and min(height, width) < _SMALLEST_CONV_SIDE:
        return None
    return height, width, n_channels


def _with_channels(shape: Sequence[int]) -> tuple[int, int, int]:
    return shape[0], shape[1], shape[2] if len(shape) == 3 else 1


def _check_unchanged(config: dict[str, Any], fitted: dict[str, Any]) -> None:
    """Refuse to go on with a network of another shape or likelihood."""
    config, fitted = ({"network": "dense" if c["image_shape"] is None else "conv", **c} for c in (config, fitted))
    changed = [name for name in config if not _equal(config[name], fitted[name])]
    if changed:
        name = changed[0]
        raise ValueError(
            f"The model was fitted with another {name} and cannot go on with this one "
            f"({config[name]!r}, was {fitted[name]!r}). Set it back, or start anew: fit with warm_start=False."
        )


def _equal(value: Any, fitted: Any) -> bool:
    """Whether a setting is as it was; a noise scale but for the rounding of its units."""
    if isinstance(value, float) and isinstance(fitted, float):
        return math.isclose(value, fitted, rel_tol=1e-5)
    return bool(value == fitted)


def _compile(trainer: Trainer) -> None:
    """Compile the two networks, but not an encoder that is differentiated twice: torch cannot.

    Copies of the trainer's network, such as the one that is kept, are not compiled.
    """
    if trainer.objective.contraction == 0:
        trainer.network.encoder.compile()
    trainer.network.decoder.compile()
