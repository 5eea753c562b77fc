"""How the loss fell."""

import dataclasses

import numpy as np
import pytest

from skisp import CVAETransformer, PatchTransformer
from skisp.inspection import LossCurveDisplay


def test_the_curves_are_those_of_the_fit(cvae):
    display = LossCurveDisplay.from_estimator(cvae)
    np.testing.assert_array_equal(display.line_.get_ydata(), cvae.loss_curve_)
    np.testing.assert_array_equal(display.validation_line_.get_ydata(), cvae.validation_loss_curve_)
    np.testing.assert_array_equal(display.line_.get_xdata(), np.arange(1, cvae.n_iter_ + 1))
    np.testing.assert_array_equal(display.validation_line_.get_xdata(), display.line_.get_xdata())


def test_the_best_epoch_is_that_of_the_least_validation_loss():
    display = LossCurveDisplay(loss_curve=[5, 4, 3, 2], validation_loss_curve=[5.5, 4.0, 4.25, 4.0], first_epoch=11)
    assert display.plot().best_epoch_ == 12
    assert display.best_mark_.get_xydata().tolist() == [[12, 4.0]]
    assert "best epoch, 12" in [text.get_text() for text in display.ax_.get_legend().get_texts()]


def test_without_validation_there_is_no_best_epoch(row_cvae):
    display = LossCurveDisplay.from_estimator(row_cvae)
    assert display.best_epoch_ is display.validation_line_ is display.best_mark_ is None
    assert len(display.ax_.lines) == 1


def test_several_are_told_apart_by_color_and_name(cvae, row_cvae):
    first = LossCurveDisplay.from_estimator(cvae, name="images")
    second = LossCurveDisplay.from_estimator(row_cvae, name="rows", ax=first.ax_)
    assert second.ax_ is first.ax_
    assert first.line_.get_color() == first.validation_line_.get_color() == first.best_mark_.get_color()
    assert second.line_.get_color() != first.line_.get_color()
    labels = [text.get_text() for text in first.ax_.get_legend().get_texts()]
    assert labels[:2] == ["images: training", "images: validation"]
    assert labels[-1] == "rows: training"


def test_a_color_of_ones_own_is_that_of_all_lines(cvae):
    display = LossCurveDisplay.from_estimator(cvae, color="black", linewidth=3)
    assert display.validation_line_.get_color() == display.best_mark_.get_color() == "black"
    assert display.validation_line_.get_linewidth() == 3


def test_epochs_of_calls_before_are_counted(digits):
    cvae = CVAETransformer(2, hidden_layer_sizes=(4,), max_iter=2, warm_start=True, random_state=0).fit(digits)
    cvae.set_params(early_stopping=True, max_iter=3).fit(digits)
    display = LossCurveDisplay.from_estimator(cvae)
    assert display.line_.get_xdata().tolist() == [1, 2, 3, 4, 5]
    assert display.validation_line_.get_xdata().tolist() == [3, 4, 5]
    np.testing.assert_array_equal(display.validation_line_.get_ydata(), cvae.validation_loss_curve_)


def test_a_curve_whose_beginning_was_dropped_has_the_numbers_of_its_epochs(row_cvae, monkeypatch):
    monkeypatch.setattr(row_cvae, "fitted_", dataclasses.replace(row_cvae.fitted_, n_iter=12))
    assert LossCurveDisplay.from_estimator(row_cvae).line_.get_xdata().tolist() == [11, 12]


def test_patches_show_the_curve_of_their_cvae(digits):
    patches = PatchTransformer(
        CVAETransformer(2, hidden_layer_sizes=(4,), max_iter=2, random_state=0), patch_size=3, max_patches=100
    ).fit(digits[:3])
    display = LossCurveDisplay.from_estimator(patches)
    assert display.loss_curve == patches.transformer_.loss_curve_


def test_patches_of_another_transformer_are_refused(style):
    with pytest.raises(TypeError, match="a PatchTransformer of one, got PCA"):
        LossCurveDisplay.from_estimator(style)
