"""What ``set_output`` does: tables become DataFrames with names, images stay what they are."""

import numpy as np
import pytest
import sklearn
import torch
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline

from skisp import CVAETransformer, PatchTransformer, StylePropagator

NAMES = [f"height{i}" for i in range(6)]


@pytest.fixture(params=["pandas", "polars"])
def library(request):
    return pytest.importorskip(request.param)


@pytest.fixture
def name(library):
    return library.__name__


@pytest.fixture
def rows(rng):
    return rng.normal(size=(30, 6))


@pytest.fixture
def table(library, rows):
    return library.DataFrame(dict(zip(NAMES, rows.T, strict=True)))


@pytest.fixture
def style_rows(rng):
    return rng.normal(2, 3, size=(30, 6)).astype(np.float32)


@pytest.fixture
def every_warning():
    """Let torch warn again of what it has warned of before."""
    before = torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    yield
    torch.set_warn_always(before)


def coder(kind):
    return PCA(3, random_state=0) if kind is PCA else CVAETransformer(3, hidden_layer_sizes=(8,), max_iter=1)


@pytest.mark.parametrize("kind", [PCA, CVAETransformer])
def test_codes_of_patches_that_are_rows_are_a_table_with_names(library, name, table, rows, kind):
    patches = PatchTransformer(coder(kind), random_state=0)
    expected = patches.fit(rows).transform(rows)
    for codes in (
        clone(patches).set_output(transform=name).fit(table).transform(table),
        clone(patches.set_output(transform=name)).fit_transform(table),
    ):
        assert isinstance(codes, library.DataFrame)
        assert list(codes.columns) == ["patchtransformer0", "patchtransformer1", "patchtransformer2"]
        np.testing.assert_array_equal(codes.to_numpy(), expected)


def test_codes_of_as_many_components_as_columns_are_no_columns_of_x(rows):
    names = PatchTransformer(PCA(6)).fit(rows).get_feature_names_out()
    assert names[0] == "patchtransformer0"


@pytest.mark.parametrize("kind", [PCA, CVAETransformer])
@pytest.mark.parametrize("by", ["the estimator", "the transformer inside", "the configuration"])
def test_codes_of_images_stay_arrays(name, painting, kind, by):
    patches = PatchTransformer(coder(kind), patch_size=5, max_patches=300, random_state=0)
    expected = clone(patches).fit([painting])
    if by == "the estimator":
        patches.set_output(transform=name)
    if by == "the transformer inside":
        patches.transformer.set_output(transform=name)
    with sklearn.config_context(transform_output=name if by == "the configuration" else "default"):
        codes = patches.fit([painting]).transform([painting])
        assert type(codes[0]) is np.ndarray
        np.testing.assert_array_equal(codes[0], expected.transform([painting])[0])
        np.testing.assert_array_equal(patches.inverse_transform(codes)[0], expected.inverse_transform(codes)[0])


@pytest.mark.filterwarnings("error")
@pytest.mark.usefixtures("every_warning")
@pytest.mark.parametrize(
    ("kind", "by"),
    [
        (PCA, "the estimator"),
        (CVAETransformer, "the coders"),
        (PCA, "the configuration"),
    ],
)
def test_redrawn_images_stay_arrays(name, photograph, painting, kind, by):
    patches = PatchTransformer(coder(kind), patch_size=5, max_patches=300)
    propagator = StylePropagator(patches, patches, style_images=painting, random_state=0)
    expected = clone(propagator).fit([photograph])
    if by == "the estimator":
        propagator.set_output(transform=name)
    if by == "the coders":
        patches.transformer.set_output(transform=name)
    with sklearn.config_context(transform_output=name if by == "the configuration" else "default"):
        pictures = propagator.fit([photograph]).transform([photograph])
        assert type(pictures) is list
        np.testing.assert_array_equal(pictures[0], expected.transform([photograph])[0])
        assert propagator.score([photograph]) == expected.score([photograph])


@pytest.mark.filterwarnings("error")
@pytest.mark.usefixtures("every_warning")
@pytest.mark.parametrize(
    ("kind", "with_content", "by"),
    [
        (PCA, True, "the configuration"),
        (PCA, False, "the pipeline"),
        (CVAETransformer, True, "the pipeline"),
        (CVAETransformer, False, "the configuration"),
    ],
)
def test_redrawn_rows_are_a_table_with_the_names_of_the_content(
    library, name, table, rows, style_rows, kind, with_content, by
):
    content = coder(kind) if with_content else None
    pipeline = make_pipeline(StylePropagator(content, coder(kind), style_images=style_rows, random_state=0))
    expected = clone(pipeline).fit(rows)
    if by == "the pipeline":
        pipeline.set_output(transform=name)
    with sklearn.config_context(transform_output=name if by == "the configuration" else "default"):
        for redrawn in (pipeline.fit(table).transform(table), clone(pipeline).fit_transform(table)):
            assert isinstance(redrawn, library.DataFrame)
            assert list(redrawn.columns) == list(pipeline.get_feature_names_out()) == NAMES
            np.testing.assert_array_equal(redrawn.to_numpy(), expected.transform(rows))
        assert pipeline.score(table) == expected.score(rows)


def test_rows_redrawn_by_a_style_of_other_columns_have_names_of_their_own(library, name, table, rng):
    style = FrozenEstimator(PCA(3).fit(rng.normal(size=(30, 4))))
    propagator = StylePropagator(PCA(3), style, random_state=0).set_output(transform=name)
    redrawn = propagator.fit(table).transform(table)
    assert list(redrawn.columns) == [f"stylepropagator{i}" for i in range(4)]


def test_rows_that_came_as_images_stay_images(name, rows, style_rows):
    propagator = StylePropagator(style=PCA(3), style_images=style_rows, random_state=0).set_output(transform=name)
    images = rows.reshape(30, 2, 3)
    redrawn = propagator.fit(images).transform(images)
    assert type(redrawn) is np.ndarray
    assert redrawn.shape == images.shape
    assert not hasattr(propagator, "get_feature_names_out")


class Unnamed(PCA):
    """A transformer that does not say how many columns it gives."""

    get_feature_names_out = property()


def test_names_are_not_offered_where_there_are_none(rows, painting):
    named = PatchTransformer(PCA(3))
    assert all(hasattr(coder, "get_feature_names_out") for coder in (named, clone(named).fit(rows)))
    for coder in (clone(named).fit([painting]), PatchTransformer(Unnamed(3)).fit(rows)):
        assert not hasattr(coder, "get_feature_names_out")
