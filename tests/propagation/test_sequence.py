"""Sequences of frames: what flickers, what stays, and what comes out."""

import numpy as np
import PIL.Image
import pytest
from scipy.ndimage import laplace
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator

from skisp import PatchTransformer, StylePropagator
from skisp.datasets import load_photograph, make_style_image


@pytest.fixture(scope="module")
def style():
    return FrozenEstimator(
        PatchTransformer(PCA(8), patch_size=7, random_state=0).fit(
            [make_style_image("stained_glass", size=96, random_state=0)]
        )
    )


@pytest.fixture(scope="module")
def photograph():
    return load_photograph("china", size=150)


@pytest.fixture
def noisy(rng):
    def add(image):
        return (image + rng.normal(0, 4, image.shape)).clip(0, 255).round().astype(np.uint8)

    return add


def make_propagator(style, **parameters):
    return StylePropagator(style=style, random_state=0, **parameters)


def flicker(pictures, step=0):
    """Mean difference of neighbouring pictures, the later one moved back by ``step`` columns."""
    pictures = np.asarray(pictures, dtype=float)
    width = pictures.shape[2] - step
    return np.abs(pictures[:-1, :, step:] - pictures[1:, :, :width]).mean()


def test_a_still_clip_with_noise_flickers_at_most_a_third_as_much(style, photograph, noisy):
    frames = np.stack([noisy(photograph[:, :120]) for _ in range(4)])
    propagator = make_propagator(style).fit(frames[:1])
    assert flicker(propagator.propagate_sequence(frames)) < flicker(propagator.transform(frames)) / 3


def test_a_panning_clip_flickers_at_most_a_third_as_much_along_with_its_motion(style, photograph, noisy):
    frames = np.stack([noisy(photograph[:, 3 * i : 3 * i + 100]) for i in range(4)])
    propagator = make_propagator(style).fit(frames[:1])
    assert flicker(propagator.propagate_sequence(frames), 3) < flicker(propagator.transform(frames), 3) / 3


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["panned", "zoomed"])
def test_a_long_film_stays_as_sharp_as_its_frames_drawn_alone_and_keeps_the_contrast_of_the_first(kind):
    photograph = load_photograph("china", size=180)
    frames = {
        "panned": [photograph[:90, 2 * i : 2 * i + 90] for i in range(24)],
        "zoomed": [np.asarray(PIL.Image.fromarray(photograph).resize((90, 72), 2, zoom(i))) for i in range(24)],
    }[kind]
    paint = make_style_image("brush_strokes", size=144, random_state=0)
    propagator = make_propagator(PatchTransformer(PCA(8), random_state=0), style_images=[paint]).fit(frames[:1])
    film = propagator.propagate_sequence(frames)
    for i in (12, 23):
        alone = propagator.transform([frames[i]])[0]
        assert sharpness(film[i]) == pytest.approx(sharpness(alone), rel=0.1)
        if kind != "panned":  # another part of a scene has a contrast of its own
            assert film[i].std() == pytest.approx(film[0].std(), rel=0.05)


def zoom(i):
    """The part of the photograph that the i-th frame of a zoom shows, as Pillow's box."""
    return (0.375 * i, 0.3 * i, 135 - 0.375 * i, 108 - 0.3 * i)


def sharpness(picture):
    """Standard deviation of the Laplacian."""
    return np.mean([laplace(channel.astype(float)).std() for channel in np.moveaxis(picture, 2, 0)])


def test_the_first_frame_is_redrawn_as_an_image_is(style, photograph):
    frames = [photograph[:, i : i + 90] for i in range(2)]
    propagator = make_propagator(style).fit(frames[:1])
    np.testing.assert_array_equal(propagator.propagate_sequence(frames)[0], propagator.transform(frames[:1])[0])


def test_after_a_cut_the_synthesis_begins_anew(style, photograph):
    before, after = photograph[:, :100], load_photograph("flower", size=150)[: photograph.shape[0], :100]
    propagator = make_propagator(style).fit([before])
    pictures = propagator.propagate_sequence([before, after])
    np.testing.assert_array_equal(pictures[1], propagator.transform([after])[0])


@pytest.mark.parametrize("kind", ["array", "list", "generator"])
def test_frames_come_back_in_the_container_they_came_in(style, photograph, kind):
    frames = np.stack([photograph[:, i : i + 60] for i in range(3)])
    given = {"array": frames, "list": list(frames), "generator": (frame for frame in frames)}[kind]
    propagator = make_propagator(style).fit(frames[:1])
    pictures = propagator.propagate_sequence(given)
    assert isinstance(pictures, {"array": np.ndarray, "list": list}.get(kind, type(given)))
    pictures = list(pictures)
    assert all(picture.shape == frames[0].shape and picture.dtype == np.uint8 for picture in pictures)
    np.testing.assert_array_equal(pictures, propagator.propagate_sequence(frames))


def test_an_iterator_is_read_frame_by_frame(style, photograph):
    read = []

    def film():
        for i in range(5):
            read.append(i)
            yield photograph[:, i : i + 60]

    pictures = make_propagator(style).fit([photograph]).propagate_sequence(film())
    next(pictures)
    assert read == [0]
    next(pictures)
    assert read == [0, 1]


def test_without_strength_the_frames_come_back(style, photograph):
    frames = np.stack([photograph[:, i : i + 60] for i in range(2)])
    pictures = make_propagator(style, strength=0.0).fit(frames).propagate_sequence(frames)
    np.testing.assert_array_equal(pictures, frames)


def test_colours_alone_are_changed_alike_in_all_frames(style, photograph):
    """A pixel of one colour gets one colour, whatever else its frame shows."""
    frames = np.stack([photograph[:, i : i + 60] for i in (0, 30)])
    pictures = make_propagator(style, color="only").fit(frames).propagate_sequence(frames)
    np.testing.assert_array_equal(pictures[0][:, 30:], pictures[1][:, :30])


@pytest.mark.parametrize("lazy", [False, True])
def test_frames_of_other_sizes_are_refused_by_number(style, photograph, lazy):
    frames = [photograph, photograph, photograph[:, 1:]]
    propagator = make_propagator(style).fit([photograph])
    with pytest.raises(ValueError, match=r"Frame 2 has the shape .*use transform"):
        list(propagator.propagate_sequence(iter(frames) if lazy else frames))


def test_rows_are_no_frames():
    rows = np.random.default_rng(0).normal(size=(30, 4))
    propagator = StylePropagator(style=FrozenEstimator(PCA(2).fit(rows)), random_state=0).fit(rows)
    with pytest.raises(ValueError, match="Rows are no frames"):
        propagator.propagate_sequence(rows)
