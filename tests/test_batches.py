"""Whatever holds images or paths in order is a batch of them; what does not is refused as what it is."""

import threading
import warnings

import numpy as np
import pandas as pd
import PIL.Image
import polars as pl
import pytest
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline

from skisp import CVAETransformer, PatchTransformer, StylePropagator
from skisp._batches import as_sequence, flatten_images
from skisp.inspection import LatentMapDisplay, ReconstructionDisplay
from skisp.io import ImageReader, read_image, write_image


def objects(items):
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


@pytest.fixture(scope="module")
def stack():
    return np.random.default_rng(0).integers(0, 256, (6, 9, 8, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def paths(stack, tmp_path_factory):
    folder = tmp_path_factory.mktemp("paths")
    for i, image in enumerate(stack):
        write_image(folder / f"{i}.png", image)
    return [str(folder / f"{i}.png") for i in range(len(stack))]


def pillow_images(images):
    return [PIL.Image.fromarray(image) for image in images]


# Of items without numbers of their own: paths, images.
HOLDERS = {
    "list": list,
    "tuple": tuple,
    "array of objects": objects,
    "pandas column": pd.Series,
    "pandas column with another index": lambda items: pd.Series(items, index=range(10, 16)),
    "pandas table of one column": lambda items: pd.DataFrame({"image": items}),
    "array of one column": lambda items: objects(items)[:, None],
}
OF_TEXT = {
    "array": np.array,
    "array of one column": lambda paths: np.array(paths)[:, None],
    "pandas texts": lambda paths: pd.Series(paths, dtype="string"),
    "pandas index": pd.Index,
    "polars column": pl.Series,
    "polars table of one column": lambda paths: pl.DataFrame({"path": paths}),
    "generator": iter,
    "map": lambda paths: map(str, paths),
}


@pytest.mark.parametrize("hold", {**HOLDERS, **OF_TEXT}.values(), ids={**HOLDERS, **OF_TEXT})
def test_paths_are_read_from_whatever_holds_them(hold, paths, stack):
    np.testing.assert_array_equal(ImageReader().transform(hold(paths)), stack)


@pytest.mark.parametrize("hold", HOLDERS.values(), ids=HOLDERS)
@pytest.mark.parametrize(
    "make", [list, lambda stack: [PIL.Image.fromarray(one) for one in stack]], ids=["array", "PIL"]
)
def test_images_are_taken_from_whatever_holds_them(hold, make, stack):
    batch = hold(make(stack))
    for found, image in zip(as_sequence(batch, "X"), stack, strict=True):
        np.testing.assert_array_equal(np.asarray(found), image)
    if np.ndim(batch) != 2 and not hasattr(batch, "columns"):  # a table is one of rows to what takes rows
        rows, shape = flatten_images(batch)
        np.testing.assert_array_equal(rows, stack.reshape(6, -1))
        assert shape == (9, 8, 3)


@pytest.mark.parametrize("style", [PCA(3), CVAETransformer(3, hidden_layer_sizes=(4,), max_iter=1)])
def test_lists_of_equal_images_are_rows_to_a_propagator_and_to_its_style(style, stack):
    pictures = []
    for make in (np.asarray, list, pillow_images):
        propagator = StylePropagator(style=style, style_images=make(stack[3:]), random_state=0)
        pictures.append(propagator.fit(make(stack)).transform(make(stack)))
        assert pictures[-1].shape == stack.shape
        np.testing.assert_array_equal(pictures[-1], pictures[0])


@pytest.mark.parametrize(
    ("last", "message"),
    [
        (
            np.zeros((8, 8, 3), np.uint8),
            r"image 1 of X has shape \(8, 8, 3\) .* image 0 \(9, 8, 3\).*Crop",
        ),
        (np.zeros((9, 8), np.uint8), r"image 1 of X has shape \(9, 8\) and"),
        (np.zeros((9, 8, 3)), r"image 1 of X has shape \(9, 8, 3\) and dtype float64, image 0 \(9, 8, 3\) and uint8"),
    ],
)
def test_unequal_images_are_no_rows(stack, last, message):
    for estimator in (CVAETransformer(), StylePropagator(style=PCA(2), style_images=stack)):
        with pytest.raises(ValueError, match=message):
            estimator.fit([stack[0], last])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (iter, TypeError, r"X is a list_iterator, which can be read once only; make it a list: list\(X\)"),
        (lambda images: (one for one in images), TypeError, r"X is a generator, .* make it a list"),
        (lambda images: dict(enumerate(images)), TypeError, "got dict"),
        (lambda images: {1, 2}, TypeError, "got set"),
        (
            lambda images: PIL.Image.fromarray(images[0]),
            TypeError,
            r"got Image. Put an image in a list: \[image",
        ),
        (lambda images: pd.DataFrame({"a": images, "b": images}), ValueError, "X has 2 columns; give the one"),
        (lambda images: np.array([one.tolist() for one in images], object), TypeError, "image 0 of X has dtype object"),
    ],
)
def test_what_is_no_batch_is_refused_as_what_it_is(stack, make, error, message):
    with pytest.raises(error, match=message):
        as_sequence(make(list(stack)), "X") if "2 columns" in message else PatchTransformer(PCA(2)).fit(
            make(list(stack))
        )


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, bool])
def test_a_grey_image_alone_is_no_table_of_patches(stack, dtype):
    grey = stack[0, ..., 0].astype(dtype)
    with pytest.raises(ValueError, match=r"single grey image, of shape \(9, 8\) .* put it in a list: \[image\]"):
        PatchTransformer(PCA(2)).fit(grey)
    coder = PatchTransformer(PCA(2), patch_size=3, max_patches=50).fit([grey])
    for X in (grey, grey.astype(float)):
        with pytest.raises(ValueError, match=r"single image of shape \(9, 8\); put it in a list"):
            StylePropagator(style=coder).fit(X)


def test_style_images_are_named_as_such(paths, stack):
    for bad, message in (
        ([paths[0], "gone.png"], r"item 1 of style_images: cannot read gone.png"),
        (
            [stack[0], None],
            r"item 1 of style_images: expected a path, .* or an array of numbers, got NoneType",
        ),
        ([], "style_images holds no images"),
        ([stack[0].astype(object)], r"item 0 of style_images: .*, got an array of dtype object"),
    ):
        with pytest.raises((OSError, TypeError, ValueError), match=message):
            StylePropagator(style=PatchTransformer(PCA(2)), style_images=bad).fit([stack[0]])


def test_columns_with_names_are_fitted_and_coded_without_a_warning():
    rng = np.random.default_rng(0)
    table, style = (pd.DataFrame(rng.random((30, 4)), columns=list("abcd")) for _ in range(2))
    small = {"hidden_layer_sizes": (4,), "max_iter": 1, "random_state": 0}
    cvae = CVAETransformer(2, **small).fit(style)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert cvae.interpolate(table.iloc[0], table.iloc[1], 3).shape == (3, 4)
        ReconstructionDisplay.from_estimator(cvae, table)
        LatentMapDisplay.from_estimator(cvae, table)
        for parameters in (
            {"style": PCA(2), "style_images": style, "content": PCA(2)},
            {"style": PCA(2).fit(style), "content": PCA(3).fit(table)},
            {"style": cvae},
            {"style": make_pipeline(PCA(3), PCA(2)).fit(style), "style_images": style},
        ):
            propagator = StylePropagator(**parameters, random_state=0).fit(table)
            assert propagator.transform(table).shape == (30, 4)
            assert 0 <= propagator.score(table) <= 1


def test_columns_in_another_order_are_refused():
    table = pd.DataFrame(np.random.default_rng(0).random((30, 3)), columns=list("abc"))
    with pytest.raises(ValueError, match=r"X has the columns c, b, a, but its coder was fitted on a, b, c"):
        StylePropagator(style=PCA(2).fit(table), style_images=table).fit(table[["c", "b", "a"]])


def test_reading_on_threads_leaves_the_filters_of_warnings_as_they_were(paths):
    before = list(warnings.filters)

    def read():
        for _ in range(60):
            read_image(paths[0])

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.filters == before


@pytest.mark.parametrize("n", [2.5, np.nan, "3", None])
def test_numbers_of_points_and_samples_are_whole(n, stack):
    cvae = CVAETransformer(2, hidden_layer_sizes=(4,), max_iter=1, random_state=0).fit(stack)
    with pytest.raises(TypeError, match="n_samples must be an instance of int"):
        cvae.sample(n)
    with pytest.raises(TypeError, match="n_points must be an instance of int"):
        cvae.interpolate(stack[0], stack[1], n)
