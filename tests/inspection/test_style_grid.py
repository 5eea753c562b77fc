"""Contents by styles."""

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator

from skisp import PatchTransformer, StylePropagator
from skisp.datasets import make_style_image
from skisp.inspection import StyleGridDisplay


@pytest.fixture(scope="module")
def contents(photograph):
    return [photograph[::3, ::3], photograph[:20, :20]]


def test_each_picture_is_the_content_of_its_column_in_the_style_of_its_row(propagator, contents, style):
    other = PatchTransformer(PCA(3), patch_size=5, max_patches=500, random_state=0)
    other.fit([make_style_image("waves", size=24, random_state=0)])
    propagators = {
        "glass": propagator,
        "waves": StylePropagator(style=FrozenEstimator(other), random_state=0).fit(contents),
    }
    display = StyleGridDisplay.from_estimator(propagators, contents, content_names=["a", "b"])
    assert display.images_.shape == (3, 3)
    assert display.images_[0, 0] is None
    for row, part in enumerate(propagators.values(), start=1):
        for column, picture in enumerate(part.transform(contents), start=1):
            np.testing.assert_array_equal(display.images_[row, column].get_array(), picture / 255)
    for column, content in enumerate(contents, start=1):
        np.testing.assert_array_equal(display.images_[0, column].get_array(), content / 255)
    for row, part in enumerate((style, other), start=1):
        np.testing.assert_array_equal(display.images_[row, 0].get_array(), part.images_[0])
    assert [text.get_text() for text in display.ax_.get_yticklabels()] == ["", "glass", "waves"]
    assert [text.get_text() for text in display.ax_.get_xticklabels()] == ["", "a", "b"]


def test_every_cell_of_many_shows_its_own_picture():
    levels = 0.3 + np.arange(24).reshape(4, 6) / 40
    display = StyleGridDisplay(
        contents=[np.full((3, 3), 0.01 * column) for column in range(5)],
        styles=[np.full((3, 3), level) for level in levels[:, 0]],
        pictures=[[np.full((3, 3), level) for level in row[1:]] for row in levels],
    ).plot()
    shown = [[image.get_array()[0, 0] for image in row] for row in display.images_[1:]]
    np.testing.assert_allclose(shown, levels, atol=1e-6)
    lefts = [image.get_extent()[0] for image in display.images_[1]]
    tops = [row[0].get_extent()[3] for row in display.images_[1:]]
    assert sorted(lefts) == lefts
    assert sorted(tops) == tops  # y grows downwards


def test_several_styles_of_one_propagator_stand_side_by_side(style, contents):
    propagator = StylePropagator(style=[style, style], random_state=0).fit(contents)
    display = StyleGridDisplay.from_estimator([propagator], contents[:1])
    image = style.images_[0]
    np.testing.assert_array_equal(display.images_[1, 0].get_array(), np.concatenate([image, image], axis=1))


def test_rows_with_a_shape_are_shown_with_a_sample_of_the_style(row_propagator, row_cvae, digits):
    rows = digits.reshape(-1, 64)[:3]
    display = StyleGridDisplay.from_estimator(row_propagator, rows, image_shape=(8, 8))
    expected = row_propagator.transform(rows).reshape(3, 8, 8)
    for column in range(3):
        np.testing.assert_allclose(display.images_[1, column + 1].get_array(), expected[column].clip(0, 1), atol=1e-7)
    sample = row_cvae.sample(1, random_state=0).reshape(8, 8)
    np.testing.assert_allclose(display.images_[1, 0].get_array(), sample.clip(0, 1), atol=1e-7)


@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame])
def test_rows_of_the_style_are_preferred_to_a_sample(row_cvae, digits, container):
    style_rows = container(digits[60:].reshape(-1, 64))
    propagator = StylePropagator(style=FrozenEstimator(row_cvae), style_images=style_rows, random_state=0)
    propagator.fit(digits[:60].reshape(-1, 64))
    display = StyleGridDisplay.from_estimator(propagator, digits[:2])
    np.testing.assert_array_equal(display.images_[1, 0].get_array(), digits[60])


def test_a_style_of_which_nothing_is_kept_has_an_empty_cell(digits):
    rows = digits.reshape(-1, 64)
    propagator = StylePropagator(style=FrozenEstimator(PCA(4, random_state=0).fit(rows)), random_state=0).fit(rows)
    display = StyleGridDisplay.from_estimator(propagator, digits[:2])
    assert display.styles == [None]
    assert display.images_[1, 0] is None
    assert display.images_[1, 2] is not None


def test_what_cannot_be_shown_is_refused(propagator, row_propagator, digits, photograph):
    with pytest.raises(ValueError, match="given no propagator; expected at least one"):
        StyleGridDisplay.from_estimator([], [photograph])
    with pytest.raises(ValueError, match=r"rows of 64 values, which have no shape to show; give image_shape"):
        StyleGridDisplay.from_estimator(row_propagator, digits.reshape(-1, 64))
    with pytest.raises(ValueError, match=r"looks like a single image .*: \[image\]"):
        StyleGridDisplay.from_estimator(propagator, photograph, n_contents=3)
    with pytest.raises(ValueError, match="n_contents=0; expected an integer of at least 1"):
        StyleGridDisplay.from_estimator(propagator, [photograph], n_contents=0)
