"""What every figure has in common: the images it takes, its range, its repeatability."""

import inspect

import numpy as np
import pytest
import threadpoolctl
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from skisp import metrics
from skisp.metrics._working import as_rgb, resize, working_images

PAIRED = {
    "color_distance": (0, np.sqrt(3)),
    "content_similarity": (0, 1),
    "frechet_style_distance": (0, np.inf),
    "gradient_correlation": (-1, 1),
    "random_gram_distance": (0, 1),
    "self_similarity_distance": (0, 2),
    "structure_kept": (0, 1),
    "structure_similarity": (-1, 1),
    "style_distance": (0, np.inf),
}
SCORES = {"propagation_score": (0, 1), "redrawn_share": (0, 1), "style_content_f": (0, 1)}
LAYOUTS = [(), (1,), (2,), (3,), (4,)]


def _picture(rng, height, width, channels, dtype):
    values = rng.random((height, width, *channels)) * rng.choice([0.0, 0.3, 1.0])
    return np.rint(255 * values).astype(np.uint8) if dtype == np.uint8 else values.astype(dtype)


@st.composite
def pictures(draw):
    height, width = draw(st.integers(16, 40)), draw(st.integers(16, 40))
    dtype = draw(st.sampled_from([np.uint8, np.float32, np.float64]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return _picture(rng, height, width, draw(st.sampled_from(LAYOUTS)), dtype)


def test_every_figure_is_covered_here():
    assert {*PAIRED, *SCORES, "PropagationScorer", "propagation_report", "trivial_answers"} == set(metrics.__all__)


@settings(max_examples=20, deadline=None)
@given(pictures(), pictures())
def test_paired_figures_are_finite_and_in_range(a, b):
    for name, (low, high) in PAIRED.items():
        figure = getattr(metrics, name)(a, b)
        assert isinstance(figure, float)
        assert np.isfinite(figure), name
        assert low <= figure <= high, name


@settings(max_examples=20, deadline=None)
@given(pictures(), pictures(), pictures())
def test_scores_are_finite_and_in_range(content, style, result):
    report = metrics.propagation_report(content, style, result)
    assert all(0.0 <= value <= 1.0 for value in report.values()), report
    assert 0.0 <= metrics.style_content_f(content, style, result) <= 1.0


@settings(max_examples=10, deadline=None)
@given(pictures(), pictures())
def test_trivial_answers_are_images(content, style):
    for name, image in metrics.trivial_answers(content, style).items():
        assert image.shape == (*content.shape[:2], 3), name
        assert ((image >= 0) & (image <= 1)).all(), name


@pytest.mark.parametrize("channels", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_every_layout_measures_as_its_rgb_version(channels, dtype):
    rng = np.random.default_rng(0)
    image, other = (_picture(rng, 24, 30, channels, dtype) for _ in range(2))
    rgb, other_rgb = as_rgb(image, "a"), as_rgb(other, "b")
    assert rgb.shape == (24, 30, 3)
    for name in PAIRED:
        figure = getattr(metrics, name)
        assert figure(image, other) == pytest.approx(figure(rgb, other_rgb)), name


@pytest.mark.parametrize("name", [*PAIRED, *SCORES])
def test_figures_repeat_and_leave_random_state_and_inputs_alone(name):
    rng = np.random.default_rng(0)
    figure = getattr(metrics, name)
    images = [rng.random((20, 24, 3), dtype=np.float32) for _ in range(2 if name in PAIRED else 3)]
    copies = [image.copy() for image in images]
    for image in images:
        image.flags.writeable = False
    states = np.random.get_state()[1].copy(), torch.get_rng_state(), torch.get_num_threads()
    assert figure(*images) == figure(*images)
    np.testing.assert_array_equal(states[0], np.random.get_state()[1])
    assert torch.equal(states[1], torch.get_rng_state())
    assert states[2] == torch.get_num_threads()
    for image, copy in zip(images, copies, strict=True):
        np.testing.assert_array_equal(image, copy)


@pytest.mark.parametrize("name", [*PAIRED, *SCORES])
def test_bits_do_not_depend_on_the_number_of_threads(name, set_threads):
    figure, rng = getattr(metrics, name), np.random.default_rng(0)
    images = [resize(rng.random((24, 40, 3), dtype=np.float32), (200, 300)) for _ in range(2 if name in PAIRED else 3)]
    figures = []
    for n_threads in (1, 2):
        set_threads(n_threads)
        with threadpoolctl.threadpool_limits(n_threads):
            figures.append(figure(*images))
    assert figures[0] == figures[1]


@pytest.mark.parametrize("name", [*PAIRED, *SCORES, "propagation_report", "trivial_answers"])
def test_small_images_are_refused_by_name(name):
    figure = getattr(metrics, name)
    arguments = [p.name for p in inspect.signature(figure).parameters.values() if p.name in "content style result"]
    for small in arguments:
        images = {n: np.zeros((15, 40) if n == small else (40, 40)) for n in arguments}
        with pytest.raises(ValueError, match=rf"{small} is 15x40 px; .* at least 16 px .*Enlarge"):
            figure(**images)


def test_batches_are_refused():
    with pytest.raises(ValueError, match=r"style has shape \(2, 20, 20, 3\)"):
        metrics.style_distance(np.zeros((2, 20, 20, 3)), np.zeros((20, 20, 3)))


def test_working_images_have_a_common_short_side_of_at_most_256():
    shapes = {"a": (300, 600, 3), "b": (512, 400), "c": (1000, 260, 4)}
    images = working_images(**{name: np.zeros(shape) for name, shape in shapes.items()})
    assert [image.shape for image in images] == [(256, 512, 3), (328, 256, 3), (985, 256, 3)]
    images = working_images(a=np.zeros((300, 600)), b=np.zeros((32, 40)))
    assert [image.shape for image in images] == [(32, 64, 3), (32, 40, 3)]


def test_resize_keeps_means_and_the_unit_interval():
    image = np.random.default_rng(0).random((64, 48, 3), dtype=np.float32)
    reduced = resize(image, (32, 24))
    np.testing.assert_allclose(reduced.mean(axis=(0, 1)), image.mean(axis=(0, 1)), atol=5e-3)
    assert ((reduced >= 0) & (reduced <= 1)).all()
    assert resize(image, (64, 48)) is image


def test_resolution_hardly_matters():
    rng = np.random.default_rng(0)
    large = [resize(rng.random((n, n, 3), dtype=np.float32), (512, 512)) for n in (60, 90)]
    small = [resize(image, (256, 256)) for image in large]
    for name in PAIRED:
        figure = getattr(metrics, name)
        assert figure(*large) == pytest.approx(figure(*small), abs=1e-6), name
        assert figure(large[0], small[1]) == pytest.approx(figure(*small), abs=1e-6), name
