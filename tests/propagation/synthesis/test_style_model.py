"""Styles as the synthesis needs them: their exemplars, made once, and the contrast of their bands."""

import numpy as np
import pytest
import torch
from sklearn.preprocessing import FunctionTransformer

from skisp._math.affine import AffineMap
from skisp._math.gaussian import Moments, gaussian_barycentre
from skisp.propagation._patch_codec import JointCodec, PatchCodec
from skisp.propagation.synthesis import _style_model
from skisp.propagation.synthesis._pyramid import laplacian_pyramid
from skisp.propagation.synthesis._style_model import StyleModel


def random_image(seed):
    return torch.rand(3, 20, 24, generator=torch.Generator().manual_seed(seed)) ** (1 + seed)


@pytest.fixture
def model():
    """Two styles, the second of two images; codes are the patches themselves."""
    codec = PatchCodec(FunctionTransformer(), np.eye(75, dtype=np.float32))
    images = [[random_image(0)], [random_image(1), random_image(2)]]
    coder = JointCodec([codec, codec], [0.25, 0.75])
    return StyleModel(images, [0.25, 0.75], 5, coder, None, AffineMap.identity(150).to_arrays())


def test_an_exemplar_is_made_once_for_each_size(model):
    exemplar = model.exemplar(20)
    assert model.exemplar(20) is exemplar
    assert model.exemplar(16) is not exemplar
    assert model.exemplar(16).canvas.shape[1] == 16


def test_exemplars_of_other_sizes_and_large_ones_are_forgotten(model, monkeypatch):
    small, large = model.exemplar(10), model.exemplar(20)
    model.forget_exemplars()
    model.forget_exemplars(keep=[10, 20])
    assert model.exemplar(10) is small
    assert model.exemplar(20) is large
    monkeypatch.setattr(_style_model, "_MOST_KEPT_PIXELS", small.canvas[0].numel())
    model.forget_exemplars()
    assert model.exemplar(10) is small
    assert model.exemplar(20) is not large
    model.forget_exemplars(keep=[20])
    assert model.exemplar(10) is not small


def test_one_offs_are_found_once_and_forgotten_with_their_exemplar(model):
    exemplar = model.exemplar(20)
    found = model.one_offs(exemplar)
    model.forget_exemplars(keep=[20])
    assert model.one_offs(exemplar) is found
    model.forget_exemplars(keep=[10])
    again = model.one_offs(exemplar)
    assert again is not found
    torch.testing.assert_close(again, found, rtol=0, atol=0)


@pytest.mark.parametrize(("scale", "side"), [(1.0, 100), (2.0, 200), (0.33, 33), (0.01, 5)])
def test_the_style_beside_a_picture_has_its_size_times_the_scale_and_holds_a_patch(model, scale, side):
    assert model.side(100, scale) == side


def test_moments_of_bands_are_the_barycentre_of_each_styles_images(model):
    covariances = [
        np.cov(laplacian_pyramid(random_image(seed))[0][0].flatten(1).double().numpy(), bias=True) for seed in range(3)
    ]
    moments = [Moments(torch.zeros(3, dtype=torch.float64), torch.from_numpy(part)) for part in covariances]
    expected = gaussian_barycentre(moments, [0.25, 0.375, 0.375]).covariance
    torch.testing.assert_close(model.band_statistics(20).bands[0].moments.covariance, expected)
