"""What fit sets must agree: each condition with a fitted model that breaks it. Saving and loading check the same."""

import copy
from dataclasses import replace

import numpy as np
import pytest
from sklearn.decomposition import PCA

from skisp import PatchTransformer
from skisp.persistence import save_model


def grey_patches():
    image = np.random.default_rng(0).random((9, 9), dtype=np.float32)
    return PatchTransformer(PCA(4), patch_size=3, random_state=0).fit([image])


def square(n, dtype=np.float32):
    return np.eye(n, dtype=dtype)


def with_styles(propagation, key=None, **changes):
    return replace(propagation, fitted={**propagation.fitted, key: replace(propagation.fitted[key], **changes)})


def with_map(propagation, **changes):
    return with_styles(propagation, alignment=propagation.fitted[None].alignment._replace(**changes))


def other_map(propagation, n):
    return propagation.row_alignment.transport._replace(matrix=np.eye(n), offset=np.zeros(n))


def with_rows(propagation, **changes):
    return replace(propagation, row_alignment=propagation.row_alignment._replace(**changes))


def with_moments(propagation, **changes):
    return replace(propagation, style_moments=propagation.style_moments._replace(**changes))


# A fitted model, what is changed in its propagation, and what is then said.
OF_IMAGES = [
    (lambda p: replace(p, seed=-1), "a seed is out of range"),
    (lambda p: replace(p, seed=2**31), "a seed is out of range"),
    (lambda p: replace(p, style=[]), "it has no style"),
    (lambda p: replace(p, content=grey_patches()), "the content codes patches of another size"),
    (lambda p: replace(p, style_weights=np.array([0.5, 0.6])), "do not sum to 1"),
    (lambda p: replace(p, style_weights=np.array([-0.5, 1.5])), "do not sum to 1"),
    (lambda p: replace(p, style_weights=np.ones(1)), "not as many as the styles"),
    (lambda p: replace(p, style_weights=[0.5, 0.5]), "style_weights is not an array of floats"),
    (lambda p: replace(p, fitted={None: p.fitted[None]}), "the styles are not all fitted"),
    (lambda p: replace(p, fitted={**p.fitted, 0: 1}), "the styles are not all fitted"),
    (lambda p: replace(p, fitted={**p.fitted, None: p.fitted[0]}), "the styles are not all fitted"),
    (lambda p: replace(p, fitted=[p.fitted[None]] * 3), "the styles are not all fitted"),
    (lambda p: with_styles(p, 0, weights=(2.0,)), "the weight of a style is not between 0 and 1"),
    (lambda p: with_styles(p, 0, colors=[None]), "not tuples"),
    (lambda p: with_styles(p, 0, metrics=()), "the styles differ in number"),
    (lambda p: with_styles(p, 0, weights=(), colors=(), metrics=()), "the styles differ in number"),
    (lambda p: with_styles(p, 0, alignment=1), "are not maps"),
    (lambda p: with_styles(p, 0, colors=(1,)), "are not maps"),
    (lambda p: with_styles(p, 0, metrics=(square(4)[:3],)), "not square and float32"),
    (lambda p: with_styles(p, 0, metrics=(square(4, np.float64),)), "not square and float32"),
    (lambda p: with_styles(p, 0, metrics=(square(9),)), "a metric of codes does not fit its coder"),
    (lambda p: with_styles(p, 0, content_metric=square(9)), "a metric of codes does not fit its coder"),
    (lambda p: with_styles(p, 0, content_metric=None), "the content is not fitted"),
    (lambda p: replace(p, content=None), "the content is not fitted"),
    (lambda p: with_styles(p, colors=(p.fitted[None].alignment,) * 2), "a map of colors does not fit"),
    (lambda p: with_styles(p, alignment=p.fitted[0].alignment), "the alignment does not fit the coders"),
    (lambda p: with_map(p, matrix=p.fitted[None].alignment.matrix * np.nan), "the matrix of a map is not finite"),
    (lambda p: with_map(p, matrix=1), "the matrix of a map is not an array of floats"),
    (lambda p: with_map(p, offset=np.zeros(9)), "the offset of a map does not fit its matrix"),
    (lambda p: with_map(p, matrix=np.zeros((0, 2)), offset=np.zeros(2)), "a map is empty"),
]
OF_ROWS = [
    (lambda p: replace(p, seed=True), "a seed is out of range"),
    (lambda p: replace(p, style=1), "a coder lacks transform or inverse_transform"),
    (lambda p: replace(p, content=1), "a coder lacks transform"),
    (lambda p: replace(p, image_shape=(2, 2)), "the shape of the images does not fit"),
    (lambda p: replace(p, row_alignment=1), "row_alignment is not an alignment"),
    (lambda p: with_rows(p, transport=1), "not a pair of maps"),
    (lambda p: with_rows(p, transport=other_map(p, 5)), "two maps of an alignment of rows have different shapes"),
    (
        lambda p: with_rows(p, transport=other_map(p, 5), to_style_coder=other_map(p, 5)),
        "the alignment of rows does not fit the coders",
    ),
    (lambda p: replace(p, style_moments=1), "style_moments are not arrays"),
    (lambda p: replace(p, style_moments=p.style_moments.to_tensors()), "style_moments are not arrays"),
    (lambda p: with_moments(p, covariance=[[1.0, 0.0], [0.0, 1.0]]), "moments are not arrays"),
    (lambda p: with_moments(p, mean=np.zeros(3)), "a covariance does not fit its mean"),
    (lambda p: with_moments(p, mean=np.zeros(3), covariance=np.eye(3)), "style_moments do not fit the style's coder"),
    (lambda p: with_moments(p, mean=np.zeros(2, np.float32)), "moments are not of double precision"),
    (lambda p: with_moments(p, covariance=np.full((2, 2), np.inf)), "a covariance is not finite"),
]
CASES = [("several-styles", *case) for case in OF_IMAGES] + [("rows-content", *case) for case in OF_ROWS]


@pytest.mark.parametrize(("name", "changed", "reason"), CASES)
def test_a_propagation_that_does_not_agree_is_refused(name, changed, reason, made, path):
    model = copy.deepcopy(made(name)[0])
    model.propagation_ = changed(model.propagation_)
    with pytest.raises(ValueError, match=rf"cannot save StylePropagator[\w.\[\]]*: .*{reason}.*; fit it again"):
        save_model(path, model)


def test_styles_that_do_not_fit_each_other_are_refused(made, path):
    model = copy.deepcopy(made("several-styles")[0])
    model.propagation_.style = [model.propagation_.style[0], grey_patches()]
    with pytest.raises(ValueError, match="Style 0 has patch_size=3 and 3 channels, style 1 3 and 1"):
        save_model(path, model)


@pytest.mark.parametrize(
    ("name", "attribute", "value", "reason"),
    [
        ("rows-content", "propagation_", 1, "propagation_ is of no known mode"),
        ("rows-content", "n_features_in_", 7, "the content codes other rows"),
        ("rows-content", "n_features_in_", 0, "n_features_in_ is not a number of features"),
        ("patches-pca", "images_", (), "images_ is not a list"),
        ("patches-pca", "images_", [np.zeros((2, 9, 3), np.float32)], "which does not fit patch_size"),
        ("patches-pca", "images_", [np.zeros((9, 9, 3))], "which does not fit patch_size"),
        ("patches-pca", "n_channels_", 4, "n_channels_ is out of range"),
        ("patches-pca", "n_channels_", 0, "n_channels_ is out of range"),
        ("patches-pca", "n_features_in_", 26, "do not fit n_features_in_"),
        ("patches-of-rows", "n_features_in_", 7, "transformer_ codes patches of another size"),
        ("patches-pca", "transformer_", 1, "a coder lacks"),
        ("patches-pca", "_sklearn_output_config", {"transform": "x"}, "the configuration of the output is unknown"),
        ("rows-content", "feature_names_in_", np.array(["a"], dtype=object), "the names of the features"),
    ],
)
def test_an_attribute_that_does_not_agree_is_refused(name, attribute, value, reason, made, path):
    model = copy.deepcopy(made(name)[0])
    setattr(model, attribute, value)
    with pytest.raises(ValueError, match=f"cannot save .*{reason}.*; fit it again"):
        save_model(path, model)
