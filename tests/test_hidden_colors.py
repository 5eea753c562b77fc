"""What cannot be seen plays no part: colours under alpha 0 may be anything, and nothing that is seen changes."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from skisp import PatchTransformer, StylePropagator, metrics
from skisp._images import as_images
from skisp._math.mirroring import fill_by_mirroring
from skisp.io import resize_longest

DTYPES = ["u1", "u2", "f4"]


def levels(values, dtype):
    """Values in [0, 1] in a type."""
    return np.rint(values * np.iinfo(dtype).max).astype(dtype) if np.dtype(dtype).kind == "u" else values.astype(dtype)


def hole(height, width):
    """A border and a round hole in the middle that are hidden, and soft edges."""
    y, x = np.mgrid[:height, :width]
    distance = np.hypot((y - height / 2) / height, (x - width / 2) / width)
    alpha = ((distance - 0.15) * 20).clip(0, 1)
    alpha[:, :3] = 0
    return alpha[..., None]


@pytest.fixture(params=DTYPES)
def twins(request):
    """Two images (32, 40, 4) that look the same, one with black and one with magenta under the transparent parts."""
    colour, alpha = np.random.default_rng(0).random((32, 40, 3)) * 0.5 + 0.2, hole(32, 40)
    hidden = [np.where(alpha > 0, colour, under) for under in ([0.0, 0, 0], [1.0, 0, 1])]
    return [levels(np.concatenate([one, alpha], axis=2), request.param) for one in hidden]


def seen(image):
    return image[image[..., -1] > 0]


@pytest.fixture(scope="module")
def other():
    return np.random.default_rng(1).random((30, 30, 3))


def coder():
    return PatchTransformer(PCA(4), patch_size=5, max_patches=400, random_state=0)


def test_a_style_with_a_transparent_half_is_its_other_half(other):
    style = np.concatenate([other, np.ones((30, 30, 1))], axis=2)
    half = style.copy()
    half[:, 15:] = [1, 0, 1, 0]
    pictures = [
        StylePropagator(style=coder(), style_images=[one], random_state=0).fit_transform([other])[0]
        for one in (half, style[:, :15], style[:, :15, :3])
    ]
    np.testing.assert_array_equal(pictures[0], pictures[1])
    np.testing.assert_array_equal(pictures[0], pictures[2])


@pytest.mark.parametrize(
    ("twins", "parameters"),
    [("u1", {}), ("u2", {"color": "only"}), ("f4", {"color": "content"}), ("f4", {"content": coder()})],
    indirect=["twins"],
)
def test_nothing_that_is_seen_of_a_picture_depends_on_what_is_hidden(twins, other, parameters):
    propagators = [
        StylePropagator(style=coder(), style_images=[other], random_state=0, **parameters).fit([twin]) for twin in twins
    ]
    pictures = [propagator.transform([twin])[0] for propagator, twin in zip(propagators, twins, strict=True)]
    np.testing.assert_array_equal(seen(pictures[0]), seen(pictures[1]))
    for picture, twin in zip(pictures, twins, strict=True):
        np.testing.assert_array_equal(picture[..., 3], twin[..., 3])
        np.testing.assert_array_equal(picture[twin[..., 3] == 0], twin[twin[..., 3] == 0])
    films = [propagators[0].propagate_sequence([twin, twin[::-1]]) for twin in twins]
    for one, two in zip(*films, strict=True):
        np.testing.assert_array_equal(seen(one), seen(two))


def test_scores_do_not_depend_on_what_is_hidden(twins, other):
    propagator = StylePropagator(style=coder(), style_images=[other], random_state=0).fit([other])
    assert propagator.score([twins[0]]) == propagator.score([twins[1]])
    reports = [metrics.propagation_report(one, other, two) for one, two in (twins, twins[::-1])]
    assert reports[0] == reports[1]
    assert metrics.content_similarity(*twins) == pytest.approx(1.0)
    assert metrics.style_distance(*twins) == metrics.color_distance(*twins) == 0.0


@pytest.mark.parametrize("channels", [[0, 3], [0, 1, 2, 3]], ids=["LA", "RGBA"])
def test_shrinking_does_not_depend_on_what_is_hidden(twins, channels):
    one, two = (resize_longest(twin[..., channels], 17) for twin in twins)
    np.testing.assert_array_equal(one, two)
    colours = seen(twins[0])[:, channels[:-1]]
    assert colours.min() <= seen(one)[:, :-1].min() <= seen(one)[:, :-1].max() <= colours.max()


def test_an_image_of_which_nothing_can_be_seen_stays_and_is_no_style(other):
    nothing = np.dstack([other, np.zeros((30, 30))])
    propagator = StylePropagator(style=coder(), style_images=[other], random_state=0).fit([other, nothing])
    np.testing.assert_allclose(propagator.transform([nothing])[0], nothing, atol=1e-7)
    assert resize_longest(nothing, 10).max() == 0
    with pytest.raises(ValueError, match="what can be seen of image 1 of X is 0 x 0 pixels, smaller than a patch"):
        coder().fit([other, nothing])


def test_alpha_that_does_not_show_hides_and_alpha_that_does_not(other):
    image = np.concatenate([other, np.full((30, 30, 1), 0.4 / 255)], axis=2)
    image[:, 15:, 3] = 0.6 / 255
    [found], layout = as_images([image])
    np.testing.assert_allclose(found[:, 15:], other[:, 15:], atol=1e-7)
    np.testing.assert_allclose(found[:, 1:15], other[:, :15:-1], atol=1e-7)
    assert layout.seen == [(slice(0, 30), slice(15, 30))]
    np.testing.assert_allclose(layout.restore([found])[0], image, atol=1e-7)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.98])
def test_every_missing_pixel_gets_one_that_is_there(share):
    rng = np.random.default_rng(0)
    image, missing = rng.random((20, 31, 2)) + 1, rng.random((20, 31)) < share
    filled = fill_by_mirroring(np.where(missing[..., None], -1.0, image), missing)
    np.testing.assert_array_equal(filled[~missing], image[~missing])
    there = {tuple(pixel) for pixel in image[~missing]}
    assert {tuple(pixel) for pixel in filled.reshape(-1, 2)} <= there
