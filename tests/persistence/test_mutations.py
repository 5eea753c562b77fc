"""Mutated files: each ends in a ValueError of one line, or in a model; the counts are printed (``-s``)."""

import collections
import copy
import io
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from skisp.persistence import load_model, save_model

DATA = Path(__file__).parents[1] / "data"

N_BYTES, N_VALUES = 180, 130
MODELS = ["dense", "gaussian", "patches-pipeline", "several-styles", "rows-content", "pipeline"]
OF_FORMAT_1 = ["images", "rows"]  # in tests/data
# What a model of a file must never do, by the names of Python's audit events.
FORBIDDEN = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "socket.connect", "pty.spawn")


# Mutations of the bytes


def flip_bits(data, rng):
    for position in rng.integers(0, 8 * len(data), rng.integers(1, 4)):
        data[position // 8] ^= 1 << (position % 8)


def cut(data, rng):
    start = rng.integers(0, len(data))
    del data[start : start + rng.integers(1, len(data))]


def swap_blocks(data, rng):
    size = int(rng.integers(1, 200))
    first, second = sorted(rng.integers(0, len(data) - size, 2))
    data[first : first + size], data[second : second + size] = (
        data[second : second + size],
        data[first : first + size],
    )


def insert(data, rng):
    position = rng.integers(0, len(data))
    data[position:position] = rng.bytes(rng.integers(1, 50))


def overwrite(data, rng):
    position, content = rng.integers(0, len(data)), rng.bytes(rng.integers(1, 50))
    data[position : position + len(content)] = content


def raise_numbers(data, rng):
    """Sizes and offsets of the archive are little-endian numbers; make one large."""
    position = data.rindex(b"PK\x05\x06") - int(rng.integers(0, 400))
    data[position : position + 4] = b"\xff\xff\xff\x7f"


# Mutations of the values: the archive is whole, and says something else.

STRANGE = [
    *(None, True, -1, 0, 2**31, 2**62, 0.5, float("nan"), float("inf"), "", "auto", "../../etc/passwd", "os.system"),
    *([], (), {}, [[]], {"kind": "object", "index": 0}, {"kind": "object", "index": 3}, {"kind": "dict", "items": []}),
    *({"kind": "dict", "items": [(1, 2), 3]}, {"kind": "list"}, torch.zeros(0), torch.tensor(float("nan"))),
]


def strange(rng):
    return copy.deepcopy(STRANGE[rng.integers(0, len(STRANGE))])


def places(part, found):
    """Every container of the tree with every key or index in it."""
    items = part.items() if isinstance(part, dict) else enumerate(part)
    for key, value in list(items):
        found.append((part, key))
        if isinstance(value, (dict, list)):
            places(value, found)
    return found


def a_place(tree, rng):
    found = places(tree["model"], [])
    return found[rng.integers(0, len(found))]


def replace_value(tree, rng):
    part, key = a_place(tree, rng)
    part[key] = strange(rng)


def delete_value(tree, rng):
    part, key = a_place(tree, rng)
    del part[key]


def add_value(tree, rng):
    part, _ = a_place(tree, rng)
    if isinstance(part, dict):
        part[["transform", "extra_", "__class__", "kind", "x" * 99][rng.integers(0, 5)]] = strange(rng)
    else:
        part.insert(int(rng.integers(0, len(part) + 1)), strange(rng))


def exchange_values(tree, rng):
    (first, a), (second, b) = a_place(tree, rng), a_place(tree, rng)
    first[a], second[b] = copy.deepcopy(second[b]), copy.deepcopy(first[a])


def change_array(tree, rng):
    entries = [entry for entry in tree["model"]["objects"] if "values" in entry and torch.is_tensor(entry["values"])]
    entry = entries[rng.integers(0, len(entries))]
    values = entry["values"]
    changes = [
        lambda: values[None],
        lambda: values.flatten()[: values.numel() // 2].clone(),
        lambda: torch.cat([values.flatten(), values.flatten()]),
        lambda: values.double() if values.dtype != torch.float64 else values.float(),
        lambda: values * float("nan") if values.dtype.is_floating_point else values + 1,
        lambda: values.new_zeros(0),
    ]
    entry["values"] = changes[rng.integers(0, len(changes))]()


OF_BYTES = [flip_bits, cut, swap_blocks, insert, overwrite, raise_numbers]
OF_VALUES = [replace_value, delete_value, add_value, exchange_values, change_array]


@pytest.fixture(scope="module")
def forbidden():
    """Events of FORBIDDEN while it is switched on: a hook cannot be taken away again."""
    events, is_on = [], [False]

    def hook(event, arguments):
        if is_on[0] and event in FORBIDDEN:
            events.append((event, arguments))

    sys.addaudithook(hook)
    is_on[0] = True
    yield events
    is_on[0] = False


@pytest.fixture
def outcome(path, forbidden):
    """A function of a file's bytes: the model, or None where it was refused as it should be."""

    def load(data):
        path.write_bytes(data)
        start = time.perf_counter()
        model, message = None, ""
        try:
            model = load_model(path)
        except ValueError as error:
            message = str(error)
        assert model is not None or message.startswith(f"cannot load {path}: ")
        assert "\n" not in message
        assert time.perf_counter() - start < 20, "a hang"
        assert not forbidden
        return model

    return load


def saved(model, path):
    save_model(path, model)
    return path.read_bytes()


def stored(name):
    """A file of tests/data, and what its model transforms."""
    with np.load(DATA / f"{name}.npz") as arrays:
        return (DATA / f"{name}.skisp").read_bytes(), arrays["X"]


def test_mutated_bytes_are_refused_or_give_the_numbers_that_were_saved(made, path, outcome):
    rng, counts = np.random.default_rng(0), collections.Counter()
    files = {name: (saved(made(name)[0], path), made(name)[0].transform(made(name)[1])) for name in MODELS}
    for i in range(N_BYTES):
        name, mutate = MODELS[i % len(MODELS)], OF_BYTES[i // len(MODELS) % len(OF_BYTES)]
        data = bytearray(files[name][0])
        mutate(data, rng)
        model = outcome(data)
        counts[mutate.__name__, "refused" if model is None else "loaded"] += 1
        if model is not None:
            for ours, theirs in zip(model.transform(made(name)[1]), files[name][1], strict=True):
                np.testing.assert_array_equal(ours, theirs, strict=True)
    print("\n", dict(counts))
    assert counts.total() == N_BYTES
    assert sum(n for (_, result), n in counts.items() if result == "refused") > N_BYTES / 2


@pytest.mark.filterwarnings("ignore")
def test_mutated_values_are_refused_or_give_a_model(made, path, outcome):
    """A model that loads has parameters and numbers of another file, and may complain of them when it is used."""
    rng, counts = np.random.default_rng(1), collections.Counter()
    files = [(saved(made(name)[0], path), made(name)[1]) for name in MODELS]
    files += [stored(f"model_format_1_{name}") for name in OF_FORMAT_1]
    for i in range(N_VALUES):
        (data, X), mutate = files[i % len(files)], OF_VALUES[i // len(files) % len(OF_VALUES)]
        tree = torch.load(io.BytesIO(data), weights_only=True)
        mutate(tree, rng)
        buffer = io.BytesIO()
        torch.save(tree, buffer, pickle_protocol=2)
        model = outcome(buffer.getvalue())
        counts[mutate.__name__, "refused" if model is None else "loaded"] += 1
        if model is not None:
            counts["use", use(model, X)] += 1
    print("\n", dict(counts))
    assert sum(n for (name, _), n in counts.items() if name != "use") == N_VALUES
    assert sum(n for (_, result), n in counts.items() if result == "refused") > N_VALUES / 4


def use(model, X):
    """What comes of a transformation, which is not to end the process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model.transform(X)
        except Exception as error:
            return type(error).__name__
    return "transformed"
