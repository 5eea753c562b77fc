"""One call of ``fit`` or ``partial_fit``: from what the user passed to a trained network."""

import copy
import math
from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .._base import check_sample_weight, draw_seed, module_initialised_with
from ._checkpoint import Checkpoint, fingerprint, settings_of
from ._defaults import FittingSizes, is_small
from ._fitted import FittedCVAE
from ._latent import aggregate_posterior
from ._networks import CVAENetwork
from ._objectives import Objective
from ._parameters import CVAEParameters
from ._pca_start import n_sampled, start_from_pca
from ._processes import agreed, are_several, check_same, spread
from ._reading import RowSource, row_source
from ._rows import RowBlocks, relative_weights
from ._training import EarlyStopping, Trainer, TrainingLog, Watcher, n_rising_epochs, train

__all__ = ["Fitting"]

# Epochs whose losses are kept: partial_fit may be called for ever.
_LONGEST_CURVE = 10_000
# Smaller images gain nothing from convolutions.
_SMALLEST_CONV_SIDE = 16
# Rows from which on some are held back to see what training gains, and how many at most.
_LEAST_TO_HOLD_BACK, _MOST_HELD_BACK = 20, 1000


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
    max_iter : int or None
        Epochs, instead of the estimator's ``max_iter``.
    """

    def __init__(
        self,
        estimator: CVAEParameters,
        X: Any,
        sample_weight: Any,
        device: torch.device,
        *,
        before: FittedCVAE | None,
        max_iter: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.before = before
        self._given_max_iter = estimator.max_iter if max_iter is None else max_iter
        # partial_fit, which is told its epochs, has nothing to go on with.
        path = estimator.checkpoint if max_iter is None else None
        self.checkpoint = None if path is None else Checkpoint(path, settings_of(estimator))
        self.source, weight = self._read(X, sample_weight)
        self.image_shape = self._image_shape()
        self.seed = self._seed()
        self.n_epochs_before = 0 if before is None else before.n_iter
        self.generator = torch.Generator().manual_seed(self.seed + self.n_epochs_before)
        self.starts_linear = estimator.init == "pca" and estimator.likelihood != "bernoulli"
        self.rows, self.held_back, self.rows_of_start = self._split(weight, device)
        n_rows, n_features = len(self.source), self.source.n_features
        self.sizes = FittingSizes(estimator, n_rows, n_features, self.starts_linear, self._given_max_iter)
        self.max_iter = self.sizes.max_iter
        self.learning_rate = self.sizes.learning_rate
        self.trainer = self._make_trainer(self._network().to(device))
        if are_several():
            check_same({**settings_of(estimator), "X or sample_weight": fingerprint(self.source, [weight])})
            spread(self.trainer.network.state_dict().values())
        if self.checkpoint is not None:
            data = fingerprint(self.source, [weight, *self.trainer.network.to_arrays().values()])
            self.checkpoint.agree({"random_state": self.seed, "X or sample_weight": data}, self.seed)

    def run(self, learning_rate: Callable[[float], float], watcher: Watcher) -> TrainingLog:
        """Train; a model that goes on keeps its old weights where an epoch fails."""
        max_iter = self.max_iter
        n_rising = n_rising_epochs(self.estimator.learning_rate_schedule, max_iter)
        stops_early = self.estimator.early_stopping or self._is_tested
        stopping = EarlyStopping(self.estimator.tol, self.estimator.n_iter_no_change, n_rising) if stops_early else None
        if self.estimator.compile:
            _compile(self.trainer)
        start = self.trainer.snapshot()
        log = train(
            self.trainer,
            self.rows,
            max_iter,
            learning_rate,
            watcher,
            validation_rows=self.held_back if stops_early else None,
            stopping=stopping,
            monitored_rows=self.held_back if self.starts_linear else None,
            n_iter_exempt=max_iter if stops_early else n_rising,
            keeper=self.checkpoint,
        )
        if self.held_back is not None and self._is_tested:
            _keep_what_helps(self.trainer, start, self.held_back)
        spread(self.trainer.network.state_dict().values())
        return log

    def forget_checkpoint(self) -> None:
        """Once the model is there."""
        if self.checkpoint is not None:
            self.checkpoint.remove()
        agreed("it is gone")

    def _seed(self) -> int:
        if self.before is not None:
            return self.before.seed
        random_state, kept = self.estimator.random_state, None if self.checkpoint is None else self.checkpoint.seed
        # What is drawn by chance is drawn once, for a training that goes on and for all processes.
        return int(agreed(draw_seed(random_state) if kept is None or isinstance(random_state, Integral) else kept))

    @property
    def _is_tested(self) -> bool:
        """Whether what training gains must show on rows held back, or the closed form is kept."""
        of_our_own = self.held_back is not None and not self.estimator.early_stopping
        return of_our_own and is_small(len(self.source))

    def _holds_back(self, n_weighty: int) -> bool:
        """Whether some of ``n_weighty`` rows are kept from training."""
        if self.estimator.early_stopping:
            return True
        is_auto = self.before is None and self.starts_linear and self._given_max_iter == "auto"
        return is_auto and n_weighty >= _LEAST_TO_HOLD_BACK

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
            offset=self.offset,
            optimization=self.trainer.to_arrays() if with_optimization else None,
        )

    def _image_shape(self) -> tuple[int, ...] | None:
        shape = known_image_shape(self.estimator.image_shape, self.source.image_shape, self.source.n_features)
        if self.before is None:
            return shape
        self.before.check_image_shape(shape)
        return self.before.image_shape if shape is None else shape

    def _read(self, X: Any, sample_weight: Any) -> tuple[RowSource, NDArray[np.float64] | None]:
        """Rows, less the offset of the model to go on with or else their own, and their weights as repetitions."""
        offset = None if self.before is None else self.before.offset
        source = row_source(self.estimator, X, reset=self.before is None, offset=offset)
        weight = None
        if sample_weight is not None:
            checked = check_sample_weight(sample_weight, source, dtype=np.float64, ensure_non_negative=True)
            weight = relative_weights(checked)
        if self.before is None:
            source = source.centred(weight)
        self.offset = source.offset
        return source.loaded(), weight

    def _split(
        self, weight: NDArray[np.float64] | None, device: torch.device
    ) -> tuple[RowBlocks, RowBlocks | None, RowBlocks]:
        """Rows to train on, rows held back to stop by, or None, and those from which training starts.

        Where rows are held back of our own accord these are all of them, which makes the start hard to beat.
        """
        every = self._blocks(weight, device)
        n_weighty = len(self.source) if weight is None else int(np.count_nonzero(weight))
        if not self._holds_back(n_weighty):
            return every, None, every
        held_back = self._held_back(n_weighty, None if weight is None else np.flatnonzero(weight))
        parts: list[NDArray[Any]] = [~held_back, held_back]  # a byte a row: there may be many
        if weight is not None:
            parts = [relative_weights(np.where(part, weight, 0.0)) for part in parts]
        kept, tested = (self._blocks(part, device) for part in parts)
        return kept, tested, kept if self.estimator.early_stopping else every

    def _blocks(self, weight: NDArray[Any] | None, device: torch.device) -> RowBlocks:
        source = self.source
        return RowBlocks(
            source.read,
            len(source),
            rows_a_block=source.rows_a_block,
            weight=weight,
            device=device,
            reads_ahead=source.is_slow,
        )

    def _held_back(self, n_candidates: int, candidates: NDArray[np.intp] | None) -> NDArray[np.bool_]:
        """Which rows are held back, of the candidates or else of all."""
        n_held_back = max(1, round(self.estimator.validation_fraction * n_candidates))
        if not self.estimator.early_stopping:
            n_held_back = min(n_held_back, _MOST_HELD_BACK, n_candidates // 2)
        if n_held_back >= n_candidates:
            raise ValueError(
                f"early_stopping holds back {n_held_back} of {n_candidates} samples, and none is left to train on. "
                "Lower validation_fraction, or set early_stopping=False."
            )
        # A generator of its own: a fit that goes on holds the same rows back again.
        generator = torch.Generator().manual_seed(self.seed)
        chosen = torch.randperm(n_candidates, generator=generator).numpy()[:n_held_back]
        held_back = np.zeros(len(self.source), dtype=bool)
        held_back[chosen if candidates is None else candidates[chosen]] = True
        return held_back

    def _network(self) -> CVAENetwork:
        """The estimator's network to go on with, or a new one, its weights drawn on the CPU."""
        if self.before is not None:
            network = copy.deepcopy(self.before.network)
            config = self._network_config(float(network.scale))
            config |= {name: network.config[name] for name in ("linear", "learnt_prior")}
            _check_unchanged(config, network.config)
            return network
        (mean, scale), sampled, weight = self.rows_of_start.survey(n_sampled(self.source.n_features))
        scale = scale or 1.0
        with module_initialised_with(self.seed):
            network = CVAENetwork(**self._network_config(scale))
        network.standardise_by(torch.from_numpy(mean), scale)
        if self.estimator.init == "pca":
            start_from_pca(network, sampled, weight, self.seed)
        return network

    def _network_config(self, scale: float) -> dict[str, Any]:
        """What the parameters say of the network, for rows that are divided by ``scale``."""
        estimator = self.estimator
        shape = conv_shape(estimator.network, self.image_shape, self.source.n_features)
        fixed = estimator.noise_scale if estimator.likelihood == "gaussian" else None
        return {
            "n_features": self.source.n_features,
            "n_components": estimator.n_components,
            "hidden_layer_sizes": self._hidden_layer_sizes() if shape is None else [],
            "conv_channels": [] if shape is None else list(estimator.conv_channels),
            "image_shape": None if shape is None else list(shape),
            "activation": estimator.activation,
            "batch_norm": estimator.batch_norm,
            "likelihood": estimator.likelihood,
            "noise_scale": None if fixed is None else fixed / scale,
            "linear": estimator.init == "pca",
            "learnt_prior": estimator.init == "pca" and estimator.likelihood == "collapsed",
        }

    def _hidden_layer_sizes(self) -> list[int]:
        if self.before is not None and self.estimator.hidden_layer_sizes == "auto":
            return list(self.before.network.config["hidden_layer_sizes"])
        return list(self.sizes.hidden_layer_sizes)

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
            batch_size=self.sizes.batch_size,
            weight_decay=estimator.weight_decay,
            augmentations=estimator.augment,
            image_shape=None if self.image_shape is None else _with_channels(self.image_shape),
            precision=estimator.precision,
            n_epochs_before=self.n_epochs_before,
        )
        if self.before is not None and self.before.optimization is not None:
            trainer.load_arrays(self.before.optimization)
        return trainer


def _keep_what_helps(trainer: Trainer, start: dict[str, Tensor], held_back: RowBlocks) -> None:
    """Go back to the start unless rows held back gain, by more than a standard error, and are decoded as well."""
    trained = trainer.snapshot()
    after, left = trainer.row_losses(held_back), trainer.unexplained(held_back)
    trainer.restore(start)
    gain = trainer.row_losses(held_back) - after
    is_likelier = float(gain.mean()) > float(gain.std()) / math.sqrt(len(gain))
    if is_likelier and left <= trainer.unexplained(held_back):
        trainer.restore(trained)


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
