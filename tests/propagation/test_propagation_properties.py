"""What must hold whatever the size, kind of image and parameters."""

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from skisp import CVAETransformer, PatchTransformer, StylePropagator
from skisp.datasets import make_style_image

DTYPES = [np.uint8, np.uint16, np.float32, np.float64]
KINDS = [None, 1, 2, 3, 4]  # (H, W), grey, grey and alpha, RGB, RGBA

sizes = st.one_of(
    st.tuples(st.integers(5, 60), st.integers(5, 60)),
    st.tuples(st.just(5), st.integers(100, 200)),
    st.tuples(st.integers(100, 200), st.just(8)),
)
parameters = st.fixed_dictionaries(
    {
        "strength": st.floats(0, 1),
        "content_weight": st.floats(0, 10),
        "coherence": st.floats(0, 5),
        "balance": st.floats(0, 5),
        "style_scale": st.floats(0.01, 8),
        "color": st.sampled_from(["style", "content", "only"]),
        "patches": st.sampled_from(["style", "generated"]),
        "detail": st.floats(0, 1),
    }
)


def fitted_on(image, transformer):
    return PatchTransformer(transformer, patch_size=5, max_patches=1000, random_state=0).fit([image])


@pytest.fixture(scope="module")
def coloured():
    image = make_style_image("brush_strokes", size=40, random_state=0)
    return fitted_on(image, CVAETransformer(4, hidden_layer_sizes=(16,), max_iter=2))


@pytest.fixture(scope="module")
def grey():
    return fitted_on(make_style_image("woodcut", size=(30, 44), random_state=0).mean(axis=2), PCA(4))


def image_of(size, kind, dtype, flat, seed):
    """Noise, or one value, of a size, number of channels and dtype."""
    shape = size if kind is None else (*size, kind)
    generator = np.random.default_rng(seed)
    values = np.full(shape, generator.random()) if flat else generator.random(shape)
    return values.astype(dtype) if np.dtype(dtype).kind == "f" else np.rint(values * np.iinfo(dtype).max).astype(dtype)


def assert_sound(picture, content):
    """Of the content's form, finite, in range, and with its alpha."""
    assert picture.shape == content.shape
    assert picture.dtype == content.dtype
    assert np.isfinite(picture).all()
    assert picture.min() >= 0
    assert picture.max() <= (1 if content.dtype.kind == "f" else np.iinfo(content.dtype).max)
    if content.ndim == 3 and content.shape[2] in (2, 4):
        np.testing.assert_array_equal(picture[..., -1], content[..., -1])


@settings(
    deadline=None,
    max_examples=20,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(
    size=sizes,
    kind=st.sampled_from(KINDS),
    dtype=st.sampled_from(DTYPES),
    flat=st.booleans(),
    parameters=parameters,
    style=st.sampled_from(["coloured", "grey", "both"]),
    seed=st.integers(0, 99),
)
def test_pictures_are_sound_whatever_the_image_and_the_parameters(
    coloured, grey, size, kind, dtype, flat, parameters, style, seed
):
    styles = {"coloured": coloured, "grey": grey, "both": [coloured, coloured]}
    content = image_of(size, kind, dtype, flat, seed)
    [picture] = StylePropagator(style=styles[style], random_state=seed, **parameters).fit_transform([content])
    assert_sound(picture, content)


@settings(
    deadline=None,
    max_examples=8,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(
    size=sizes,
    kind=st.sampled_from(KINDS),
    dtype=st.sampled_from(DTYPES),
    parameters=parameters,
    seed=st.integers(0, 9),
)
def test_strength_0_returns_the_bytes_of_the_content(coloured, size, kind, dtype, parameters, seed):
    content = image_of(size, kind, dtype, False, seed)
    propagator = StylePropagator(style=coloured, random_state=seed, **parameters | {"strength": 0})
    [picture] = propagator.fit_transform([content])
    # Inside, all is float32: integers come back to the bit, and floats of that precision too.
    expected = content if content.dtype != np.float64 else content.astype(np.float32).astype(np.float64)
    np.testing.assert_array_equal(picture, expected)


@pytest.mark.parametrize("size", [(11, 11), (12, 11), (8, 8), (8, 40), (3, 5), (1, 1)])
def test_images_as_small_as_a_patch_and_smaller_are_redrawn(size):
    style = make_style_image("waves", size=32, random_state=0)
    coder = PatchTransformer(PCA(4), max_patches=1000, random_state=0).fit([style])
    content = image_of(size, 3, np.uint8, False, 0)
    propagator = StylePropagator(style=coder, random_state=0).fit([content])
    assert_sound(propagator.transform([content])[0], content)
    assert_sound(propagator.propagate_sequence([content] * 2)[1], content)
    np.testing.assert_array_equal(propagator.set_params(strength=0.0).transform([content])[0], content)
