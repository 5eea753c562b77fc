"""The page on clusters in the documentation runs as it is printed."""

import importlib.util
import re
import textwrap
from pathlib import Path

import numpy as np
import pytest

from skisp import CVAETransformer

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.cluster

PAGE = Path(__file__).parents[2] / "docs" / "cluster.rst"


def code_blocks():
    blocks = re.findall(r"^\.\. code-block:: python\n((?:\n| {4}.*\n)+)", PAGE.read_text(), re.MULTILINE)
    return [textwrap.dedent(block) for block in blocks]


def can_run(block):
    """Not without dask-ml what is about dask-ml, and never what is about GPUs, or is a script for torchrun."""
    if "dask_cuda" in block or "# train.py" in block:
        return False
    return "dask_ml" not in block or importlib.util.find_spec("dask_ml") is not None


@pytest.fixture(scope="module")
def names(client):
    """What the names on the page stand for at its end; the workers are those of the other tests."""
    names = {"__name__": "__main__"}  # so that its functions are pickled by value, as in a script
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dask.distributed.Client", lambda **_: client)
        for block in filter(can_run, code_blocks()):
            # Processes of joblib have a test with the propagator's searches; to start them takes long.
            exec(block.replace('"loky", n_jobs=2', '"sequential"'), names)
            names.setdefault("results_here", names["search"].cv_results_)
    return names


def test_all_blocks_but_those_of_other_packages_are_run():
    assert len(code_blocks()) == 10
    others = ("dask_cuda", "dask_ml", "# train.py")
    assert len([block for block in code_blocks() if not any(other in block for other in others)]) == 7


def test_the_search_of_the_page_finds_the_same_on_dask_as_in_one_process(names):
    scores = names["search"].cv_results_["mean_test_score"]
    assert np.isfinite(scores).all()
    np.testing.assert_array_equal(scores, names["results_here"]["mean_test_score"])


def test_the_bag_of_the_page_is_redrawn_as_a_list_is(names):
    expected = names["propagator"].transform(names["photographs"])
    for picture, other in zip(names["pictures"], expected, strict=True):
        np.testing.assert_array_equal(picture, other)


def test_the_chain_of_the_page_trains_as_a_loop_does(names):
    expected = CVAETransformer(8, random_state=0)
    for _ in range(3):
        for start in range(0, 1797, 600):
            expected.partial_fit(names["digits"][start : start + 600])
    assert names["cvae"].loss_curve_ == expected.loss_curve_
    np.testing.assert_array_equal(names["cvae"].transform(names["digits"]), expected.transform(names["digits"]))


def test_the_codes_of_the_page_are_of_all_rows(names):
    codes = names["codes"].compute()
    coder = CVAETransformer(8, max_iter=3, random_state=0).fit(names["digits"])
    np.testing.assert_array_equal(codes, coder.transform(names["digits"]))
