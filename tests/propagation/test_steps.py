"""The steps in which a picture is synthesised, and where its patches come from."""

import numpy as np
import pytest
import torch

from skisp import StylePropagator
from skisp._tensors import from_tensor, to_tensor
from skisp.datasets import load_photograph
from skisp.propagation._steps import propagation_steps, source_pixels
from skisp.propagation.synthesis._patches import hann_window, patches_at


@pytest.fixture(scope="module")
def photograph():
    """uint8 (72, 108, 3): two levels."""
    return load_photograph("china", size=108)


@pytest.fixture(scope="module")
def propagator(cvae_style, photograph):
    return StylePropagator(style=cvae_style, patches="style", random_state=0).fit([photograph])


@pytest.fixture(scope="module")
def generating(cvae_style, photograph):
    return StylePropagator(style=cvae_style, random_state=0).fit([photograph])


@pytest.fixture(scope="module")
def steps(propagator, photograph):
    return propagation_steps(propagator, photograph)[0]


def copied(step, patch_size):
    """The picture on which the patches of the style at the named places vote."""
    rows, columns = torch.from_numpy(step.corners).reshape(-1, 2).T
    patches = patches_at(to_tensor(step.style), rows, columns, patch_size)
    window = hann_window(patch_size)
    return from_tensor(step.grid.assemble(lambda some: patches[some], window))


def test_the_picture_is_the_one_that_transform_gives_before_and_after(generating, photograph):
    before = generating.transform([photograph])[0]
    np.testing.assert_array_equal(propagation_steps(generating, photograph)[1], before)
    np.testing.assert_array_equal(generating.transform([photograph])[0], before)


@pytest.mark.parametrize("form", [lambda image: image[..., 0], lambda image: image / 255, lambda image: image[:40]])
def test_the_picture_has_the_form_of_the_image(propagator, photograph, form):
    image = form(photograph)
    picture = propagation_steps(propagator, image)[1]
    assert picture.dtype == image.dtype
    np.testing.assert_array_equal(picture, propagator.transform([image])[0])


def test_there_is_a_step_a_level_from_coarse_to_the_size_of_the_image(steps):
    assert [step.picture.shape for step in steps] == [(51, 76, 3), (72, 108, 3)]
    assert [step.recolored.shape for step in steps] == [(51, 76, 3), (72, 108, 3)]
    assert [step.corners.shape[:2] for step in steps] == [step.grid.shape for step in steps]


def test_copying_the_patches_from_the_named_places_gives_the_picture(steps):
    for step in steps:
        np.testing.assert_array_equal(copied(step, 5), step.picture)


def test_what_the_cvae_generates_is_near_the_patches_it_varies(generating, photograph):
    step = propagation_steps(generating, photograph)[0][-1]
    difference = np.abs(copied(step, 5) - step.picture)
    assert 0 < difference.mean() < np.abs(step.picture - step.picture.mean(axis=(0, 1))).mean() / 2


def test_each_pixel_names_the_pixel_of_the_patch_whose_centre_is_nearest(steps):
    for step in steps:
        sources = source_pixels(step)
        assert sources.shape == (*step.grid.size, 2)
        rows, columns = (centres.numpy() for centres in step.grid.centres())
        for y, x in [(0, 0), (10, 34), (48, 74)]:  # none is between two centres
            i, j = np.abs(rows - y).argmin(), np.abs(columns - x).argmin()
            # Counted from the centre of the patch, here and there.
            expected = step.corners[i, j] + 2 + np.array([y - rows[i], x - columns[j]])
            np.testing.assert_array_equal(sources[y, x], expected)


def test_sources_lie_in_the_style(steps):
    for step in steps:
        assert step.corners.min() >= 0
        assert (step.corners.max(axis=(0, 1)) <= np.array(step.style.shape[:2]) - 5).all()
        assert source_pixels(step).min() >= 0
        assert (source_pixels(step).max(axis=(0, 1)) < step.style.shape[:2]).all()


@pytest.mark.parametrize("parameters", [{"strength": 0.0}, {"color": "only"}])
def test_where_nothing_is_synthesised_there_are_no_steps(cvae_style, photograph, parameters):
    propagator = StylePropagator(style=cvae_style, random_state=0, **parameters).fit([photograph])
    steps, picture = propagation_steps(propagator, photograph)
    assert steps == []
    np.testing.assert_array_equal(picture, propagator.transform([photograph])[0])


def test_steps_of_several_styles_are_taken_from_all_of_them_side_by_side(cvae_style, pca_style, photograph):
    propagator = StylePropagator(style=[cvae_style, pca_style], patches="style", random_state=0).fit([photograph])
    step = propagation_steps(propagator, photograph)[0][-1]
    assert step.style.shape == (72, 2 * 72 + 1, 3)
    left = step.corners[..., 1] <= 72 - 5
    assert 0.2 < left.mean() < 0.8
    np.testing.assert_array_equal(copied(step, 5), step.picture)
