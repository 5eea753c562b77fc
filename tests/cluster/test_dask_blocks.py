"""Many images as a Dask bag, many rows as a Dask array: what is done in parts on a cluster is what is done here.

What goes to the workers is a lambda, because those are pickled by value: workers cannot import the tests.
"""

import numpy as np
import pytest
from sklearn.base import clone

from skisp import StylePropagator

distributed = pytest.importorskip("distributed")
dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
db = pytest.importorskip("dask.bag")
pytestmark = pytest.mark.cluster

BLOCK = 150


def in_blocks(rows):
    return da.from_array(rows, chunks=(BLOCK, rows.shape[1]))


def assert_same_model(cvae, expected):
    arrays, others = (model.module_.to_arrays() for model in (cvae, expected))
    assert arrays.keys() == others.keys()
    for name in others:
        np.testing.assert_array_equal(arrays[name], others[name], err_msg=name)
    assert cvae.loss_curve_ == expected.loss_curve_


@pytest.fixture(scope="module")
def fitted(propagator, photographs):
    return clone(propagator).fit(photographs)


def test_a_scattered_propagator_is_not_pickled_again_for_every_image(client, fitted, photographs, monkeypatch):
    n_pickles = []
    get_state = StylePropagator.__getstate__

    def counting(self):
        n_pickles.append(1)
        return get_state(self)

    monkeypatch.setattr(StylePropagator, "__getstate__", counting)
    shared = client.scatter(fitted, broadcast=True, hash=False)
    assert set(client.who_has(shared)[shared.key]) == set(client.ncores())
    assert n_pickles
    n_pickles.clear()
    bag = db.from_sequence(photographs * 3, npartitions=12)
    pictures = bag.map(lambda image, propagator: propagator.transform([image])[0], propagator=shared).compute()
    assert len(pictures) == 12
    assert not n_pickles


def test_an_array_of_images_is_coded_block_by_block(client, cvae, rows):
    images = rows.reshape(-1, 8, 8)
    cvae.fit(images)
    blocks = da.from_array(images, chunks=(BLOCK, 8, 8))
    codes = blocks.map_blocks(cvae.transform, drop_axis=2, dtype=np.float32, chunks=(blocks.chunks[0], (4,)))
    np.testing.assert_array_equal(codes.compute(), cvae.transform(images))


def train_here(cvae, rows, n_epochs):
    cvae = clone(cvae)
    for _ in range(n_epochs):
        for start in range(0, len(rows), BLOCK):
            cvae.partial_fit(rows[start : start + BLOCK])
    return cvae


def test_dask_ml_trains_as_a_loop_does(client, cvae, rows):
    wrappers = pytest.importorskip("dask_ml.wrappers")
    incremental = wrappers.Incremental(cvae, shuffle_blocks=False).fit(in_blocks(rows))
    expected = train_here(cvae, rows, n_epochs=1)
    assert_same_model(incremental.estimator_, expected)
    np.testing.assert_array_equal(incremental.transform(in_blocks(rows)).compute(), expected.transform(rows))
    incremental.partial_fit(in_blocks(rows))
    assert_same_model(incremental.estimator_, train_here(cvae, rows, n_epochs=2))
