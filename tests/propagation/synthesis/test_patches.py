"""Patches out of images and images out of patches."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from skisp.propagation.synthesis._patches import PatchGrid, extract_patches, hann_window, overlap_add, patches_at


def random_image(n_channels, height, width):
    return torch.rand(n_channels, height, width, generator=torch.Generator().manual_seed(height * 1000 + width))


def test_a_patch_is_a_row_channel_by_channel():
    image = random_image(3, 6, 8)
    rows = extract_patches(image, 4)
    assert rows.shape == (3 * 5, 3 * 4 * 4)
    torch.testing.assert_close(rows[1 * 5 + 2], image[:, 1:5, 2:6].flatten(), rtol=0, atol=0)


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_patches_at_the_grids_positions_are_the_extracted_ones(stride):
    image = random_image(3, 11, 14)
    rows, columns = torch.meshgrid(torch.arange(0, 8, stride), torch.arange(0, 11, stride), indexing="ij")
    expected = extract_patches(image, 4, stride)
    torch.testing.assert_close(patches_at(image, rows.flatten(), columns.flatten(), 4), expected, rtol=0, atol=0)


@pytest.mark.parametrize("patch_size", [2, 7, 11])
def test_the_window_is_a_raised_cosine_that_ends_outside_of_the_patch(patch_size):
    profile = np.cos(np.pi * (np.arange(patch_size) - (patch_size - 1) / 2) / (patch_size + 1)) ** 2
    np.testing.assert_allclose(hann_window(patch_size), np.outer(profile, profile), atol=1e-6)


@settings(deadline=None, max_examples=40)
@given(
    n_channels=st.sampled_from([1, 3]),
    patch_size=st.integers(2, 7),
    stride=st.integers(1, 7),
    rows=st.integers(1, 6),
    columns=st.integers(1, 6),
)
def test_overlap_add_of_extracted_patches_gives_the_image_back(n_channels, patch_size, stride, rows, columns):
    assume(stride <= patch_size)
    image = random_image(n_channels, (rows - 1) * stride + patch_size, (columns - 1) * stride + patch_size)
    patches = extract_patches(image, patch_size, stride)
    back = overlap_add(lambda some: patches[some], (rows, columns), stride, hann_window(patch_size))
    torch.testing.assert_close(back, image, rtol=0, atol=1e-6)


@settings(deadline=None, max_examples=60)
@given(
    height=st.integers(2, 30),
    width=st.integers(2, 30),
    patch_size=st.integers(2, 9),
    stride=st.integers(1, 4),
)
def test_a_grid_gives_any_image_back_whatever_its_size(height, width, patch_size, stride):
    assume(stride <= patch_size <= min(height, width))
    image = random_image(3, height, width)
    grid = PatchGrid((height, width), patch_size, stride)
    patches = grid.map(torch.clone, image)
    assert len(patches) == grid.shape[0] * grid.shape[1]
    back = grid.assemble(lambda rows: patches[rows], hann_window(patch_size))
    torch.testing.assert_close(back, image, rtol=0, atol=1e-6)


def pixel_weights(grid, window):
    """Total weight of each pixel of the image, summed patch by patch."""
    height, width = ((n - 1) * grid.stride + grid.patch_size for n in grid.shape)
    total = torch.zeros(height, width, dtype=torch.float64)
    for i in range(grid.shape[0]):
        for j in range(grid.shape[1]):
            top, left = i * grid.stride, j * grid.stride
            total[top : top + grid.patch_size, left : left + grid.patch_size] += window
    return total[grid.margin : grid.margin + grid.size[0], grid.margin : grid.margin + grid.size[1]]


@pytest.mark.parametrize("size", [(5, 5), (6, 9), (23, 12), (31, 7)])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_border_pixels_have_the_weight_of_inner_ones(size, stride):
    window = hann_window(5).double()
    grid = PatchGrid(size, 5, stride)
    # On an endless grid a pixel's weight depends on its place relative to the stride only.
    profile = (torch.pi * torch.arange(1, 6).double() / 6).sin().square()
    axes = []
    for side in size:
        positions = torch.arange(side) + grid.margin
        axes.append(torch.stack([profile[position % stride :: stride].sum() for position in positions]))
    torch.testing.assert_close(pixel_weights(grid, window), axes[0][:, None] * axes[1], rtol=1e-6, atol=0)


@pytest.mark.parametrize("size", [(3000, 40), (40, 3000), (7, 900), (7, 7)])
def test_thin_and_smallest_images_are_covered(size):
    image = random_image(3, *size)
    grid = PatchGrid(size, 7, 2)
    patches = grid.map(torch.clone, image)
    back = grid.assemble(lambda rows: patches[rows], hann_window(7))
    torch.testing.assert_close(back, image, rtol=0, atol=1e-6)


def test_padding_continues_by_reflection():
    image = random_image(1, 10, 12)
    grid = PatchGrid((10, 12), 4, 1)
    padded = grid.pad(image)
    torch.testing.assert_close(padded[:, 3:13, 3:15], image, rtol=0, atol=0)
    torch.testing.assert_close(padded[:, 2, 3:15], image[:, 1], rtol=0, atol=0)
    torch.testing.assert_close(padded[:, 3:13, 0], image[:, :, 3], rtol=0, atol=0)


def test_centres_are_those_of_the_patches():
    image = torch.arange(20.0)[None, :, None].expand(1, 20, 20)
    grid = PatchGrid((20, 20), 5, 2)
    rows, columns = grid.centres()
    assert (len(rows), len(columns)) == grid.shape
    centre = grid.map(torch.clone, image).reshape(*grid.shape, 5, 5)[:, 0, 2, 2]
    inside = (rows >= 0) & (rows <= 19)
    torch.testing.assert_close(centre[inside], rows[inside])
