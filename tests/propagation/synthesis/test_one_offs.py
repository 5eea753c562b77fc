"""What a style shows once is not copied all over a picture."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA

from skisp import StylePropagator
from skisp._math.affine import AffineMap
from skisp.propagation._patch_codec import JointCodec, PatchCodec
from skisp.propagation.synthesis._content import Content
from skisp.propagation.synthesis._exemplar import build_exemplar
from skisp.propagation.synthesis._one_offs import excess_novelty, novelty, transferred
from skisp.propagation.synthesis._patches import extract_patches
from skisp.propagation.synthesis._settings import SynthesisSettings
from skisp.propagation.synthesis._style_model import StyleModel
from skisp.propagation.synthesis._synthesis import synthesise

SIDE, RADIUS, CENTRE = 64, 6, (20, 44)


def strokes_with_a_sun(sun=True):
    """Waves of one kind everywhere, with a disc that is brighter than all else."""
    rows, columns = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    waves = 0.35 + 0.15 * torch.sin(columns / 2 + 0.1 * rows) + 0.1 * torch.sin(rows / 3)
    image = torch.stack([waves, waves.flip(0), 0.5 * waves])
    is_sun = (rows - CENTRE[0]).square() + (columns - CENTRE[1]).square() <= RADIUS**2
    return torch.where(is_sun & torch.tensor(sun), 1.0, image), is_sun


def codec_of(image, patch_size=5):
    pca = PCA(6).fit(extract_patches(image, patch_size).numpy())
    return JointCodec([PatchCodec(pca, np.eye(6, dtype=np.float32))], [1.0])


def exemplar_of(images, side=SIDE, stride=1):
    return build_exemplar([images], [1.0], side, codec_of(images[0]), 5, stride)


def test_novelty_is_the_distance_to_the_nearest_patch_that_is_two_patches_away():
    image = torch.rand(3, 26, 29, generator=torch.Generator().manual_seed(0))
    exemplar = exemplar_of([image], 26)
    distances = cdist(exemplar.codes.numpy(), exemplar.codes.numpy(), "sqeuclidean") / exemplar.variance
    places = np.stack(np.unravel_index(np.arange(len(exemplar)), exemplar.shape), axis=1)
    distances[cdist(places, places, "chebyshev") < 10] = np.inf
    np.testing.assert_allclose(novelty(exemplar), distances.min(axis=1), rtol=1e-3, atol=1e-4)


def test_the_sun_is_a_one_off_and_strokes_are_not():
    image, is_sun = strokes_with_a_sun()
    excess = excess_novelty(exemplar_of([image])).reshape(SIDE - 4, SIDE - 4)
    whole_patch_in_the_sun = is_sun.unfold(0, 5, 1).unfold(1, 5, 1).flatten(2).all(dim=2)
    no_pixel_in_the_sun = ~is_sun.unfold(0, 5, 1).unfold(1, 5, 1).flatten(2).any(dim=2)
    assert float(excess[no_pixel_in_the_sun].max()) == 0
    assert float((excess[whole_patch_in_the_sun] > 0.5).float().mean()) > 0.9


def test_what_another_image_of_the_style_shows_too_is_no_one_off():
    image, _ = strokes_with_a_sun()
    other, _ = strokes_with_a_sun(sun=False)
    assert float(excess_novelty(exemplar_of([image, other], 40)).max()) > 0
    assert float(excess_novelty(exemplar_of([image, image], 40)).max()) == 0


@pytest.mark.parametrize("size", [(5, 5), (7, 6)])
def test_a_style_that_has_nothing_elsewhere_has_no_one_offs(size):
    image = torch.rand(3, *size, generator=torch.Generator().manual_seed(0))
    assert float(novelty(build_exemplar([[image]], [1.0], min(size), codec_of(torch.rand(3, 9, 9)), 5, 1)).max()) == 0


@pytest.mark.parametrize(("side", "stride"), [(128, 1), (40, 1), (128, 2)])
def test_one_offs_are_at_the_same_place_at_each_size(side, stride, monkeypatch):
    monkeypatch.setattr("skisp.propagation.synthesis._exemplar._MOST_DENSE_POSITIONS", 10**6 if stride == 1 else 0)
    image, _ = strokes_with_a_sun()
    coarse, fine = exemplar_of([image]), exemplar_of([image], side, stride)
    at = transferred(excess_novelty(coarse), coarse, fine).reshape(fine.shape)
    rows, columns = torch.nonzero(at > 0.5).double().mul(fine.stride).add(2.5).T
    assert float(rows.mean()) * SIDE / side == pytest.approx(CENTRE[0] + 0.5, abs=1)
    assert float(columns.mean()) * SIDE / side == pytest.approx(CENTRE[1] + 0.5, abs=1)


def test_the_sun_is_not_copied_into_a_bright_sky():
    """Without the price the brightest part of the content asks for the brightest patches, which are the sun."""
    image, is_sun = strokes_with_a_sun()
    style = StyleModel([[image]], [1.0], 4, codec_of(image, 4), None, AffineMap.identity(6).to_arrays())
    sky = torch.full((48, 60), 0.2)
    sky[8:24, 20:40] = 1.0
    content = Content.of(torch.stack([sky, sky, 0.5 * sky]), style)
    settings = replace(SynthesisSettings.of(StylePropagator(patches="style", balance=0.0)), style_scale=SIDE / 48)
    mostly_sun = (is_sun.unfold(0, 4, 1).unfold(1, 4, 1).flatten(2).float().mean(dim=2) > 0.5).flatten()
    copied = []
    for price in (0.0, settings.one_off_price):
        priced = replace(settings, one_off_price=price)
        synthesis, _ = synthesise(content, style, priced, torch.Generator().manual_seed(0))
        copied.append(float(mostly_sun[synthesis.matches].float().mean()))
    assert copied[0] > 2 * float(mostly_sun.float().mean())
    assert copied[1] < 0.1 * copied[0]
