"""The style's patches at one scale."""

import numpy as np
import pytest
import torch
from skisp.propagation._bank import build_bank
from skisp.propagation._codec import PatchCodec
from skisp.propagation._patches import extract_patches
from sklearn.decomposition import PCA

from skisp.propagation import _bank


def random_image(height, width, seed=0):
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def codec():
    pca = PCA(4).fit(extract_patches(random_image(30, 30), 5).numpy())
    return PatchCodec(pca, np.eye(4, dtype=np.float32))


@pytest.fixture(params=[1, 2, 3])
def stride(request, monkeypatch):
    """Of the bank: more than 1 is for large styles, so any is large here."""
    if request.param > 1:
        monkeypatch.setattr(_bank, "_MOST_DENSE_POSITIONS", 0)
    return request.param


@pytest.mark.parametrize("size", [(20, 26), (50, 37), (5, 5), (5, 60)])
def test_codes_are_those_of_the_patches(codec, stride, size):
    image = random_image(*size)
    bank = build_bank([[image]], [1.0], min(size), codec, 5, stride)
    expected = extract_patches(image, 5, stride)
    assert (bank.stride, len(bank)) == (stride, len(expected))
    torch.testing.assert_close(bank.patches(torch.arange(len(bank))), expected, rtol=0, atol=0)
    torch.testing.assert_close(bank.codes, codec.encode(expected), rtol=1e-5, atol=1e-5)
    assert bank.is_valid.all()


def test_the_style_is_resized_to_the_scale(codec):
    bank = build_bank([[random_image(30, 60)]], [1.0], 12, codec, 5, 1)
    assert bank.canvas.shape == (3, 12, 24)
    assert bank.shape == (8, 20)


def test_no_valid_patch_straddles_two_images(codec, stride):
    shades = (0.2, 0.5, 0.9)
    sizes = ((20, 20), (20, 31), (27, 20))
    images = [torch.full((3, *size), shade) for shade, size in zip(shades, sizes, strict=True)]
    bank = build_bank([images], [1.0], 20, codec, 5, stride)
    patches = bank.patches(torch.nonzero(bank.is_valid)[:, 0])
    assert float((patches.amax(1) - patches.amin(1)).max()) < 1e-6
    found = {round(float(shade), 3) for shade in patches[:, 0]}
    assert found == set(shades)
    if stride == 1:
        assert int(bank.is_valid.sum()) == sum((h - 4) * (w - 4) for h, w in sizes)


def test_equal_images_side_by_side_have_no_patch_across_the_seam(codec):
    image = random_image(16, 16)
    bank = build_bank([[image, image]], [1.0], 16, codec, 5, 1)
    assert int(bank.is_valid.sum()) == 2 * 12 * 12
    columns = torch.nonzero(bank.is_valid)[:, 0] % bank.shape[1]
    assert not set(range(12, 17)) & set(columns.tolist())


def test_drawn_patches_are_valid_and_different(codec):
    bank = build_bank([[random_image(16, 16), random_image(24, 18, seed=1)]], [1.0], 16, codec, 5, 1)
    drawn = bank.draw(100, torch.Generator().manual_seed(0))
    assert len(set(drawn.tolist())) == 100
    assert bank.is_valid[drawn].all()
    everything = bank.draw(10**6, torch.Generator().manual_seed(0))
    assert sorted(everything.tolist()) == torch.nonzero(bank.is_valid)[:, 0].tolist()
    torch.testing.assert_close(bank.draw(100, torch.Generator().manual_seed(0)), drawn, rtol=0, atol=0)
