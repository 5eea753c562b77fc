"""One fit by several processes: what one process with the same batches would learn."""

import multiprocessing
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import distributed

from skisp import CVAETransformer
from skisp.persistence import load_model

if not (distributed.is_available() and distributed.is_gloo_available() and hasattr(os, "fork")):
    pytest.skip("torch has no gloo here, or the system does not fork", allow_module_level=True)

ROWS = np.random.default_rng(0).normal(size=(83, 12)) @ np.random.default_rng(1).normal(size=(12, 12))
IMAGES = np.random.default_rng(0).random((45, 16, 16, 1), dtype=np.float32)
GREYS = np.random.default_rng(0).random((45, 12), dtype=np.float32)
STOPPING = {"n_iter_no_change": 1, "tol": 0.05, "learning_rate_schedule": "constant"}
# A last batch of 3 rows is less than one a process, of four of them.
KINDS = {
    "held back": (ROWS, {"max_iter": "auto", **STOPPING}),
    "stopping": (ROWS, {"early_stopping": True, "max_iter": 30, **STOPPING}),
    "gaussian": (ROWS, {"likelihood": "gaussian", "free_bits": 0.3, "kl_warmup": 2.0}),
    "contraction": (ROWS, {"contraction": 0.1, "batch_norm": False, "n_importance_samples": 3}),
    "contraction of normalised layers": (ROWS, {"contraction": 0.1, "weight_decay": 0.01}),
    "autoencoder": (ROWS, {"kl_weight": 0.0}),
    "bernoulli": (GREYS, {"likelihood": "bernoulli", "binarize": True}),
    "images": (IMAGES, {"conv_channels": (4,), "augment": ("flip",), "max_iter": 2}),
}


def small_cvae(**parameters):
    defaults = {"n_components": 2, "hidden_layer_sizes": (8,), "max_iter": 3, "batch_size": 20, "random_state": 0}

    return CVAETransformer(**{**defaults, "device": "cpu", "precision": "float32", **parameters})


def state(cvae):
    arrays = cvae.module_.to_arrays()
    return {**arrays, "loss": cvae.loss_curve_, "validation": cvae.validation_loss_curve_, "codes": cvae.latent_mean_}


def work(rank, n_processes, file, jobs, answers):
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{file}", rank=rank, world_size=n_processes)
    answers.put((rank, [job(rank) for job in jobs]))
    distributed.barrier()
    distributed.destroy_process_group()


def together(n_processes, jobs, tmp_path):
    """What each process answers to each job, a function of its rank."""
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    arguments = (n_processes, tmp_path / f"group{n_processes}", jobs, answers)
    processes = [context.Process(target=work, args=(rank, *arguments)) for rank in range(n_processes)]
    for process in processes:
        process.start()
    found = dict(answers.get(timeout=60) for _ in processes)
    for process in processes:
        process.join()
        assert process.exitcode == 0
    return [found[rank] for rank in range(n_processes)]


def assert_close(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        assert len(np.atleast_1d(value)) == len(np.atleast_1d(theirs[name])), name
        np.testing.assert_allclose(value, theirs[name], rtol=1e-5, atol=2e-5, err_msg=name)


@pytest.mark.parametrize(("n_processes", "kinds"), [(2, list(KINDS)), (4, ["contraction of normalised layers"])])
def test_several_processes_learn_what_one_does(n_processes, kinds, tmp_path):
    chosen = [KINDS[kind] for kind in kinds]
    jobs = [lambda _, X=X, given=given: state(small_cvae(**given).fit(X)) for X, given in chosen]
    found = together(n_processes, jobs, tmp_path)
    for kind, (X, given), *ours in zip(kinds, chosen, *found, strict=True):
        alone = state(small_cvae(**given).fit(X))
        for one in ours:
            assert_close(one, alone)
            for name, value in one.items():
                np.testing.assert_array_equal(value, ours[0][name], err_msg=f"{kind}: {name} differs between them")


def test_each_computes_with_its_share(tmp_path):
    """Of a batch of 20 rows and one of 3, two processes see 10 and 2 or 1."""
    from skisp.cvae._networks import CVAENetwork

    def job(rank):
        seen, encode = [], CVAENetwork.encode
        CVAENetwork.encode = lambda network, x: seen.append((network.training, len(x))) or encode(network, x)
        small_cvae(max_iter=1).fit(ROWS)
        CVAENetwork.encode = encode
        return [n for training, n in seen if training]

    found = together(2, [job], tmp_path)
    assert [one[0] for one in found] == [[10, 10, 10, 10, 2], [10, 10, 10, 10, 1]]


def test_they_end_when_the_first_one_does(tmp_path):
    """Though one of them would not, as its callback or its rounding may have it."""

    def job(rank):
        from skisp.cvae._watching import EpochWatcher

        end = EpochWatcher.end
        EpochWatcher.end = lambda self, epoch, log: end(self, epoch, log) or (rank == 0 and epoch == 1)
        n_iter = small_cvae().fit(ROWS).n_iter_
        EpochWatcher.end = end
        return n_iter

    assert together(2, [job], tmp_path) == [[2], [2]]


def test_other_data_or_parameters_are_refused_in_every_process(tmp_path):
    def told(cvae, X):
        with pytest.raises(ValueError, match=r"The 2 processes of torch\.distributed train one model") as error:
            cvae.fit(X)
        return str(error.value).partition("given another ")[2].partition(" each")[0]

    jobs = [
        lambda rank: told(small_cvae(), ROWS + rank),
        lambda rank: told(small_cvae(kl_weight=1.0 + rank), ROWS),
    ]
    assert together(2, jobs, tmp_path) == 2 * [["X or sample_weight", "kl_weight"]]


def test_the_first_process_keeps_the_checkpoint(tmp_path):
    path = tmp_path / "fit.checkpoint"

    def interrupted(rank):
        from skisp.cvae._training import Trainer

        step, taken = Trainer.step, []

        def stepped(self, *arguments):
            taken.append(1)
            if len(taken) == 12:
                raise KeyboardInterrupt
            return step(self, *arguments)

        Trainer.step = stepped
        with pytest.raises(KeyboardInterrupt):
            small_cvae(checkpoint=path).fit(ROWS)
        Trainer.step = step
        return path.exists()

    jobs = [interrupted, lambda _: state(small_cvae(checkpoint=path).fit(ROWS)), lambda _: path.exists()]
    for there, ours, there_still in together(2, jobs, tmp_path):
        assert there
        assert not there_still
        assert_close(ours, state(small_cvae().fit(ROWS)))


@pytest.mark.slow
def test_the_script_of_the_page_runs_under_torchrun(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "cluster.rst").read_text(encoding="utf-8")
    script = textwrap.dedent(page[page.index("    # train.py") :].partition("\n\n.. code-block")[0])
    (tmp_path / "train.py").write_text(script)
    rows = np.random.default_rng(0).normal(size=(300, 40))
    np.save(tmp_path / "rows.npy", rows)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "train.py"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}
    subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True, timeout=120)
    ours, alone = load_model(tmp_path / "model.skisp"), CVAETransformer(32, batch_size=4096, random_state=0).fit(rows)
    assert ours.n_iter_ == alone.n_iter_
    np.testing.assert_allclose(ours.loss_curve_, alone.loss_curve_, rtol=1e-3)
    assert not (tmp_path / "fit.checkpoint").exists()
