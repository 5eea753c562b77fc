"""The style's patches at one pyramid level."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from skisp.propagation._patch_codec import PatchCodec
from skisp.propagation.synthesis import _exemplar
from skisp.propagation.synthesis._exemplar import build_canvas, build_exemplar
from skisp.propagation.synthesis._patches import extract_patches


def random_image(height, width, seed=0):
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def codec():
    pca = PCA(4).fit(extract_patches(random_image(30, 30), 5).numpy())
    return PatchCodec(pca, np.eye(4, dtype=np.float32))


@pytest.fixture(params=[1, 2, 3])
def stride(request, monkeypatch):
    """Of the exemplar: more than 1 is for large styles, so any is large here."""
    if request.param > 1:
        monkeypatch.setattr(_exemplar, "_MOST_DENSE_POSITIONS", 0)
    return request.param


@pytest.mark.parametrize("size", [(20, 26), (50, 37), (5, 5), (5, 60)])
def test_codes_are_those_of_the_patches(codec, stride, size):
    image = random_image(*size)
    exemplar = build_exemplar([[image]], [1.0], min(size), codec, 5, stride)
    expected = extract_patches(image, 5, stride)
    assert (exemplar.stride, len(exemplar)) == (stride, len(expected))
    torch.testing.assert_close(exemplar.patches(torch.arange(len(exemplar))), expected, rtol=0, atol=0)
    torch.testing.assert_close(exemplar.codes, codec.encode(expected), rtol=1e-5, atol=1e-5)
    assert exemplar.is_valid.all()


def test_the_style_is_resized_to_the_level(codec):
    exemplar = build_exemplar([[random_image(30, 60)]], [1.0], 12, codec, 5, 1)
    assert exemplar.canvas.shape == (3, 12, 24)
    assert exemplar.shape == (8, 20)


def test_no_valid_patch_straddles_two_images(codec, stride):
    shades = (0.2, 0.5, 0.9)
    sizes = ((20, 20), (20, 31), (27, 20))
    images = [torch.full((3, *size), shade) for shade, size in zip(shades, sizes, strict=True)]
    exemplar = build_exemplar([images], [1.0], 20, codec, 5, stride)
    patches = exemplar.patches(torch.nonzero(exemplar.is_valid)[:, 0])
    assert float((patches.amax(1) - patches.amin(1)).max()) < 1e-6
    found = {round(float(shade), 3) for shade in patches[:, 0]}
    assert found == set(shades)
    if stride == 1:
        assert int(exemplar.is_valid.sum()) == sum((h - 4) * (w - 4) for h, w in sizes)


def test_equal_images_side_by_side_have_no_patch_across_the_seam(codec):
    image = random_image(16, 16)
    exemplar = build_exemplar([[image, image]], [1.0], 16, codec, 5, 1)
    assert int(exemplar.is_valid.sum()) == 2 * 12 * 12
    columns = torch.nonzero(exemplar.is_valid)[:, 0] % exemplar.shape[1]
    assert not set(range(12, 17)) & set(columns.tolist())


def test_sampled_patches_are_valid_and_different(codec):
    exemplar = build_exemplar([[random_image(16, 16), random_image(24, 18, seed=1)]], [1.0], 16, codec, 5, 1)
    sampled = exemplar.sample(100, torch.Generator().manual_seed(0))
    assert len(set(sampled.tolist())) == 100
    assert exemplar.is_valid[sampled].all()
    everything = exemplar.sample(10**6, torch.Generator().manual_seed(0))
    assert sorted(everything.tolist()) == torch.nonzero(exemplar.is_valid)[:, 0].tolist()
    torch.testing.assert_close(exemplar.sample(100, torch.Generator().manual_seed(0)), sampled, rtol=0, atol=0)


@pytest.mark.parametrize("patch_size", [5, 8])
def test_the_nearest_patch_inside_is_of_the_image_that_the_centre_is_in(patch_size):
    shades = (0.2, 0.5, 0.9)
    images = [torch.full((3, *size), shade) for shade, size in zip(shades, ((20, 20), (20, 31), (27, 20)), strict=True)]
    canvas = build_canvas([images], 20, patch_size)
    height, width = canvas.canvas.shape[1:]
    rows, columns = torch.meshgrid(torch.arange(-3.0, height), torch.arange(-3.0, width), indexing="ij")
    patches = canvas.patches(canvas.nearest_inside(rows.flatten(), columns.flatten()))
    assert float((patches.amax(1) - patches.amin(1)).max()) < 1e-6
    centres = columns.flatten() + (patch_size - 1) / 2
    expected = torch.tensor(shades)[torch.bucketize(centres, torch.tensor([20.5, 52.5]))]
    assert torch.equal(patches[:, 0], expected)


def test_patches_inside_stay_where_they_are(codec, stride):
    exemplar = build_exemplar([[random_image(30, 40)]], [1.0], 30, codec, 5, stride)
    every = torch.arange(len(exemplar))
    rows, columns = (stride * part.float() for part in (every // exemplar.shape[1], every % exemplar.shape[1]))
    assert torch.equal(exemplar.nearest_inside(rows, columns), every)
