"""After the synthesis: structure of the content."""

import pytest
import torch
from torch.nn import functional

from skisp.propagation.synthesis._postprocess import mix_structure


def texture(height=40, width=52, seed=0):
    """Smooth and fine noise in [0.25, 0.75]."""
    generator = torch.Generator().manual_seed(seed)
    coarse = functional.interpolate(torch.rand(1, 3, 6, 6, generator=generator), size=[height, width], mode="bilinear")
    return 0.25 + 0.3 * coarse[0] + 0.2 * torch.rand(3, height, width, generator=generator)


@pytest.mark.parametrize(("structure", "expected"), [(0.0, 0.3), (0.5, 0.65), (1.0, 1.0)])
def test_the_share_of_the_content_follows_its_structure(structure, expected):
    picture, recolored = texture(seed=1), texture(seed=2)
    mixed = mix_structure(picture, recolored, torch.full((1, 40, 52), structure), 0.4)
    torch.testing.assert_close(mixed, torch.lerp(picture, recolored, 0.4 * expected))


def test_a_share_of_nothing_leaves_the_picture():
    picture = texture(seed=1)
    mixed = mix_structure(picture, texture(seed=2), torch.rand(1, 40, 52), 0.0)
    torch.testing.assert_close(mixed, picture)
