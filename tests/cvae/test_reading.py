"""Data read a block at a time: the same results as in memory, and never the whole at once."""

import threading
import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from skisp import CVAETransformer
from skisp._chunks import chunk_sizes
from skisp.cvae import _reading
from skisp.cvae._networks import CVAENetwork, rows_at_once
from skisp.cvae._training import Trainer

from ._shared import as_dask, as_memmap, assert_same_bits

N_ROWS, N_FEATURES = 60, 12
ROWS = np.random.default_rng(0).random((N_ROWS, N_FEATURES), dtype=np.float32)
LATENT_ATTRIBUTES = ("latent_mean_", "latent_covariance_", "kl_per_component_", "n_active_units_", "latent_samples_")


class Dataset:
    """An array in a file, as HDF5 and Zarr show it: read by slices of rows, and too large to be read whole."""

    def __init__(self, values):
        self._values = np.asarray(values)
        self.shape = self._values.shape
        self.dtype = self._values.dtype
        self.reads = []

    def __len__(self):
        return len(self._values)

    def __getitem__(self, key):
        if not isinstance(key, slice) or key.step not in (None, 1):
            raise TypeError(f"only slices of rows can be read, not {key!r}")
        self.reads.append(range(len(self._values))[key])
        return self._values[key].copy()

    def refuse(self, *args, **kwargs):
        raise MemoryError("the whole data set does not fit in memory")

    __array__ = __iter__ = reshape = refuse
    __reduce_ex__ = refuse  # an open file cannot be pickled

    @property
    def longest_read(self):
        return max(map(len, self.reads))

    @property
    def rows_read(self):
        return [row for read in self.reads for row in read]


def small_cvae(**parameters):
    defaults = {"n_components": 2, "hidden_layer_sizes": (8,), "max_iter": 2, "batch_size": 16, "n_scoring_samples": 8}
    return CVAETransformer(**{**defaults, "random_state": 0, "device": "cpu", **parameters})


def results(cvae, X):
    """Everything a fitted model says of X."""
    return [cvae.transform(X), *cvae.posterior(X), cvae.score_samples(X), cvae.elbo(X), cvae.score(X)]


def fitted_state(cvae):
    """Everything training leaves."""
    latent = [getattr(cvae, name) for name in LATENT_ATTRIBUTES]
    return [cvae.loss_curve_, cvae.validation_loss_curve_, *latent, *cvae.module_.to_arrays().values()]


def as_dataset(X, folder):
    return Dataset(X)


def as_tensor(X, folder):
    return torch.from_numpy(X)


def as_frame(X, folder):
    pd = pytest.importorskip("pandas")
    return pd.DataFrame(X.reshape(len(X), -1))


READ_BY_SLICES = [as_dataset, as_memmap, as_dask]


@pytest.fixture
def rows_a_block(monkeypatch):
    """Set how many rows of so many features a block holds."""

    def set_rows_a_block(n_rows, n_features=N_FEATURES):
        monkeypatch.setattr(chunk_sizes, "block_bytes", 4 * n_rows * n_features)

    return set_rows_a_block


@pytest.fixture
def block_lengths(monkeypatch):
    """Lengths of the blocks that are read, of any source."""
    lengths, read_rows = [], _reading.read_rows

    def watched(estimator, X, **parameters):
        lengths.append(len(X))
        return read_rows(estimator, X, **parameters)

    monkeypatch.setattr(_reading, "read_rows", watched)
    return lengths


@pytest.fixture
def trained_on(monkeypatch):
    """Batches that a gradient step is taken on, as lists of what is in the first column."""
    batches, step = [], Trainer.step

    def watched(trainer, x, *arguments):
        batches.append(x[:, 0].round().int().tolist())
        return step(trainer, x, *arguments)

    monkeypatch.setattr(Trainer, "step", watched)
    return batches


# A single block


@pytest.mark.parametrize(
    ("source", "parameters"),
    [
        *((source, {}) for source in [*READ_BY_SLICES, as_tensor, as_frame]),
        (as_dataset, {"likelihood": "bernoulli", "binarize": True}),
        (as_dataset, {"early_stopping": True, "validation_fraction": 0.3}),
    ],
)
def test_a_single_block_is_an_array_in_memory_bit_for_bit(source, parameters, tmp_path):
    X = source(ROWS, tmp_path)
    ours, theirs = small_cvae(**parameters).fit(X), small_cvae(**parameters).fit(ROWS)
    assert_same_bits(fitted_state(ours), fitted_state(theirs))
    theirs.__dict__.pop("feature_names_in_", None)
    assert_same_bits(results(ours, X), results(theirs, ROWS))


@pytest.mark.parametrize(
    ("dtype", "source"),
    [*((dtype, as_memmap) for dtype in ("u1", "<f8", ">f4", ">i2", "f2", "?")), (">i2", as_dataset), (">f4", as_dask)],
)
def test_any_number_format_of_a_source_is_read(dtype, source, tmp_path, rows_a_block):
    X = (100 * ROWS).astype(dtype)
    cvae = small_cvae().fit(X)
    assert_same_bits(fitted_state(small_cvae().fit(source(X, tmp_path))), fitted_state(cvae))
    rows_a_block(7)
    assert_same_bits(results(cvae, source(X, tmp_path)), results(cvae, X))


# Several blocks


def test_codes_and_scores_of_several_chunks_are_those_of_an_array(rows_a_block):
    X = np.random.default_rng(0).random((2 * rows_at_once(3) + 5, 3), dtype=np.float32)
    cvae = small_cvae(max_iter=1, batch_size=4096, hidden_layer_sizes=()).fit(X)
    expected = results(cvae, X)
    rows_a_block(1000, 3)
    assert_same_bits(results(cvae, Dataset(X)), expected)


FIT_PARAMETERS = [{}, {"early_stopping": True}, {"warm_start": True}, {"augment": ("flip",), "image_shape": (3, 4)}]


@pytest.mark.parametrize("parameters", FIT_PARAMETERS, ids=["plain", "stopping", "warm-start", "augment"])
@pytest.mark.parametrize("weighted", [False, True])
def test_training_reads_a_block_at_a_time_and_every_row(parameters, weighted, rows_a_block):
    rows_a_block(7)
    X = Dataset(ROWS)
    weight = np.random.default_rng(0).random(N_ROWS) if weighted else None
    cvae = small_cvae(**parameters).fit(X, sample_weight=weight)
    assert X.longest_read == 7
    assert set(X.rows_read) == set(range(N_ROWS))
    # Once for the moments, once for what training starts from, once for the codes, and once an epoch; and of rows
    # held back once more for their loss and once for the variance explained.
    n_passes = 3 + cvae.max_iter * (3 if cvae.early_stopping else 1)
    assert len(X.rows_read) <= n_passes * N_ROWS + 7
    if not cvae.early_stopping:
        X.reads.clear()
        cvae.partial_fit(X, sample_weight=weight)
        assert X.longest_read == 7
        assert len(X.rows_read) <= 2 * N_ROWS + 7


@pytest.mark.parametrize("source", READ_BY_SLICES)
def test_training_reads_no_more_than_a_block_of_any_source(source, tmp_path, rows_a_block, block_lengths):
    rows_a_block(32)
    X = source(ROWS.reshape(N_ROWS, 2, 2, 3), tmp_path)
    small_cvae(max_iter=1).fit(X).partial_fit(X)
    assert max(block_lengths) == 32


def test_a_memory_map_of_no_more_than_a_block_is_held_in_memory(tmp_path, rows_a_block, block_lengths):
    rows_a_block(N_ROWS)
    small_cvae().fit(as_memmap(ROWS, tmp_path))
    assert block_lengths == [N_ROWS]


@pytest.mark.parametrize("n_scoring_samples", [1, 64])
@pytest.mark.parametrize("method", ["transform", "posterior", "score_samples", "elbo"])
def test_coding_and_scoring_read_every_row_once_a_chunk_at_a_time(method, n_scoring_samples, rows_a_block, monkeypatch):
    """But for one row, to see whether they fit the model; Dask computes, and HDF5 unpacks, a chunk for every read."""
    chunk = rows_at_once(3)
    X = Dataset(np.random.default_rng(0).random((2 * chunk + 5, 3), dtype=np.float32))
    cvae = small_cvae(hidden_layer_sizes=(), n_scoring_samples=n_scoring_samples).fit(X[:50])
    X.reads.clear()
    decoded, decode = [], CVAENetwork.decode
    monkeypatch.setattr(CVAENetwork, "decode", lambda network, z: decoded.append(len(z)) or decode(network, z))
    rows_a_block(100, 3)
    getattr(cvae, method)(X)
    assert max(decoded, default=0) <= chunk  # samples count like rows
    assert X.reads == [range(1), range(chunk), range(chunk, 2 * chunk), range(2 * chunk, 2 * chunk + 5)]


@given(
    n_rows=st.integers(1, 25),
    n_rows_a_block=st.integers(1, 30),
    shape=st.sampled_from([(1,), (5,), (2, 3), (1, 2, 3)]),
    batch_size=st.integers(1, 8),
    weighted=st.booleans(),
)
@settings(max_examples=20, deadline=None)
def test_any_blocks_cover_every_row_and_train_a_model_of_the_same_form(
    n_rows, n_rows_a_block, shape, batch_size, weighted
):
    rng = np.random.default_rng(n_rows)
    values = rng.random((n_rows, *shape))
    X, weight = Dataset(values), rng.integers(1, 4, n_rows) if weighted else None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunk_sizes, "block_bytes", 4 * n_rows_a_block * int(np.prod(shape)))
        cvae = small_cvae(batch_size=batch_size, max_iter=1).fit(X, sample_weight=weight)
        assert X.longest_read == min(n_rows, n_rows_a_block)
        assert set(X.rows_read) == set(range(n_rows))
        found = results(cvae, X)
    assert_same_bits(found, results(cvae, values))
    assert all(np.isfinite(result).all() for result in found)
    assert cvae.inverse_transform(cvae.transform(X)).shape == values.shape
    # The mean by which rows are standardised is that of all blocks.
    repeated = values if weight is None else values.repeat(weight, axis=0)
    np.testing.assert_allclose(cvae.module_.mean, repeated.reshape(-1, int(np.prod(shape))).mean(axis=0), rtol=1e-5)


def factors(n_rows, *, sort):
    """Rows of two factors and noise, in random order or in that of the first factor."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(n_rows, 2))
    if sort:
        z = z[np.argsort(z[:, 0])]
    return (z @ rng.normal(size=(2, 8)) + 0.3 * rng.normal(size=(n_rows, 8))).astype(np.float32)


@pytest.mark.parametrize(
    ("sort", "lost", "batch_norm"), [(False, 0.1, True), (True, 0.25, False)], ids=["shuffled", "sorted"]
)
def test_several_blocks_train_about_as_well(sort, lost, batch_norm, rows_a_block):
    """Even of rows sorted by what they show, as those of a file often are: a block alone is then no sample of them."""
    X = factors(2000, sort=sort)
    cvae = small_cvae(hidden_layer_sizes=(16,), max_iter=8, batch_size=50, learning_rate=1e-2, batch_norm=batch_norm)
    cvae.set_params(init="random").fit(X)  # from PCA there is little to learn
    loss, score = cvae.loss_, cvae.score(X)
    gain = cvae.loss_curve_[0] - loss
    assert gain > 5
    rows_a_block(400, 8)
    cvae.fit(Dataset(X))
    assert cvae.loss_ < loss + lost * gain
    assert cvae.score(X) > score - lost * gain


def test_blocks_read_ahead_on_another_thread_train_the_same(rows_a_block, monkeypatch, set_threads):
    rows_a_block(15)
    X, seen = Dataset(ROWS), []
    read = Dataset.__getitem__
    monkeypatch.setattr(Dataset, "__getitem__", lambda self, key: seen.append(threading.get_ident()) or read(self, key))
    fitted = []
    for n_threads in (1, 2):
        set_threads(n_threads)
        seen.clear()
        fitted.append(small_cvae(batch_size=5).fit(X))
        assert len(set(seen)) == n_threads
    assert_same_bits(fitted_state(fitted[1]), fitted_state(fitted[0]))


def test_a_fitted_model_keeps_nothing_of_its_source(rows_a_block):
    rows_a_block(7)
    X = Dataset(ROWS)
    cvae = small_cvae(warm_start=True, early_stopping=True).fit(X)
    X.reads.clear()
    assert len(cvae.__getstate__()) > 0
    kept = [*vars(cvae).values(), *vars(cvae.fitted_).values()]
    assert not any(isinstance(value, (Dataset, _reading.RowSource)) for value in kept)
    cvae.sample(3, random_state=0, prior="aggregate")
    assert X.reads == []


# Images


@pytest.mark.parametrize(
    ("source", "shape"), [(as_dataset, (3, 4)), *((source, (2, 2, 3)) for source in READ_BY_SLICES)]
)
def test_images_in_blocks_are_coded_and_decoded_as_images(source, shape, tmp_path, rows_a_block):
    images = ROWS.reshape(N_ROWS, *shape)
    in_memory = small_cvae().fit(images)
    X = source(images, tmp_path)
    assert_same_bits(fitted_state(small_cvae().fit(X)), fitted_state(in_memory))
    rows_a_block(7)
    cvae = small_cvae().fit(X)
    assert cvae.image_shape_ == shape
    assert cvae.n_features_in_ == N_FEATURES
    assert_same_bits(results(cvae, X), results(cvae, images))
    assert cvae.inverse_transform(cvae.transform(X)).shape == images.shape
    assert cvae.sample(2).shape == (2, *shape)


# Errors


def spoilt(value, row=40):
    X = ROWS.copy()
    X[row, 3] = value
    return X


BAD_VALUES = [
    ({}, np.nan, "contains NaN"),
    ({}, np.inf, "contains infinity"),
    ({"likelihood": "bernoulli"}, 1.5, r"needs X in \[0, 1\], got values from .* to 1.5"),
    ({"likelihood": "bernoulli"}, -0.5, r"needs X in \[0, 1\], got values from -0.5"),
]


@pytest.mark.parametrize(
    ("source", "parameters", "value", "message"),
    [*((as_dataset, *bad) for bad in BAD_VALUES), *((source, *BAD_VALUES[0]) for source in (as_memmap, as_dask))],
)
def test_a_bad_value_in_a_later_block_is_not_trained_on(source, parameters, value, message, tmp_path, rows_a_block):
    rows_a_block(7)
    with pytest.raises(ValueError, match=message):
        small_cvae(**parameters).fit(source(spoilt(value), tmp_path))


@pytest.mark.parametrize("method", ["transform", "score_samples", "elbo", "posterior"])
def test_a_bad_value_in_a_later_block_is_neither_coded_nor_scored(method, rows_a_block):
    rows_a_block(7)
    cvae = small_cvae().fit(ROWS)
    with pytest.raises(ValueError, match="contains NaN"):
        getattr(cvae, method)(Dataset(spoilt(np.nan)))


@pytest.mark.parametrize(
    ("shape", "message", "sources"),
    [
        ((0, 4), "0 sample", [as_dataset, as_dask]),  # a file without bytes cannot be mapped
        ((0, 2, 2), "0 sample", [as_dataset, as_dask]),
        ((4, 0), "0 feature", [as_dataset, as_dask]),
        ((4,), "Expected 2D array", [as_memmap, as_dask]),
        ((2, 3, 2, 2, 2), "dim 5", READ_BY_SLICES),
    ],
)
def test_what_holds_no_rows_is_refused(shape, message, sources, tmp_path):
    for source in sources:
        with pytest.raises(ValueError, match=message):
            small_cvae().fit(source(np.zeros(shape, dtype=np.float32), tmp_path))


@pytest.mark.parametrize("source", [*READ_BY_SLICES, as_tensor])
@pytest.mark.parametrize("method", ["transform", "partial_fit"])
def test_another_number_of_features_is_refused(source, method, tmp_path, rows_a_block):
    rows_a_block(7)
    cvae = small_cvae().fit(ROWS)
    with pytest.raises(ValueError, match="X has 11 features, but CVAETransformer is expecting 12 features"):
        getattr(cvae, method)(source(ROWS[:, :11].copy(), tmp_path))


def dask_array_of_unknown_shape(*shape):
    da, delayed = pytest.importorskip("dask.array"), pytest.importorskip("dask").delayed
    return da.from_delayed(delayed(lambda: ROWS)(), shape=shape, dtype=ROWS.dtype)


@pytest.mark.parametrize("shape", [(np.nan, N_FEATURES), (N_ROWS, np.nan)], ids=["rows", "features"])
@pytest.mark.parametrize("method", ["fit", "transform"])
def test_an_unknown_shape_is_refused_with_words(method, shape):
    cvae = small_cvae().fit(ROWS)
    with pytest.raises(ValueError, match="unknown"):
        getattr(cvae, method)(dask_array_of_unknown_shape(*shape))


def test_a_shape_that_is_none_is_refused_with_words():
    X = Dataset(ROWS)
    X.shape = (None, N_FEATURES)
    with pytest.raises(ValueError, match="unknown"):
        small_cvae().fit(X)


@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.csc_array, sparse.coo_array])
def test_sparse_rows_are_refused_as_by_scikit_learn(form):
    cvae = small_cvae().fit(ROWS)
    for method in (cvae.transform, cvae.score_samples, cvae.partial_fit, cvae.fit):
        with pytest.raises(TypeError, match="Sparse data was passed for X, but dense data is required"):
            method(form(ROWS))


# Latent statistics


def latent_moments(cvae, X, weight=None):
    mean, scale = (array.astype(np.float64) for array in cvae.posterior(X))
    kl = 0.5 * (mean**2 + scale**2 - 1 - 2 * np.log(scale))
    centre = np.average(mean, axis=0, weights=weight)
    of_means = np.cov(mean.T, bias=True, aweights=weight)
    variance = np.average(scale**2, axis=0, weights=weight)
    active = (of_means.diagonal() > 0.01).sum()
    return centre, of_means + np.diag(variance), np.average(kl, axis=0, weights=weight), active


@pytest.mark.parametrize(("source", "weighted"), [(as_dataset, True), (as_memmap, False), (as_dask, True)])
def test_latent_statistics_in_blocks_are_those_of_all_rows(source, weighted, tmp_path, rows_a_block):
    rows_a_block(32)
    weight = np.random.default_rng(3).random(N_ROWS) if weighted else None
    cvae = small_cvae(max_iter=4).fit(source(ROWS, tmp_path), sample_weight=weight)
    mean, covariance, kl, n_active = latent_moments(cvae, ROWS, weight)
    np.testing.assert_allclose(cvae.latent_mean_, mean, atol=1e-6)
    np.testing.assert_allclose(cvae.latent_covariance_, covariance, atol=1e-6)
    np.testing.assert_allclose(cvae.kl_per_component_, kl, atol=1e-6)
    assert cvae.n_active_units_ == n_active


def test_about_five_thousand_codes_are_kept():
    X = np.random.default_rng(0).random((12_000, 2), dtype=np.float32)
    cvae = small_cvae(hidden_layer_sizes=(), max_iter=1, batch_size=4096).fit(Dataset(X))
    assert 2500 < len(cvae.latent_samples_) <= 5001
    assert len(np.unique(cvae.latent_samples_, axis=0)) > 0.99 * len(cvae.latent_samples_)


# Weights and early stopping


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_rows_of_weight_0_do_not_matter_even_a_block_of_them(method, rows_a_block):
    weight = np.ones(N_ROWS)
    weight[:14] = weight[33] = 0
    X = ROWS.copy()
    X[weight == 0] = 1e8
    rows_a_block(7)
    cvae, with_others = (getattr(small_cvae(), method)(Dataset(values), sample_weight=weight) for values in (ROWS, X))
    np.testing.assert_allclose(with_others.module_.mean, ROWS[weight > 0].mean(axis=0), rtol=1e-5)
    # The order of training within a block depends on its rows; the model does not.
    assert with_others.loss_ == pytest.approx(cvae.loss_, rel=0.05)
    assert_same_bits(
        [with_others.n_active_units_, len(with_others.latent_samples_)],
        [cvae.n_active_units_, len(cvae.latent_samples_)],
    )
    np.testing.assert_allclose(with_others.latent_mean_, cvae.latent_mean_, atol=0.1)


def test_rows_are_held_back_of_all_blocks_and_never_trained_on(trained_on, rows_a_block):
    X = np.column_stack([np.arange(300), factors(300, sort=True)])
    parameters = {"early_stopping": True, "validation_fraction": 0.2, "max_iter": 3, "batch_norm": False}
    parameters["init"] = "random"
    in_memory = small_cvae(**parameters).fit(X)
    of_memory = {row for batch in trained_on for row in batch}
    trained_on.clear()
    rows_a_block(70, 9)
    cvae = small_cvae(**parameters).fit(Dataset(X))
    assert {row for batch in trained_on for row in batch} == of_memory
    held_back = np.array(sorted(set(range(300)) - of_memory))
    assert len(held_back) == 60
    assert np.bincount(held_back // 70, minlength=5).min() > 0
    assert len(cvae.validation_loss_curve_) == len(cvae.loss_curve_) == cvae.n_iter_ == 3
    np.testing.assert_allclose(cvae.validation_loss_curve_, in_memory.validation_loss_curve_, rtol=0.05)


# Memory


class Endless:
    """As many rows as are asked for, made when they are read."""

    dtype = np.dtype(np.float32)

    def __init__(self, n_rows):
        self.shape = n_rows, 128

    def __getitem__(self, rows):
        start, stop, _ = rows.indices(self.shape[0])
        return np.random.default_rng(start).random((stop - start, 128), dtype=np.float32)


def test_of_data_that_are_read_in_blocks_a_few_blocks_are_held_at_once(monkeypatch):
    """Torch takes the memory of the blocks as it is, so that all of it is NumPy's, which is traced."""
    monkeypatch.setattr(chunk_sizes, "block_bytes", 2**20)
    cvae, X = small_cvae(hidden_layer_sizes=(4,), max_iter=1, batch_size=1024), Endless(20_000)
    tracemalloc.start()
    cvae.fit(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5e6  # of 10 MB
