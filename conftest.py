"""Processes that run tests side by side take one thread each, or they would be in each other's way."""

import os

if "PYTEST_XDIST_WORKER" in os.environ:  # before torch and NumPy read it
    os.environ.setdefault("OMP_NUM_THREADS", "1")
