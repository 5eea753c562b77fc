import numpy as np
import torch

from skisp._math.gradients import central_differences


def test_differences_of_a_plane_are_its_slopes_and_half_of_them_at_the_border():
    rows, columns = torch.meshgrid(torch.arange(5.0), torch.arange(7.0), indexing="ij")
    down, across = central_differences(2 * rows - 3 * columns)
    assert down[:, 3].tolist() == [1, 2, 2, 2, 1]
    assert across[2].tolist() == [-1.5, -3, -3, -3, -3, -3, -1.5]


def test_inside_they_are_numpys(rng):
    image = rng.random((6, 8))
    for found, expected in zip(central_differences(torch.from_numpy(image)), np.gradient(image), strict=True):
        assert found.shape == image.shape
        np.testing.assert_allclose(found[1:-1, 1:-1], expected[1:-1, 1:-1], rtol=1e-12)


def test_an_image_of_one_pixel_has_none():
    assert [part.tolist() for part in central_differences(torch.ones(1, 1))] == [[[0.0]], [[0.0]]]
