"""Where images lie in the space of codes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.manifold import MDS

from skisp import CVAETransformer
from skisp.inspection import LatentMapDisplay
from skisp.inspection._latent_map import without_overlap


def test_codes_of_more_than_two_numbers_are_projected_by_pca(cvae, digits):
    display = LatentMapDisplay.from_estimator(cvae, digits)
    expected = PCA(2, svd_solver="full").fit_transform(cvae.transform(digits))
    np.testing.assert_allclose(display.positions, expected, atol=1e-6)
    np.testing.assert_array_equal(display.points_.get_offsets(), display.positions)
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("PCA 0", "PCA 1")


def test_two_codes_are_the_map(digits):
    cvae = CVAETransformer(2, hidden_layer_sizes=(4,), max_iter=1, random_state=0).fit(digits)
    display = LatentMapDisplay.from_estimator(cvae, digits)
    np.testing.assert_array_equal(display.positions, cvae.transform(digits))
    assert display.axis_names == ("code 0", "code 1")


def test_a_fitted_projection_is_used_as_it_is(cvae, digits):
    projection = PCA(2).fit(cvae.transform(digits[:40]))
    display = LatentMapDisplay.from_estimator(cvae, digits, projection=projection)
    np.testing.assert_array_equal(display.positions, projection.transform(cvae.transform(digits)))


def test_an_unfitted_projection_is_left_unfitted_and_may_have_no_transform(cvae, digits):
    projection = MDS(2, random_state=0, n_init=1, init="random", max_iter=5)
    display = LatentMapDisplay.from_estimator(cvae, digits[:20], projection=projection)
    assert display.positions.shape == (20, 2)
    assert not hasattr(projection, "embedding_")


@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(-5, 5)), min_size=1, max_size=30), st.floats(0.01, 4))
def test_squares_do_not_overlap_and_none_is_left_out_that_would_not(points, side):
    positions = np.array(points)
    taken = without_overlap(positions, side)
    distances = np.abs(positions[:, None] - positions).max(axis=-1)
    assert (distances[np.ix_(taken, taken)][~np.eye(len(taken), dtype=bool)] >= side).all()
    left_out = np.setdiff1d(np.arange(len(points)), taken)
    assert (distances[left_out][:, taken].min(axis=1, initial=np.inf) < side).all()


def test_thumbnails_show_their_images_centred_on_their_points_without_overlap(cvae, digits):
    display = LatentMapDisplay.from_estimator(cvae, digits)
    extents = np.array([image.get_extent() for image in display.images_])
    for image, extent, i in zip(display.images_, extents, display.shown_, strict=True):
        np.testing.assert_array_equal(image.get_array(), digits[i])
        centre = (extent[0] + extent[1]) / 2, (extent[2] + extent[3]) / 2
        np.testing.assert_allclose(centre, display.positions[i], atol=1e-9)
        assert extent[2] < extent[3]  # y grows upwards, and the image stands upright
    left, right, low, high = extents.T
    apart = (right[:, None] <= left) | (left[:, None] >= right) | (high[:, None] <= low) | (low[:, None] >= high)
    assert (apart | np.eye(len(extents), dtype=bool)).all()
    assert 5 < len(extents) < len(digits)


def test_thumbnails_keep_their_shape_and_lie_within_the_axes(rng):
    display = LatentMapDisplay(positions=rng.random((30, 2)), images=rng.random((30, 4, 6, 3))).plot()
    display.figure_.canvas.draw()
    for image in display.images_:
        box = image.get_window_extent()
        assert box.width / box.height == pytest.approx(6 / 4)
        assert display.ax_.bbox.x0 <= box.x0 < box.x1 <= display.ax_.bbox.x1
        assert display.ax_.bbox.y0 <= box.y0 < box.y1 <= display.ax_.bbox.y1


def test_the_number_and_size_of_thumbnails_can_be_chosen(cvae, digits):
    display = LatentMapDisplay.from_estimator(cvae, digits, n_thumbnails=3, thumbnail_size=0.1)
    left, right, *_ = display.images_[0].get_extent()
    assert len(display.images_) == 3
    assert right - left == pytest.approx(0.1 * np.ptp(display.positions, axis=0).max())
    assert display.plot(n_thumbnails=0).images_ == []


def test_classes_have_a_color_each_in_points_frames_and_legend(cvae, digits, classes):
    display = LatentMapDisplay.from_estimator(cvae, digits, classes)
    colors = [tuple(points.get_facecolor()[0][:3]) for points in display.points_]
    assert len(set(colors)) == 10
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == [str(i) for i in range(10)]
    for points, name in zip(display.points_, range(10), strict=True):
        np.testing.assert_array_equal(points.get_offsets(), display.positions[classes == name])
    frames = [tuple(frame.get_edgecolor()[:3]) for frame in display.ax_.patches]
    assert frames == [colors[classes[i]] for i in display.shown_]


def test_values_have_a_color_bar(cvae, digits):
    display = LatentMapDisplay.from_estimator(cvae, digits, digits.mean(axis=(1, 2)))
    assert display.colorbar_ is not None
    assert display.ax_.get_legend() is None
    np.testing.assert_array_equal(display.points_.get_array(), digits.mean(axis=(1, 2)))


def test_rows_without_a_shape_are_points_only(row_cvae, digits):
    rows = digits.reshape(-1, 64)
    assert LatentMapDisplay.from_estimator(row_cvae, rows).images_ == []
    display = LatentMapDisplay.from_estimator(row_cvae, rows, image_shape=(8, 8))
    np.testing.assert_array_equal(display.images_[0].get_array(), digits[display.shown_[0]])


def test_samples_at_one_place_are_no_error(digits):
    display = LatentMapDisplay(positions=np.zeros((3, 2)), images=digits[:3]).plot()
    display.figure_.canvas.draw()
    assert display.shown_.tolist() == [0]


def test_what_has_no_map_is_refused(cvae, style, photograph, digits, classes):
    narrow = CVAETransformer(1, hidden_layer_sizes=(4,), max_iter=1, random_state=0).fit(digits)
    with pytest.raises(ValueError, match="codes have 1 component; a map needs two"):
        LatentMapDisplay.from_estimator(narrow, digits)
    with pytest.raises(ValueError, match="gives a field of codes for every image"):
        LatentMapDisplay.from_estimator(style, [photograph])
    with pytest.raises(ValueError, match=r"projection gives shape \(120, 3\); expected \(120, 2\)"):
        LatentMapDisplay.from_estimator(cvae, digits, projection=PCA(3))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        LatentMapDisplay.from_estimator(cvae, digits, classes[:5])
    with pytest.raises(ValueError, match="thumbnail_size=0; expected a share"):
        LatentMapDisplay.from_estimator(cvae, digits, thumbnail_size=0)
    with pytest.raises(ValueError, match="y names 21 classes; expected at most 20"):
        LatentMapDisplay(positions=np.zeros((21, 2)), y=[f"class {i}" for i in range(21)]).plot()
