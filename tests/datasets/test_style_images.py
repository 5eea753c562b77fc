"""What holds for the pictures of make_style_image."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from skisp._images import Image
from skisp.datasets import STYLE_KINDS, make_style_image

every_kind = pytest.mark.parametrize("kind", STYLE_KINDS)


@cache
def _picture(kind: str, seed: int = 0) -> Image:
    return make_style_image(kind, size=128, random_state=seed)


def _is_picture(image: Image, height: int, width: int) -> bool:
    return image.shape == (height, width, 3) and image.dtype == np.float32 and 0 <= image.min() <= image.max() <= 1


@every_kind
def test_is_a_float32_colour_image_in_the_unit_range(kind: str) -> None:
    assert _is_picture(_picture(kind), 128, 128)
    assert _picture(kind).flags.c_contiguous


@every_kind
def test_a_seed_and_a_random_state_of_it_give_one_picture_and_leave_the_global_state_alone(kind: str) -> None:
    expected = _picture(kind)
    np.random.seed(0)
    again = make_style_image(kind, size=(128, 128), random_state=np.random.RandomState(0))
    np.testing.assert_array_equal(again, expected)
    after = np.random.uniform()
    np.random.seed(0)
    assert after == np.random.uniform()


@every_kind
@pytest.mark.filterwarnings("error")
@settings(max_examples=1, deadline=None)
@example(8, 8, 0)
@given(st.integers(8, 70), st.integers(8, 70), st.integers(0, 2**32 - 1))
def test_any_size_and_any_seed_give_a_picture_without_warnings(kind: str, height: int, width: int, seed: int) -> None:
    assert _is_picture(make_style_image(kind, size=(height, width), random_state=seed), height, width)


@every_kind
def test_a_larger_picture_is_the_same_one_rendered_finer(kind: str) -> None:
    # 384 is beyond the size from which soft-edged kinds are rendered once, not averaged.
    larger = make_style_image(kind, size=384, random_state=0)
    smaller = larger.reshape(128, 3, 128, 3, 3).mean(axis=(1, 3))
    # Measured: below 0.007; another picture of the kind differs by more than 0.04 even when blurred.
    blurred = [ndimage.gaussian_filter(image, (3, 3, 0)) for image in (smaller, _picture(kind))]
    assert np.abs(blurred[0] - blurred[1]).mean() < 0.015


@pytest.mark.parametrize("kind", ["watercolour", "", "Mosaic"])
def test_an_unknown_kind_is_rejected_with_the_known_ones(kind: str) -> None:
    with pytest.raises(ValueError, match=f"Unknown kind of style image '{kind}'") as error:
        make_style_image(kind)
    assert all(repr(known) in str(error.value) for known in STYLE_KINDS)


@pytest.mark.parametrize("size", [7, (8, 7), (8, 8, 3), 32.0, (32, 32.5), (), "large", None, True])
def test_a_wrong_size_is_rejected(size: Any) -> None:
    with pytest.raises(ValueError, match="size must be"):
        make_style_image("woodcut", size=size)


def test_numpy_integers_are_sizes() -> None:
    assert make_style_image("halftone", size=np.int64(16), random_state=0).shape == (16, 16, 3)
    assert make_style_image("halftone", size=np.array([16, 24]), random_state=0).shape == (16, 24, 3)
