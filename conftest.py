"""Processes that run tests side by side take one thread each, or they would be in each other's way."""

import os

if "PYTEST_XDIST_WORKER" in os.environ:  # before torch and NumPy read it
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_collection_modifyitems(items):
    """Slow tests go first: at the end one process would run the longest while the other has nothing left."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
