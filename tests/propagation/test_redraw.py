"""What redrawing starts from: colours, structure, and codes moved to the style's."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from skisp.propagation._bank import PatchBank
from skisp.propagation._level import structure_map
from skisp.propagation._patches import extract_patches
from skisp.propagation._redraw import redraw
from skisp.propagation._style_model import color_map, recolor
from sklearn.decomposition import PCA

from skisp import PatchTransformer, StylePropagator
from skisp.datasets import load_photograph
from skisp.metrics import content_similarity
from skisp.propagation import _field, _matching, _patches
from skisp.propagation._patch_transformer import to_tensor


def moments(image):
    pixels = image.flatten(1).double().numpy()
    return pixels.mean(1), np.cov(pixels, bias=True)


def test_recoloured_content_has_the_colours_of_the_styles():
    generator = torch.Generator().manual_seed(0)
    content = 0.4 + 0.2 * torch.rand(3, 30, 40, generator=generator)
    mixing = torch.rand(3, 3, generator=generator)
    styles = [
        0.4 + 0.1 * torch.einsum("ij,jhw->ihw", mixing, torch.rand(3, n, 20, generator=generator)) for n in (10, 30)
    ]
    mapped = recolor(content, color_map(content, styles))
    mean, covariance = moments(mapped)
    wanted_mean, wanted = moments(torch.cat(styles, dim=1))
    np.testing.assert_allclose(mean, wanted_mean, atol=1e-5)
    np.testing.assert_allclose(covariance, wanted, atol=1e-3 * np.trace(wanted))


def test_recoloured_content_stays_in_range():
    style = torch.zeros(3, 8, 8)
    style[:, ::2] = 1.0
    mapped = recolor(torch.rand(3, 9, 9) ** 4, color_map(torch.rand(3, 9, 9) ** 4, [style]))
    assert float(mapped.min()) >= 0
    assert float(mapped.max()) <= 1


def test_structure_is_at_edges_and_not_in_flat_places():
    image = torch.zeros(3, 40, 50)
    image[..., 20:] = 1.0
    structure = structure_map(image)
    assert structure.shape == (1, 40, 50)
    assert float(structure[..., :14].max()) == 0
    torch.testing.assert_close(structure[..., 20], torch.ones(1, 40))
    assert float(structure.max()) <= 1


@pytest.mark.parametrize("size", [(2, 2), (5, 7), (3, 60)])
def test_structure_of_tiny_and_flat_images_is_finite(size):
    for image in (torch.full((3, *size), 0.5), torch.rand(3, *size, generator=torch.Generator().manual_seed(0))):
        structure = structure_map(image)
        assert structure.shape == (1, *size)
        assert torch.isfinite(structure).all()


def test_the_structure_does_not_depend_on_contrast():
    image = torch.rand(3, 30, 30, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(structure_map(0.3 * image + 0.2), structure_map(image), rtol=1e-4, atol=1e-5)


def test_content_codes_are_moved_to_where_the_styles_codes_live(pca_style, painting, photograph):
    content = PatchTransformer(PCA(5), patch_size=5, max_patches=2000, random_state=0)
    propagator = StylePropagator(content, pca_style, random_state=0).fit([photograph])
    rows = [extract_patches(to_tensor(image), 5) for image in (np.float32(photograph / 255), painting)]
    model = propagator._style_model()
    moved = propagator.alignment_(model.content_codec.encode(rows[0]))
    wanted = model.codec.encode(rows[1])
    # Up to the draw of 6000 patches that both were estimated from.
    scale = float(wanted.var(0).sum()) ** 0.5
    np.testing.assert_allclose(moved.mean(0), wanted.mean(0), atol=0.06 * scale)
    np.testing.assert_allclose(np.cov(moved.T), np.cov(wanted.T), atol=0.08 * scale**2)


def test_banks_are_built_once_and_serve_every_picture(pca_style, photograph):
    propagator = StylePropagator(style=pca_style, random_state=0).fit([photograph])
    model, redraw_settings = propagator._style_model(), propagator._settings()
    with torch.inference_mode():
        redraw(to_tensor(np.float32(photograph / 255)), model, redraw_settings, 0)
        banks = dict(model.banks)
        redraw(to_tensor(np.float32(photograph[:, ::-1] / 255)), model, redraw_settings, 0)
    assert banks
    assert all(model.banks[key] is bank for key, bank in banks.items())
    assert len(model.banks) == len(banks)


def test_no_drawn_patch_lies_between_two_style_images(pca_patches, painting, other_painting, monkeypatch):
    drawn = []
    patches = PatchBank.patches

    def spy(bank, indices):
        drawn.append(bool(bank.is_valid[indices].all()))
        return patches(bank, indices)

    monkeypatch.setattr(PatchBank, "patches", spy)
    styles = [1 - painting[:, :20], painting, other_painting[:30]]
    # Dark content is nearest to the emptiness between the images, and of two scales for the carrying up.
    content = 0.1 * np.random.default_rng(0).random((70, 72, 3))
    StylePropagator(style=pca_patches, style_images=styles, random_state=0).fit_transform([content])
    assert len(drawn) >= 2
    assert all(drawn)


def test_less_strength_looks_for_patches_nearer_to_the_content(pca_style, photograph):
    propagator = StylePropagator(style=pca_style, content_weight=0.3, random_state=0).fit([photograph])
    content = to_tensor(np.float32(photograph / 255))
    with torch.inference_mode():
        pictures = [
            redraw(content, propagator._style_model(), replace(propagator._settings(), strength=strength), 0)
            for strength in (0.05, 1.0)
        ]
    kept = [content_similarity(photograph, picture.numpy().transpose(1, 2, 0)) for picture in pictures]
    assert kept[0] > kept[1] + 0.02


@pytest.mark.parametrize("at_once", [60, 10**9])
def test_pictures_are_the_same_in_narrow_bands_and_whole(cvae_style, monkeypatch, at_once):
    """Large images are worked on band by band, which nobody must see: no seam, not even another rounding."""
    photograph = load_photograph("china", size=120)
    pictures = []
    for patched in (False, True):
        if patched:
            monkeypatch.setattr(_patches, "_PATCHES_AT_ONCE", at_once)
            monkeypatch.setattr(_patches, "_LEAST_PATCHES", at_once)
            monkeypatch.setattr(_field, "_POSITIONS_AT_ONCE", at_once)
            monkeypatch.setattr(_field, "_LEAST_POSITIONS", at_once)
            monkeypatch.setattr(_matching, "_ENTRIES_AT_ONCE", at_once * 100)
        pictures.append(StylePropagator(style=cvae_style, random_state=0).fit_transform([photograph])[0])
    assert np.abs(pictures[0].astype(int) - pictures[1]).max() <= 1
