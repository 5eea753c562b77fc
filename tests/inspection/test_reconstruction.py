"""What a code keeps of an image."""

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skisp.inspection import ReconstructionDisplay


def shown(display):
    return np.array([[image.get_array() for image in row] for row in display.images_])


def test_above_are_the_originals_and_below_what_their_codes_decode_to(cvae, digits):
    display = ReconstructionDisplay.from_estimator(cvae, digits, n_samples=4)
    decoded = cvae.inverse_transform(cvae.transform(digits[:4]))
    np.testing.assert_array_equal(shown(display)[0], digits[:4])
    np.testing.assert_array_equal(shown(display)[1], decoded.clip(0, 1))
    assert (display.images_[0, 0].get_extent()[2]) <= display.images_[1, 0].get_extent()[3]


def test_a_transformer_of_rows_gets_images_as_rows(digits):
    rows = digits.reshape(-1, 64)
    pca = PCA(5, random_state=0).fit(rows)
    decoded = pca.inverse_transform(pca.transform(rows[:3])).reshape(3, 8, 8)
    for display in (
        ReconstructionDisplay.from_estimator(pca, digits, n_samples=3),
        ReconstructionDisplay.from_estimator(pca, rows, n_samples=3, image_shape=(8, 8)),
        ReconstructionDisplay.from_estimator(make_pipeline(pca), digits, n_samples=3),
    ):
        np.testing.assert_array_equal(shown(display)[1], decoded.clip(0, 1))


def test_errors_are_root_mean_squares_of_each_sample(cvae, digits):
    display = ReconstructionDisplay.from_estimator(cvae, digits, n_samples=4)
    difference = digits[:4] - cvae.inverse_transform(cvae.transform(digits[:4]))
    np.testing.assert_allclose(display.errors_, np.sqrt((difference**2).mean(axis=(1, 2))), rtol=1e-12)
    assert [text.get_text() for text in display.ax_.get_xticklabels()] == [f"{e:#.3g}" for e in display.errors_]


def test_errors_of_integers_do_not_wrap_around():
    images = np.array([[[0]], [[255]]], dtype=np.uint8)
    display = ReconstructionDisplay(originals=images, reconstructions=images[::-1]).plot()
    np.testing.assert_array_equal(display.errors_, [255, 255])


def test_given_errors_are_shown():
    display = ReconstructionDisplay(originals=[np.eye(2)], reconstructions=[np.eye(2)], errors=[0.25]).plot()
    assert [text.get_text() for text in display.ax_.get_xticklabels()] == ["0.250"]


def test_rows_are_drawn_as_lines_over_their_originals(digits):
    rows = pd.DataFrame(digits.reshape(-1, 64)).add_prefix("pixel ")
    pipeline = make_pipeline(StandardScaler(), PCA(5, random_state=0)).fit(rows)
    display = ReconstructionDisplay.from_estimator(pipeline, rows, n_samples=2)
    assert display.originals.shape == display.reconstructions.shape == (2, 64)
    assert len(display.ax_.lines) == 6
    drawn = display.images_[1, 1].get_ydata()
    assert np.corrcoef(drawn, -display.reconstructions[1])[0, 1] == pytest.approx(1)


def test_pictures_of_any_size_and_their_patches(style, photograph):
    images = [photograph, photograph[:20, :30]]
    display = ReconstructionDisplay.from_estimator(style, images)
    floats = [np.float32(image / 255) for image in images]
    decoded = style.inverse_transform(style.transform(images))
    for column in (0, 1):
        np.testing.assert_allclose(display.images_[0, column].get_array(), floats[column], atol=1e-7)
        np.testing.assert_allclose(display.images_[1, column].get_array(), decoded[column], atol=1e-7)
    expected = [np.sqrt(((one - other) ** 2).mean()) for one, other in zip(floats, decoded, strict=True)]
    np.testing.assert_allclose(display.errors_, expected, rtol=1e-5)


def test_the_lower_row_has_a_name(cvae, digits):
    for name, expected in ((None, "CVAETransformer"), ("mine", "mine")):
        display = ReconstructionDisplay.from_estimator(cvae, digits, n_samples=2, name=name)
        assert [text.get_text() for text in display.ax_.get_yticklabels()] == ["original", expected]


def test_a_number_that_is_none_is_refused(cvae, digits):
    with pytest.raises(ValueError, match="n_samples=0; expected an integer of at least 1"):
        ReconstructionDisplay.from_estimator(cvae, digits, n_samples=0)
