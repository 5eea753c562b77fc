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
