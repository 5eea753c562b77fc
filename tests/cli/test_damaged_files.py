"""A thousand damaged files of every kind that the command reads: one clear line, or a picture; the counts are printed.

By default four of each, since a thousand take an hour: ``SKISP_DAMAGED_FILES=1000 pytest -s`` for the counts.
"""

import io
import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import PIL.features
import PIL.Image
import pytest
import torch
from sklearn.decomposition import PCA

from skisp import CVAETransformer, PatchTransformer
from skisp.io import write_image
from skisp.persistence import save_model

from .._processes import ENVIRONMENT
from ..io.test_reader_fuzz import mutated, originals
from ..persistence.test_mutations import OF_VALUES

pytestmark = pytest.mark.skipif(os.name != "posix", reason="alarms as POSIX has them")


def picture(height=16, width=24, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


def films(folder):
    """Films of every format that can be read, three frames each."""
    frames = [PIL.Image.fromarray(picture(seed=seed)) for seed in range(3)]
    every = {"save_all": True, "append_images": frames[1:]}
    for name in ("film.gif", "film.png", "film.tif", "film.mpo"):
        frames[0].save(folder / name, **every)
    grey = [frame.convert("LA") for frame in frames]
    grey[0].save(folder / "grey.png", save_all=True, append_images=grey[1:], disposal=1)
    for feature in ("webp", "avif"):
        if PIL.features.check(feature):
            frames[0].save(folder / f"film.{feature}", **every)


def masks(folder):
    """Masks of every kind of image."""
    grey = PIL.Image.fromarray(picture(channels=1)[..., 0])
    for name in ("mask.png", "mask.jpg", "mask.tif", "mask.bmp", "mask.gif"):
        grey.save(folder / name)
    grey.convert("1").save(folder / "bits.png")
    PIL.Image.fromarray(picture(channels=4)).save(folder / "colour.png")
    write_image(folder / "deep.png", picture(channels=1).astype(np.uint16) * 257)


def models(folder):
    """A style as a file, by a PCA and by a C-VAE."""
    for name, transformer in (("pca", PCA(2)), ("cvae", CVAETransformer(2, hidden_layer_sizes=(4,), max_iter=1))):
        style = PatchTransformer(transformer, patch_size=5, max_patches=100, random_state=0)
        save_model(folder / f"{name}.skisp", style.fit([picture(seed=1)]))


def with_other_values(data, draw):
    """The archive is whole, and says something else."""
    tree = torch.load(io.BytesIO(data), weights_only=True)
    draw.choice(OF_VALUES)(tree, np.random.default_rng(draw.randrange(2**32)))
    buffer = io.BytesIO()
    torch.save(tree, buffer, pickle_protocol=2)
    return buffer.getvalue()


def damaged(kind, data, draw):
    return with_other_values(data, draw) if kind == "model" and draw.random() < 0.7 else mutated(data, draw)


def outcomes(folder):
    command = [sys.executable, str(Path(__file__).with_name("_damaged_files.py")), str(folder)]
    done = subprocess.run(
        command, env=ENVIRONMENT | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


MAKERS = {"frames": films, "animation": films, "mask": masks, "style": originals, "content": originals, "model": models}


def test_damaged_files_end_in_one_line_or_a_picture(tmp_path):
    """No traceback, no hang, nothing half-written, and nothing that is read is touched."""
    draw, n_files = random.Random(0), int(os.environ.get("SKISP_DAMAGED_FILES", "4"))
    for kind, make in MAKERS.items():
        whole, target = tmp_path / "whole" / kind, tmp_path / "damaged" / kind
        whole.mkdir(parents=True)
        target.mkdir(parents=True)
        make(whole)
        files = sorted(whole.iterdir())
        for i in range(n_files):
            path = draw.choice(files)
            (target / f"{i:04}_{path.name}").write_bytes(damaged(kind, path.read_bytes(), draw))
    write_image(tmp_path / "photograph.png", picture(seed=2))
    write_image(tmp_path / "style.png", picture(seed=1))
    answer = outcomes(tmp_path)
    for kind, counts in answer["results"].items():
        print(f"{kind}: drawn {counts.get('drawn', 0)}, refused {counts.get('refused', 0)}")
        assert set(counts) <= {"drawn", "refused"}
        assert sum(counts.values()) == n_files
    print(f"slowest {answer['slowest']:.2f} s")
    total = Counter(name for counts in answer["results"].values() for name in counts)
    assert min(total["drawn"], total["refused"]) > 0  # the damages are neither harmless nor all fatal at once
