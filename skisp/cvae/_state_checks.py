"""What must hold of a loaded C-VAE: that its weights, its codes and its optimiser are those of one network."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from .._base import module_initialised_with
from .._conditions import (
    Schema,
    are_counts,
    check_image_shape,
    check_seed,
    finite,
    floats,
    is_count,
    is_number,
    require,
)
from ._layers import ACTIVATIONS
from ._networks import CVAENetwork
from ._state import ATTRIBUTES
from ._training import decay_groups
from ._transformer import CVAETransformer

__all__ = ["SCHEMAS"]


def _check_parameters(estimator: CVAETransformer) -> None:
    estimator._validate_params()
    estimator._check_parameters()


def _check_state(_: CVAETransformer, state: Mapping[str, Any]) -> None:
    """Check the flat state that :func:`flattened` gives, before a network is made of it."""
    module = state["module_"]
    require(type(module) is dict and module.keys() == {"config", "arrays"}, "the network is not a config and arrays")
    network = _outline(module["config"], module["arrays"])
    k, d = network.n_components, network.n_features
    require(
        state["_n_features_out"] == k and state.get("n_features_in_") == d,
        "the network has another n_features",
    )
    check_image_shape(state["image_shape_"], d)
    require(type(state["_decodes_to_images"]) is bool, "_decodes_to_images is not a boolean")
    check_seed(state["_score_seed"])
    for name in ("loss_curve_", "validation_loss_curve_"):
        require(type(state[name]) is list and all(map(is_number, state[name])), f"{name} is not a list of numbers")
    require(is_number(state["loss_"]), "loss_ is not a number")
    for name, least in (("n_iter_", 0), ("n_active_units_", 0), ("_state_format", 1)):
        require(is_count(state[name], least=least), f"{name} is not a whole number of at least {least}")
    for name, shape in (("latent_mean_", (k,)), ("latent_covariance_", (k, k)), ("kl_per_component_", (k,))):
        require(floats(state[name], len(shape), name).shape == shape, f"{name} is not of shape {shape}")
    codes = floats(state["_codes"], 2, "_codes")
    require(codes.shape[1] == k and codes.dtype == np.float32, "_codes do not fit the network")
    if state["_offset"] is not None:
        offset = finite(state["_offset"], 1, "_offset")
        require(offset.shape == (d,) and offset.dtype == np.float64, f"_offset is not float64 of shape {(d,)}")
        require(network.likelihood.standardised, "a Bernoulli likelihood has an offset")
    if state["_optimization"] is not None:
        _check_optimization(state["_optimization"], network)


def _outline(config: Any, arrays: Any) -> CVAENetwork:
    """The network of a config, without memory for its weights, if the arrays are its weights."""
    require(type(config) is dict and type(arrays) is dict, "the network is not two dictionaries")
    expected: dict[str, Callable[[Any], bool]] = {
        "n_features": lambda v: is_count(v, least=1),
        "n_components": lambda v: is_count(v, least=1),
        "hidden_layer_sizes": lambda v: are_counts(v, len(arrays)),
        "conv_channels": lambda v: are_counts(v, len(arrays)),
        "image_shape": lambda v: v is None or (are_counts(v, 3) and len(v) == 3),
        "activation": lambda v: type(v) is str and v in ACTIVATIONS,
        "batch_norm": lambda v: type(v) is bool,
        "likelihood": lambda v: v in ("collapsed", "gaussian", "bernoulli"),
        "noise_scale": lambda v: v is None or (is_number(v) and 0 < v < math.inf),
        "linear": lambda v: type(v) is bool,
        "learnt_prior": lambda v: type(v) is bool,
    }
    # Files of format 1 lack the last two.
    known = expected.keys() - {"linear", "learnt_prior"} <= config.keys() <= expected.keys()
    require(known, "the network is described by other settings")
    for name, is_valid in expected.items():
        require(name not in config or is_valid(config[name]), f"the network's {name} is out of range")
    shape = config["image_shape"]
    unused = config["conv_channels" if shape is None else "hidden_layer_sizes"]
    require(not unused, "the network has both dense and convolutional layers")
    require(
        shape is None or math.prod(shape) == config["n_features"],
        "the network's image_shape does not fit",
    )
    with torch.inference_mode(False), module_initialised_with(0), torch.device("meta"):
        network = CVAENetwork(**config)
    weights = network.state_dict()
    require(weights.keys() == arrays.keys(), "the weights of the network are not those of its settings")
    for name, weight in weights.items():
        array = arrays[name]
        same = isinstance(array, np.ndarray) and array.shape == tuple(weight.shape)
        dtype = str(weight.dtype).partition(".")[2]
        require(same and array.dtype.name == dtype, f"the network's {name} is not of shape {tuple(weight.shape)}")
    return network


def _check_optimization(arrays: Any, network: CVAENetwork) -> None:
    """Check what continues a training: the state of the generator, and two moments of each weight."""
    require(type(arrays) is dict, "the state of the optimiser is not a dictionary")
    require(
        all(isinstance(array, np.ndarray) for array in arrays.values()),
        "the optimiser holds no arrays",
    )
    generator = arrays.get("generator")
    require(generator is not None and generator.dtype == np.uint8, "the state of the generator is missing")
    torch.Generator().set_state(torch.from_numpy(generator.copy()))  # refuses what is not a state
    weights = [weight for group in decay_groups(network, 0.0) for weight in group["params"]]
    shapes = {"generator": generator.shape}
    for i, weight in enumerate(weights):
        shapes |= {f"{i}.step": (), f"{i}.exp_avg": tuple(weight.shape), f"{i}.exp_avg_sq": tuple(weight.shape)}
    fits = all(shapes.get(name) == array.shape for name, array in arrays.items())
    numbers = all(array.dtype.kind == "f" for name, array in arrays.items() if name != "generator")
    whole = all(
        {f"{name.partition('.')[0]}.{part}" for part in ("step", "exp_avg", "exp_avg_sq")} <= arrays.keys()
        for name in arrays
        if name != "generator"
    )
    require(fits and numbers and whole, "the state of the optimiser does not fit the weights")


def _of_format_1(parameters: dict[str, Any], state: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters and state of a time when every network started at random, and rows became float32 as they were."""
    return {"init": "random", **parameters}, {"_offset": None, **state} if "module_" in state else state


SCHEMAS: dict[type, Schema] = {CVAETransformer: Schema(ATTRIBUTES, _check_state, _check_parameters, _of_format_1)}
