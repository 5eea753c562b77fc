"""Rows and images of any kind as pictures."""

import numpy as np
import pytest

from skisp.inspection._pictures import as_pictures, aspect_of, printable, value_range


def test_rows_become_images_of_the_given_shape():
    rows = np.arange(24.0).reshape(2, 12)
    np.testing.assert_array_equal(as_pictures(rows, (2, 2, 3)), rows.reshape(2, 2, 2, 3))
    assert [row.shape for row in as_pictures(rows, None)] == [(12,), (12,)]


def test_images_stay_what_they_are():
    images = [np.zeros((3, 4)), np.zeros((5, 2))]
    assert [image.shape for image in as_pictures(images, (9, 9))] == [(3, 4), (5, 2)]


@pytest.mark.parametrize("shape", [(3, 5), (12,), (1, 2, 2, 3), ()])
def test_a_shape_that_does_not_hold_the_values_is_refused(shape):
    with pytest.raises(ValueError, match=r"image_shape=.* does not hold rows of 12 values; give \(H, W\)"):
        as_pictures(np.zeros((2, 12)), shape)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (np.array([[3, 7]], dtype=np.uint8), (0, 255)),
        (np.array([[3, 7]], dtype=np.uint16), (0, 65535)),
        (np.array([[False, True]]), (0, 1)),
        (np.array([[0.0, 0.6]]), (0, 1)),
        (np.array([[-0.1, 1.2]]), (0, 1)),
        (np.array([[0.0, 16.0]]), (0, 16)),
        (np.array([[-2.0, 2.0]]), (-2, 2)),
        (np.array([[-2.0, -2.0]]), (-2, -1)),
        (np.array([[0.0, 0.01]]), (0, 0.01)),
    ],
)
def test_black_and_white_are_those_of_the_values(image, expected):
    assert value_range([image]) == expected


def test_a_share_of_outliers_does_not_count():
    image = np.r_[np.linspace(0, 10, 1000), 1e6].reshape(7, 143)
    assert value_range([image], outliers=0.01)[1] < 11


@pytest.mark.parametrize(
    ("shape", "expected"), [((2, 3), (2, 3)), ((2, 3, 1), (2, 3)), ((2, 3, 3), (2, 3, 3)), ((2, 3, 4), (2, 3, 4))]
)
def test_what_is_printed_has_the_limits_at_0_and_1(shape, expected, rng):
    image = rng.integers(0, 256, shape).astype(np.uint8)
    shown = printable(image, (0, 255))
    assert shown.shape == expected
    np.testing.assert_allclose(shown, image.reshape(expected) / 255, rtol=1e-12)


def test_grey_with_alpha_becomes_colour_with_alpha():
    shown = printable(np.array([[[0.2, 0.7]]]), (0.0, 1.0))
    np.testing.assert_array_equal(shown, [[[0.2, 0.2, 0.2, 0.7]]])


def test_values_beyond_the_limits_are_cut():
    np.testing.assert_array_equal(printable(np.array([[-9.0, 9.0]]), (-1.0, 1.0)), [[0.0, 1.0]])


def test_the_aspect_is_that_of_the_widest():
    assert aspect_of([np.zeros((4, 2)), np.zeros((4, 6, 3))]) == 1.5
