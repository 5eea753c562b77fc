"""Numbers far from zero: the same results as of the same numbers near it, in spite of float32."""

import pickle

import numpy as np
import pytest

from skisp import CVAETransformer, PatchTransformer
from skisp._chunks import chunk_sizes
from skisp.cvae._offset import as_float32_less, offset_of
from skisp.persistence import load_model, save_model

from ._shared import as_dask, as_memmap

N_ROWS, N_FEATURES = 200, 4
RNG = np.random.default_rng(0)
# On a grid of 2^-20, so that adding FAR loses nothing.
ROWS = np.round(
    (RNG.normal(size=(N_ROWS, 2)) @ RNG.normal(size=(2, N_FEATURES)) + RNG.normal(size=(N_ROWS, 4))) * 2**20
)
ROWS /= 2**20
FAR = 1e8
START = 1_700_000_000  # a time in Unix seconds


def small_cvae(**parameters):
    defaults = {
        "n_components": 2,
        "hidden_layer_sizes": (8,),
        "max_iter": 3,
        "batch_size": 64,
        "likelihood": "gaussian",
    }
    return CVAETransformer(**{**defaults, "random_state": 0, "device": "cpu", **parameters})


def assert_same_results(near, far, X, shift, atol=1e-3):
    """All that two models say of rows, and of the same rows moved by ``shift``."""
    moved = X + shift
    np.testing.assert_allclose(far.transform(moved), near.transform(X), atol=1e-4)
    np.testing.assert_allclose(far.posterior(moved), near.posterior(X), atol=1e-4)
    np.testing.assert_allclose(far.score_samples(moved), near.score_samples(X), atol=atol)
    np.testing.assert_allclose(far.elbo(moved), near.elbo(X), atol=atol)
    for ours, theirs in [
        (far.inverse_transform(far.transform(moved)), near.inverse_transform(near.transform(X))),
        (far.sample(5, random_state=0), near.sample(5, random_state=0)),
        (far.sample(5, random_state=0, prior="aggregate"), near.sample(5, random_state=0, prior="aggregate")),
        (far.interpolate(moved[0], moved[1]), near.interpolate(X[0], X[1])),
        (far.interpolate(moved[0], moved[1], path="geodesic"), near.interpolate(X[0], X[1], path="geodesic")),
    ]:
        assert (ours.dtype, theirs.dtype) == (np.float64, np.float32)
        np.testing.assert_allclose(ours - shift, theirs, atol=1e-2)


# What is far from zero


@pytest.mark.parametrize(
    ("column", "is_far"),
    [
        (FAR + ROWS[:, 0], True),
        (-FAR + ROWS[:, 0], True),
        (START + np.arange(N_ROWS), True),
        (np.full(N_ROWS, 5e4), True),
        (np.full(N_ROWS, 0.5), False),
        (0.5 + 1e-9 * ROWS[:, 0], False),
        (1e6 * ROWS[:, 0], False),
        (500 * ROWS[:, 0].std() + ROWS[:, 0], False),
        (np.zeros(N_ROWS), False),
        (np.where(np.arange(N_ROWS) % 2, 1e300, -1e300), False),
    ],
    ids=[
        "far",
        "negative",
        "seconds",
        "constant",
        "grey",
        "near-constant",
        "wide",
        "near",
        "zeros",
        "infinite-variance",
    ],
)
def test_columns_far_from_zero_are_found_and_the_others_left(column, is_far):
    rows = np.column_stack([column, ROWS[:, 1]])
    offset = offset_of(rows)
    assert (offset is not None) == is_far
    if is_far:
        assert abs(offset[0] - column.mean()) <= column.std()
        assert offset[1] == 0


@pytest.mark.parametrize("dtype", ["float32", "float16", "int16", "uint8", "bool"])
def test_numbers_that_fit_float32_have_no_offset(dtype):
    assert offset_of(np.full((9, 2), 20000).astype(dtype)) is None


@pytest.mark.parametrize("dtype", ["float64", "longdouble", "int32", "int64", "uint64"])
def test_numbers_of_more_digits_have_one(dtype):
    rows = (START + np.arange(20)[:, None]).astype(dtype)
    offset = offset_of(rows)
    assert offset.dtype == np.float64
    np.testing.assert_array_equal(as_float32_less(rows, offset), (rows - offset).astype(np.float32))


def test_the_offset_depends_neither_on_the_order_of_rows_nor_on_the_pieces(monkeypatch):
    rows = FAR + np.random.default_rng(0).normal(size=ROWS.shape)
    offset = offset_of(rows)
    monkeypatch.setattr(chunk_sizes, "values", 3 * N_FEATURES)
    np.testing.assert_array_equal(offset_of(rows[::-1]), offset)
    np.testing.assert_array_equal(as_float32_less(rows, offset), (rows - offset).astype(np.float32))


def test_weights_count_as_repetitions_for_the_offset():
    rows = np.vstack([np.zeros((3, 1)), START + np.arange(20.0)[:, None]])
    weight = np.concatenate([np.zeros(3), np.arange(1.0, 21.0)])
    np.testing.assert_array_equal(offset_of(rows, weight), offset_of(np.repeat(rows, weight.astype(int), axis=0)))
    assert offset_of(rows) is None


def test_no_second_array_of_doubles_is_made(monkeypatch):
    import tracemalloc

    rows = FAR + np.zeros((20_000, 50))
    monkeypatch.setattr(chunk_sizes, "values", 5000)
    tracemalloc.start()
    as_float32_less(rows, offset_of(rows))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.7 * rows.nbytes


# Models


@pytest.mark.parametrize("parameters", [{}, {"init": "random"}, {"noise_scale": 0.5}, {"early_stopping": True}])
def test_a_model_of_far_numbers_is_that_of_near_ones(parameters):
    near, far = small_cvae(**parameters).fit(ROWS), small_cvae(**parameters).fit(ROWS + FAR)
    assert_same_results(near, far, ROWS, FAR)
    np.testing.assert_allclose(far.loss_curve_, near.loss_curve_, atol=1e-3)
    assert far.module_.mean.abs().max() < 10


def test_float32_rows_meet_the_offset_of_the_fit():
    X = (2.0**24 + np.round(8 * ROWS)).astype(np.float32)
    cvae = small_cvae().fit(X.astype(np.float64))
    np.testing.assert_array_equal(cvae.transform(X), cvae.transform(X.astype(np.float64)))


def test_ordinary_numbers_have_no_offset_and_decode_to_float32():
    cvae = small_cvae().fit(ROWS)
    assert cvae.fitted_.offset is None
    assert cvae.inverse_transform(cvae.transform(ROWS)).dtype == np.float32


def test_only_far_columns_are_moved():
    X = ROWS + np.array([FAR, 0, 0, 0])
    cvae = small_cvae().fit(X)
    np.testing.assert_array_equal(cvae.fitted_.offset[1:], 0)
    np.testing.assert_allclose(cvae.score_samples(X), small_cvae().fit(ROWS).score_samples(ROWS), atol=1e-3)


def test_weights_are_repetitions_far_from_zero():
    weight = np.arange(N_ROWS) % 3
    X = np.where(weight[:, None] > 0, ROWS + FAR, 0.0)  # rows of weight 0 are anywhere
    weighted = small_cvae().fit(X, sample_weight=weight)
    repeated = small_cvae().fit(np.repeat(X, weight, axis=0))
    np.testing.assert_array_equal(weighted.fitted_.offset, repeated.fitted_.offset)
    np.testing.assert_array_equal(weighted.transform(X[weight > 0]), repeated.transform(X[weight > 0]))


def test_images_far_from_zero_decode_to_images():
    images = (ROWS + FAR).reshape(N_ROWS, 2, 2)
    cvae = small_cvae().fit(images)
    assert cvae.fitted_.offset.shape == (4,)
    assert cvae.inverse_transform(cvae.transform(images)).shape == images.shape
    np.testing.assert_allclose(cvae.transform(images), small_cvae().fit(ROWS + FAR).transform(ROWS + FAR), atol=1e-5)


def test_a_bernoulli_likelihood_has_no_offset():
    assert small_cvae(likelihood="bernoulli").fit(np.ones((20, 3)) * [0, 0.5, 1]).fitted_.offset is None
    with pytest.raises(ValueError, match=r"needs X in \[0, 1\]"):
        small_cvae(likelihood="bernoulli").fit(ROWS + FAR)


# Going on


@pytest.mark.parametrize("warm", [True, False], ids=["warm-start", "partial-fit"])
def test_a_model_that_goes_on_keeps_its_offset(warm):
    near, far = small_cvae(warm_start=warm), small_cvae(warm_start=warm)
    go_on = "fit" if warm else "partial_fit"
    getattr(near, go_on)(ROWS[:150])
    getattr(far, go_on)(ROWS[:150] + FAR)
    offset = far.fitted_.offset
    getattr(near, go_on)(ROWS[50:] + 2)
    getattr(far, go_on)(ROWS[50:] + 2 + FAR)
    assert far.fitted_.offset is offset
    np.testing.assert_allclose(far.score_samples(ROWS + FAR), near.score_samples(ROWS), atol=1e-3)


# Sources


def as_frame(X, folder):
    return pytest.importorskip("pandas").DataFrame(X, columns=list("abcd"))


def as_mixed_frame(X, folder):
    frame = as_frame(X, folder)
    return frame.assign(b=frame["b"].astype(object))


@pytest.mark.parametrize("source", [as_frame, as_mixed_frame, as_memmap, as_dask])
@pytest.mark.filterwarnings("ignore:X has feature names")
def test_every_source_gives_the_same_bits(source, tmp_path):
    X = source(ROWS + FAR, tmp_path)
    cvae, reference = small_cvae().fit(X), small_cvae().fit(ROWS + FAR)
    np.testing.assert_array_equal(cvae.fitted_.offset, reference.fitted_.offset)
    np.testing.assert_array_equal(cvae.transform(X), reference.transform(ROWS + FAR))
    np.testing.assert_array_equal(cvae.score_samples(X), reference.score_samples(ROWS + FAR))


@pytest.mark.parametrize("source", [as_memmap, as_dask])
def test_data_read_by_blocks_take_the_offset_of_the_first(source, tmp_path, monkeypatch):
    monkeypatch.setattr(chunk_sizes, "block_bytes", 4 * 64 * N_FEATURES)
    near, far = (small_cvae().fit(source(X, tmp_path)) for X in (ROWS, ROWS + FAR))
    np.testing.assert_array_equal(far.fitted_.offset, offset_of((ROWS + FAR)[:64]))
    np.testing.assert_allclose(far.score_samples(ROWS + FAR), near.score_samples(ROWS), atol=1e-3)


def test_a_first_block_without_weight_has_an_offset_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(chunk_sizes, "block_bytes", 4 * 64 * N_FEATURES)
    weight = np.where(np.arange(N_ROWS) < 64, 0.0, 1.0)
    cvae = small_cvae().fit(as_memmap(ROWS + FAR, tmp_path), sample_weight=weight)
    np.testing.assert_array_equal(cvae.fitted_.offset, offset_of((ROWS + FAR)[:64]))


# Refusals


@pytest.mark.parametrize("method", ["fit", "transform", "score_samples"])
@pytest.mark.parametrize("value", [1e39, np.inf, np.nan])
def test_what_does_not_fit_float32_is_refused(method, value):
    X = ROWS + FAR
    cvae = small_cvae().fit(X)
    X[3, 1] = value
    with pytest.raises(ValueError, match=r"X contains (infinity or a value too large for dtype|NaN)"):
        getattr(cvae, method)(X)


# State


@pytest.fixture(scope="module")
def far_model():
    return small_cvae().fit(ROWS + FAR)


def saved(model, folder):
    save_model(folder / "model.skisp", model)
    return load_model(folder / "model.skisp")


def pickled(model, folder):
    return pickle.loads(pickle.dumps(model))


@pytest.mark.parametrize("copied", [saved, pickled])
def test_the_offset_is_saved_and_pickled(copied, far_model, tmp_path):
    copy = copied(far_model, tmp_path)
    np.testing.assert_array_equal(copy.fitted_.offset, far_model.fitted_.offset, strict=True)
    np.testing.assert_array_equal(copy.transform(ROWS + FAR), far_model.transform(ROWS + FAR))
    np.testing.assert_array_equal(copy.sample(3, random_state=0), far_model.sample(3, random_state=0), strict=True)


def test_a_pickle_without_an_offset_can_be_read():
    state = small_cvae().fit(ROWS).__getstate__()
    assert state.pop("_offset") is None
    cvae = CVAETransformer()
    cvae.__setstate__(state)
    assert cvae.fitted_.offset is None


@pytest.mark.parametrize(
    "offset",
    [np.zeros(3), np.zeros((1, 4)), np.zeros(4, np.float32), np.array([0, 0, 0, np.nan]), np.zeros(4, int), 0.0, "far"],
)
def test_a_file_with_a_wrong_offset_is_refused(offset, far_model, tmp_path):
    damaged = pickled(far_model, tmp_path)
    object.__setattr__(damaged.fitted_, "offset", offset)
    with pytest.raises(ValueError, match="_offset"):
        saved(damaged, tmp_path)


def test_a_file_with_an_offset_of_a_bernoulli_likelihood_is_refused(tmp_path):
    cvae = small_cvae(likelihood="bernoulli").fit(np.random.default_rng(0).random((20, 3)))
    object.__setattr__(cvae.fitted_, "offset", np.zeros(3))
    with pytest.raises(ValueError, match="Bernoulli"):
        saved(cvae, tmp_path)


# Pictures


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint8])
def test_a_constant_picture_has_no_offset(value, dtype):
    """The propagation takes codes straight from the network, which knows of no offset."""
    picture = np.full((24, 24, 3), value * (255 if dtype is np.uint8 else 1)).astype(dtype)
    patches = PatchTransformer(small_cvae(max_iter=1), patch_size=3, max_patches=200, random_state=0).fit([picture])
    assert patches.transformer_.fitted_.offset is None
