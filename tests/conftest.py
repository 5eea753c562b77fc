import signal

import numpy as np
import pytest
import torch

# A shell without job control has the programs that it starts in the background ignore Ctrl-C, and they hand that on:
# processes that a test interrupts would never end.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def set_threads():
    """Sets how many threads torch has; after the test there are as many as before."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)
