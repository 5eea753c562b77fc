"""How tested pieces are put together: who gets which value, and in which direction each parameter acts."""

from collections import Counter

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.preprocessing import FunctionTransformer

from skisp import CVAETransformer, PatchTransformer, StylePropagator
from skisp._math.affine import AffineMap
from skisp._tensors import resize
from skisp.datasets import load_photograph, make_style_image
from skisp.metrics import content_similarity
from skisp.propagation._patch_codec import JointCodec, PatchCodec
from skisp.propagation._steps import propagation_steps
from skisp.propagation.synthesis import _postprocess, _sequence
from skisp.propagation.synthesis._content import Content, structure_map
from skisp.propagation.synthesis._field import FieldSearch
from skisp.propagation.synthesis._patches import extract_patches
from skisp.propagation.synthesis._pyramid import laplacian_pyramid
from skisp.propagation.synthesis._raster import RowStore
from skisp.propagation.synthesis._settings import SynthesisSettings
from skisp.propagation.synthesis._style_model import StyleModel
from skisp.propagation.synthesis._synthesis import Synthesis

from ._coders import KeepingRows


def noise(height, width, seed=0):
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))


def model_of(image, transformer=None):
    """A style of one image, of patches at every pixel; without a transformer codes are the patches themselves."""
    transformer = transformer or FunctionTransformer()
    n_components = transformer.transform(np.zeros((1, 48), dtype=np.float32)).shape[1]
    codec = JointCodec([PatchCodec(transformer, np.eye(n_components, dtype=np.float32))], [1.0])
    return StyleModel([[image]], [1.0], 4, codec, None, AffineMap.identity(n_components).to_arrays())


def settings_of(**parameters):
    return SynthesisSettings.of(StylePropagator(**parameters))


def synthesis_of(image, style, **parameters):
    settings = settings_of(**parameters)
    level = Content.of(image, style).level(min(image.shape[1:]), style, settings)
    return Synthesis(level, style.coder, settings, torch.Generator().manual_seed(0))


# The search and its first field.


def test_in_one_sweep_every_position_looks_at_its_neighbours():
    """Three of four positions are wrong; all that is missing is what a neighbour's match tells."""
    image = noise(30, 34)
    synthesis = synthesis_of(image, model_of(image))
    exemplar, grid = synthesis.level.exemplar, synthesis.level.grid
    margin, (height, width) = grid.margin, exemplar.shape
    identity = torch.arange(height * width).reshape(height, width)
    field = torch.zeros(grid.shape, dtype=torch.long)
    inside = field[margin : margin + height, margin : margin + width]
    inside[::2, ::2] = identity[::2, ::2]
    queries = grid.map(lambda patches: patches, image)
    search = FieldSearch(
        queries, torch.zeros(len(exemplar)), exemplar, grid, torch.zeros(len(queries)), torch.Generator().manual_seed(0)
    )
    found = search.improve(field.flatten(), n_samples=1, n_sweeps=1).reshape(grid.shape)
    assert torch.equal(found[margin : margin + height - 1, margin : margin + width - 1], identity[:-1, :-1])


def test_the_first_field_takes_more_of_the_style_than_the_nearest_patches_are():
    """Content of other patches than the style's crowds at a few of them; optimal transport spreads it."""
    style = model_of(noise(30, 34))
    synthesis = synthesis_of(0.5 + 0.2 * (noise(30, 34, seed=5) - 0.5), style)
    codes = synthesis.level.exemplar.codes.numpy()
    nearest = cKDTree(codes).query(synthesis.level.target.numpy())[1]
    assert max(Counter(synthesis.matches.tolist()).values()) < 0.5 * max(Counter(nearest.tolist()).values())
    assert len(set(synthesis.matches.tolist())) > 1.2 * len(set(nearest.tolist()))


def test_structure_is_a_share_however_strong_a_single_edge_is():
    """A faint texture, and one edge many times as strong as most of it."""
    image = 0.3 + 0.02 * noise(40, 44)
    image[:, 20, 10:14] = 1.0
    structure = structure_map(image)
    assert float(structure.max()) == 1.0
    assert 0 < float(structure.min()) < float(structure.median()) < 1


# Frames of a film.


@pytest.fixture(scope="module")
def film():
    photograph = load_photograph("china", size=80)
    return np.stack([photograph[:, i : i + 60] for i in (0, 2, 4)])


def test_the_noise_of_generated_patches_is_that_of_the_first_frame():
    image = noise(30, 34)
    rows = extract_patches(image, 4).numpy()
    cvae = CVAETransformer(4, hidden_layer_sizes=(8,), max_iter=1, random_state=0).fit(rows)
    synthesis = synthesis_of(image, model_of(image, cvae), adaptation=0.0)
    pictures = [synthesis.render(synthesis.level.grid.size, None).whole()]
    for _ in range(2):
        synthesis.warp(synthesis.level, torch.zeros(2, 30, 34))
        pictures.append(synthesis.render(synthesis.level.grid.size, None).whole())
        assert float((synthesis.vote() - pictures[-1]).abs().max()) > 0.01  # there is noise
    assert torch.equal(pictures[0], pictures[1])
    assert torch.equal(pictures[0], pictures[2])


def test_bands_of_a_frame_are_matched_as_those_of_the_last_but_for_a_tenth(pca_style, film, monkeypatch):
    given, gave, original = [], [], _postprocess.match_bands

    def spy(picture, wanted, match, adapted):
        assert adapted == 0.1
        result = original(picture, wanted, match, adapted)
        given.append(match)
        gave.append(result[1])
        return result

    monkeypatch.setattr(_postprocess, "match_bands", spy)
    propagator = StylePropagator(style=pca_style, random_state=0).fit(film[:1])
    propagator.propagate_sequence(film)
    assert given[0] is None
    assert all(match is last for match, last in zip(given[1:], gave[:-1], strict=True))
    assert len(given) == len(film)
    propagator.transform(film[:2])
    assert given[-2:] == [None, None]  # images that are no film have each their own


@pytest.mark.parametrize("shift", [0.0, 2.0])
def test_nine_tenths_of_the_last_picture_stay_where_the_film_shows_the_same(pca_style, film, monkeypatch, shift):
    """In between by the share of the same; the last picture is moved along, and the new one is what is drawn."""
    drawn, same = [], torch.linspace(0, 1, 60).expand(1, film.shape[1], 60)

    def spy(*arguments):
        picture, match = _postprocess.postprocess(*arguments)
        drawn.append(picture.whole())
        return picture, match

    def flow(previous, current):
        return torch.stack([torch.zeros(current.shape[1:]), torch.full(current.shape[1:], shift)])

    for name, function in (
        ("postprocess", spy),
        ("optical_flow", flow),
        ("agreement", lambda *_: same),
        ("sharpened", lambda own, _: own),
    ):
        monkeypatch.setattr(_sequence, name, function)
    propagator = StylePropagator(style=pca_style, random_state=0).fit(film[:1])
    sequence = propagator.propagation_.sequence(propagator._settings())
    for _ in propagator.propagation_.redraw_film(list(film[:2]), propagator._settings(), sequence):
        pass
    first, second = (picture.numpy() for picture in drawn)
    moved = np.take(first, np.clip(np.arange(60) + int(shift), 0, 59), axis=2)  # what is at x was at x + shift
    kept = 0.9 * same.numpy()
    np.testing.assert_allclose(sequence.state()["picture"], kept * moved + (1 - kept) * second, atol=1e-4)


@pytest.mark.parametrize(("share", "begins_anew"), [(0.39, True), (0.41, False)])
def test_a_film_begins_anew_where_two_fifths_of_a_frame_are_not_the_same(
    pca_style, film, monkeypatch, share, begins_anew
):
    begun, first = [], _sequence.SequenceRedraw._first
    monkeypatch.setattr(_sequence.SequenceRedraw, "_first", lambda own, image: (begun.append(1), first(own, image))[1])
    monkeypatch.setattr(_sequence, "agreement", lambda _, image, __: torch.full((1, *image.shape[1:]), share))
    StylePropagator(style=pca_style, random_state=0).fit(film[:1]).propagate_sequence(film[:2])
    assert len(begun) == 1 + begins_anew


def test_colours_and_structure_of_all_frames_are_measured_on_the_first(pca_style, film, monkeypatch):
    given, of = [], Content.of
    monkeypatch.setattr(Content, "of", lambda *arguments: given.append(arguments[2:]) or of(*arguments))
    StylePropagator(style=pca_style, random_state=0).fit(film[:1]).propagate_sequence(film)
    assert given[0] == ()
    assert given[1] == given[2] != ()
    assert given[1][0] is given[2][0]


# Contrast after the synthesis.


def deviation_of_bands(image):
    return np.array([float(band.std()) for band in laplacian_pyramid(image)[0]])


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_the_contrast_is_that_of_the_style_as_large_as_its_strokes(scale):
    """Noise loses contrast where it is reduced: not so where the strokes are to be large."""
    style = model_of(noise(96, 96))
    content = Content.of(torch.full((3, 48, 48), 0.5), style)
    at_scale = resize(noise(96, 96), (round(48 * scale), round(48 * scale)))
    wanted, plain = (deviation_of_bands(image)[0] for image in (at_scale, noise(48, 48, seed=1)))
    # A little off, so that no limit of how much may be changed plays a part.
    picture = 0.5 + 0.8 * (wanted / plain) * (noise(48, 48, seed=1) - 0.5)
    settings = settings_of(style_scale=scale, content_weight=0.0)
    result = _postprocess.postprocess(RowStore.copy_of(picture), content, style, settings)[0].whole()
    assert deviation_of_bands(result)[0] == pytest.approx(wanted, rel=0.12)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_bands_contrast_does_not_go_to_zero_where_the_style_is_faint(channels):
    """However faint the style is, as much of the picture's contrast is left."""
    picture = 0.2 + 0.6 * noise(48, 48)[:channels]
    left = []
    for faintness in (0.05, 0.01):
        faint = 0.5 + faintness * (noise(48, 48, seed=1)[:channels] - 0.5)
        style = model_of(faint.expand(3, -1, -1)) if channels == 1 else model_of(faint)
        content = Content.of(torch.full((3, 48, 48), 0.5), style)
        store = RowStore.copy_of(picture.expand(3, -1, -1))
        result = _postprocess.postprocess(store, content, style, settings_of(content_weight=0.0))[0].whole()
        left.append(deviation_of_bands(result) / deviation_of_bands(picture))
    assert np.all(left[0] > 0.3)
    assert np.all(left[0] < 0.9)
    np.testing.assert_allclose(left[0], left[1], rtol=0.1)


# Parameters of the propagator: each acts in the direction that is promised.


@pytest.fixture(scope="module")
def scene():
    """uint8 (60, 90, 3)."""
    return load_photograph("china", size=90)


@pytest.fixture(scope="module")
def coder():
    picture = make_style_image("waves", size=64, random_state=0)
    return FrozenEstimator(PatchTransformer(PCA(8), patch_size=5, max_patches=3000, random_state=0).fit([picture]))


@pytest.fixture(scope="module")
def cvae_coder():
    picture = make_style_image("waves", size=64, random_state=0)
    cvae = CVAETransformer(6, hidden_layer_sizes=(16,), max_iter=2, random_state=0)
    return FrozenEstimator(PatchTransformer(cvae, patch_size=5, max_patches=3000, random_state=0).fit([picture]))


def redrawn(style, image, **parameters):
    return StylePropagator(style=style, random_state=0, **parameters).fit_transform([image])[0]


def last_step(style, image, **parameters):
    propagator = StylePropagator(style=style, random_state=0, **parameters).fit([image])
    return propagation_steps(propagator, image)[0][-1]


def is_strictly(direction, values):
    return bool(np.all(direction * np.diff(values) > 0))


def share_of_continued_patches(step):
    """Of neighbours across, how many show what are neighbours in the style as well."""
    moved = step.corners[:, 1:] - step.corners[:, :-1]
    return float((moved == (0, step.grid.stride)).all(axis=2).mean())


def test_more_coherence_makes_larger_pieces_of_the_style(coder, scene):
    shares = [share_of_continued_patches(last_step(coder, scene, coherence=value)) for value in (0.0, 0.5, 2.0)]
    assert is_strictly(+1, shares)


def test_coherence_yields_where_the_content_has_an_edge(coder):
    """To the left the content is smooth, to the right it is full of edges."""
    image = np.full((60, 120, 3), 0.5, dtype=np.float32)
    image += np.random.default_rng(0).normal(0, 0.02, image.shape).astype(np.float32)
    image[:, 60:] += 0.4 * np.random.default_rng(1).choice([-1, 1], (60, 60, 1)).astype(np.float32)
    step = last_step(coder, image.clip(0, 1), coherence=1.0)
    moved = (step.corners[:, 1:] - step.corners[:, :-1] == (0, step.grid.stride)).all(axis=2)
    left, right = moved[:, : moved.shape[1] // 2 - 4], moved[:, moved.shape[1] // 2 + 4 :]
    assert left.mean() > right.mean() + 0.1


def test_a_price_shows_more_of_the_style(coder, scene):
    """A small price: by a great one all of a flat place flees from patch to patch together."""
    shown = [last_step(coder, scene, balance=balance).corners.reshape(-1, 2) for balance in (0.0, 0.05)]
    assert len(np.unique(shown[1], axis=0)) > 1.1 * len(np.unique(shown[0], axis=0))
    most = [np.unique(corners, axis=0, return_counts=True)[1].max() for corners in shown]
    assert most[1] < most[0]


def test_more_adaptation_keeps_more_of_the_photograph(coder, scene):
    kept = [content_similarity(scene, redrawn(coder, scene, adaptation=value)) for value in (0.0, 0.5, 1.0)]
    assert is_strictly(+1, kept)


def test_adaptation_and_detail_change_what_is_rendered_and_not_what_is_found(coder, scene):
    steps = [last_step(coder, scene, **parameters) for parameters in ({}, {"adaptation": 0.0}, {"detail": 0.2})]
    for step in steps[1:]:
        np.testing.assert_array_equal(step.corners, steps[0].corners)
        assert np.abs(step.picture - steps[0].picture).max() > 0.01


def test_less_detail_leaves_less_of_what_the_coder_cannot_say(scene):
    """What two components cannot say of the style's own patches is most of their fine detail."""
    picture = make_style_image("waves", size=64, random_state=0)
    coarse = FrozenEstimator(PatchTransformer(PCA(3), patch_size=4, max_patches=3000, random_state=0).fit([picture]))
    steps = [last_step(coarse, scene, detail=value, adaptation=0.0) for value in (0.0, 0.5, 1.0)]
    energy = [np.square(np.diff(step.picture, axis=1)).mean() for step in steps]
    assert is_strictly(+1, energy)
    # It is linear: half of the residual is half of the way.
    np.testing.assert_allclose(steps[1].picture, (steps[0].picture + steps[2].picture) / 2, atol=1e-5)


def test_patches_of_the_style_are_its_own_and_generated_ones_vary_about_them(cvae_coder, scene):
    own, generated = (last_step(cvae_coder, scene, patches=kind, adaptation=0.0) for kind in ("style", "generated"))
    np.testing.assert_array_equal(generated.corners, own.corners)
    difference = generated.picture - own.picture
    assert 0.001 < np.abs(difference).mean() < 0.5 * own.picture.std()
    assert abs(difference.mean()) < 0.02  # to all sides


class Blind(TransformerMixin, BaseEstimator):
    """Sees nothing in any row."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return np.zeros((len(X), 1), dtype=np.float32)

    def inverse_transform(self, X):
        return np.zeros((len(X), self.n_features_in_), dtype=np.float32)


def test_the_content_is_what_its_own_coder_sees(coder, scene):
    likeness = []
    for transformer in (Blind(), PCA(8)):
        own = PatchTransformer(transformer, patch_size=5, max_patches=3000, random_state=0)
        picture = last_step(coder, scene, content=own, adaptation=0.0).picture
        likeness.append(np.corrcoef(picture.mean(axis=2).ravel(), scene.mean(axis=2).ravel())[0, 1])
    assert likeness[0] < likeness[1] - 0.15


# Parameters of the patch transformer.


def rows_fitted(image, **parameters):
    return PatchTransformer(KeepingRows(2), random_state=0, **parameters).fit([image]).transformer_.rows


def test_a_picture_is_searched_four_times_at_the_coarsest_level_and_once_at_each_other(monkeypatch):
    rounds, refine = [], Synthesis.refine
    monkeypatch.setattr(Synthesis, "refine", lambda own, n_rounds: (rounds.append(n_rounds), refine(own, n_rounds))[1])
    picture = np.random.default_rng(0).random((110, 110, 3))
    style = PatchTransformer(PCA(3), patch_size=5, max_patches=200, random_state=0).fit([picture])
    StylePropagator(style=style, random_state=0).fit_transform([picture])
    assert rounds == [4, 1, 1]


def test_above_the_greatest_size_patches_are_of_a_smaller_image():
    """Of black and white pixels, only a reduced image has greys."""
    image = (noise(120, 120)[:1].permute(1, 2, 0).numpy() > 0.5).astype(np.float32)
    share = [
        float(np.isin(rows_fitted(image, patch_size=5, max_patches=3000, max_size=n), (0, 1)).mean()) for n in (60, 120)
    ]
    assert share[0] < 0.05
    # One of the levels from 48 to 120, a factor of 1.4 apart, is the image itself.
    assert 1 / 4 < share[1] < 1 / 2


def test_patches_come_in_equal_shares_from_every_level_of_the_pyramid():
    """Short sides of 50, 71, 100, 141 and 200 pixels: of black and white noise only the last has no greys."""
    image = (noise(200, 200)[:1].permute(1, 2, 0).numpy() > 0.5).astype(np.float32)
    rows = rows_fitted(image, patch_size=5, max_patches=5000)
    assert len(rows) == 5000
    assert float(np.isin(rows, (0, 1)).all(axis=1).mean()) == pytest.approx(1 / 5, abs=0.01)
