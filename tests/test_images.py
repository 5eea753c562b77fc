"""Images of any layout go in and come back; what is no image is refused with the cure."""

from pathlib import Path

import numpy as np
import pytest

from skisp._images import as_images, to_channels

CHANNELS = [(), (1,), (2,), (3,), (4,)]
DTYPES = ["u1", "<u2", ">u2", "?", "f2", "<f4", ">f4", "f8"]


def picture(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    if dtype.kind == "u":
        return rng.integers(0, np.iinfo(dtype).max, size=shape, endpoint=True).astype(dtype)
    return rng.random(shape) < 0.5 if dtype.kind == "b" else rng.random(shape).astype(dtype)


def unit(array):
    """Values in [0, 1], in float64."""
    array = np.asarray(array)
    return array / np.iinfo(array.dtype).max if array.dtype.kind == "u" else array.astype(np.float64)


def assert_equal_images(found, expected):
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype.newbyteorder("=")  # the bytes come back in the machine's order
    if expected.dtype.kind == "f":
        np.testing.assert_allclose(found.astype(float), expected.astype(float), rtol=1e-6)
    else:
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", CHANNELS, ids=["grey", "grey1", "LA", "RGB", "RGBA"])
@pytest.mark.parametrize("stacked", [False, True], ids=["list", "stacked"])
def test_every_layout_goes_in_as_unit_floats_and_comes_back_as_it_was(dtype, channels, stacked):
    batch = picture((3, 6, 5, *channels), dtype)
    X = batch if stacked else list(batch)
    images, layout = as_images(X)
    n_channels = 3 if channels in [(3,), (4,)] else 1
    for image, original in zip(images, batch, strict=True):
        assert image.shape == (6, 5, n_channels)
        assert image.dtype == np.float32
        assert image.flags.c_contiguous
        values = unit(original).reshape(6, 5, -1)
        seen = values[..., -1] >= 0.5 / 255 if channels in [(2,), (4,)] else np.ones((6, 5), bool)
        np.testing.assert_allclose(image[seen], values[seen][:, :n_channels], atol=1e-6)
    restored = layout.restore(images)
    assert isinstance(restored, np.ndarray if stacked else list)
    for found, original in zip(restored, batch, strict=True):
        assert_equal_images(found, original)


@pytest.mark.parametrize("dtype", ["u1", "<u2", ">u2"])
def test_every_level_of_an_integer_comes_back(dtype):
    levels = np.arange(np.iinfo(dtype).max + 1, dtype=dtype).reshape(16, -1)
    images, layout = as_images([levels])
    assert images[0].min() == 0
    assert images[0].max() == 1
    np.testing.assert_array_equal(layout.restore(images)[0], levels)


def test_a_list_may_mix_sizes_layouts_and_dtypes():
    X = [
        picture((4 + i, 9 - i, *channels), dtype)
        for i, (channels, dtype) in enumerate(zip(CHANNELS, DTYPES[:5], strict=True))
    ]
    images, layout = as_images(X)
    for found, original in zip(layout.restore(images), X, strict=True):
        assert_equal_images(found, original)


def test_colour_comes_back_grey_where_grey_went_in_and_grey_as_colour():
    _, grey = as_images([picture((4, 5), "u1")])
    _, rgb = as_images([picture((4, 5, 3), "u1")])
    red = np.zeros((4, 5, 3), dtype=np.float32)
    red[..., 0] = 1
    assert grey.restore([red])[0].tolist() == [[76] * 5] * 4  # 0.299 * 255, as Pillow's convert("L")
    assert rgb.restore([np.full((4, 5, 1), 0.2, dtype=np.float32)])[0].tolist() == [[[51] * 3] * 5] * 4


def test_results_of_another_size_take_their_own_where_there_is_no_alpha():
    _, layout = as_images([picture((4, 5, 3), "u1")])
    assert layout.restore([np.zeros((8, 6, 3), dtype=np.float32)])[0].shape == (8, 6, 3)


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4", "f8"])
def test_results_beyond_the_range_are_clipped_and_rounded_not_wrapped(dtype):
    _, layout = as_images([np.zeros((1, 3), dtype=dtype)])
    top = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1
    restored = layout.restore([np.array([-0.5, 0.4999, 1.5], dtype=np.float32).reshape(1, 3, 1)])[0]
    assert restored[0, 0] == 0
    assert restored[0, 2] == top
    assert restored[0, 1] == (np.rint(0.4999 * top) if top > 1 else np.float32(0.4999))


def test_the_original_is_neither_changed_nor_shared():
    for dtype in DTYPES:
        X = picture((2, 4, 5, 3), dtype)
        kept = X.copy()
        images, _ = as_images(X)
        assert not any(np.shares_memory(image, X) for image in images)
        images[0][:] = 0
        np.testing.assert_array_equal(X, kept)


def test_read_only_strided_and_mapped_images_are_images(tmp_path):
    X = picture((2, 8, 9, 3), "u1")
    expected, _ = as_images(X)
    np.save(tmp_path / "images.npy", X)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    for stored in (mapped, np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2]):
        images, layout = as_images(stored)
        np.testing.assert_array_equal(images, expected)
        np.testing.assert_array_equal(layout.restore(images), X)


def test_channels_convert_both_ways():
    grey = picture((4, 5, 1), "f4")
    rgb = to_channels(grey, 3)
    assert rgb.shape == (4, 5, 3)
    np.testing.assert_allclose(to_channels(rgb, 1), grey, rtol=1e-6)
    assert to_channels(grey, 1) is grey


ONE = np.zeros((4, 5))


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ([], ValueError, r"holds no images; expected at least one"),
        (np.zeros((0, 4, 5)), ValueError, r"holds no images; expected at least one"),
        (np.zeros((30, 40)), ValueError, r"single image of shape \(30, 40\); put it in a list: \[image\]"),
        (np.zeros((30, 40, 1)), ValueError, r"put it in a list: \[image\]"),
        (np.zeros((30, 40, 2)), ValueError, r"put it in a list: \[image\]"),
        (np.zeros((30, 40, 3)), ValueError, r"put it in a list: \[image\]"),
        (np.zeros((30, 40, 4)), ValueError, r"put it in a list: \[image\]"),
        (np.zeros(3), ValueError, r"expected \(n, H, W\) or \(n, H, W, C\)"),
        (np.zeros((2, 3, 4, 5, 6)), ValueError, r"expected \(n, H, W\) or \(n, H, W, C\)"),
        (np.zeros((2, 4, 5, 7)), ValueError, r"image 0 of X has shape \(4, 5, 7\); .* 3 \(RGB\) or 4"),
        (np.zeros((2, 4, 5, 0)), ValueError, r"expected \(H, W\), or \(H, W, C\)"),
        ([ONE, np.zeros((5, 4, 5))], ValueError, r"image 1 of X has shape \(5, 4, 5\); .* 3 \(RGB\) or 4"),
        ([ONE, np.zeros(4)], ValueError, r"image 1 of X has shape \(4,\); expected \(H, W\)"),
        ([ONE, 3.0], ValueError, r"image 1 of X has shape \(\); expected \(H, W\)"),
        ([ONE, None], ValueError, r"image 1 of X has shape \(\); expected \(H, W\)"),
        ([ONE, np.zeros((0, 5))], ValueError, r"image 1 of X is empty: shape \(0, 5\)"),
        ([ONE, np.full((4, 5), np.nan)], ValueError, r"image 1 of X contains NaN or infinite .* remove or fill"),
        ([np.full((4, 5), np.inf)], ValueError, r"contains NaN or infinite values; remove or fill"),
        ([np.full((4, 5), -np.inf, dtype=np.float32)], ValueError, r"contains NaN or infinite values; remove"),
        ([ONE, 255 * (1 + ONE)], ValueError, r"float values from 255 to 255; .* Divide by 255, or pass uint8"),
        ([ONE - 1], ValueError, r"from -1 to -1; floats must lie in \[0, 1\]"),
        (
            [ONE.astype(np.int64)],
            TypeError,
            r"has dtype int64; .* from 0 to 255 with .astype\(np.uint8\), 0 and 1 with .astype\(bool\)",
        ),
        ([[[0, 1], [1, 0]]], TypeError, r"has dtype int64; .* Convert it"),
        ([ONE.astype(np.int8)], TypeError, r"has dtype int8"),
        ([ONE.astype(complex)], TypeError, r"has dtype complex128"),
        ([np.full((4, 5), "a")], TypeError, r"has dtype <U1"),
        ("photo.jpg", TypeError, r"got str. Read files first, for instance with skisp.ImageReader"),
        (Path("photo.jpg"), TypeError, r"Path. Read files first, for instance with skisp.ImageReader"),
        (["photo.jpg"], TypeError, r"image 0 of X is a path, 'photo.jpg'. Read files first"),
        ([ONE, Path("photo.jpg")], TypeError, r"image 1 of X is a path, .* skisp.ImageReader"),
        (np.array(["photo.jpg"]), TypeError, r"image 0 of X is a path, .* skisp.ImageReader"),
        (np.array(["photo.jpg"], dtype=object), TypeError, r"image 0 of X is a path, .* skisp.ImageReader"),
        (iter([ONE]), TypeError, r"is a list_iterator, which can be read once only"),
        (None, TypeError, r"got NoneType"),
    ],
)
def test_what_is_no_batch_of_images_is_refused_with_the_cure(X, error, message):
    with pytest.raises(error, match=message):
        as_images(X)


def test_as_many_results_as_images_are_expected():
    images, layout = as_images([ONE, ONE])
    with pytest.raises(ValueError, match="zip"):
        layout.restore(images[:1])
