"""What holds for digits in two hands, and for the figures that tell the hands apart."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from skisp.datasets import digit_slant, digit_thickness, make_digit_styles


@pytest.fixture(scope="module")
def digits():
    return make_digit_styles(300, random_state=0)


def bars(thickness, height=40):
    """One upright bar, of any thickness: its outermost columns are grey."""
    x = np.arange(60)
    ink = np.clip(thickness / 2 + 0.5 - np.abs(x - 29.5), 0, 1)
    images = np.zeros((1, height + 20, 60))
    images[:, 10:-10] = ink
    return images


def numbered(n):
    """Small upright crosses, the middle of each in a grey of its own: to tell images apart."""
    images = np.zeros((n, 13, 13))
    images[:, 3:10, 6] = images[:, 6, 3:10] = 1
    images[:, 6, 6] = (1 + np.arange(n)) / (n + 1)
    return images


def test_the_sets_have_their_sizes_and_hold_greys_from_0_to_1(digits):
    assert digits.content.shape == digits.style.shape == (300, 28, 28)
    assert digits.held_out.shape == (600, 28, 28)
    for name in ("content", "style", "held_out"):
        images = digits[name]
        assert images.dtype == np.float32
        assert 0 <= images.min() < 0.01 < 0.99 < images.max() <= 1
        assert digits[f"{name}_target"].shape == (len(images),)
        assert set(digits[f"{name}_target"]) == set(range(10))


def test_what_is_left_is_held_out():
    assert make_digit_styles(800, random_state=0).held_out.shape == (1797 - 2 * 800, 28, 28)


def test_the_content_is_upright_and_the_style_slanted(digits):
    slant = digit_slant(digits.content)
    np.testing.assert_allclose(slant, 0, atol=1e-4)
    for images in (digits.style, digits.held_out):
        assert digit_slant(images).mean() == pytest.approx(0.5, abs=0.03)


def test_the_style_keeps_a_share_of_the_variation_in_slant():
    own = digit_slant(make_digit_styles(300, slant=0.0, thickness=0.0, variation=1.0, random_state=0).style)
    less = digit_slant(make_digit_styles(300, slant=0.0, thickness=0.0, variation=0.25, random_state=0).style)
    np.testing.assert_allclose(less, 0.25 * own, atol=0.02)
    assert own.std() > 0.05


def test_thickness_grows_by_what_is_asked():
    thin, thick = (make_digit_styles(200, slant=0.0, thickness=t, random_state=0).style for t in (0.0, 1.5))
    assert digit_thickness(thick).mean() - digit_thickness(thin).mean() == pytest.approx(1.5, abs=0.3)
    assert np.all(thick >= thin)


def test_no_image_is_in_two_sets_and_targets_belong_to_their_images():
    images = numbered(31)
    digits = make_digit_styles(10, images=images, target=np.arange(31), slant=0.0, thickness=0.0, random_state=3)
    targets = np.concatenate([digits.content_target, digits.style_target, digits.held_out_target])
    assert sorted(targets) == list(range(31))
    for name in ("content", "style", "held_out"):
        np.testing.assert_allclose(digits[name], images[digits[f"{name}_target"]], atol=1e-6)


def test_images_of_bytes_are_those_of_floats():
    images = (load_digits().images[:60] * 15).astype(np.uint8)
    of_bytes = make_digit_styles(20, images=images, random_state=0)
    of_floats = make_digit_styles(20, images=images / 255, random_state=0)
    np.testing.assert_array_equal(of_bytes.style, of_floats.style)
    assert of_bytes.style_target is None


def test_one_random_state_gives_one_result():
    one, same, other = (make_digit_styles(40, random_state=seed) for seed in (1, 1, 2))
    for name in one:
        np.testing.assert_array_equal(one[name], same[name])
    assert not np.array_equal(one.content, other.content)


@settings(deadline=None, max_examples=25)
@given(slant=st.floats(-1.0, 1.0))
def test_the_slant_of_a_slanted_bar_is_its_tangent(slant):
    rows, columns = np.mgrid[:41, :81]
    middle = 40 - slant * (rows - 20)
    bar = np.clip(3 - np.abs(columns - middle), 0, 1)
    assert digit_slant(bar[None])[0] == pytest.approx(slant, abs=1e-6)


@pytest.mark.parametrize("thickness", [2.0, 2.5, 3.0, 4.5])
def test_the_thickness_of_a_long_bar_is_its_own(thickness):
    # Its two ends are outline too: 2 (l + t) where a stroke without ends has 2 l.
    assert digit_thickness(bars(thickness))[0] == pytest.approx(40 * thickness / (40 + thickness), rel=0.02)


def test_thickness_does_not_depend_on_how_dark_the_ink_is():
    np.testing.assert_allclose(digit_thickness(0.3 * bars(3.0)), digit_thickness(bars(3.0)))


def test_empty_images_have_no_slant_and_no_thickness():
    empty = np.zeros((2, 9, 9))
    np.testing.assert_array_equal(digit_slant(empty), 0)
    np.testing.assert_array_equal(digit_thickness(empty), 0)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_samples": 0}, "n_samples=0; expected a whole number of at least 1"),
        ({"n_samples": 2.5}, "n_samples=2.5; expected a whole number"),
        ({"n_samples": 899}, "n_samples=899 needs more than 1798 images, got 1797"),
        ({"slant": np.nan}, "slant=nan; expected a finite number"),
        ({"slant": "much"}, "slant='much'; expected a finite number"),
        ({"thickness": -1}, "thickness=-1; expected a finite number of at least 0"),
        ({"variation": -0.1}, "variation=-0.1; expected a finite number of at least 0"),
        ({"target": [1, 2]}, "target is given without images"),
        ({"n_samples": 2, "images": np.ones((9, 4))}, r"images has shape \(9, 4\); expected grey images \(n, H, W\)"),
        ({"n_samples": 2, "images": 2 * numbered(9)}, "images has values from 0.0 to 2.0; expected uint8, or 0 to 1"),
        ({"n_samples": 2, "images": np.full((9, 4, 4), np.nan)}, "NaN"),
        ({"n_samples": 2, "images": np.zeros((9, 4, 4))}, "Image 0 of images has no ink; leave it out"),
        ({"n_samples": 2, "images": numbered(9), "target": [1]}, "inconsistent numbers of samples"),
    ],
)
def test_what_cannot_be_made_is_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        make_digit_styles(**parameters)
