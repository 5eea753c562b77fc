"""A thousand damaged files: none crashes the reader, keeps it waiting, or costs more memory than stated."""

import json
import random
import struct
import subprocess
import sys
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import PIL.features
import PIL.Image
import PIL.PngImagePlugin
import pytest

from skisp.io import ImageMetadata, write_image

from .._processes import ENVIRONMENT
from ._files import exif, grey_profile, p3_profile

N_FILES = 1000
MAX_PIXELS = 1_000_000
BYTES_A_PIXEL = 64  # as read_image states
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of memory as Linux has them")
EXTREMES = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def originals(folder):
    """Small files of every format and depth, with profiles, EXIF, palettes, frames and alpha."""
    rng = np.random.default_rng(0)
    deep = rng.integers(0, 65536, (16, 24, 4), np.uint16)
    colour = PIL.Image.fromarray((deep // 257).astype(np.uint8))
    rgb, grey = colour.convert("RGB"), colour.convert("L")
    notes = {"exif": b"Exif\0\0" + exif(), "icc_profile": p3_profile()}
    text = PIL.PngImagePlugin.PngInfo()
    text.add_text("Comment", "much" * 50, zip=True)
    rgb.save(folder / "rgb.png", pnginfo=text, dpi=(300, 300), **notes)
    rgb.quantize(8).save(folder / "palette.png", transparency=3)
    rgb.convert("1").save(folder / "bits.png")
    rgb.save(folder / "rgb.jpg", **notes)
    rgb.save(folder / "progressive.jpg", progressive=True)
    rgb.convert("CMYK").save(folder / "cmyk.jpg")
    grey.save(folder / "grey.jpg", icc_profile=grey_profile())
    rgb.save(folder / "lzw.tif", compression="tiff_lzw", icc_profile=p3_profile())
    rgb.save(folder / "raw_notes.tif", **notes)
    grey.save(folder / "raw.tif")
    frames = {"save_all": True, "append_images": [rgb.rotate(90), rgb.rotate(180)]}
    for name in ("a.gif", "animated.png", "pages.tif"):
        rgb.save(folder / name, **frames)
    for name in ("a.bmp", "a.ppm", "a.tga", "a.pcx", "a.sgi", "a.dds", "a.ico", "a.qoi"):
        rgb.save(folder / name)
    PIL.Image.fromarray(deep[..., 0]).save(folder / "deep.pgm")
    metadata = ImageMetadata(exif(">"), p3_profile(), (300.0, 300.0))
    for channels, name in ((2, "la"), (3, "rgb"), (4, "rgba")):
        write_image(folder / f"deep_{name}.png", deep[..., :channels], metadata)
        write_image(folder / f"deep_{name}.tif", deep[..., :channels], metadata)
    for feature, suffix in (("webp", "webp"), ("jpg_2000", "jp2"), ("avif", "avif")):
        if PIL.features.check(feature):
            colour.save(folder / f"alpha.{suffix}", **({} if suffix == "jp2" else notes))
            if suffix != "jp2":
                rgb.save(folder / f"animated.{suffix}", **frames)


def mutated(data, draw):
    """One damage to three; where it is a PNG, its check sums are often put right again."""
    data = bytearray(data)
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        draw.choice((_flip, _flip, _cut, _insert, _remove, _swap, _extreme, _extreme, _extreme))(data, draw)
    if data[:4] == b"\x89PNG" and draw.random() < 0.8:
        _sum_up(data)
    return bytes(data)


def _place(data, draw, length=0):
    """Headers are more often hit than pixels."""
    last = max(0, len(data) - length)
    return draw.randint(0, min(last, 120)) if draw.random() < 0.5 else draw.randint(0, last)


def _flip(data, draw):
    for _ in range(draw.choice((1, 1, 2, 8))):
        i = _place(data, draw, 1)
        data[i : i + 1] = bytes([data[i] ^ (1 << draw.randint(0, 7))]) if i < len(data) else b""


def _cut(data, draw):
    if draw.random() < 0.3:
        del data[_place(data, draw) :]


def _insert(data, draw):
    i = _place(data, draw)
    data[i:i] = draw.randbytes(draw.randint(1, 40))


def _remove(data, draw):
    i = _place(data, draw)
    del data[i : i + draw.randint(1, 40)]


def _swap(data, draw):
    length = draw.randint(1, 64)
    i, j = sorted((_place(data, draw, length), _place(data, draw, length)))
    if i + length <= j:
        data[i : i + length], data[j : j + length] = data[j : j + length], data[i : i + length]


def _extreme(data, draw):
    value, order = draw.choice(EXTREMES), draw.choice("<>")
    field = struct.pack(order + "I", value) if draw.random() < 0.5 else struct.pack(order + "H", value & 0xFFFF)
    i = _place(data, draw, len(field))
    data[i : i + len(field)] = field


def _sum_up(data):
    i = 8
    while i + 12 <= len(data):
        length = struct.unpack_from(">I", data, i)[0]
        if i + 12 + length > len(data):
            return
        struct.pack_into(">I", data, i + 8 + length, zlib.crc32(data[i + 4 : i + 8 + length]))
        i += 12 + length


def read_all(folder, n_bytes):
    limits = [str(MAX_PIXELS), str(n_bytes)]
    command = [sys.executable, str(Path(__file__).with_name("_read_all.py")), str(folder), *limits]
    done = subprocess.run(
        command, env=ENVIRONMENT | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@LINUX
def test_a_thousand_damaged_files(tmp_path):
    draw = random.Random(0)
    for name in ("warm", "mutated"):
        (tmp_path / name).mkdir()
    originals(tmp_path / "warm")
    files = sorted((tmp_path / "warm").iterdir())
    for i in range(N_FILES):
        path = files[i % len(files)]
        (tmp_path / "mutated" / f"{i:04}_{path.name}").write_bytes(mutated(path.read_bytes(), draw))
    answer = read_all(tmp_path, 2 * BYTES_A_PIXEL * MAX_PIXELS)  # decoders have tables of their own
    results = answer["results"]
    assert len(results) == N_FILES
    bad = {name: result for name, result in results.items() if result not in ("read", "refused")}
    assert bad == {}
    counts = {}
    for name, result in results.items():
        counts.setdefault(name.rpartition(".")[2], Counter())[result] += 1
    for suffix, count in sorted(counts.items()):
        print(f"{suffix:5} read {count['read']:4}, refused {count['refused']:4}")
    total = Counter(results.values())
    print(f"total read {total['read']:4}, refused {total['refused']:4}; slowest {answer['slowest']:.2f} s")
    assert min(total["read"], total["refused"]) > 50  # the damages are neither harmless nor all fatal at once


@LINUX
def test_whole_files_take_the_memory_that_is_stated(tmp_path):
    """With all that costs memory: alpha, 16 bits, another profile, and a turned camera."""
    for name in ("warm", "mutated"):
        (tmp_path / name).mkdir()
    originals(tmp_path / "warm")
    deep = np.tile(np.random.default_rng(0).integers(0, 65536, (50, 50, 4), np.uint16), (14, 14, 1))
    colour = PIL.Image.fromarray((deep >> 8).astype(np.uint8))
    notes = {"exif": b"Exif\0\0" + exif(), "icc_profile": p3_profile()}
    colour.save(tmp_path / "mutated" / "colour.png", compress_level=1, **notes)
    colour.convert("CMYK").save(tmp_path / "mutated" / "cmyk.jpg", **notes)
    colour.convert("RGB").quantize(16).save(tmp_path / "mutated" / "palette.png", transparency=3, **notes)
    metadata = ImageMetadata(icc_profile=p3_profile())
    for suffix in ("png", "tif"):
        write_image(tmp_path / "mutated" / f"deep.{suffix}", deep, metadata)
    if PIL.features.check("webp"):
        colour.save(tmp_path / "mutated" / "colour.webp", method=0, **notes)
    assert set(read_all(tmp_path, BYTES_A_PIXEL * deep.shape[0] * deep.shape[1])["results"].values()) == {"read"}
