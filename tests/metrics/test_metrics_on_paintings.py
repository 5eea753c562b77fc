"""Real pictures, where the checkout has them: sizes, trivial answers, and what the figures say of them."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.decomposition import PCA

from skisp import PatchTransformer, StylePropagator, metrics
from skisp.metrics._frechet import StyleDescriptors
from skisp.metrics._propagation import PropagationPair
from skisp.metrics._working import working_images

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "images"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no pictures in {FOLDER}")


def _load(name, side):
    image = Image.open(FOLDER / f"{name}.jpg").convert("RGB")
    scale = side / min(image.size)
    return np.asarray(image.resize([round(n * scale) for n in image.size], Image.Resampling.LANCZOS))


@pytest.fixture(scope="module")
def pair():
    return _load("tuebingen", 256), _load("starry_night", 256)


@pytest.fixture(scope="module")
def attacks():
    """The benchmark's attacks, which is no part of the package."""
    spec = importlib.util.spec_from_file_location("_attacks", Path(__file__).parents[2] / "benchmarks" / "_attacks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.attacks


@pytest.mark.slow
@pytest.mark.parametrize(
    ("photograph", "painting"),
    [("chicago", "the_shipwreck_of_the_minotaur"), ("stata", "the_scream")],
)
def test_no_trivial_answer_and_no_attack_comes_near_a_redrawn_picture(photograph, painting, attacks):
    content, style = _load(photograph, 256), _load(painting, 256)
    fitted = PatchTransformer(PCA(12), random_state=0).fit([style])
    [picture] = StylePropagator(style=fitted, random_state=0).fit_transform([content])
    content, style, picture = working_images(content=content, style=style, result=picture)
    pair = PropagationPair.of(content, style, StyleDescriptors.of(style))

    def scores(answers):
        return {name: pair.report(answer)["score"] for name, answer in answers.items()}

    bank, tries = scores(metrics.trivial_answers(content, style)), scores(attacks(content, style))
    assert max(bank.values()) <= 0.05
    assert max(tries.values()) <= 0.15
    assert pair.report(picture)["score"] > max(*bank.values(), *tries.values())
