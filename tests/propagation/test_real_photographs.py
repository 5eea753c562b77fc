"""Every real photograph in a painting, where the checkout has them."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline

from skisp import CVAETransformer, ImageReader, PatchTransformer, StylePropagator
from skisp.metrics import style_distance

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "images"
PHOTOGRAPHS = ("chicago", "cornell", "stata", "tuebingen")

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no pictures in {FOLDER}")]


@pytest.mark.parametrize(
    ("painting", "transformer"),
    [("wave", PCA(8)), ("starry_night", CVAETransformer(8, hidden_layer_sizes=(32,), max_iter=4))],
)
def test_photographs_take_the_style_of_paintings(painting, transformer):
    paths = [FOLDER / f"{name}.jpg" for name in PHOTOGRAPHS]
    [style] = ImageReader(size=96).fit_transform([FOLDER / f"{painting}.jpg"])
    coder = PatchTransformer(transformer, patch_size=7, max_patches=3000)
    pipeline = make_pipeline(ImageReader(size=96), StylePropagator(style=coder, style_images=style, random_state=0))
    contents = ImageReader(size=96).transform(paths)
    for content, picture in zip(contents, pipeline.fit(paths).transform(paths), strict=True):
        assert picture.shape == content.shape
        assert picture.dtype == np.uint8
        assert picture.std() > 10
        assert style_distance(style, picture) < 0.7 * style_distance(style, content)
    assert 0 < pipeline.score(paths[:1]) <= 1
