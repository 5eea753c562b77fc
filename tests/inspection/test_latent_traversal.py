"""What each coordinate of a code stands for."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from skisp import CVAETransformer, PatchTransformer
from skisp.inspection import LatentTraversalDisplay


def code(cvae, centre, component, step):
    moved = np.array(centre, dtype=np.float32)
    moved[component] += step * np.sqrt(cvae.latent_covariance_[component, component])
    return moved


def test_each_picture_is_the_decoded_code_that_its_row_and_column_name(cvae):
    display = LatentTraversalDisplay.from_estimator(cvae, components=[2, 0], limits=(-1, 2), n_steps=4)
    assert display.steps.tolist() == [-1, 0, 1, 2]
    codes = [code(cvae, np.zeros(4), component, step) for component in (2, 0) for step in (-1, 0, 1, 2)]
    decoded = cvae.inverse_transform(np.array(codes)).reshape(2, 4, 8, 8)
    np.testing.assert_array_equal(display.decoded, decoded)
    for at in np.ndindex(2, 4):
        shown = display.images_[at].get_array()
        np.testing.assert_allclose(shown, decoded[at].clip(0, 1), atol=1e-6)


def test_rows_stand_below_each_other_and_steps_beside(cvae):
    display = LatentTraversalDisplay.from_estimator(cvae, n_components=2, n_steps=3)
    lefts = np.array([[image.get_extent()[0] for image in row] for row in display.images_])
    tops = np.array([[image.get_extent()[3] for image in row] for row in display.images_])
    assert (np.diff(lefts, axis=1) > 0).all()
    assert (np.diff(tops, axis=0) > 0).all()
    assert [text.get_text() for text in display.ax_.get_xticklabels()] == ["−3", "0", "+3"]


def test_the_most_active_coordinates_come_first(cvae):
    display = LatentTraversalDisplay.from_estimator(cvae, n_components=3, n_steps=2)
    order = np.argsort(-cvae.kl_per_component_)[:3]
    np.testing.assert_array_equal(display.components, order)
    np.testing.assert_array_equal(display.kl_per_component, cvae.kl_per_component_[order])
    expected = [f"{i}\n{cvae.kl_per_component_[i]:.1f} nats" for i in order]
    assert [text.get_text() for text in display.ax_.get_yticklabels()] == expected


def test_around_an_image_the_middle_is_its_reconstruction(cvae, digits):
    display = LatentTraversalDisplay.from_estimator(cvae, digits[5], n_steps=5)
    reconstruction = cvae.inverse_transform(cvae.transform(digits[5:6]))[0]
    for row in display.decoded:
        np.testing.assert_allclose(row[2], reconstruction, atol=1e-6)
    assert np.abs(display.decoded[0, 0] - reconstruction).max() > 0.05


def test_rows_are_drawn_as_lines(row_cvae, digits):
    display = LatentTraversalDisplay.from_estimator(row_cvae, digits[0].ravel(), n_steps=3)
    assert display.decoded.shape == (3, 3, 64)
    assert len(display.ax_.images) == 0
    values = display.decoded[1, 2].astype(float)
    drawn = display.images_[1, 2].get_ydata()
    assert np.corrcoef(drawn, -values)[0, 1] == pytest.approx(1)


def test_rows_with_a_shape_are_drawn_as_images(row_cvae):
    lines = LatentTraversalDisplay.from_estimator(row_cvae, n_steps=2)
    images = LatentTraversalDisplay.from_estimator(row_cvae, n_steps=2, image_shape=(8, 8))
    np.testing.assert_array_equal(images.decoded, lines.decoded.reshape(3, 2, 8, 8))
    assert len(images.ax_.images) == 6


def test_codes_of_patches_show_patches_in_color(rng):
    picture = rng.random((12, 12, 3))
    coder = CVAETransformer(3, hidden_layer_sizes=(8,), max_iter=2, random_state=0)
    patches = PatchTransformer(coder, patch_size=4, max_patches=200, random_state=0).fit([picture])
    display = LatentTraversalDisplay.from_estimator(patches, picture[:4, :4], n_steps=3)
    codes = patches.transform([picture[:4, :4]])
    np.testing.assert_allclose(display.decoded[0, 1].clip(0, 1), patches.inverse_transform(codes)[0], atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"components": [4]}, r"components=\[4\]; expected a list of coordinates from 0 to 3"),
        ({"components": [-1]}, "from 0 to 3"),
        ({"components": []}, "or None for the most active"),
        ({"components": 1}, "expected a list"),
        ({"components": [0.5]}, "expected a list"),
        ({"n_components": 0}, "n_components=0; expected an integer of at least 1"),
        ({"n_steps": 2.5}, "n_steps=2.5; expected an integer"),
        ({"limits": (1,)}, "expected two numbers"),
        ({"limits": (0, np.inf)}, "expected two numbers"),
        ({"image": np.zeros((7, 8))}, r"image has shape \(7, 8\), 56 values; expected one of 64"),
    ],
)
def test_what_is_out_of_range_is_refused(cvae, arguments, message):
    with pytest.raises(ValueError, match=message):
        LatentTraversalDisplay.from_estimator(cvae, **arguments)
    assert plt.get_fignums() == []
