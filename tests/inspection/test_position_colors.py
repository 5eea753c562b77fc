"""A colour for every place."""

import numpy as np
from skimage.color import rgb2lab

from skisp.inspection._position_colors import position_colors


def test_colors_are_in_range_wherever_and_however_light():
    colors = position_colors(*np.meshgrid(*[np.linspace(0, 1, 11)] * 3))
    assert colors.shape == (11, 11, 11, 3)
    assert colors.min() >= 0
    assert colors.max() <= 1


def test_places_far_from_each_other_have_colors_far_from_each_other():
    places = np.stack(np.meshgrid(*[np.linspace(0, 1, 5)] * 2), axis=-1).reshape(-1, 2)
    lab = rgb2lab(position_colors(*places.T, np.full(len(places), 0.6)))
    apart = np.linalg.norm(lab[:, None] - lab, axis=-1)[np.triu_indices(len(places), 1)]
    # A difference of 2.3 is just seen; neighbours here are a quarter of the side apart.
    assert apart.min() > 8


def test_the_lightness_is_that_of_the_picture():
    lightness = np.linspace(0, 1, 9)
    middle = np.full(9, 0.5)
    lab = rgb2lab(position_colors(middle, middle, lightness))
    assert (np.diff(lab[:, 0]) > 0).all()
    np.testing.assert_allclose(lab[:, 1:], 0, atol=0.1)
