"""Commands that are ended, or run out of disk, at many moments, and are run again: a script for the tests.

Each trial is a copy of this process, which has imported everything, so that a trial takes as long as its work.
"""

import json
import os
import resource
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV

from skisp import CVAETransformer, PatchTransformer, StylePropagator
from skisp.cli import main
from skisp.io import read_image
from skisp.persistence import load_model

KEPT = {".png", ".skisp", ".gif", ".npy"}


def fit():
    return main(["fit", "style.png", "-o", "new.skisp", "--quiet", *again("new.skisp")])


def apply():
    return main(["apply", "0.png", "1.png", "2.png", "--model", "style.skisp", "-o", "out", "--quiet"])


def sequence():
    return main(["sequence", "frames", "--style", "style.png", "-o", "out", "--quiet", *again("out")])


def search():
    """A search whose candidates take what they have in common from a memory."""
    style = PatchTransformer(CVAETransformer(2, hidden_layer_sizes=(4,), max_iter=1), patch_size=5, max_patches=200)
    images = [read_image(f"{i}.png") for i in range(3)]
    propagator = StylePropagator(style=style, style_images=read_image("style.png"), random_state=0, memory="memory")
    grid = {"style__transformer__n_components": [2, 3], "strength": [0.5, 1.0]}
    found = GridSearchCV(propagator, grid, cv=3).fit(images).cv_results_
    with open("scores.part", "wb") as file:
        np.save(file, found["mean_test_score"])
    os.replace("scores.part", "scores.npy")
    return 0


def again(output):
    """Where the command has written its last file, it must be told that it may do it again."""
    done = Path(output).is_file() or (Path(output).is_dir() and not Path(output, ".skisp-film.npz").exists())
    return ["--force"] if done else []


def child(work, n_bytes=None):
    """The process number of a copy that does the work, and the end of a pipe to which its errors go."""
    errors, said = os.pipe()
    number = os.fork()
    if number:
        os.close(said)
        return number, errors
    status = 99
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(said, 2)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        if n_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))
        status = work()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def ended(number, errors):
    """The status, or minus the signal, and what was said."""
    with os.fdopen(errors, "rb") as pipe:
        said = pipe.read().decode(errors="replace")
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]), said


def files():
    return {
        str(path): path
        for top in ("out", ".")
        for path in Path(top).glob("*")
        if path.suffix in KEPT and path.is_file()
    }


def contents():
    """What is read back of every file of a name that is kept; an error where it is not whole."""
    readers = {".npy": np.load, ".skisp": lambda path: load_model(path).transform([read_image("0.png")])[0]}
    return {name: np.asarray(readers.get(path.suffix, read_image)(path)) for name, path in files().items()}


def check(found, expected):
    for name, values in found.items():
        np.testing.assert_array_equal(values, expected[name], err_msg=name)


def trials(work, clean, n_moments):
    """Each moment by SIGTERM and each size of the disk; counts of how it went."""
    fresh = clean.parent / work.__name__
    begin(clean, fresh)
    start = time.monotonic()
    assert ended(*child(work)) == (0, ""), work.__name__
    seconds, expected = time.monotonic() - start, contents()
    longest = max(path.stat().st_size for path in fresh.rglob("*") if path.is_file())
    counts = Counter()
    for i in range(n_moments):
        begin(clean, fresh)
        number, errors = child(work)
        time.sleep(seconds * (i + 0.5) / n_moments)
        os.kill(number, signal.SIGTERM)
        counts["ended" if ended(number, errors)[0] == -signal.SIGTERM else "was done before"] += 1
        finish(work, expected)
    for i in range(n_moments):
        begin(clean, fresh)
        status, said = ended(*child(work, int(longest * (i + 0.5) / n_moments)))
        assert "Traceback" not in said or work is search, said
        assert status == 0 or work is search or said.startswith("skisp: error: "), said
        assert not list(fresh.rglob(".skisp-*.part")), "a part is left"
        counts["disk was full" if status else "disk was enough"] += 1
        finish(work, expected)
    return counts


def begin(clean, fresh):
    os.chdir(clean)
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(clean, fresh)
    os.chdir(fresh)


def finish(work, expected):
    """What is there is whole; run again, it becomes what it is without a disturbance."""
    check(contents(), expected)
    status, said = ended(*child(work))
    assert status == 0, said
    found = contents()
    assert found.keys() == expected.keys()
    check(found, expected)


def run(folder, n_moments, works):
    torch.set_num_threads(1)
    PatchTransformer._unfitted_transformer = lambda _: PCA(2)
    os.chdir(folder)
    main(["fit", "style.png", "-o", "style.skisp", "--quiet"])
    print(json.dumps({work.__name__: trials(work, Path(folder), n_moments) for work in works}))


if __name__ == "__main__":
    run(str(Path(sys.argv[1]).resolve()), int(sys.argv[2]), [globals()[name] for name in sys.argv[3:]])
