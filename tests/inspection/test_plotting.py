"""Boxes and cells in which pictures stand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skisp.inspection._plotting import Box, CellGrid, figure_size, label_width, show, without_frame

lengths = st.floats(0.1, 50)


@given(lengths, lengths, lengths, lengths, st.integers(1, 40), st.integers(1, 40))
def test_an_image_fills_its_box_without_being_stretched(left, top, width, height, n_rows, n_columns):
    box = Box(left, top, width, height)
    west, east, south, north = box.around((n_rows, n_columns))
    assert (east - west) / (south - north) == pytest.approx(n_columns / n_rows)
    assert (west + east) / 2 == pytest.approx(left + width / 2)
    assert (north + south) / 2 == pytest.approx(top + height / 2)
    assert east - west <= width * (1 + 1e-9)
    assert south - north <= height * (1 + 1e-9)
    assert east - west == pytest.approx(width) or south - north == pytest.approx(height)


def test_cells_stand_beside_and_below_each_other_with_a_gap():
    grid = CellGrid(2, [1.0, 3.0, 2.0], gap=0.5)
    assert grid.cell(0, 0) == (0, 0, 1.0, 1.0)
    assert grid.cell(1, 2) == (5.0, 1.5, 2.0, 1.0)
    assert grid.size == (7.0, 2.5)


@given(lengths, lengths, st.floats(0.1, 5))
def test_figures_keep_to_their_largest_size_and_to_the_shape_of_what_they_hold(width, height, inches):
    across, down = figure_size(width, height, inches, (0.0, 0.0))
    assert across <= 7.0 + 1e-9
    assert down <= 9.0 + 1e-9
    if across > 1.5 and down > 1.0:
        assert across / down == pytest.approx(width / height)
        assert across / width <= inches * (1 + 1e-9)


@pytest.mark.parametrize("settings", [{}, {"image.aspect": "auto", "image.origin": "lower", "image.cmap": "viridis"}])
def test_an_image_is_shown_upright_where_its_box_is(ax, settings):
    """Whatever a user has set in matplotlib."""
    import matplotlib

    image = np.array([[0.0, 0.5], [0.25, 1.0]])
    without_frame(ax, 4, 2)
    with matplotlib.rc_context(settings):
        shown = show(ax, image, Box(1, 0, 2, 2), (0.0, 1.0))
    assert ax.get_aspect() == 1
    assert shown.get_cmap().name == "gray"
    np.testing.assert_array_equal(shown.get_array(), image)
    assert shown.get_extent() == [1, 3, 2, 0]
    assert ax.get_xlim() == (0, 4)
    assert ax.get_ylim() == (2, 0)
    assert shown.origin == "upper"


def test_lines_keep_within_their_cell_and_their_greatest_value_is_on_top(ax):
    grid = CellGrid(2, [1.0, 1.0])
    line = grid.draw_line(ax, 1, 1, np.array([0.0, 10.0, 5.0]), (0.0, 10.0))
    box = grid.cell(1, 1)
    x, y = line.get_data()
    assert np.argmin(y) == 1
    assert y[2] == pytest.approx(box.centre[1])
    assert box.left < x[0] < x[-1] < box.left + box.width
    assert box.top < min(y) < max(y) < box.top + box.height


def test_a_single_value_and_a_constant_row_are_drawn_as_a_level(ax):
    line = CellGrid(1, [1.0]).draw_line(ax, 0, 0, np.array([2.0]), (2.0, 2.0))
    assert len(line.get_xdata()) == 2
    assert np.isfinite(line.get_ydata()).all()


def test_the_width_of_labels_is_that_of_the_widest_line():
    assert label_width([]) == label_width([""]) == 0
    assert label_width(["narrow\nmuch, much wider", "x"]) == label_width(["much, much wider"])
    assert label_width(["mmmm"]) == pytest.approx(4 * label_width(["m"]), rel=0.25)
