"""A search on a cluster finds what it finds on one machine, even if a worker dies."""

import os
import signal

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skisp import ImageReader

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.cluster

GRID = {
    "stylepropagator__strength": [0.5, 1.0],
    "stylepropagator__style__transformer__n_components": [2, 4],
}


@pytest.fixture(scope="module")
def search(propagator):
    """Eight fits: four candidates on two folds."""
    pipeline = make_pipeline(ImageReader(size=26), propagator)
    # The score of pictures as poor as these is often 0. A lambda needs no module on the workers.
    darkness = {"scoring": lambda estimator, X, y=None: -float(np.mean([np.mean(p) for p in estimator.transform(X)]))}
    return GridSearchCV(pipeline, GRID, cv=2, error_score="raise", refit=False, **darkness)


@pytest.fixture(scope="module")
def expected(search, photographs):
    """What one process finds."""
    results = clone(search).set_params(n_jobs=1).fit(photographs).cv_results_
    assert len(set(results["mean_test_score"])) == 4  # so that no result can stand for another
    return results


def assert_same_results(results, expected):
    """All columns but the times are the same, to the last bit."""
    assert results.keys() == expected.keys()
    assert results["params"] == expected["params"]
    for name in expected.keys() - {"params"}:
        if "time" not in name:
            np.testing.assert_array_equal(results[name], expected[name], err_msg=name)


class KillHalfWay(distributed.SchedulerPlugin):
    """Kills a worker that has work, once, when some tasks are done.

    It lives with the scheduler, in the process of the tests, and is told of every step of every task.
    """

    name = "kill-half-way"

    def __init__(self, scheduler, process_ids, n_done):
        self.scheduler = scheduler
        self.process_ids = process_ids
        self.n_done = n_done
        self.killed = None
        self.interrupted = []

    def transition(self, key, start, finish, *args, **kwargs):
        self.n_done -= finish == "memory" and "_fit_and_score" in str(key)
        busy = [worker for worker in self.scheduler.workers.values() if worker.processing]
        if self.n_done <= 0 and busy and self.killed is None:
            self.killed = self.process_ids[busy[0].address]
            self.interrupted = [task.key for task in busy[0].processing]
            os.kill(self.killed, signal.SIGKILL)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs a signal that kills")
def test_a_search_finds_the_same_when_a_worker_is_killed_half_way(client, search, photographs, expected):
    search, scheduler = clone(search), client.cluster.scheduler
    killer = KillHalfWay(scheduler, client.run(os.getpid), n_done=2)
    scheduler.add_plugin(killer)
    with joblib.parallel_config("dask", client=client, scatter=[photographs]):
        search.fit(photographs)
    scheduler.remove_plugin(killer.name)
    assert killer.interrupted
    assert all("_fit_and_score" in key for key in killer.interrupted)
    client.wait_for_workers(2)  # another one has taken its place
    assert killer.killed not in client.run(os.getpid).values()
    assert_same_results(search.cv_results_, expected)
