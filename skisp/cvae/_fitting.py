"""One call of ``fit`` or ``partial_fit``: from what the user passed to a trained network."""

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .._base import check_sample_weight, draw_seed, module_initialised_with
from ._latent import latent_statistics
from ._networks import CVAENetwork, rows_at_once
from ._objectives import Objective, reparameterise
from ._reading import row_source
from ._rows import RowBlocks, relative_weights
from ._training import EarlyStopping, Trainer, TrainingLog, Watcher, n_rising_epochs, train

__all__ = ["Fitting", "conv_shape", "known_image_shape"]

# Rows whose codes are kept for the aggregate prior.
_KEPT_CODES = 5000
# Epochs whose losses are kept: partial_fit may be called for ever.
_LONGEST_CURVE = 10_000
# Smaller images gain nothing from convolutions.
_SMALLEST_CONV_SIDE = 16


class Fitting:
    """The rows, the trainer, and what an estimator keeps of them.

    Parameters
    ----------
    estimator : CVAETransformer
        Whose parameters rule. It is only written to by :meth:`keep`, apart from what validation sets.
    X : array-like
    sample_weight : array-like (n,) or None
    device : torch.device
    resumed : bool
        Go on from ``estimator.module_``.
    """

    def __init__(self, estimator: Any, X: Any, sample_weight: Any, device: torch.device, *, resumed: bool) -> None:
        self.estimator = estimator
        self.resumed = resumed
        self.n_epochs_before: int = estimator.n_iter_ if resumed else 0
        self.curves_before = (estimator.loss_curve_, estimator.validation_loss_curve_) if resumed else ([], [])
        self.source = row_source(estimator, X, reset=not resumed)
        self.image_shape = self._image_shape()
        self.seed: int = estimator._score_seed if resumed else draw_seed(estimator.random_state)
        self.generator = torch.Generator().manual_seed(self.seed + self.n_epochs_before)
        self.rows, self.held_back = self._split(sample_weight, device)
        self.trainer = self._make_trainer(self._network().to(device))

    def run(self, max_iter: int, learning_rate: Callable[[float], float], watcher: Watcher) -> TrainingLog:
        """Train; a model that goes on keeps its old weights where an epoch fails."""
        stopping = None
        if self.held_back is not None:
            n_exempt = n_rising_epochs(self.estimator.learning_rate_schedule, max_iter)
            stopping = EarlyStopping(self.estimator.tol, self.estimator.n_iter_no_change, n_exempt)
        with _compiled(self.trainer, self.estimator.compile):
            return train(
                self.trainer,
                self.rows,
                max_iter,
                learning_rate,
                watcher,
                validation_rows=self.held_back,
                stopping=stopping,
            )

    def attributes(self, log: TrainingLog) -> dict[str, Any]:
        """What the estimator needs to code, decode and score with the network as it is now."""
        return self._curves(log) | {
            "module_": copy.deepcopy(self.trainer.network).trainable(False),
            "image_shape_": self.image_shape,
            "_decodes_to_images": self._decodes_to_images(),
            "_score_seed": self.seed,
            "_n_features_out": self.trainer.network.n_components,
        }

    def keep(self, log: TrainingLog, *, optimization: bool) -> None:
        """Give the estimator its fitted attributes, all or none."""
        attributes = self.attributes(log) | self._latent_attributes()
        attributes["_optimization"] = self.trainer.to_arrays() if optimization else None
        self.estimator.__dict__.update(attributes)

    def _image_shape(self) -> tuple[int, ...] | None:
        shape = known_image_shape(self.estimator.image_shape, self.source.image_shape, self.source.n_features)
        if not self.resumed or shape is None:
            return self.estimator.image_shape_ if self.resumed else shape
        if self.estimator.image_shape_ not in (None, shape):
            raise ValueError(f"X holds images of shape {shape}, but {self.estimator.image_shape_} were fitted.")
        return shape

    def _decodes_to_images(self) -> bool:
        return self.source.image_shape is not None or (self.resumed and self.estimator._decodes_to_images)

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
        if self.resumed:
            network: CVAENetwork = copy.deepcopy(self.estimator.module_)
            _check_unchanged(self._network_config(float(network.scale)), network.config)
            return network
        mean, scale = self.rows.moments()
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
        if self.resumed and estimator._optimization is not None:
            trainer.load_arrays(estimator._optimization)
        return trainer

    def _curves(self, log: TrainingLog) -> dict[str, Any]:
        loss_curve = [*self.curves_before[0], *log.loss_curve]
        validation = [*self.curves_before[1], *log.validation_loss_curve]
        return {
            "loss_curve_": loss_curve[-_LONGEST_CURVE:],
            "validation_loss_curve_": validation[-_LONGEST_CURVE:],
            "loss_": loss_curve[-1],
            "n_iter_": self.n_epochs_before + len(log.loss_curve),
        }

    @torch.inference_mode()
    def _latent_attributes(self) -> dict[str, Any]:
        """Moments of the aggregate posterior over the training rows, and samples of it from some of them."""
        network, codes = self.trainer.network.eval(), []
        step, seen = max(1.0, self.rows.total_weight / _KEPT_CODES), 0.0
        generator = torch.Generator().manual_seed(self.seed)

        def posteriors() -> Any:
            nonlocal seen
            for rows, weight in self.rows.parts(rows_at_once(network.n_features)):
                mean, log_variance = network.encode(rows)
                # A code for each whole ``step`` of the weight: none, one or several of a row.
                until = torch.cat([weight.new_tensor([seen]), seen + weight.cumsum(0)])
                counts = torch.floor(until / step + 0.5).diff().long()
                seen = float(until[-1])
                some = (
                    mean.cpu().repeat_interleave(counts, dim=0),
                    log_variance.cpu().repeat_interleave(counts, dim=0),
                )
                codes.append(reparameterise(*some, torch.randn(some[0].shape, generator=generator)))
                yield mean, log_variance, weight

        statistics = latent_statistics(posteriors())
        return {
            "latent_mean_": statistics.mean,
            "latent_covariance_": statistics.covariance,
            "kl_per_component_": statistics.kl_per_component,
            "n_active_units_": statistics.n_active_units,
            "_codes": torch.cat(codes).numpy(),
        }


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


class _compiled:
    """Compile the two networks for the block, but not an encoder that is differentiated twice: torch cannot."""

    def __init__(self, trainer: Trainer, enabled: bool) -> None:
        contractive = trainer.objective.contraction > 0
        modules = [*([] if contractive else [trainer.network.encoder]), trainer.network.decoder]
        self._modules = modules if enabled else []

    def __enter__(self) -> None:
        for module in self._modules:
            module.compile()

    def __exit__(self, *error: object) -> None:
        for module in self._modules:
            module._compiled_call_impl = None
