"""What each control of a propagator means."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator

from skisp import PatchTransformer, StylePropagator
from skisp.datasets import load_photograph, make_style_image
from skisp.metrics import gradient_correlation


@pytest.fixture(scope="module")
def style():
    picture = make_style_image("waves", size=72, random_state=0)
    return FrozenEstimator(PatchTransformer(PCA(6), patch_size=7, random_state=0).fit([picture]))


@pytest.fixture(scope="module")
def photograph():
    return load_photograph("china", size=80)


@pytest.fixture(scope="module")
def small(style, photograph):
    """Fitted for a corner of the photograph."""
    return StylePropagator(style=style, random_state=0).fit([photograph[:16, :24]])


def redrawn(style, photograph, mask=None, **parameters):
    propagator = StylePropagator(style=style, random_state=0, **parameters).fit([photograph])
    return propagator.transform([photograph], mask=mask)[0]


def chroma(image):
    red, green, blue = np.moveaxis(image.astype(float), -1, 0)
    luminance = 0.299 * red + 0.587 * green + 0.114 * blue
    return np.stack([0.564 * (blue - luminance), 0.713 * (red - luminance)])


def test_color_content_keeps_the_chroma_of_the_photograph(style, photograph):
    picture = redrawn(style, photograph, color="content")
    assert np.abs(chroma(picture) - chroma(photograph)).max() <= 2
    assert np.abs(picture.astype(int) - photograph).mean() > 4


def test_color_only_takes_the_mean_colour_of_the_style_and_keeps_the_edges(style, photograph):
    picture = redrawn(style, photograph, color="only") / 255
    wanted = make_style_image("waves", size=72, random_state=0).mean(axis=(0, 1))
    assert np.abs(picture.mean(axis=(0, 1)) - wanted).max() < 0.05
    luminance = [image @ [0.299, 0.587, 0.114] for image in (picture, photograph / 255)]
    assert np.corrcoef(luminance[0].ravel(), luminance[1].ravel())[0, 1] > 0.9


def test_mask_0_leaves_the_pixels_of_the_content_and_mask_1_redraws_them(style, photograph):
    mask = np.zeros(photograph.shape[:2], dtype=np.float32)
    mask[:, 40:] = 1.0
    picture = redrawn(style, photograph, mask=[mask])
    whole = redrawn(style, photograph)
    np.testing.assert_array_equal(picture[:, :40], photograph[:, :40])
    np.testing.assert_array_equal(picture[:, 40:], whole[:, 40:])


def test_mask_between_0_and_1_mixes(style, photograph):
    mask = np.full(photograph.shape[:2], 0.5)
    picture, whole = redrawn(style, photograph, mask=[mask]), redrawn(style, photograph)
    np.testing.assert_allclose(picture, (photograph.astype(float) + whole) / 2, atol=1.0)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        ([], "0 masks for 1 images"),
        ([np.ones((5, 5)), np.ones((5, 5))], "2 masks for 1 images"),
        ([np.ones((5, 5))], "expected the image's"),
        ([np.full((53, 80), 3.0)], r"floats must lie in \[0, 1\]"),
    ],
)
def test_masks_that_do_not_fit_are_refused_by_name(style, photograph, mask, message):
    with pytest.raises(ValueError, match=message):
        redrawn(style, photograph, mask=mask)


@pytest.mark.parametrize("dtype", ["?", "u1", "i8", ">u2", "f4"])
@pytest.mark.parametrize("levels", [(0, 1), (1, 1), (0, 0)])
def test_masks_of_0_and_1_keep_and_redraw_whatever_their_type(small, photograph, dtype, levels):
    mask = np.where(np.arange(24) < 10, *levels) * np.ones((16, 1), int)
    expected, picture = (small.transform([photograph[:16, :24]], mask=[mask.astype(t)])[0] for t in (float, dtype))
    np.testing.assert_array_equal(picture, expected)


def test_levels_of_other_whole_numbers_are_shares_of_their_greatest(style, photograph):
    expected = redrawn(style, photograph, mask=[np.full(photograph.shape[:2], 0.2)])
    for levels in (np.uint8(51), np.uint16(13107)):
        np.testing.assert_array_equal(
            redrawn(style, photograph, mask=[np.full(photograph.shape[:2], levels)]), expected
        )


@pytest.mark.parametrize(("strength", "least_kept"), [(0.25, 0.9), (0.5, 0.85), (0.8, 0.75)])
def test_thin_lines_and_edges_survive_below_full_strength(strength, least_kept):
    """Wires of one pixel before a bright sky, which patches of 11 pixels cannot show."""
    wires = range(20, 190, 24)
    photograph = load_photograph("china", size=200).copy()
    for wire in wires:
        photograph[10:60, wire] = 20
    coder = PatchTransformer(PCA(12), max_patches=8000, random_state=0)
    style = FrozenEstimator(coder.fit([make_style_image("brush_strokes", size=200, random_state=0)]))
    picture = redrawn(style, photograph, strength=strength)
    brightness = picture @ np.array([0.299, 0.587, 0.114])
    for wire in wires:
        sky = (brightness[12:58, wire - 2] + brightness[12:58, wire + 2]).mean() / 2
        assert brightness[12:58, wire].mean() < sky - 20
    assert gradient_correlation(photograph, picture) > least_kept


def test_style_scale_2_gives_stripes_of_about_twice_the_period():
    stripes = np.tile((np.arange(96) % 8 < 4).astype(np.float32), (96, 1))
    style = FrozenEstimator(PatchTransformer(PCA(6), patch_size=7, random_state=0).fit([stripes]))
    flat = np.full((96, 96), 0.5, dtype=np.float32)
    frequencies = []
    for scale in (1.0, 2.0):
        picture = redrawn(style, flat, style_scale=scale, patches="style", coherence=2.0)
        power = (np.abs(np.fft.rfft(picture - picture.mean(), axis=1)) ** 2).mean(axis=0)
        frequencies.append((power * np.arange(len(power))).sum() / power.sum())
    assert 1.5 < frequencies[0] / frequencies[1] < 2.5
