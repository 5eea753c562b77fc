"""Two worker processes, started once; and a limit of time, because a cluster that is stuck waits for ever."""

import logging
import multiprocessing
import os
import signal

import numpy as np
import pytest
from sklearn.datasets import load_digits

from skisp import CVAETransformer, PatchTransformer, StylePropagator
from skisp.datasets import load_photograph, make_style_image

_SECONDS = 120


@pytest.fixture(autouse=True)
def time_limit():
    """Fail what does not end; where there are no alarms, on Windows, there is no limit."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def give_up(*_):
        raise TimeoutError(f"The cluster has not answered in {_SECONDS} seconds.")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(_SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="package")  # idle workers keep asking what there is to do, so they end with these tests
def client(tmp_path_factory):
    """Of a cluster of two processes of one thread each, of which nothing is left at the end."""
    dask, distributed = (pytest.importorskip(name) for name in ("dask", "distributed"))
    method = "forkserver" if hasattr(os, "fork") else "spawn"
    with dask.config.set({"distributed.worker.multiprocessing-method": method}):
        # Workers are copies of a process that has imported what they need, and nothing of the tests.
        distributed.utils.get_mp_context().set_forkserver_preload(["distributed", "skisp.propagation", "sklearn.base"])
        with (
            distributed.LocalCluster(
                n_workers=2,
                threads_per_worker=1,
                processes=True,
                dashboard_address=":0",
                local_directory=str(tmp_path_factory.mktemp("workers")),
                memory_limit=None,
                silence_logs=logging.ERROR,
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client
    for process in started_here():
        process.join(timeout=10)
    assert not started_here()


def started_here():
    """Processes of the cluster that still run; joblib keeps its own, of other tests, for later."""
    return [process for process in multiprocessing.active_children() if not process.name.startswith("LokyProcess")]


@pytest.fixture(scope="session")
def photographs():
    """Four small ones of different sizes, uint8."""
    china, flower = (load_photograph(name, size=27) for name in ("china", "flower"))
    return [china, flower[:, 2:], china[:, ::-1][:17], flower[::-1]]


@pytest.fixture(scope="session")
def propagator():
    """Not fitted; the style is coded by a C-VAE."""
    cvae = CVAETransformer(4, hidden_layer_sizes=(16,), max_iter=2)
    style = PatchTransformer(cvae, patch_size=5, max_patches=1000)
    painting = make_style_image("stained_glass", size=32, random_state=0)
    return StylePropagator(style=style, style_images=painting, random_state=0)


@pytest.fixture(scope="session")
def rows():
    """float32 (600, 64) in [0, 1]."""
    return (load_digits().data[:600] / 16).astype(np.float32)


@pytest.fixture
def cvae():
    """Not fitted."""
    return CVAETransformer(4, hidden_layer_sizes=(16,), max_iter=2, random_state=0)
