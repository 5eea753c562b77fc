"""Laplacian bands add up to their image again."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from skisp._math.bands import laplacian_bands


def halvings(image, n):
    """The means of 2 x 2 pixels, made as they are asked for."""
    yield image
    for _ in range(n - 1):
        image = (image[::2, ::2] + image[1::2, ::2] + image[::2, 1::2] + image[1::2, 1::2]) / 4
        yield image


def expand(coarse, fine):
    if isinstance(coarse, torch.Tensor):
        return functional.interpolate(coarse[None, None], size=fine.shape, mode="bilinear")[0, 0]
    return coarse.repeat(2, axis=0).repeat(2, axis=1)


KINDS = pytest.mark.parametrize("of_kind", [np.asarray, torch.from_numpy], ids=["array", "tensor"])


@KINDS
@pytest.mark.parametrize("n_levels", [1, 2, 4])
def test_bands_and_the_remainder_add_up_to_the_image(rng, of_kind, n_levels):
    image = of_kind(rng.random((32, 48)))
    bands, remainder = laplacian_bands(halvings(image, n_levels), expand)
    assert [tuple(band.shape) for band in bands] == [(32 >> i, 48 >> i) for i in range(n_levels - 1)]
    for band in reversed(bands):
        remainder = expand(remainder, band) + band
    np.testing.assert_allclose(remainder, image, rtol=1e-12)


@KINDS
def test_bands_are_the_differences_bit_for_bit_and_levels_stay_as_they_are(rng, of_kind):
    levels = list(halvings(of_kind(rng.random((16, 16), dtype=np.float32)), 3))
    copies = [np.asarray(level).copy() for level in levels]
    bands, remainder = laplacian_bands(levels, expand)
    for band, fine, coarse in zip(bands, levels, levels[1:], strict=False):
        np.testing.assert_array_equal(band, fine - expand(coarse, fine))
    assert remainder is levels[-1]
    assert all(np.array_equal(level, copy) for level, copy in zip(levels, copies, strict=True))


def test_a_band_takes_the_memory_of_the_expanded_level(rng):
    made = []

    def remember(coarse, fine):
        made.append(expand(coarse, fine))
        return made[-1]

    bands, _ = laplacian_bands(halvings(torch.from_numpy(rng.random((16, 16))), 3), remember)
    assert [band.data_ptr() for band in bands] == [expanded.data_ptr() for expanded in made]
