"""Files that are damaged, or made to fill the memory or to be read for ever, end in one line that says so."""

import struct
import zipfile

import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline

from skisp.persistence import load_model, save_model
from skisp.persistence._limits import limits


def with_parameter(tree, name, value):
    tree["model"]["objects"][0]["parameters"][name] = value
    return tree


# Bombs


def test_lists_in_lists_end(path, refused, archive):
    deep = []
    for _ in range(30_000):
        deep = [deep]
    content = b"\x80\x02" + b"(" * 30_000 + b"l" * 30_000 + b"."
    path.write_bytes(archive({"data.pkl": content}))
    refused()
    content = b"\x80\x02" + b"]" * 60_000 + b"a" * 59_999 + b"."
    path.write_bytes(archive({"data.pkl": content}))
    refused()
    while deep:  # or the interpreter takes them apart by recursion
        deep = deep[0]


def test_a_part_in_two_places_is_refused(path, refused, tree_of):
    """Thirty lists of two references to the last are a billion lists."""
    laughs = [1.0]
    for _ in range(30):
        laughs = [laughs, laughs]
    torch.save(with_parameter(tree_of(PCA(2)), "tol", laughs), path)
    refused("in two places")
    tree = tree_of(PCA(2))
    tree["model"]["objects"] *= 1000
    torch.save(tree, path)
    refused("in two places")


def test_estimators_in_estimators_end(path, refused, tree_of):
    """Each is a pipeline of the last, twice: to ask it for anything takes a billion steps."""
    tree = tree_of(make_pipeline(PCA(2)))
    pca, pipeline = tree["model"]["objects"]
    objects = [pca]
    for i in range(30):
        step = [(name, {"kind": "object", "index": i}) for name in ("a", "b")]
        objects.append(
            {**pipeline, "parameters": {**pipeline["parameters"], "steps": step}, "state": {**pipeline["state"]}}
        )
    tree["model"] = {"objects": objects, "root": {"kind": "object", "index": 30}}
    torch.save(tree, path)
    refused("too many estimators")


def test_references_to_what_is_not_there_are_refused(path, refused, tree_of):
    for index in (1, 5, -1, 2**40):
        tree = tree_of(PCA(2))
        tree["model"]["root"] = {"kind": "object", "index": index}
        torch.save(tree, path)
        refused("not there")
    torch.save(with_parameter(tree_of(PCA(2)), "tol", {"kind": "object", "index": 0}), path)
    refused("not there")


def test_a_tensor_that_is_larger_than_its_numbers_is_refused(path, refused, tree_of, archive):
    """What lies behind them in memory is not the file's."""
    tree = {**tree_of(PCA(2)), "versions": torch.zeros(4)}
    torch.save(tree, path)
    with zipfile.ZipFile(path) as file:
        entries = {name.partition("/")[2]: file.read(name) for name in file.namelist()}
    for content in (b"", b"\0" * 4, b"\0" * 17):
        path.write_bytes(archive({**entries, "data/0": content}))
        refused("another size than its numbers")
    path.write_bytes(archive({name: content for name, content in entries.items() if name != "data/0"}))
    refused("another size than its numbers")


@pytest.mark.parametrize(
    "tensor",
    [
        torch.zeros(1).expand(10**6, 10**6),
        torch.zeros(4)[1:],
        torch.zeros(4)[::2],
        torch.nn.Parameter(torch.zeros(2)),
        torch.zeros(2, device="meta"),
        torch.zeros(2).to_sparse(),
        torch.zeros(2, dtype=torch.bfloat16),
        torch.zeros(2, requires_grad=True),
    ],
)
def test_a_tensor_that_is_not_plain_numbers_is_refused(tensor, path, refused, tree_of):
    torch.save({**tree_of(PCA(2)), "versions": tensor}, path)
    refused("do not trust it")


@pytest.mark.parametrize(
    "sides", [b"G" + struct.pack(">d", 3.0), b"\x88", b"J\xfd\xff\xff\xff", b"\x8a\x07" + b"\x00" * 6 + b"\x01"]
)
@pytest.mark.parametrize("place", ["shape", "stride"])
def test_a_side_of_a_tensor_is_a_whole_number_in_range(place, sides, path, refused, tree_of, archive):
    """A float, True, -3 and 2**48 in the place of the 3 values of a tensor, or of the steps between them."""
    torch.save({**tree_of(PCA(2)), "versions": torch.zeros(3)}, path)
    with zipfile.ZipFile(path) as file:
        entries = {name.partition("/")[2]: file.read(name) for name in file.namelist()}
    before, after = b"K\x03\x85", b"K\x01\x85"  # a tuple of one number
    found = {"shape": before, "stride": after}[place]
    at = entries["data.pkl"].rindex(before) if place == "shape" else entries["data.pkl"].rindex(after)
    entries["data.pkl"] = entries["data.pkl"][:at] + sides + found[2:] + entries["data.pkl"][at + 3 :]
    path.write_bytes(archive(entries))
    refused("shape is out of range")


def test_tensors_that_share_their_numbers_are_refused(path, refused, tree_of):
    numbers = torch.zeros(4)
    torch.save({**tree_of(PCA(2)), "versions": [numbers, numbers.view(2, 2)]}, path)
    refused("another size than its numbers")


@pytest.mark.parametrize("opcode", [b"r\xff\xff\xff\x7f", b"\x8a\xff" + b"\x01" * 255, b"\x8b\xff\xff\xff\x7f"])
def test_pickles_that_fill_the_memory_are_refused(opcode, path, refused, archive):
    path.write_bytes(archive({"data.pkl": b"\x80\x02N" + opcode + b"."}))
    refused()


def test_a_pickle_of_too_many_values_is_refused(path, monkeypatch, refused, archive):
    monkeypatch.setattr(limits, "opcodes", 1000)
    path.write_bytes(archive({"data.pkl": b"\x80\x02" + b"N0" * 1000 + b"N."}))
    refused()
    path.write_bytes(archive({"data.pkl": b"\x80\x02(" + b"N" * 2000 + b"t."}))
    refused("too many single values")


def test_a_compressed_archive_is_not_unpacked(path, refused, archive):
    path.write_bytes(archive({"data.pkl": b"\0" * 10**8}, zipfile.ZIP_DEFLATED))
    assert path.stat().st_size < 200_000
    refused("compressed archive")


def test_entries_that_overlap_are_not_read(path, refused, archive):
    """A directory of a thousand names for one content."""
    data = bytearray(archive({"data/0": b"\0" * 10**6}))
    start = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    record = data[data.index(b"PK\x01\x02", data.index(b"byteorder", start)) : end]
    data[end:end] = record * 1000
    n_entries, size = 3 + 1000, end - start + 1000 * len(record)
    tail = data.index(b"PK\x05\x06", end)
    data[tail + 8 : tail + 16] = struct.pack("<HHL", n_entries, n_entries, size)
    path.write_bytes(data)
    refused("claim more than the file holds")


def test_an_archive_of_many_entries_is_not_opened(path, monkeypatch, refused, archive):
    monkeypatch.setattr(limits, "entries", 100)
    path.write_bytes(archive({f"data/{i}": b"" for i in range(200)}))
    refused("too many entries")


def test_a_file_that_is_too_long_is_refused_before_it_is_read(path, refused):
    save_model(path, PCA(2))
    with pytest.raises(ValueError, match=r"more than the 100 allowed; raise max_bytes if you trust it"):
        load_model(path, max_bytes=100)
    with open(path, "wb") as file:
        file.truncate(2**40)  # of nothing: it takes no room on the disk
    refused("1099511627776 bytes, more than the 4000000000 allowed")


# Damage


@pytest.mark.parametrize(
    "content", [b"", b"P", b"PK", b"PK\x03\x04", b"hello\n" * 100, b"\x89PNG\r\n\x1a\n", b"\0" * 99]
)
def test_what_is_no_file_of_a_model_is_refused(content, path, refused):
    path.write_bytes(content)
    refused("empty" if not content else "not a file of save_model|damaged")
