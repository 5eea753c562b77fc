"""The fitted state of a C-VAE in pickles and files: one flat dictionary of numbers, lists and arrays, without torch."""

from collections.abc import Callable, Mapping
from typing import Any

from ._fitted import FittedCVAE
from ._latent import LatentStatistics
from ._networks import CVAENetwork

__all__ = ["ATTRIBUTES", "STATE_FORMAT", "flattened", "rebuilt"]

# Counted up when the state changes its form, so that older files can still be read.
STATE_FORMAT = 1

_SCHEMA: dict[str, Callable[[FittedCVAE], Any]] = {
    "module_": lambda fitted: {"config": fitted.network.config, "arrays": fitted.network.to_arrays()},
    "image_shape_": lambda fitted: fitted.image_shape,
    "loss_curve_": lambda fitted: fitted.loss_curve,
    "validation_loss_curve_": lambda fitted: fitted.validation_loss_curve,
    "loss_": lambda fitted: fitted.loss_curve[-1],
    "n_iter_": lambda fitted: fitted.n_iter,
    "latent_mean_": lambda fitted: fitted.latent.mean,
    "latent_covariance_": lambda fitted: fitted.latent.covariance,
    "kl_per_component_": lambda fitted: fitted.latent.kl_per_component,
    "n_active_units_": lambda fitted: fitted.latent.n_active_units,
    "_decodes_to_images": lambda fitted: fitted.decodes_to_images,
    "_score_seed": lambda fitted: fitted.seed,
    "_n_features_out": lambda fitted: fitted.n_components,
    "_codes": lambda fitted: fitted.latent_samples,
    "_offset": lambda fitted: fitted.offset,
    "_optimization": lambda fitted: fitted.optimization,
}
_FORMAT = "_state_format"

ATTRIBUTES = frozenset({*_SCHEMA, _FORMAT})


def flattened(fitted: FittedCVAE) -> dict[str, Any]:
    """The state of a fitted C-VAE, under the names of :data:`ATTRIBUTES`; the network's arrays are copies."""
    return {**{name: read(fitted) for name, read in _SCHEMA.items()}, _FORMAT: STATE_FORMAT}


def rebuilt(state: Mapping[str, Any]) -> FittedCVAE:
    """The fitted C-VAE of a :func:`flattened` state, which may hold other names too.

    Raises
    ------
    ValueError
        If a later version of skisp has written the state.
    """
    if state[_FORMAT] > STATE_FORMAT:
        raise ValueError("This model was saved by a later version of skisp. Upgrade skisp to load it.")
    return FittedCVAE(
        network=CVAENetwork.from_arrays(**state["module_"]),
        image_shape=state["image_shape_"],
        decodes_to_images=state["_decodes_to_images"],
        seed=state["_score_seed"],
        loss_curve=state["loss_curve_"],
        validation_loss_curve=state["validation_loss_curve_"],
        n_iter=state["n_iter_"],
        latent=LatentStatistics(
            mean=state["latent_mean_"],
            covariance=state["latent_covariance_"],
            kl_per_component=state["kl_per_component_"],
            n_active_units=state["n_active_units_"],
        ),
        latent_samples=state["_codes"],
        offset=state.get("_offset"),  # missing in pickles from before there was one
        optimization=state["_optimization"],
    )
