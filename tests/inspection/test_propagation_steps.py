"""How a picture is drawn, and which part of the style went where."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from skimage.color import rgb2lab
from sklearn.frozen import FrozenEstimator

from skisp import StylePropagator
from skisp.inspection import PropagationStepsDisplay
from skisp.inspection._position_colors import position_colors
from skisp.propagation._steps import propagation_steps, source_pixels


@pytest.fixture(scope="module")
def steps(propagator, photograph):
    return propagation_steps(propagator, photograph)[0]


@pytest.fixture
def display(propagator, photograph):
    return PropagationStepsDisplay.from_estimator(propagator, photograph)


def test_the_pictures_are_the_content_the_estimates_and_what_transform_draws(display, steps, propagator, photograph):
    picture = propagator.transform([photograph])[0]
    np.testing.assert_array_equal(display.picture, picture)
    expected = [steps[-1].recolored, *[step.picture for step in steps], picture / 255]
    for shown, image in zip(display.images_, expected, strict=True):
        np.testing.assert_array_equal(shown.get_array(), np.float64(image))
    titles = [text.get_text() for text in display.ax_.texts]
    assert titles[:4] == ["style's colours", "51 px", "72 px", "result"]


@pytest.mark.parametrize("scale", [0, 1, -1, -2])
def test_the_map_has_the_sources_of_the_chosen_scale(propagator, photograph, steps, scale):
    display = PropagationStepsDisplay.from_estimator(propagator, photograph, scale=scale)
    np.testing.assert_array_equal(display.sources, source_pixels(steps[scale]))
    np.testing.assert_array_equal(display.style, steps[scale].style)
    assert display.map_.get_array().shape == steps[scale].picture.shape
    assert f"at {steps[scale].picture.shape[0]} px" in display.ax_.texts[4].get_text()


def test_the_map_and_the_key_name_one_place_by_one_color(display):
    # Where the picture is as light as its source, the colours are the same altogether.
    key, shown = (image.get_array() for image in (display.key_, display.map_))
    height, width = display.style.shape[:2]
    sources = display.sources
    rows, columns = sources[..., 0] / (height - 1), sources[..., 1] / (width - 1)
    lightness = np.float32(display.estimates[-1]) @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    np.testing.assert_allclose(shown, position_colors(rows, columns, lightness), atol=1e-5)
    there = key[sources[..., 0], sources[..., 1]]
    hue = [np.arctan2(lab[..., 2], lab[..., 1]) for lab in (rgb2lab(shown), rgb2lab(there))]
    assert np.median(np.abs(np.angle(np.exp(1j * (hue[0] - hue[1]))))) < 0.1


def test_grey_pictures_have_steps_too(propagator, photograph):
    image = photograph[..., 0]
    display = PropagationStepsDisplay.from_estimator(FrozenEstimator(propagator), image)
    np.testing.assert_array_equal(display.images_[-1].get_array(), propagator.transform([image])[0] / 255)


@pytest.mark.parametrize("n_estimates", [1, 2, 5, 9])
@pytest.mark.parametrize("shape", [(9, 30), (30, 9)])
def test_no_picture_covers_another(n_estimates, shape):
    image, style = np.zeros((*shape, 3)), np.zeros((20, 20, 3))
    sources = np.zeros((*shape, 2), dtype=int)
    display = PropagationStepsDisplay(
        recolored=image, estimates=[image] * n_estimates, picture=image, sources=sources, style=style
    ).plot()
    left, right, low, high = np.array([shown.get_extent() for shown in display.ax_.images]).T
    apart = (right[:, None] <= left) | (left[:, None] >= right) | (low[:, None] <= high) | (high[:, None] >= low)
    assert (apart | np.eye(len(left), dtype=bool)).all()
    assert len(left) == n_estimates + 4
    across, down = display.ax_.get_xlim(), display.ax_.get_ylim()
    assert left.min() >= across[0] - 1e-9
    assert right.max() <= across[1] + 1e-9
    assert low.max() <= down[0] + 1e-9


@pytest.mark.parametrize("parameters", [{"strength": 0.0}, {"color": "only"}])
def test_where_nothing_is_drawn_the_error_says_what_to_set(style, photograph, parameters):
    propagator = StylePropagator(style=style, random_state=0, **parameters).fit([photograph])
    with pytest.raises(ValueError, match=r"no patch is drawn.*set strength greater than 0 and color to"):
        PropagationStepsDisplay.from_estimator(propagator, photograph)


def test_rows_have_no_steps(row_propagator, digits):
    with pytest.raises(ValueError, match=r"fitted on rows.*whose style is a PatchTransformer, or use StyleGridDisplay"):
        PropagationStepsDisplay.from_estimator(row_propagator, digits[0])


def test_what_is_no_image_or_no_scale_is_refused(propagator, photograph):
    with pytest.raises(ValueError, match=r"image 0 of \[image\] has shape \(1, 67, 100, 3\)"):
        PropagationStepsDisplay.from_estimator(propagator, photograph[None, :67, :100])
    for scale in (2, -3):
        with pytest.raises(ValueError, match=f"scale={scale}; this picture has 2 scales, from 0, the coarsest, to 1"):
            PropagationStepsDisplay.from_estimator(propagator, photograph, scale=scale)
    assert plt.get_fignums() == []
