"""The picture as it evolves: searched, upsampled, warped, voted and rendered."""

import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.preprocessing import FunctionTransformer
from torch.nn import functional

from skisp import CVAETransformer, StylePropagator
from skisp._chunks import chunk_sizes
from skisp._math.affine import AffineMap
from skisp._tensors import resize, to_tensor
from skisp.datasets import load_photograph
from skisp.metrics import content_similarity
from skisp.propagation._patch_codec import JointCodec, PatchCodec
from skisp.propagation.synthesis._content import Content
from skisp.propagation.synthesis._exemplar import Exemplar
from skisp.propagation.synthesis._patches import extract_patches, hann_window
from skisp.propagation.synthesis._settings import SynthesisSettings
from skisp.propagation.synthesis._style_model import StyleModel
from skisp.propagation.synthesis._synthesis import Synthesis, redraw, synthesise


def random_image(height, width, seed=0):
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))


def model_of(image, transformer=None):
    """A style of one image, of patches at every pixel; without a transformer codes are the patches themselves."""
    transformer = transformer or FunctionTransformer()
    n_components = transformer.transform(np.zeros((1, 48), dtype=np.float32)).shape[1]
    codec = JointCodec([PatchCodec(transformer, np.eye(n_components, dtype=np.float32))], [1.0])
    return StyleModel([[image]], [1.0], 4, codec, None, AffineMap.identity(n_components).to_arrays())


def settings_of(**parameters):
    """So much weight on the content that nothing else is looked for, among all patches of a small exemplar."""
    settings = SynthesisSettings.of(StylePropagator(**{"content_weight": 99.0, "patches": "style"} | parameters))
    return replace(settings, n_transported=1000)


def synthesis_of(image, style, side, settings, seed=0):
    """The synthesis of a content at one of its levels."""
    content = Content.of(image, style)
    level = content.level(side, style, settings)
    return Synthesis(level, style.coder, settings, torch.Generator().manual_seed(seed)), content


def shifted_identity(level, down, across):
    """Matches (h * w,) that show the style moved by a constant: up and to the left, at a stride of 1."""
    rows, columns = (torch.arange(n) + shift for n, shift in zip(level.grid.shape, (down, across), strict=True))
    return (rows[:, None] * level.exemplar.shape[1] + columns).flatten()


def share_of_identity(synthesis, border=0):
    """Of the patches inside the picture, how many show the place of the style at which they stand."""
    margin, (height, width) = synthesis.level.grid.margin, synthesis.level.exemplar.shape
    inside = synthesis.matches.reshape(synthesis.level.grid.shape)[margin : margin + height, margin : margin + width]
    is_identity = inside == torch.arange(height * width).reshape(height, width)
    return float(is_identity[border : height - border, border : width - border].float().mean())


@pytest.fixture(scope="module")
def image():
    return random_image(30, 34)


@pytest.fixture
def still(image):
    """A synthesis whose content is a part of its style, at a size that is not the style's."""
    style = model_of(random_image(40, 44, seed=1))
    level = Content.of(random_image(20, 23), style).level(20, style, settings_of(style_scale=2.0))
    return Synthesis(level, style.coder, settings_of(), torch.Generator().manual_seed(0))


def test_the_first_matches_are_the_nearest_of_what_was_sampled(image):
    synthesis, _ = synthesis_of(image, model_of(image), 30, settings_of())
    assert synthesis.picture is None
    assert share_of_identity(synthesis) > 0.98  # more is asked for than the exemplar has
    few = replace(settings_of(), n_transported=20)
    assert len(synthesis_of(image, model_of(image), 30, few)[0].matches.unique()) <= 20


def test_where_the_content_is_the_style_refining_finds_the_identity(image):
    settings = replace(settings_of(), n_transported=20, n_sampled=40)
    synthesis, _ = synthesis_of(image, model_of(image), 30, settings)
    assert share_of_identity(synthesis) < 0.05
    synthesis.refine(3)
    assert share_of_identity(synthesis) > 0.98
    torch.testing.assert_close(synthesis.vote()[:, 8:-8, 8:-8], image[:, 8:-8, 8:-8], rtol=0, atol=1e-4)


def test_a_price_on_occurrence_spreads_the_matches(image):
    def most_frequent(balance):
        settings = settings_of(balance=balance, coherence=0.0)
        synthesis, _ = synthesis_of(random_image(30, 34, seed=5), model_of(image), 30, settings)
        synthesis.refine(4)
        return int(torch.bincount(synthesis.matches).max())

    assert most_frequent(0.18) < 0.7 * most_frequent(0.0)


@pytest.mark.parametrize(("down", "across"), [(0, 0), (3, 5), (12, 9)])
def test_the_vote_of_coherent_matches_is_the_exemplar_itself(still, down, across):
    still.matches = shifted_identity(still.level, down, across)
    margin = still.level.grid.margin
    expected = still.level.exemplar.canvas[:, down + margin :, across + margin :][:, :20, :23]
    torch.testing.assert_close(still.vote(), expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(still.picture, expected, rtol=0, atol=1e-6)


def test_the_picture_that_was_voted_is_what_the_next_search_goes_by(still):
    """Without any weight on the content, a picture of coherent matches keeps them."""
    still.level = replace(still.level, weight=torch.zeros_like(still.level.weight))
    still.matches = expected = shifted_identity(still.level, 3, 5)
    still.vote()
    still.refine(1)
    inside = torch.zeros(still.level.grid.shape, dtype=torch.bool)
    inside[8:-8, 8:-8] = True
    assert float((still.matches == expected)[inside.flatten()].float().mean()) > 0.98


def test_upsampling_keeps_the_identity_and_frees_the_level_first():
    image, settings = random_image(60, 66), settings_of()
    style = model_of(image)
    synthesis, content = synthesis_of(image, style, 30, settings)
    level = weakref.ref(synthesis.level)

    def make_level():
        assert level() is None
        return content.level(60, style, settings)

    synthesis.upsample(make_level)
    assert synthesis.level.grid.size == (60, 66)
    assert len(synthesis.matches) == len(synthesis.level.target)
    assert len(synthesis.occurrence) == len(synthesis.level.exemplar)
    assert share_of_identity(synthesis, border=8) > 0.98


def test_warping_moves_matches_and_picture_along_the_flow(still):
    still.matches = shifted_identity(still.level, 4, 6)
    picture = still.vote()
    flow = torch.tensor([2.0, -3.0])[:, None, None].expand(2, 20, 23)
    still.warp(still.level, flow)
    expected = shifted_identity(still.level, 6, 3).reshape(still.level.grid.shape)
    torch.testing.assert_close(still.matches.reshape(still.level.grid.shape)[4:-4, 4:-4], expected[4:-4, 4:-4])
    torch.testing.assert_close(still.picture[:, :-4, 4:], picture[:, 2:, :-3][:, :-2, 1:], rtol=0, atol=1e-4)


def test_frames_that_are_warped_alike_are_searched_alike(image):
    fields = []
    for n_rounds in (1, 3):  # whatever was sampled before
        synthesis, _ = synthesis_of(image, model_of(random_image(40, 44, seed=1)), 30, settings_of())
        synthesis.refine(n_rounds)
        synthesis.matches = shifted_identity(synthesis.level, 1, 1) % len(synthesis.level.exemplar)
        synthesis.style_potentials = torch.zeros(1)
        synthesis.picture = None
        synthesis.warp(synthesis.level, torch.zeros(2, 30, 34))
        synthesis.refine(1)
        fields.append(synthesis.matches)
    assert torch.equal(*fields)


@pytest.fixture(scope="module")
def rows(image):
    return extract_patches(image, 4).numpy()


def rendered(image, transformer, **parameters):
    """What is rendered, and what the same matches vote for."""
    synthesis, _ = synthesis_of(image, model_of(image, transformer), 30, settings_of(**parameters))
    synthesis.refine(1)
    return synthesis.render(synthesis.level.grid.size, None).whole(), synthesis.vote(), synthesis


def test_the_styles_own_patches_are_rendered_as_they_vote(image, rows):
    picture, vote, _ = rendered(image, PCA(4).fit(rows), patches="style")
    assert torch.equal(picture, vote)


def test_without_detail_what_the_coder_says_of_the_patches_is_rendered(image, rows):
    pca = PCA(4).fit(rows)
    picture, _, synthesis = rendered(image, pca, patches="style", detail=0.0)
    matched = synthesis.level.exemplar.patches(synthesis.matches).numpy()
    said = torch.from_numpy(pca.inverse_transform(pca.transform(matched)))
    expected = synthesis.level.grid.assemble(lambda some: said[some], hann_window(4))
    torch.testing.assert_close(picture, expected, rtol=0, atol=1e-5)


def test_generated_patches_are_new_and_always_the_same(image, rows):
    cvae = CVAETransformer(4, hidden_layer_sizes=(16,), max_iter=2, random_state=0).fit(rows)
    picture, vote, synthesis = rendered(image, cvae, patches="generated")
    assert float((picture - vote).abs().max()) > 0.01
    assert torch.equal(
        synthesis.render(synthesis.level.grid.size, None).whole(), picture
    )  # whatever was sampled in between


def test_the_watcher_is_told_of_each_level_with_its_picture():
    photograph = to_tensor(np.float32(load_photograph("china", size=108) / 255))
    style, told = model_of(photograph), []

    def watcher(synthesis, picture):
        assert picture is synthesis.picture
        told.append(tuple(picture.shape[1:]))

    settings = settings_of()
    content = Content.of(photograph, style)
    _, picture = synthesise(content, style, settings, torch.Generator().manual_seed(0), watcher)
    assert told == [(51, 76), (72, 108)]
    assert picture.shape == photograph.shape


def test_no_patch_of_a_picture_lies_between_two_style_images(pca_patches, painting, other_painting, monkeypatch):
    shown = []
    patches = Exemplar.patches

    def spy(exemplar, indices):
        shown.append(bool(exemplar.is_valid[indices].all()))
        return patches(exemplar, indices)

    monkeypatch.setattr(Exemplar, "patches", spy)
    styles = [1 - painting[:, :20], painting, other_painting[:30]]
    # Dark content is nearest to the emptiness between the images, and of two levels for upsampling.
    content = 0.1 * np.random.default_rng(0).random((70, 72, 3))
    StylePropagator(style=pca_patches, style_images=styles, random_state=0).fit_transform([content])
    assert len(shown) >= 2
    assert all(shown)


def test_less_strength_looks_for_patches_nearer_to_the_content(pca_style, photograph):
    propagator = StylePropagator(style=pca_style, content_weight=0.1, random_state=0).fit([photograph])
    content, settings = to_tensor(np.float32(photograph / 255)), SynthesisSettings.of(propagator)
    with torch.inference_mode():
        pictures = [
            redraw(content, propagator.propagation_._model(None, settings), replace(settings, strength=strength), 0)
            for strength in (0.05, 1.0)
        ]
    kept = [content_similarity(photograph, picture.whole().numpy().transpose(1, 2, 0)) for picture in pictures]
    assert kept[0] > kept[1] + 0.02


def test_a_larger_picture_is_of_the_patches_matched_on_a_smaller_one_cut_out_as_much_larger():
    large = functional.interpolate(random_image(40, 44)[None], size=[120, 132], mode="bicubic").clamp(0, 1)[0]
    style = model_of(large, PCA(4).fit(extract_patches(large, 4).numpy()))
    synthesis, _ = synthesis_of(resize(large, (60, 66)), style, 60, settings_of(adaptation=0.0))
    rows, columns = (
        (torch.arange(n) - synthesis.level.grid.margin).clamp(0, most - 1)
        for n, most in zip(synthesis.level.grid.shape, synthesis.level.exemplar.shape, strict=True)
    )
    synthesis.matches = (rows[:, None] * synthesis.level.exemplar.shape[1] + columns).flatten()
    inside = (slice(None), slice(12, -12), slice(12, -12))  # at the border patches cannot stand where they come from
    torch.testing.assert_close(synthesis.render((120, 132), style).whole()[inside], large[inside], rtol=0, atol=1e-5)


def test_what_new_patches_change_is_in_a_larger_picture_too(image, rows):
    style = model_of(random_image(60, 66, seed=1), PCA(4).fit(rows))
    both = []
    for adaptation in (0.0, 1.0):
        synthesis, _ = synthesis_of(image, style, 30, settings_of(patches="generated", adaptation=adaptation))
        synthesis.refine(1)
        size = synthesis.level.grid.size
        both.append(tuple(synthesis.render(one, style).whole() for one in (size, (90, 102))))
    change, enlarged = (changed - plain for plain, changed in zip(*both, strict=True))
    assert float(change.abs().max()) > 0.01
    expected = functional.interpolate(change[None], size=[90, 102], mode="bilinear", antialias=True)[0]
    torch.testing.assert_close(enlarged, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("at_once", [60, 10**9])
def test_pictures_are_the_same_in_narrow_bands_and_whole(cvae_style, monkeypatch, at_once):
    """Large images are worked on band by band, which nobody must see: no seam, not even another rounding."""
    photograph = load_photograph("china", size=120)
    pictures = []
    for patched in (False, True):
        if patched:
            for name in ("patches", "least_patches", "positions", "least_positions"):
                monkeypatch.setattr(chunk_sizes, name, at_once)
            monkeypatch.setattr(chunk_sizes, "entries", at_once * 100)
        pictures.append(StylePropagator(style=cvae_style, random_state=0).fit_transform([photograph])[0])
    assert np.abs(pictures[0].astype(int) - pictures[1]).max() <= 1


def test_adapted_patches_come_nearer_to_what_was_searched_for(image, rows):
    pca = PCA(4).fit(rows)
    _, _, synthesis = rendered(image, pca, patches="generated", adaptation=0.0)
    queries, exemplar = synthesis._queries, synthesis.level.exemplar
    far = (exemplar.codes[synthesis.matches] - queries).square().sum()
    picture, vote, adapted = rendered(image, pca, patches="generated", adaptation=1.0)
    assert torch.equal(adapted.matches, synthesis.matches)  # only what is rendered differs
    every = slice(0, len(adapted.matches))
    new = adapted._coder.encode(adapted._generated(every, None))
    assert float((new - queries).square().sum()) < 0.99 * float(far)
    assert float((picture - vote).abs().max()) > 0
