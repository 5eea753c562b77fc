"""Pictures whose full size is worked on strip by strip: nobody must see it, not even as another rounding."""

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from skisp import StylePropagator
from skisp._chunks import chunk_sizes
from skisp.datasets import load_photograph
from skisp.propagation.synthesis import _raster, _settings


@pytest.fixture(autouse=True)
def small_are_enlarged(monkeypatch):
    """As large pictures are: drawn at a smaller size."""
    monkeypatch.setattr(_settings, "_LARGEST_MATCHED_WHOLE", 48)
    monkeypatch.setattr(_raster, "_LEAST_UNITS", 3)
    monkeypatch.setattr(_raster, "_TIMES_LARGER", 1)


@pytest.fixture(params=[False, True], ids=["floats", "packed"])
def packing(request, monkeypatch):
    if request.param:
        monkeypatch.setattr(_raster, "_MOST_IN_FLOATS", 1000)
    return request.param


def pictures_in_strips(monkeypatch, make, width):
    """Pictures in strips of one row, of some, and in one strip."""
    pictures = []
    for height in (1, 10, 10**6):
        monkeypatch.setattr(chunk_sizes, "pixels", height * width)
        monkeypatch.setattr(chunk_sizes, "least_pixels", height * width)
        pictures.append(make())
    return pictures


def check_the_same(pictures):
    for picture in pictures[:-1]:
        np.testing.assert_array_equal(picture, pictures[-1])


@pytest.fixture(scope="module")
def photograph_of_odd_size():
    return load_photograph("china", size=131)[:85]


@pytest.mark.parametrize(
    ("parameters", "convert"),
    [
        ({}, None),
        ({"color": "content", "strength": 0.6}, lambda image: image.astype(np.uint16) * 257),
        ({"color": "only"}, None),
        ({"patches": "style", "style_scale": 1.5}, lambda image: np.float32(image[:49, :50, :1] / 255)),
    ],
    ids=["default", "colours", "recoloured", "grey"],
)
def test_the_height_of_a_strip_is_not_seen(
    pca_style, photograph_of_odd_size, monkeypatch, packing, parameters, convert
):
    image = photograph_of_odd_size if convert is None else convert(photograph_of_odd_size)
    propagator = StylePropagator(style=pca_style, random_state=0, **parameters)
    pictures = pictures_in_strips(monkeypatch, lambda: propagator.fit([image]).transform([image])[0], image.shape[1])
    check_the_same(pictures)
    assert pictures[0].shape == image.shape
    assert pictures[0].dtype == image.dtype


def test_the_height_of_a_strip_is_not_seen_in_masks_and_several_styles(
    pca_patches, painting, other_painting, photograph_of_odd_size, monkeypatch
):
    image = np.concatenate([photograph_of_odd_size, np.full((85, 131, 1), 200, np.uint8)], axis=2)
    mask = np.random.default_rng(0).random((2, 85, 131)).astype(np.float32)
    propagator = StylePropagator(
        style=pca_patches, style_images=[painting, other_painting], style_weights=[1, 2], random_state=0
    ).fit([image])
    pictures = pictures_in_strips(monkeypatch, lambda: propagator.transform([image], mask=[mask])[0], 131)
    check_the_same(pictures)
    np.testing.assert_array_equal(pictures[0][..., 3], 200)


class WholePictures(TorchDispatchMode):
    """Keeps which operations make floats for all pixels of a picture at once."""

    def __init__(self, size):
        super().__init__()
        self.size, self.found = size, []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        tensors = [tensor for tensor in tree_leaves(result) if isinstance(tensor, torch.Tensor)]
        n_values = [tensor.numel() for tensor in tensors if tensor.is_floating_point()]
        self.found += [function for n in n_values if n > 0 and n % (self.size[0] * self.size[1]) == 0]
        return result


@pytest.mark.parametrize(
    ("parameters", "most_in_floats"),
    [({}, 1000), ({"color": "content", "strength": 0.5}, 1000), ({"color": "only"}, 1000), ({"color": "only"}, 10**9)],
)
def test_a_large_picture_is_never_whole_in_floats(pca_style, monkeypatch, set_threads, parameters, most_in_floats):
    photograph = load_photograph("china", size=211)[:139]  # two primes: of nothing else there are as many values
    monkeypatch.setattr(chunk_sizes, "pixels", 32 * 211)
    monkeypatch.setattr(chunk_sizes, "patches", 200)
    monkeypatch.setattr(_raster, "_MOST_IN_FLOATS", most_in_floats)
    propagator = StylePropagator(style=pca_style, random_state=0, **parameters).fit([photograph[:50, :50]])
    set_threads(1)  # the mode is one thread's
    with WholePictures(photograph.shape[:2]) as whole:
        propagator.transform([photograph])
    assert bool(whole.found) == (most_in_floats > 1000)
