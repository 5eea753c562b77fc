"""What a user's type checker sees."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = """
from collections.abc import Iterator
from pathlib import Path
from typing import Any, assert_type

import numpy as np
import skisp
from numpy.typing import NDArray
from PIL.Image import Image
from skisp import CVAETransformer, ImageReader, PatchTransformer, StylePropagator
from skisp.datasets import load_photograph, make_style_image

Arrays = list[NDArray[Any]]
photograph, painting = load_photograph("china", size=64), make_style_image("waves", size=64, random_state=0)
assert_type(skisp.propagate_style(photograph, painting), NDArray[np.uint8])
assert_type(skisp.propagate_style(painting, photograph), NDArray[np.float32])
assert_type(skisp.propagate_style(Path("photo.jpg"), "painting.jpg", strength=0.5), Image)

propagator = StylePropagator(style_images=[painting], **skisp.preset("bold"))
assert_type(propagator.fit([photograph]), StylePropagator)
assert_type(propagator.transform([photograph], mask=[photograph[..., 0]]), Arrays)
assert_type(propagator.fit_transform(np.stack([photograph])), NDArray[Any])
assert_type(propagator.propagate_sequence(image for image in [photograph]), Iterator[NDArray[Any]])
assert_type(propagator.score([photograph]), float)

coder = PatchTransformer(random_state=0).fit([painting])
assert_type(coder, PatchTransformer)
assert_type(coder.inverse_transform(coder.transform([painting])), Arrays)
cvae = CVAETransformer(8).fit(np.zeros((9, 4)))
assert_type(cvae, CVAETransformer)
assert_type(cvae.fit_transform(np.zeros((9, 4))), NDArray[np.float32])
assert_type(ImageReader(size=64).fit(["a.jpg"]).transform(["a.jpg"]), Arrays)
"""


@pytest.fixture
def script(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "script.py").write_text(SCRIPT)
    # What the script is judged by says nothing of torch, of which reading alone would take most of the time.
    (tmp_path / "mypy.ini").write_text("[mypy]\n[mypy-torch.*]\nfollow_imports = skip\n")


def output(*command):
    environment = {**os.environ, "MYPYPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False).stdout


@pytest.mark.slow
def test_a_script_passes_mypy_in_strict_mode(script):
    pytest.importorskip("mypy")
    said = output(sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "script.py")
    assert said == "Success: no issues found in 1 source file\n"


@pytest.mark.parametrize("checker", ["pyright", "basedpyright"])
def test_a_script_passes_pyright_in_strict_mode(script, checker):
    if shutil.which(checker) is None:
        pytest.skip(f"no {checker} here")
    configuration = {"typeCheckingMode": "strict", "extraPaths": [str(ROOT)], "include": ["script.py"]}
    Path("pyrightconfig.json").write_text(json.dumps(configuration))
    found = json.loads(output(checker, "--outputjson"))
    assert [problem["message"] for problem in found["generalDiagnostics"]] == []
    assert found["summary"]["filesAnalyzed"] == 1
