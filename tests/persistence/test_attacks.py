"""Files that an attacker made: no code is run, no memory is filled, and one line says what is wrong."""

import builtins
import collections
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline

from skisp import CVAETransformer, StylePropagator
from skisp.persistence import load_model

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture
def marker(tmp_path):
    """A file that appears where code of the attacker was run."""
    marker = tmp_path / "marker"
    yield marker
    assert not marker.exists()


# Code


class Running:
    """Pickles to a call."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def malicious(marker):
    touch = f"open({str(marker)!r}, 'w').close()"
    return {
        "os.system": Running(os.system, f"touch {marker}"),
        "eval": Running(builtins.eval, touch.replace(".close()", "")),
        "exec": Running(builtins.exec, touch),
        "open": Running(builtins.open, str(marker), "w"),
        "getattr": Running(builtins.getattr, "x", "upper"),
        "torch.load": Running(torch.load, str(marker)),
        "bytearray": Running(builtins.bytearray, 10**12),
        "a counter": Running(collections.Counter, "abc"),
        "an array": np.arange(3),
        "an estimator": PCA(2),
    }


CALLS = [
    *("os.system", "eval", "exec", "open", "getattr", "torch.load", "bytearray", "a counter"),
    *("an array", "an estimator"),
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("place", ["all", "a parameter", "the versions"])
def test_a_pickle_that_calls_is_refused_and_calls_nothing(call, place, path, marker, refused, tree_of):
    tree = tree_of(PCA(2))
    attack = malicious(marker)[call]
    if place == "all":
        tree = attack
    elif place == "a parameter":
        tree["model"]["objects"][0]["parameters"]["tol"] = attack
    else:
        tree["versions"] = attack
    for protocol in (2, 4):
        torch.save(tree, path, pickle_protocol=protocol)
        refused("do not trust it")


def test_a_plain_pickle_and_an_old_file_of_torch_are_refused(path, marker, refused):
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        path.write_bytes(pickle.dumps(Running(os.system, f"touch {marker}"), protocol=protocol))
        refused("not a file of save_model")
    torch.save(Running(os.system, f"touch {marker}"), path, _use_new_zipfile_serialization=False)
    refused("not a file of save_model")


def test_a_program_of_torch_is_refused(path, refused, archive):
    path.write_bytes(archive({"data.pkl": pickle.dumps({}, 2), "constants.pkl": b"", "code/a.py": b"1"}))
    refused("archive of something else")


@pytest.mark.parametrize(
    "opcode", [b"ios\nsystem\n", b"cos\nsystem\n", b"\x8c\x02os\x8c\x06system\x93", b"(cos\nsystem\no"]
)
def test_every_way_of_pickle_to_a_name_is_refused(opcode, path, marker, refused, archive):
    content = b"\x80\x02(X\x05\x00\x00\x00touchq\x00" + opcode + b"\x85R."
    path.write_bytes(archive({"data.pkl": content}))
    refused("do not trust it")


# Names, forms and values


def replaced(tree, index, **values):
    tree["model"]["objects"][index].update(values)
    return tree


def set_in(tree, part, name, value, of="PCA"):
    """Change a parameter or an attribute of the first estimator of a class, or a field of the first record."""
    entries = [entry for entry in tree["model"]["objects"] if entry.get("class", "").endswith(f".{of}")]
    entry = next((entry for entry in entries if name in entry[part]), entries[-1])
    if value is None:
        del entry[part][name]
    else:
        entry[part][name] = value
    return tree


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "sklearn.pipeline.FunctionTransformer",
        "builtins.eval",
        "skisp.persistence._models.os",
        "",
        "x" * 10**6,
        "skisp.",
    ],
)
def test_a_class_that_is_not_in_the_table_is_refused(name, path, refused, tree_of):
    tree = tree_of(PCA(2))
    torch.save(replaced(tree, 0, **{"class": name}), path)
    refused("unknown class")


@pytest.mark.parametrize("name", ["skisp.AffineMap", "skisp.Moments", "skisp.FittedStyles", "skisp.ImageReader"])
def test_a_class_in_the_place_of_another_is_refused(name, path, refused, tree_of):
    torch.save(replaced(tree_of(PCA(2)), 0, **{"class": name}), path)
    refused("form it does not have|missing or unknown")
    torch.save(replaced(tree_of(PCA(2)), 0, kind="record"), path)
    refused()


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("parameters", "n_components", -3),
        ("parameters", "n_components", "x"),
        ("parameters", "svd_solver", "x" * 10**5),
        ("parameters", "another", 1),
        ("parameters", "__class__", 1),
        ("state", "components_", None),
        ("state", "components_", 3),
        ("state", "mean_", "mean"),
        ("state", "n_features_in_", None),
        ("state", "n_features_in_", 7),
        ("state", "n_features_in_", 2**62),
        ("state", "n_features_in_", True),
        ("state", "transform", 1),
        ("state", "fit", 1),
        ("state", "__class__", 1),
        ("state", "__dict__", 1),
        ("state", "no name", 1),
        ("state", "_sklearn_version", 1),
        ("state", "_sklearn_output_config", 1),
        ("state", "feature_names_in_", 1),
    ],
)
def test_parameters_and_attributes_that_do_not_belong_are_refused(part, name, value, made, path, refused, tree_of):
    torch.save(set_in(tree_of(made("rows")[0].style_), part, name, value), path)
    refused()


VALUES = {
    "array": np.arange(3.0),
    "scalar": np.float32(0.5),
    "tensor": torch.zeros(2),
    "strings": np.array(["a", "b"]),
    "random_state": np.random.RandomState(0),
    "device": torch.device("cpu"),
    "path": Path("a.png"),
}


@pytest.mark.parametrize("kind", VALUES)
def test_a_value_that_is_not_in_the_form_in_which_it_is_written_is_refused(kind, path, refused, tree_of):
    """One field is missing, is of another type, or is one too many."""

    def tree():
        tree = tree_of(StylePropagator(style_images=VALUES[kind]))
        reference = tree["model"]["objects"][tree["model"]["root"]["index"]]["parameters"]["style_images"]
        entry = tree["model"]["objects"][reference["index"]] if reference["kind"] == "object" else reference
        assert entry["kind"] == kind
        return tree, entry

    _, whole = tree()
    for name in [*whole, "extra"]:
        if name != "kind":
            for change in (lambda entry, name: entry.pop(name, None), lambda entry, name: entry.update({name: None})):
                changed, entry = tree()
                change(entry, name)
                if entry.keys() != whole.keys() or entry.get(name) is not whole.get(name):
                    torch.save(changed, path)
                    refused("do not trust it")
    torch.save(tree()[0], path)
    load_model(path)


@pytest.mark.parametrize(
    ("of", "name", "value"),
    [
        ("CVAETransformer", "module_", None),
        ("CVAETransformer", "loss_curve_", {"kind": "dict", "items": []}),
        ("CVAETransformer", "loss_curve_", ["a"]),
        ("CVAETransformer", "n_iter_", -1),
        ("CVAETransformer", "_score_seed", 2**40),
        ("CVAETransformer", "_state_format", 99),
        ("CVAETransformer", "image_shape_", (2, 4)),
        ("CVAETransformer", "_n_features_out", 3),
        ("CVAETransformer", "extra_", 3),
        ("PatchTransformer", "images_", []),
        ("PatchTransformer", "n_channels_", 2),
        ("PatchTransformer", "transformer_", 1),
        ("StylePropagator", "propagation_", 1),
        ("StylePropagator", "style_", []),
    ],
)
def test_parts_that_do_not_fit_each_other_are_refused(of, name, value, made, path, refused, tree_of):
    torch.save(set_in(tree_of(made("images-cvae")[0]), "state", name, value, of), path)
    refused()


@pytest.mark.parametrize(
    ("stored", "name", "value"),
    [
        *(("images", name, 1) for name in ("style_", "content_", "style_weights_", "_fitted", "_in_row_mode")),
        *(("images", name, value) for name, value in [("_seed", -1), ("_in_row_mode", True), ("style_", [])]),
        *(("rows", name, 1) for name in ("style_", "content_", "row_alignment_", "style_moments_", "_image_shape")),
        *(("rows", name, value) for name, value in [("_seed", 2**31), ("_in_row_mode", False), ("propagation_", 1)]),
        *(("rows", name, None) for name in ("_models", "_seed", "style_moments_")),
    ],
)
def test_a_state_of_format_1_that_does_not_fit_is_refused(stored, name, value, path, refused):
    tree = torch.load(DATA / f"model_format_1_{stored}.skisp", weights_only=True)
    torch.save(set_in(tree, "state", name, value, "StylePropagator"), path)
    refused()


@pytest.mark.parametrize("part", ["parameters", "state"])
@pytest.mark.parametrize("key", [1, None, True, (1, 2)])
def test_a_name_that_is_not_a_string_is_refused(part, key, path, refused):
    tree = torch.load(DATA / "model_format_1_rows.skisp", weights_only=True)
    tree["model"]["objects"][-1][part][key] = 1
    torch.save(tree, path)
    refused("not in the form that save_model writes")


def test_a_network_that_the_file_does_not_hold_is_not_built(made, path, refused, tree_of):
    model, _ = made("dense")
    for name, value in [
        ("n_features", 10**6),
        ("n_features", 10**30),
        ("n_components", 2**31),
        ("hidden_layer_sizes", [2**40]),
        ("hidden_layer_sizes", [8] * 10**5),
        ("image_shape", [10**5, 10**5, 3]),
        ("conv_channels", [10**9] * 3),
        ("activation", "eval"),
        ("noise_scale", -1.0),
        ("batch_norm", 1),
    ]:
        tree = tree_of(model)
        module = next(e["state"] for e in tree["model"]["objects"] if "state" in e)["module_"]
        config = module["items"][0][1]
        config["items"] = [(key, value if key == name else old) for key, old in config["items"]]
        torch.save(tree, path)
        refused()


@pytest.mark.parametrize("key", ["kind", "format", "versions", "model"])
@pytest.mark.parametrize("value", [None, 0, -1, "x", [], {}, True])
def test_a_header_of_another_form_is_refused(key, value, path, refused, tree_of):
    if key == "versions":  # a note to people, which nothing reads
        torch.save({**tree_of(PCA(2)), key: value, "more": 1}, path)
    else:
        torch.save({**tree_of(PCA(2)), key: value}, path)
    refused()


@pytest.mark.parametrize("later", [3, 10**9])
def test_a_later_format_is_refused_with_the_words_to_update(later, path, refused):
    torch.save({"kind": "skisp model", "format": later, "something": "new"}, path)
    refused("update skisp")


@pytest.mark.parametrize("tree", [None, 3, "model", [], {}, torch.zeros(3), {"weight": torch.zeros(2)}, (1, 2)])
def test_another_file_of_torch_is_refused(tree, path, refused):
    torch.save(tree, path)
    refused("not by save_model")


@pytest.mark.parametrize(("estimator", "name"), [(make_pipeline(PCA(2)), "memory"), (CVAETransformer(), "checkpoint")])
def test_a_place_on_the_disk_that_the_file_names_is_refused(estimator, name, path, tmp_path, refused, tree_of):
    """A fit would load pickles from it, or write there."""
    changed = set_in(tree_of(estimator), "parameters", name, str(tmp_path), type(estimator).__name__)
    torch.save(changed, path)
    refused(f"names a place on the disk as {name}")
