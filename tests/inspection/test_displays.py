"""What every display promises."""

import copy
import inspect
import pickle
import sys

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from skisp import CVAETransformer, PatchTransformer, StylePropagator
from skisp import inspection as displays


def test_without_matplotlib_the_error_names_the_cure(make, monkeypatch):
    display = make()
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    for plot in (make, display.plot):
        with pytest.raises(ImportError, match=rf'{type(display).__name__}.*pip install "skisp\[plot\]"'):
            plot()


def test_from_estimator_has_plotted_on_a_figure_of_its_own(make):
    display = make()
    assert plt.get_fignums() == [display.figure_.number]
    assert display.ax_ in display.figure_.axes
    assert len(display.ax_.images) + len(display.ax_.lines) > 1
    display.figure_.canvas.draw()


def test_given_axes_are_used_and_no_figure_is_made(make, ax):
    display = make(ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert len(plt.get_fignums()) == 1
    assert display.plot(ax=ax) is display


def test_settings_of_matplotlib_stay_as_they_are(make):
    before = matplotlib.rcParams.copy()
    make()
    assert matplotlib.rcParams == before


def test_nothing_is_drawn_outside_of_the_figure(make):
    figure = make().figure_
    figure.canvas.draw()
    box = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    assert box.x0 >= -0.01
    assert box.y0 >= -0.01
    assert box.x1 <= width + 0.01
    assert box.y1 <= height + 0.01


def test_the_data_of_a_display_are_pickled_and_plotted_once_more(make):
    display = make()
    names = list(inspect.signature(type(display).__init__).parameters)[1:]
    data = pickle.loads(pickle.dumps({name: getattr(display, name) for name in names}))
    again = type(display)(**data).plot()
    assert [type(child) for child in again.ax_.get_children()] == [type(child) for child in display.ax_.get_children()]
    shown, expected = ([np.asarray(image.get_array()) for image in one.ax_.images] for one in (again, display))
    for one, other in zip(shown, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_transformers_that_give_data_frames_are_shown_alike(cvae, row_propagator, digits):
    tables = [copy.deepcopy(part).set_output(transform="pandas") for part in (cvae, row_propagator)]
    rows = digits.reshape(-1, 64)
    for make in (
        lambda cvae, _: displays.LatentTraversalDisplay.from_estimator(cvae, digits[0], n_steps=2).decoded,
        lambda cvae, _: displays.ReconstructionDisplay.from_estimator(cvae, digits[:3]).reconstructions,
        lambda cvae, _: displays.LatentMapDisplay.from_estimator(cvae, digits).positions,
        lambda _, rower: displays.StyleGridDisplay.from_estimator(rower, rows[:2], image_shape=(8, 8)).pictures,
    ):
        np.testing.assert_array_equal(make(*tables), make(cvae, row_propagator))


@pytest.mark.parametrize("name", displays.__all__)
def test_constructors_take_keywords_only_and_store_them(name):
    parameters = list(inspect.signature(getattr(displays, name).__init__).parameters.values())[1:]
    assert {parameter.kind for parameter in parameters} == {inspect.Parameter.KEYWORD_ONLY}
    values = {parameter.name: object() for parameter in parameters}
    assert vars(getattr(displays, name)(**values)) == values


@pytest.mark.parametrize(
    ("name", "estimator", "arguments"),
    [
        ("LossCurveDisplay", CVAETransformer(), ()),
        ("LossCurveDisplay", PatchTransformer(), ()),
        ("LatentTraversalDisplay", CVAETransformer(), ()),
        ("ReconstructionDisplay", CVAETransformer(), ([[0.0, 1.0]],)),
        ("LatentMapDisplay", CVAETransformer(), ([[0.0, 1.0]],)),
        ("StyleGridDisplay", StylePropagator(), ([np.zeros((9, 9))],)),
        ("PropagationStepsDisplay", StylePropagator(), (np.zeros((9, 9)),)),
    ],
)
def test_what_is_not_fitted_is_refused_and_no_figure_left(name, estimator, arguments):
    with pytest.raises(NotFittedError):
        getattr(displays, name).from_estimator(estimator, *arguments)
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    ("name", "arguments", "cure"),
    [
        ("LossCurveDisplay", (), "ReconstructionDisplay and LatentMapDisplay"),
        ("LatentTraversalDisplay", (), "ReconstructionDisplay and LatentMapDisplay"),
        ("ReconstructionDisplay", ([[0.0]],), "a PCA, or another transformer"),
        ("LatentMapDisplay", ([[0.0]],), "a PCA, or another transformer"),
        ("StyleGridDisplay", ([np.zeros((9, 9))],), r"pipeline\[-1\]"),
        ("PropagationStepsDisplay", (np.zeros((9, 9)),), r"pipeline\[-1\]"),
    ],
)
def test_estimators_of_another_kind_are_refused_with_the_cure(name, arguments, cure):
    with pytest.raises(TypeError, match=f"{name}.*str.*{cure}"):
        getattr(displays, name).from_estimator("no estimator", *arguments)
